//! Keeps orders going without a customer waiting: expires reservations, resumes what a crash interrupted, fetches events
//! that never arrived, removes what is old. A run goes on while there is work, until its time is over; what remains is due
//! at the next one. It looks before it writes: with nothing to do it writes nothing.
//!
//! What is due at the same time is ended together, in transactions that are short because their number of orders is
//! bounded, not their number in a run: one account can make orders as fast as it likes, and they are given back faster.

use mercato_kernel::OrderId;
use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::commands::apply_payment_event;
use crate::application::locks;
use crate::application::saga::cancel::{self, Outcome};
use crate::application::saga::{pending_actions, place};
use crate::application::{INBOX_KEPT_MS, INTERRUPTED, KEY_KEPT_MS, RESUME_AFTER_MS};
use crate::domain::{BACK_OFF, Cancellation, DAY_MS, OrderError, OrderStatus, Saga, Step};
use crate::ports::{Inventory, Payments, Ports, Store};
use crate::store::{PurgeTimes, Records};

/// How long a run begins anything new, in milliseconds: a slow provider must not keep the events waiting that the run
/// applies after the orders.
pub const SWEEP_TIME_MS: u64 = 1_500;

/// Orders resumed together at first: as many as payments ends sessions of at a time.
pub const ORDERS_AT_FIRST: u32 = 8;

/// Most orders resumed together. A transaction about so many keeps other writers waiting for some milliseconds.
pub const ORDERS_TOGETHER_MAX: u32 = 32;

/// When orders took so long together, in milliseconds, the next ones are not more.
const QUICK_MS: u64 = 100;

/// So often an order is resumed together with others. One that still fails is resumed alone: it may be what makes them
/// fail.
const TRIES_TOGETHER: u32 = 2;

/// Events fetched at a time.
pub const EVENTS_AT_A_TIME: u32 = 50;

/// Old things removed in one run, of each kind. They are removed by one transaction.
pub const PURGED_PER_SWEEP: u32 = 200;

/// An event that is not acknowledged after this time has got lost on its way, in milliseconds.
pub const EVENT_OVERDUE_AFTER_MS: u32 = 3_000;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Orders cancelled because their reservation expired.
    pub expired: u32,
    /// Orders found half-way and finished or cancelled.
    pub resumed: u32,
    /// Payment events fetched and applied.
    pub events_applied: u32,
    /// Whether there may be more to do at once.
    pub more: bool,
}

/// Does nothing when the last run that found work is younger than `min_interval_ms`, or when somebody else writes; with 0
/// it waits for them.
///
/// # Errors
/// When the orders database or the outbox cannot be used. A single order that fails is logged and tried again later,
/// after a pause that doubles every time. When a database cannot be used, the other orders, or pending actions, are left for
/// the next run: each would wait for it as long. Events are all applied: what one of them cannot reach, another may not need.
pub async fn handle(ports: &impl Ports, min_interval_ms: u32) -> Result<SweepReport, OrderError> {
    let mut run = Run::begin(ports, min_interval_ms);
    if run.is_too_early()? {
        return Ok(run.report);
    }
    let (now, before) = (run.begun_at, run.before);
    let (is_due, is_old) = ports
        .store()
        .read(|records| Ok((records.has_due(now)?, records.has_old(before)?)))?;
    if (is_due || is_old) && !run.claim()? {
        return Ok(run.report);
    }
    if is_due {
        run.sweep_sagas().await?;
        run.sweep_pending_actions().await?;
    }
    run.apply_events().await?;
    if is_old {
        let more = ports.store().write(locks::purge(), |records| {
            records.purge(before, PURGED_PER_SWEEP)
        })?;
        run.report.more |= more;
    }
    run.purge_reservations().await;
    Ok(run.report)
}

/// Before which times records have done their service.
fn purge_times(ports: &impl Ports, now: u64) -> PurgeTimes {
    let before = |kept_ms| now.saturating_sub(kept_ms);
    PurgeTimes {
        requests: before(KEY_KEPT_MS),
        inbox: before(INBOX_KEPT_MS),
        holders: before(DAY_MS),
        unpaid: ports.settings().unpaid_retention_ms.map_or(0, before),
    }
}

/// One run of the sweep.
struct Run<'p, P> {
    ports: &'p P,
    min_interval_ms: u32,
    begun_at: u64,
    before: PurgeTimes,
    is_claimed: bool,
    report: SweepReport,
}

/// Orders that a run resumes.
#[derive(Default)]
struct Resumed {
    /// To be cancelled together because their reservations expired.
    expired: Vec<OrderId>,
    /// Whose cancelling was left half-way: to be finished together.
    cancelling: Vec<OrderId>,
    /// Others, with whether they were asked for under a key.
    others: Vec<(Saga, bool)>,
}

impl<'p, P: Ports> Run<'p, P> {
    fn begin(ports: &'p P, min_interval_ms: u32) -> Self {
        let begun_at = ports.clock().now_ms();
        Self {
            ports,
            min_interval_ms,
            begun_at,
            before: purge_times(ports, begun_at),
            is_claimed: false,
            report: SweepReport::default(),
        }
    }

