//! Pending actions: what a committed change still has to do in other databases.

use mercato_kernel::{OrderId, PaymentId};
use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::RESUME_AFTER_MS;
use crate::application::locks;
use crate::application::saga::unplaced;
use crate::domain::{OrderError, PaymentStatus, Step};
use crate::ports::{CancelPayment, Checkouts, Inventory, Payments, Ports, Refunding, Store};
use crate::store::{Action, PendingAction};

/// A sale is finished by the sweep so long after it was made, in milliseconds: soon, because an order's next event waits for it, and
/// before its event counts as lost.
pub const SOLD_AFTER_MS: u64 = 500;

/// Seen in the order's history by the admin, who can refund the payment by hand.
const REFUND_REFUSED: &str =
    "The payment provider refused to refund the late payment: an admin must look at it";

const LATE_PAYMENT: &str = "The order was cancelled before the payment succeeded";
const CANCELLED_MEANWHILE: &str = "The order was cancelled while its payment was being opened";

/// Does an order's pending actions, in order, and stops at the first one that fails. Those that are done are removed together: after a
/// crash they are done again, which changes nothing.
///
/// # Errors
/// Why one could not be done; it stays pending.
pub async fn run(ports: &impl Ports, order_id: OrderId) -> Result<(), OrderError> {
    let pending = ports
        .store()
        .read(|records| records.pending_actions(order_id))?;
    let (mut done, mut outcome) = (Vec::with_capacity(pending.len()), Ok(()));
    for pending in pending {
        outcome = perform(ports, order_id, &pending.action).await;
        if outcome.is_err() {
            break;
        }
        done.push(pending.number);
    }
    if !done.is_empty() {
        ports.store().write(locks::order(order_id), |records| {
            records.remove_pending_actions(&done)
        })?;
    }
    outcome
}

/// How long the sweep leaves what has just become pending to the request that made it so, in milliseconds. A sale that went well is
/// written down by the sweep, before payments takes its event for lost.
pub const fn patience_ms(actions: &[Action]) -> u64 {
    match actions {
        [Action::CommitStock, Action::Acknowledge(_)] => SOLD_AFTER_MS,
        _ => RESUME_AFTER_MS,
    }
}

/// Does one of an order's pending actions, which stays pending until the sweep has looked at it. Returns why it could not be
/// done, if so.
pub async fn perform_or_leave(
    ports: &impl Ports,
    order_id: OrderId,
    action: &Action,
) -> Option<OrderError> {
    let error = perform(ports, order_id, action).await.err()?;
    log_left(order_id, &error);
    Some(error)
}

/// Does an order's pending actions. What fails is left to the sweep and need not concern the caller: returns why
/// something is still pending, if it is.
pub async fn run_or_leave(ports: &impl Ports, order_id: OrderId) -> Option<OrderError> {
    let error = run(ports, order_id).await.err()?;
    log_left(order_id, &error);
    Some(error)
}

fn log_left(order_id: OrderId, error: &OrderError) {
    let cause = error.to_string();
    log::warn(
        "a pending action is left to the sweep",
        &[("order_id", &order_id.text()), ("error", &cause)],
    );
}

/// Does the pending actions of several orders: stock that is to be given back, and nothing else, or sales whose event is to be
/// acknowledged, at once for all of them; those of other orders one order after the other: the first always, so that nothing waits
/// for ever, and more as long as `may_go_on` says so. Returns what came of each, in their order; none for what was not begun.
///
/// # Errors
/// When the orders database cannot be used; everything stays pending.
pub async fn run_all(
    ports: &impl Ports,
    order_ids: &[OrderId],
    may_go_on: impl Fn() -> bool,
) -> Result<Vec<Option<Result<(), OrderError>>>, OrderError> {
    let pending = ports.store().read(|records| {
        let pending = |id: &OrderId| records.pending_actions(*id);
        order_ids.iter().map(pending).collect::<Result<Vec<_>, _>>()
    })?;
    let is_release = |pending: &&Vec<PendingAction>| matches!(pending.as_slice(), [only] if only.action == Action::ReleaseStock);
    let releases: Vec<_> = pending
        .iter()
        .filter(is_release)
        .flatten()
        .cloned()
        .collect();
    let mut together = release(ports, &releases).await;
    let is_sale = |pending: &&Vec<PendingAction>| sale(pending).is_some();
    let sales: Vec<_> = pending.iter().filter(is_sale).collect();
    together.extend(finish_sales(ports, &sales).await);
    let mut outcomes = Vec::with_capacity(order_ids.len());
    let mut is_first = true;
    for order_id in order_ids {
        let known = together.iter().find(|(id, _)| id == order_id);
        outcomes.push(match known {
            Some((_, outcome)) => Some(outcome.clone()),
            None if std::mem::take(&mut is_first) || may_go_on() => {
                Some(run(ports, *order_id).await)
            }
            None => None,
        });
    }
    Ok(outcomes)
}

/// Gives back the stock of orders that have just been cancelled. What fails is left to the sweep.
pub async fn release_or_leave(ports: &impl Ports, order_ids: &[OrderId]) {
    let outcomes = match run_all(ports, order_ids, || true).await {
        Ok(outcomes) => outcomes,
        Err(error) => vec![Some(Err(error))],
    };
    for (outcome, order_id) in outcomes.into_iter().zip(order_ids) {
        if let Some(Err(error)) = outcome {
            log_left(*order_id, &error);
        }
    }
}

