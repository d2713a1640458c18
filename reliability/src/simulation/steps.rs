//! The next thing that happens in a day.

use std::rc::Rc;
use std::time::Duration;

use mercato::{CallKind, Fault};
use mercato_tests::stripe::Account;
use rand::RngExt as _;
use tokio::task::spawn_local;

use super::scheduler::{Trouble, What};
use super::troubles::{CHANCES, verb};
use super::{Life, TIMED};
use crate::plan::LONG_PAUSE;
use crate::world::RESERVATION_TTL_SECONDS;

/// Chances in [`CHANCES`] for each step.
const CRASH: u32 = 10;
const TIMER: u32 = 40;
const SHORT_JUMP: u32 = 200;
const LONG_JUMP: u32 = 20;
const EXPIRY_JUMP: u32 = 2;
const REFUND_FAILURE: u32 = 8;
const DEBIT_SETTLED: u32 = 6;
const SECOND_CHARGE: u32 = 4;
const DISPUTE_OPENED: u32 = 6;
const DISPUTE_ENDED: u32 = 6;

/// The same for each statement that writes: crashes that matter happen there.
const CRASH_AFTER_WRITE: u32 = 90;

impl Life {
    /// The next thing that happens.
    pub(super) async fn step(&mut self) {
        self.quiet.wait().await;
        self.errands.retain(|errand| !errand.is_finished());
        self.send_webhooks();
        self.town.record.borrow_mut().step();
        let mut drawn = self.dice.random_range(0..CHANCES);
        let mut is = |chances: u32| {
            let hit = drawn < chances;
            drawn = drawn.wrapping_sub(chances);
            hit
        };
        let troubled = self.is_troubled;
        if is(CRASH) && troubled {
            self.crash(None).await;
        } else if is(TIMER) {
            self.fire_timer();
        } else if is(SHORT_JUMP) && troubled {
            self.pass_time(10..2_000);
        } else if is(LONG_JUMP) && troubled {
            self.pass_time(2_000..60_000);
        } else if is(EXPIRY_JUMP) && troubled {
            let expiry_ms = RESERVATION_TTL_SECONDS * 1_000;
            self.pass_time(expiry_ms / 2..expiry_ms * 3);
        } else if is(REFUND_FAILURE) && troubled {
            self.fail_refund();
        } else if is(DEBIT_SETTLED) && troubled {
            self.settle_debit();
        } else if is(SECOND_CHARGE) && troubled {
            self.charge_again();
        } else if is(DISPUTE_OPENED) && troubled {
            self.open_dispute();
        } else if is(DISPUTE_ENDED) && troubled {
            self.end_dispute();
        } else {
            self.let_something_happen().await;
        }
    }

    pub(super) fn pass_time(&mut self, range_ms: std::ops::Range<u64>) {
        let by_ms = self.dice.random_range(range_ms);
        self.note(("time", by_ms));
        self.town.clock.advance(Duration::from_millis(by_ms));
        self.town.scheduler.at_provider(Account::expire_sessions);
    }

    fn fire_timer(&mut self) {
        if let Some(cron) = &self.cron {
            self.errands.push(spawn_local(cron.clone().run()));
            return self.note("cron");
        }
        let component = TIMED[self.dice.random_range(0..TIMED.len())];
        self.note(("timer", component));
        let town = Rc::clone(&self.town);
        self.errands.push(spawn_local(async move {
            town.shop.fire_timer(component).await;
        }));
    }

    fn send_webhooks(&mut self) {
        for event in self.town.scheduler.at_provider(Account::take_events) {
            let again = self.is_troubled && self.dice.random_range(0..6) == 0;
            let delivery = Rc::clone(&self.town).deliver(event, again);
            self.errands.push(spawn_local(delivery));
        }
    }

    /// One of those who wait has its turn, or a message of Redis arrives.
    async fn let_something_happen(&mut self) {
        let waiting = self.town.scheduler.waiting();
        let messages = self.town.scheduler.messages();
        let is_at_rest = messages == 0 && waiting.iter().all(is_rest);
        let ready: Vec<usize> = (0..waiting.len())
            .filter(|index| match &waiting[*index] {
                What::Rest => is_at_rest,
                what => self.is_ready(what),
            })
            .collect();
        let choices = ready.len() + messages;
        if choices == 0 {
            return self.fire_timer();
        }
        let chosen = self.dice.random_range(0..choices);
        match ready.get(chosen) {
            Some(index) if writes(&waiting[*index]) && self.is_hit(CRASH_AFTER_WRITE) => {
                self.crash(Some(*index)).await;
            }
            Some(index) => self.let_go(*index, &waiting[*index]),
            None => self.carry_message(chosen - ready.len()),
        }
    }

    /// Limits on how long something takes come last, mostly.
    fn is_ready(&mut self, what: &What) -> bool {
        match what {
            What::Call(CallKind::Sleep, _) if pause(what) >= LONG_PAUSE => {
                self.is_troubled && self.dice.random_range(0..200) == 0
            }
            _ => true,
        }
    }

    fn let_go(&mut self, index: usize, what: &What) {
        let (fault, trouble) = match what {
            What::Call(kind, detail) => self.draw_fault(*kind, detail),
            What::Request(_) | What::Webhook(_) => (Fault::Pass, self.draw_trouble_of_request()),
            What::Answer | What::Rest => (Fault::Pass, Trouble::None),
        };
        if matches!(what, What::Call(CallKind::Sleep, _)) {
            self.town.clock.advance(pause(what));
        } else if fault != Fault::Pass || trouble != Trouble::None {
            self.outcome.troubles += 1;
        }
        self.note((what, &fault, trouble));
        self.town.scheduler.let_go(index, fault, trouble);
    }

    fn carry_message(&mut self, index: usize) {
        let message = self.town.scheduler.take_message(index);
        let drawn = if self.is_troubled {
            self.dice.random_range(0..10)
        } else {
            u32::MAX
        };
        self.note((
            &message.channel,
            String::from_utf8_lossy(&message.payload),
            drawn,
        ));
        // One in ten is lost, and one in ten comes again later.
        if drawn < 2 {
            self.outcome.troubles += 1;
        }
        if drawn > 0 {
            self.town.shop.deliver(&message.channel, &message.payload);
        }
        if drawn == 1 {
            self.town.scheduler.put_message(message);
        }
    }
}

/// Whether it is a statement that changes a database, or ends a transaction.
fn writes(what: &What) -> bool {
    let What::Call(CallKind::Sqlite, detail) = what else {
        return false;
    };
    ["INSERT", "UPDATE", "DELETE", "COMMIT"].contains(&verb(detail))
}

/// Whether nothing comes of it unless time goes by: somebody who rests, or a limit on how long something takes.
fn is_rest(what: &What) -> bool {
    match what {
        What::Rest => true,
        What::Call(CallKind::Sleep, _) => pause(what) >= LONG_PAUSE,
        _ => false,
    }
}

/// How long a pause is.
fn pause(what: &What) -> Duration {
    let What::Call(_, detail) = what else {
        return Duration::ZERO;
    };
    let nanoseconds = detail.rsplit(' ').next().unwrap_or_default();
    Duration::from_nanos(nanoseconds.parse().unwrap_or_default())
}