    fn is_too_early(&self) -> Result<bool, OrderError> {
        let last = self.ports.store().read(|records| records.last_sweep())?;
        Ok(!self.is_interval_over(last))
    }

    /// A last run in the future (the clock was set back) does not stop the sweep.
    fn is_interval_over(&self, last: u64) -> bool {
        last > self.begun_at || self.begun_at - last >= u64::from(self.min_interval_ms)
    }

    /// Makes this run the one that does what there is to do; false when another one is.
    fn claim(&mut self) -> Result<bool, OrderError> {
        if self.is_claimed {
            return Ok(true);
        }
        let claim = |records: &Records<'_>| {
            let is_ours = self.is_interval_over(records.last_sweep()?);
            if is_ours {
                records.set_last_sweep(self.begun_at)?;
            }
            Ok(is_ours)
        };
        let store = self.ports.store();
        self.is_claimed = if self.min_interval_ms == 0 {
            store.write(locks::sweep(), claim)?
        } else {
            store.write_if_free(locks::sweep(), claim)?.unwrap_or(false)
        };
        Ok(self.is_claimed)
    }

    fn now(&self) -> u64 {
        self.ports.clock().now_ms()
    }

    /// Whether a run begins nothing new any more. What is due is due at the next one, and every run does something of each
    /// kind, so that none waits for ever.
    fn has_no_time_left(&self) -> bool {
        self.now().abs_diff(self.begun_at) >= SWEEP_TIME_MS
    }

    async fn sweep_sagas(&mut self) -> Result<(), OrderError> {
        let mut together = ORDERS_AT_FIRST;
        loop {
            let now = self.now();
            let due = self
                .ports
                .store()
                .read(|records| records.due_sagas(now, together))?;
            if due.is_empty() {
                return Ok(());
            }
            let resumed = self
                .ports
                .store()
                .write(locks::orders(due.iter().copied()), |records| {
                    resume(records, &due, now)
                })?;
            if !self.finish_all(resumed, now).await {
                return Ok(());
            }
            if self.has_no_time_left() {
                self.report.more = true;
                return Ok(());
            }
            if self.now().abs_diff(now) < QUICK_MS {
                together = (together * 2).min(ORDERS_TOGETHER_MAX);
            }
        }
    }

    /// False when a database cannot be used, and the rest is left to the next run.
    async fn finish_all(&mut self, resumed: Resumed, now: u64) -> bool {
        for (ids, are_expired) in [(resumed.expired, true), (resumed.cancelling, false)] {
            if !ids.is_empty() && !self.cancel_all(&ids, are_expired).await {
                return false;
            }
        }
        for (index, (saga, keyed)) in resumed.others.iter().enumerate() {
            // What is left has its pause before it, which is short for one that was not tried before.
            if index > 0 && self.has_no_time_left() {
                return true;
            }
            let ids = [("order_id", &*saga.request().order_id.text())];
            match log::in_span(&ids, finish(self.ports, saga, *keyed, now)).await {
                Ok(Finished::Expired) => self.report.expired += 1,
                Ok(Finished::Resumed) => self.report.resumed += 1,
                Err(error) => {
                    let what = "a half-made order could not be finished";
                    warn(what, saga.request().order_id, &error);
                    if error == OrderError::Unavailable {
                        return false;
                    }
                }
            }
        }
        true
    }

    async fn cancel_all(&mut self, ids: &[OrderId], are_expired: bool) -> bool {
        let what = "an order could not be cancelled";
        let outcomes = match cancel::resume_all(self.ports, ids).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Outcome::Failed(error); ids.len()],
        };
        let mut may_go_on = true;
        for (outcome, id) in outcomes.into_iter().zip(ids) {
            match outcome {
                Outcome::Cancelled if are_expired => self.report.expired += 1,
                Outcome::Cancelled | Outcome::Otherwise => self.report.resumed += 1,
                Outcome::Failed(error) => {
                    may_go_on &= error != OrderError::Unavailable;
                    warn(what, *id, &error);
                }
            }
        }
        may_go_on
    }

    async fn sweep_pending_actions(&mut self) -> Result<(), OrderError> {
        let mut together = ORDERS_AT_FIRST;
        loop {
            let now = self.now();
            let due = self
                .ports
                .store()
                .read(|records| records.due_pending_actions(now, together))?;
            if due.is_empty() {
                return Ok(());
            }
            let locks = locks::orders(due.iter().map(|(id, _)| *id));
            self.ports.store().write(locks, |records| {
                due.iter().try_for_each(|(id, attempts)| {
                    records.postpone_pending_actions(*id, now + BACK_OFF.pause_ms(*attempts))
                })
            })?;
            let ids: Vec<OrderId> = due.into_iter().map(|(id, _)| id).collect();
            let may_go_on = || !self.has_no_time_left();
            let outcomes = pending_actions::run_all(self.ports, &ids, may_go_on).await?;
            let (mut is_reachable, mut left) = (true, Vec::new());
            for (outcome, id) in outcomes.into_iter().zip(&ids) {
                match outcome {
                    Some(Ok(())) => self.report.resumed += 1,
                    Some(Err(error)) => {
                        is_reachable &= error != OrderError::Unavailable;
                        warn("a pending action failed", *id, &error);
                    }
                    None => left.push(*id),
                }
            }
            self.leave_to_the_next_run(&left, now)?;
            if !is_reachable {
                return Ok(());
            }
            if self.has_no_time_left() {
                self.report.more = true;
                return Ok(());
            }
            together = (together * 2).min(ORDERS_TOGETHER_MAX);
        }
    }

    /// What was put off and then not tried is due at the next run as if this one had not seen it: its pauses would grow for nothing.
    fn leave_to_the_next_run(&self, ids: &[OrderId], now: u64) -> Result<(), OrderError> {
        if ids.is_empty() {
            return Ok(());
        }
        let locks = locks::orders(ids.iter().copied());
        self.ports.store().write(locks, |records| {
            ids.iter()
                .try_for_each(|id| records.return_pending_actions(*id, now))
        })
    }

    /// Goes on while all that was fetched could be applied: what could not is overdue for longer.
    async fn apply_events(&mut self) -> Result<(), OrderError> {
        loop {
            let overdue = self
                .ports
                .payments()
                .overdue_events(EVENT_OVERDUE_AFTER_MS, EVENTS_AT_A_TIME)
                .await?;
            if overdue.is_empty() || !self.claim()? {
                return Ok(());
            }
            let applied = apply_payment_event::apply_all(self.ports, &overdue).await;
            self.report.events_applied += applied;
            if applied < EVENTS_AT_A_TIME {
                return Ok(());
            }
            if self.has_no_time_left() {
                self.report.more = true;
                return Ok(());
            }
        }
    }

    /// Reservations of orders that are gone, or never were, go after the same time. A purge that fails is made up for by
    /// the next run. Where orders are kept for ever, none is old enough; what else the catalogue has to do is done all the same.
    async fn purge_reservations(&mut self) {
        let kept_ms = self
            .ports
            .settings()
            .unpaid_retention_ms
            .unwrap_or(u64::MAX);
        let purged = self
            .ports
            .inventory()
            .purge(kept_ms, PURGED_PER_SWEEP)
            .await;
        match purged {
            Ok(removed) => self.report.more |= removed >= PURGED_PER_SWEEP,
            Err(error) => log::warn("no reservation purged", &[("error", &error.to_string())]),
        }
    }
}