/// Gives stock back in one transaction and then records in another that it is done. A fault of one order does not keep
/// the others from it: they are tried one by one.
async fn release(
    ports: &impl Ports,
    releases: &[PendingAction],
) -> Vec<(OrderId, Result<(), OrderError>)> {
    let ids: Vec<OrderId> = releases.iter().map(|pending| pending.order_id).collect();
    let outcomes = match ports.inventory().release_all(&ids).await {
        Ok(outcomes) => outcomes,
        Err(OrderError::Internal) => {
            let mut outcomes = Vec::with_capacity(ids.len());
            for id in &ids {
                outcomes.push(ports.inventory().release(*id).await);
            }
            outcomes
        }
        Err(error) => vec![Err(error); ids.len()],
    };
    let done = releases.iter().zip(&outcomes);
    let done: Vec<u64> = done
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(pending, _)| pending.number)
        .collect();
    if done.is_empty() {
        return ids.into_iter().zip(outcomes).collect();
    }
    let locks = locks::orders(ids.iter().copied());
    let recorded = ports
        .store()
        .write(locks, |records| records.remove_pending_actions(&done));
    let as_recorded = |outcome: Result<(), OrderError>| outcome.and(recorded.clone());
    ids.into_iter()
        .zip(outcomes.into_iter().map(as_recorded))
        .collect()
}

/// The order and the event of pending actions that are a sale and its acknowledgement, or what is left of them.
fn sale(pending: &[PendingAction]) -> Option<(OrderId, &String)> {
    let (last, before) = pending.split_last()?;
    let is_sale = match before {
        [] => true,
        [only] => only.action == Action::CommitStock,
        _ => false,
    };
    match &last.action {
        Action::Acknowledge(event_id) if is_sale => Some((last.order_id, event_id)),
        _ => None,
    }
}

/// Makes sure that the stock of orders is sold, which it nearly always is, then acknowledges all their events in one
/// transaction and records in another that this is done.
async fn finish_sales(
    ports: &impl Ports,
    sales: &[&Vec<PendingAction>],
) -> Vec<(OrderId, Result<(), OrderError>)> {
    let mut outcomes = Vec::with_capacity(sales.len());
    let (mut events, mut done) = (Vec::new(), Vec::new());
    for pending in sales {
        let Some((order_id, event_id)) = sale(pending) else {
            continue;
        };
        let outcome = match pending.len() {
            1 => Ok(()),
            _ => ports.inventory().commit(order_id).await,
        };
        if outcome.is_ok() {
            events.push(event_id.clone());
            done.extend(pending.iter().map(|pending| pending.number));
        }
        outcomes.push((order_id, outcome));
    }
    if events.is_empty() {
        return outcomes;
    }
    let acknowledged = ports.payments().acknowledge_all(&events).await;
    let locks = locks::orders(outcomes.iter().map(|(order_id, _)| *order_id));
    let recorded = acknowledged.and_then(|()| {
        ports
            .store()
            .write(locks, |records| records.remove_pending_actions(&done))
    });
    let as_recorded = |(id, outcome): (_, Result<(), _>)| (id, outcome.and(recorded.clone()));
    outcomes.into_iter().map(as_recorded).collect()
}

async fn perform(ports: &impl Ports, order_id: OrderId, action: &Action) -> Result<(), OrderError> {
    match action {
        Action::CommitStock => ports.inventory().commit(order_id).await,
        Action::ReleaseStock => ports.inventory().release(order_id).await,
        Action::RestockStock => ports.inventory().restock(order_id).await,
        Action::CommitCodes => ports.checkouts().commit_codes(order_id).await,
        Action::ReleaseCodes => ports.checkouts().release_codes(order_id).await,
        Action::Acknowledge(event_id) => ports.payments().acknowledge(event_id).await,
        Action::Refund(payment_id) => refund(ports, order_id, *payment_id).await,
        Action::CancelPayment => cancel_payment(ports, order_id).await,
    }
}

/// Pending until the payment is decided, one way or the other.
async fn cancel_payment(ports: &impl Ports, order_id: OrderId) -> Result<(), OrderError> {
    let saga = ports.store().read(|records| records.saga(order_id))?;
    if let Some(saga) = saga.filter(|saga| saga.step() == Step::Rejected) {
        return unplaced::cancel_stray_payment(ports, &saga).await;
    }
    let cancellation = CancelPayment {
        order_id,
        reason: CANCELLED_MEANWHILE.to_owned(),
        opening: None,
    };
    let payment = ports.payments().cancel(&cancellation).await?;
    match payment.map(|payment| payment.status) {
        Some(PaymentStatus::Pending) => Err(OrderError::PaymentUnderWay),
        _ => Ok(()),
    }
}

/// Gives a late payment back. What the provider refuses for good is not asked again: the history says so.
async fn refund(
    ports: &impl Ports,
    order_id: OrderId,
    payment_id: PaymentId,
) -> Result<(), OrderError> {
    let idempotency_key = format!("late-payment:{order_id}");
    let refunding = ports
        .payments()
        .refund(payment_id, LATE_PAYMENT, &idempotency_key)
        .await?;
    match refunding {
        Refunding::Done => Ok(()),
        Refunding::Refused => {
            log::error(
                "the refund of a late payment was refused: refund it by hand",
                &[("order_id", &order_id.text())],
            );
            record_refusal(ports, order_id)
        }
    }
}

/// Recorded once, however often the action is tried before it is removed.
fn record_refusal(ports: &impl Ports, order_id: OrderId) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.store().write(locks::order(order_id), |records| {
        let history = records.history(order_id)?;
        if history.iter().any(|change| change.reason == REFUND_REFUSED) {
            return Ok(());
        }
        let Some(mut order) = records.order(order_id)? else {
            return Ok(());
        };
        let remark = order.remark(REFUND_REFUSED, now);
        records.update_order(&order)?;
        records.add_history(order_id, &remark)
    })
}
