//! Keeps orders going without a customer waiting: expires reservations, takes up what a crash left, fetches events
//! that never arrived. Every run does a bounded amount of work; what remains is due at the next one.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::commands::apply_payment_event;
use crate::application::saga::{close, follow_ups, place};
use crate::application::{INBOX_KEPT_MS, KEY_KEPT_MS};
use crate::domain::{
    Actor, Closing, Order, OrderError, OrderId, OrderStatus, PAUSE_LONGEST_MS, Rejection, Saga,
    Step,
};
use crate::ports::{OrderRecords, OrderRepository, Payments, Ports};

/// Sagas taken up in one run.
pub const SAGAS_PER_SWEEP: u32 = 50;

/// Orders whose follow-ups are taken up in one run.
pub const FOLLOW_UPS_PER_SWEEP: u32 = 50;

/// Events fetched in one run.
pub const EVENTS_PER_SWEEP: u32 = 50;

/// Old keys, finished sagas and inbox marks removed in one run, of each.
pub const PURGED_PER_SWEEP: u32 = 500;

/// An event that is not acknowledged after this time has got lost on its way, in milliseconds.
pub const EVENT_OVERDUE_AFTER_MS: u32 = 3_000;

/// How long a run takes up further orders and follow-ups, in milliseconds: a slow provider must not keep the events waiting
/// that the run applies after them.
pub const SWEEP_TIME_MS: u64 = 1_500;

const BACK_OFF_FIRST_MS: u64 = 1_000;

const INTERRUPTED: &str = "Placing the order was interrupted";

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Orders cancelled because their reservation ran out.
    pub expired: u32,
    /// Orders found half-way and finished or cancelled.
    pub resumed: u32,
    /// Payment events fetched and applied.
    pub events_applied: u32,
}

/// Does nothing when the last run is younger than `min_interval_ms`, or when somebody else writes; with 0 it waits for them.
///
/// # Errors
/// When the orders database or the outbox cannot be used. A single order that fails is logged and tried again later,
/// after a pause that doubles every time. When a database cannot be used, the other orders, or follow-ups, are left for
/// the next run: each would wait for it as long. Events are all applied: what one of them cannot reach, another may not need.
pub async fn handle(ports: &impl Ports, min_interval_ms: u32) -> Result<SweepReport, OrderError> {
    let mut report = SweepReport::default();
    if !claim(ports, min_interval_ms)? {
        return Ok(report);
    }
    let begun_at = ports.clock().now_ms();
    sweep_sagas(ports, begun_at, &mut report).await?;
    sweep_follow_ups(ports, begun_at, &mut report).await?;
    let overdue = ports
        .payments()
        .overdue_events(EVENT_OVERDUE_AFTER_MS, EVENTS_PER_SWEEP)
        .await?;
    report.events_applied = apply_payment_event::apply_all(ports, &overdue).await;
    purge(ports)?;
    Ok(report)
}

/// Removes what nobody asks for any more, so that these tables do not grow for ever.
fn purge(ports: &impl Ports) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.orders().write(|records| {
        records.purge(now.saturating_sub(KEY_KEPT_MS), PURGED_PER_SWEEP)?;
        records.purge_inbox(now.saturating_sub(INBOX_KEPT_MS), PURGED_PER_SWEEP)
    })?;
    Ok(())
}

/// Pause before the next attempt, in milliseconds.
fn back_off(attempts: u32) -> u64 {
    BACK_OFF_FIRST_MS
        .saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX))
        .min(PAUSE_LONGEST_MS)
}

fn claim(ports: &impl Ports, min_interval_ms: u32) -> Result<bool, OrderError> {
    let now = ports.clock().now_ms();
    let is_due = |last: u64| last > now || now - last >= u64::from(min_interval_ms);
    if !is_due(ports.orders().read(|records| records.last_sweep())?) {
        return Ok(false);
    }
    let claim = |records: &dyn OrderRecords| {
        let due = is_due(records.last_sweep()?);
        if due {
            records.set_last_sweep(now)?;
        }
        Ok(due)
    };
    if min_interval_ms == 0 {
        return ports.orders().write(claim);
    }
    Ok(ports.orders().write_if_free(claim)?.unwrap_or(false))
}

/// Whether a run begins nothing new any more. What is due is due at the next one, and every run does one thing of each
/// kind, so that none waits for ever.
fn has_no_time_left(ports: &impl Ports, begun_at: u64) -> bool {
    ports.clock().now_ms().abs_diff(begun_at) >= SWEEP_TIME_MS
}