/// Resumes orders: their next attempt is put off before this one, so that one that breaks the sweep cannot stop all
/// others. The intent to cancel one whose reservation expired is recorded with that.
fn resume(records: &Records<'_>, due: &[OrderId], now: u64) -> Result<Resumed, OrderError> {
    let mut resumed = Resumed::default();
    for order_id in due {
        let Some(mut saga) = records.saga(*order_id)?.filter(|saga| saga.is_due(now)) else {
            continue;
        };
        if saga.can_be_cancelled() && saga.is_expired(now) {
            let expired = Cancellation::by_the_shop(cancel::EXPIRED);
            cancel::intend(records, saga, expired, now + RESUME_AFTER_MS)?;
            resumed.expired.push(*order_id);
            continue;
        }
        let is_together = saga.step() == Step::Cancelling && saga.attempts() < TRIES_TOGETHER;
        saga.attempt(now);
        records.update_saga(&saga)?;
        if is_together {
            resumed.cancelling.push(*order_id);
        } else {
            resumed.others.push((saga, records.has_key(*order_id)?));
        }
    }
    Ok(resumed)
}

/// What became of a saga.
enum Finished {
    /// Its reservation had expired.
    Expired,
    /// It was half-way.
    Resumed,
}

/// Finishes an order whose request can still be repeated; ends one that has expired or that nobody can ask for.
async fn finish(
    ports: &impl Ports,
    saga: &Saga,
    keyed: bool,
    now: u64,
) -> Result<Finished, OrderError> {
    let id = saga.request().order_id;
    match saga.step() {
        Step::New if saga.is_expired(now) || !keyed => {
            place::abandon(ports, saga).await?;
        }
        Step::Reserved if !keyed => {
            cancel::cancel(ports, id, Cancellation::by_the_shop(INTERRUPTED)).await?;
        }
        Step::New | Step::Reserved => match place::advance(ports, id).await {
            Ok(_)
            | Err(
                OrderError::LinesRejected(_)
                | OrderError::TotalChanged(_)
                | OrderError::InvalidTransition(_)
                | OrderError::Invalid(_),
            ) => {}
            Err(error) => return Err(error),
        },
        Step::Cancelling => {
            let cancellation = saga.cancellation();
            let was_expiring = cancellation.is_some_and(|it| it.reason == cancel::EXPIRED);
            let order = cancel::resume(ports, id).await?;
            if was_expiring && order.status == OrderStatus::Cancelled {
                return Ok(Finished::Expired);
            }
        }
        Step::Ready | Step::Done | Step::Rejected => {}
    }
    Ok(Finished::Resumed)
}

fn warn(message: &str, order_id: OrderId, error: &OrderError) {
    let cause = error.to_string();
    log::warn(
        message,
        &[("order_id", &order_id.text()), ("error", &cause)],
    );
}
