//! What goes wrong in a day, and how often.

use std::fmt;

use mercato::{CallKind, Fault};
use mercato_tests::stripe::Account;
use rand::RngExt as _;

use super::Life;
use super::scheduler::Trouble;

/// Chances are drawn out of so many.
pub(super) const CHANCES: u32 = 10_000;

/// Where payments hands over its events on a hosted platform.
const ORDERS: &str = "http://orders-api.spin.internal";

impl Life {
    /// A customer's bank does not take a refund that was made before.
    pub(super) fn fail_refund(&mut self) {
        let standing = self.at_provider(|account| account.standing_refunds());
        if let Some(refund) = self.pick(&standing) {
            self.trouble(("refund fails", refund));
            self.at_provider(|account| account.fail_refund(refund));
        }
    }

    /// The money of a debit arrives, or does not.
    pub(super) fn settle_debit(&mut self) {
        let under_way = self.at_provider(|account| account.sessions_under_way());
        if let Some((session, _)) = self.pick(&under_way) {
            let has_come = self.dice.random_range(0..3) > 0;
            self.note(("debit settled", session, has_come));
            self.at_provider(|account| account.settle(session, has_come));
        }
    }

    /// A customer pays once more for what is paid.
    pub(super) fn charge_again(&mut self) {
        let paid = self.at_provider(|account| account.paid_sessions());
        if let Some(session) = self.pick(&paid) {
            self.trouble(("charged again", session));
            self.at_provider(|account| account.charge_again(session));
        }
    }

    /// A customer's bank asks about a charge.
    pub(super) fn open_dispute(&mut self) {
        let charges = self.at_provider(|account| account.undisputed_charges());
        if let Some(charge) = self.pick(&charges) {
            self.trouble(("dispute", charge));
            self.at_provider(|account| account.open_dispute(charge));
        }
    }

    /// A customer's bank decides.
    pub(super) fn end_dispute(&mut self) {
        let open: Vec<String> = self.at_provider(|account| {
            let open = account.disputes().iter();
            let open = open.filter(|dispute| dispute.ended.is_none());
            open.map(|dispute| dispute.id.clone()).collect()
        });
        if let Some(dispute) = self.pick(&open) {
            let ends = ["won", "lost", "warning_closed"];
            let end = ends[self.dice.random_range(0..ends.len())];
            self.note(("dispute ended", dispute, end));
            self.at_provider(|account| account.end_dispute(dispute, end));
        }
    }

    /// One of several, if there are any.
    fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        (!among.is_empty()).then(|| &among[self.dice.random_range(0..among.len())])
    }

    fn at_provider<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        self.town.scheduler.at_provider(act)
    }

    fn trouble(&mut self, what: impl fmt::Debug) {
        self.outcome.troubles += 1;
        self.note(what);
    }

    pub(super) fn is_hit(&mut self, chances: u32) -> bool {
        self.is_troubled && self.dice.random_range(0..CHANCES) < chances
    }

    pub(super) fn draw_fault(&mut self, kind: CallKind, detail: &str) -> (Fault, Trouble) {
        let fail = |reason: &str| (Fault::Fail(reason.to_owned()), Trouble::None);
        match kind {
            CallKind::Sqlite => {
                let (chances, reason) = match verb(detail) {
                    "BEGIN" => (150, "database is locked"),
                    "COMMIT" => (50, "database or disk is full"),
                    "ROLLBACK" => (0, ""),
                    "SELECT" => (10, "disk I/O error"),
                    _ => (40, "database or disk is full"),
                };
                if self.is_hit(chances) {
                    return fail(reason);
                }
            }
            CallKind::Publish if self.is_hit(500) => return fail("connection refused"),
            // It reaches another component of the shop, or nobody.
            CallKind::Http if detail.contains(ORDERS) && self.is_hit(500) => {
                return fail("connection refused");
            }
            CallKind::Http if !detail.contains(ORDERS) && self.is_hit(2_500) => {
                let troubles = [
                    Trouble::Lost,
                    Trouble::AnswerLost,
                    Trouble::AnswerLate,
                    Trouble::AnswerLate,
                    Trouble::Broken,
                ];
                let drawn = self.dice.random_range(0..troubles.len());
                return (Fault::Pass, troubles[drawn]);
            }
            CallKind::Sleep => return (Fault::Pretend, Trouble::None),
            _ => {}
        }
        (Fault::Pass, Trouble::None)
    }

    pub(super) fn draw_trouble_of_request(&mut self) -> Trouble {
        if !self.is_hit(300) {
            Trouble::None
        } else if self.dice.random_range(0..2) == 0 {
            Trouble::Lost
        } else {
            Trouble::AnswerLost
        }
    }

    /// The shop stops dead, perhaps just after the call at that place, and is started again on what was committed.
    pub(super) async fn crash(&mut self, last: Option<usize>) {
        self.outcome.crashes += 1;
        self.town.is_down.set(true);
        let scheduler = self.town.scheduler.clone();
        if let Some(last) = last {
            // Its component comes as far as to its next call, which does not happen any more.
            self.note(("crash after", &scheduler.waiting()[last]));
            scheduler.let_go(last, Fault::Pass, Trouble::None);
            self.quiet.wait().await;
        } else {
            self.note("crash");
        }
        scheduler.crash();
        self.town.crash.notify_waiters();
        self.quiet.wait().await;
        self.town.shop.forget();
        scheduler.recover();
        self.town.is_down.set(false);
    }
}

/// The first word of a statement, as a component's call has it.
pub(super) fn verb(detail: &str) -> &str {
    let statement = detail.split(": ").nth(1).unwrap_or_default();
    statement.split(' ').next().unwrap_or_default()
}