async fn sweep_sagas(
    ports: &impl Ports,
    begun_at: u64,
    report: &mut SweepReport,
) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    let due = ports
        .orders()
        .read(|records| records.due_sagas(now, SAGAS_PER_SWEEP))?;
    for (index, order_id) in due.into_iter().enumerate() {
        if index > 0 && has_no_time_left(ports, begun_at) {
            break;
        }
        let Some((saga, keyed)) = take_up(ports, &order_id, now)? else {
            continue;
        };
        let ids = [("order_id", order_id.as_str())];
        match log::about(&ids, finish(ports, &saga, keyed, now)).await {
            Ok(Finished::Expired) => report.expired += 1,
            Ok(Finished::Resumed) => report.resumed += 1,
            Err(error) => {
                warn("a half-made order could not be finished", &order_id, &error);
                if error == OrderError::Unavailable {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Puts the saga's next attempt off before this one, so that one that breaks the sweeper cannot stop all others.
fn take_up(
    ports: &impl Ports,
    order_id: &OrderId,
    now: u64,
) -> Result<Option<(Saga, bool)>, OrderError> {
    ports.orders().write(|records| {
        let Some(mut saga) = records.saga(order_id)?.filter(|saga| saga.is_due(now)) else {
            return Ok(None);
        };
        saga.next_attempt_at = now + back_off(saga.attempts);
        saga.attempts = saga.attempts.saturating_add(1);
        records.update_saga(&saga)?;
        Ok(Some((saga, records.has_key(order_id)?)))
    })
}

/// What became of a saga.
enum Finished {
    /// Its reservation had run out.
    Expired,
    /// It was half-way.
    Resumed,
}

/// Finishes an order whose request can still be repeated; ends one that has run out or that nobody can ask for.
async fn finish(
    ports: &impl Ports,
    saga: &Saga,
    keyed: bool,
    now: u64,
) -> Result<Finished, OrderError> {
    let id = &saga.order_id;
    let expired = saga.is_expired(now);
    match saga.step {
        Step::New if expired || !keyed => place::end(ports, id, Rejection::Abandoned).await?,
        Step::Reserved | Step::Ready if expired => {
            let order = cancel(ports, id, close::EXPIRED).await?;
            let was_unpaid = order.status == OrderStatus::Cancelled;
            return Ok(if was_unpaid {
                Finished::Expired
            } else {
                Finished::Resumed
            });
        }
        Step::Reserved if !keyed => drop(cancel(ports, id, INTERRUPTED).await?),
        Step::New | Step::Reserved => match place::advance(ports, id).await {
            Ok(_) | Err(OrderError::LinesRejected(_) | OrderError::Invalid(_)) => {}
            Err(error) => return Err(error),
        },
        Step::Closing => drop(close::resume(ports, id).await?),
        Step::Ready | Step::Done | Step::Rejected => {}
    }
    Ok(Finished::Resumed)
}

async fn cancel(ports: &impl Ports, order_id: &OrderId, reason: &str) -> Result<Order, OrderError> {
    close::close(
        ports,
        order_id,
        Closing {
            actor: Actor::System,
            reason: reason.to_owned(),
        },
    )
    .await
}

async fn sweep_follow_ups(
    ports: &impl Ports,
    begun_at: u64,
    report: &mut SweepReport,
) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    let due = ports
        .orders()
        .read(|records| records.due_follow_ups(now, FOLLOW_UPS_PER_SWEEP))?;
    for (index, (order_id, attempts)) in due.into_iter().enumerate() {
        if index > 0 && has_no_time_left(ports, begun_at) {
            break;
        }
        let until = now + back_off(attempts);
        ports
            .orders()
            .write(|records| records.postpone_follow_ups(&order_id, until))?;
        let ids = [("order_id", order_id.as_str())];
        match log::about(&ids, follow_ups::run(ports, &order_id)).await {
            Ok(()) => report.resumed += 1,
            Err(error) => {
                warn("a follow-up failed", &order_id, &error);
                if error == OrderError::Unavailable {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn warn(message: &str, order_id: &OrderId, error: &OrderError) {
    log::warn(
        message,
        &[
            ("order_id", order_id.as_str()),
            ("error", &error.to_string()),
        ],
    );
}
