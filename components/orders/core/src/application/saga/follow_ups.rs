//! What a committed change still owes to other databases.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::domain::{OrderError, OrderId, PaymentId, PaymentStatus};
use crate::ports::{FollowUp, Inventory, OrderRepository, Payments, Ports, Refunding, Task};

/// Seen in the order's history by the admin, who can refund the payment by hand.
const REFUND_REFUSED: &str =
    "The payment provider refused to refund the late payment: an admin must look at it";

const LATE_PAYMENT: &str = "The order was cancelled before the payment succeeded";
const CANCELLED_MEANWHILE: &str = "The order was cancelled while its payment was being opened";

/// Does what an order owes, in order, and stops at the first thing that fails.
///
/// # Errors
/// Why something could not be done; it stays owed.
pub async fn run(ports: &impl Ports, order_id: &OrderId) -> Result<(), OrderError> {
    for follow_up in ports
        .orders()
        .read(|records| records.follow_ups(order_id))?
    {
        perform(ports, &follow_up).await?;
        ports
            .orders()
            .write(|records| records.remove_follow_up(follow_up.number))?;
    }
    Ok(())
}

/// Does what an order owes. What fails is left to the sweeper and need not concern the caller: gives why something is
/// still owed, if it is.
pub async fn run_or_leave(ports: &impl Ports, order_id: &OrderId) -> Option<OrderError> {
    let error = run(ports, order_id).await.err()?;
    let cause = error.to_string();
    log::warn(
        "a follow-up is left to the sweeper",
        &[("order_id", order_id.as_str()), ("error", &cause)],
    );
    Some(error)
}

/// Does what several orders owe: stock that is to be given back, and nothing else, at once for all of them; what others owe
/// order by order, as long as `may_go_on` says so. Gives what came of each that was begun, in their order.
///
/// # Errors
/// When the orders database cannot be used; everything stays owed.
pub async fn run_all(
    ports: &impl Ports,
    order_ids: &[OrderId],
    may_go_on: impl Fn() -> bool,
) -> Result<Vec<Result<(), OrderError>>, OrderError> {
    let owed = ports.orders().read(|records| {
        let owed = |id: &OrderId| records.follow_ups(id);
        order_ids.iter().map(owed).collect::<Result<Vec<_>, _>>()
    })?;
    let is_release = |owed: &&Vec<FollowUp>| matches!(owed.as_slice(), [only] if only.task == Task::ReleaseStock);
    let releases: Vec<FollowUp> = owed.iter().filter(is_release).flatten().cloned().collect();
    let released = release(ports, &releases).await;
    let mut outcomes = Vec::with_capacity(order_ids.len());
    for order_id in order_ids {
        let known = released.iter().find(|(id, _)| id == order_id);
        outcomes.push(match known {
            Some((_, outcome)) => outcome.clone(),
            None if may_go_on() => run(ports, order_id).await,
            None => break,
        });
    }
    Ok(outcomes)
}

/// Gives back the stock of orders that have just been cancelled. What fails is left to the sweeper.
pub async fn release_or_leave(ports: &impl Ports, order_ids: &[OrderId]) {
    let outcomes = match run_all(ports, order_ids, || true).await {
        Ok(outcomes) => outcomes,
        Err(error) => vec![Err(error)],
    };
    for (error, order_id) in outcomes.into_iter().zip(order_ids) {
        if let Err(error) = error {
            let cause = error.to_string();
            log::warn(
                "a follow-up is left to the sweeper",
                &[("order_id", order_id.as_str()), ("error", &cause)],
            );
        }
    }
}

/// Gives stock back in one transaction and then notes in another that it is done. A fault of one order does not keep the
/// others from it: they are tried one by one.
async fn release(
    ports: &impl Ports,
    releases: &[FollowUp],
) -> Vec<(OrderId, Result<(), OrderError>)> {
    let ids: Vec<OrderId> = releases.iter().map(|owed| owed.order_id.clone()).collect();
    let outcomes = match ports.inventory().release_all(&ids).await {
        Ok(outcomes) => outcomes,
        Err(OrderError::Internal) => {
            let mut outcomes = Vec::with_capacity(ids.len());
            for id in &ids {
                outcomes.push(ports.inventory().release(id).await);
            }
            outcomes
        }
        Err(error) => vec![Err(error); ids.len()],
    };
    let done = releases.iter().zip(&outcomes);
    let done: Vec<u64> = done
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(owed, _)| owed.number)
        .collect();
    if done.is_empty() {
        return ids.into_iter().zip(outcomes).collect();
    }
    let noted = ports.orders().write(|records| {
        done.iter()
            .try_for_each(|number| records.remove_follow_up(*number))
    });
    let with_note = |outcome: Result<(), OrderError>| outcome.and(noted.clone());
    ids.into_iter()
        .zip(outcomes.into_iter().map(with_note))
        .collect()
}

async fn perform(ports: &impl Ports, follow_up: &FollowUp) -> Result<(), OrderError> {
    let order_id = &follow_up.order_id;
    match &follow_up.task {
        Task::CommitStock => ports.inventory().commit(order_id).await,
        Task::ReleaseStock => ports.inventory().release(order_id).await,
        Task::RestockStock => ports.inventory().restock(order_id).await,
        Task::Acknowledge(event_id) => ports.payments().acknowledge(event_id).await,
        Task::Refund(payment_id) => refund(ports, order_id, payment_id).await,
        Task::CancelPayment => cancel_payment(ports, order_id).await,
    }
}

/// Owed until the payment is decided, one way or the other.
async fn cancel_payment(ports: &impl Ports, order_id: &OrderId) -> Result<(), OrderError> {
    let payment = ports
        .payments()
        .cancel(order_id, CANCELLED_MEANWHILE)
        .await?;
    match payment.map(|payment| payment.status) {
        Some(PaymentStatus::Pending) => Err(OrderError::PaymentUnderWay),
        _ => Ok(()),
    }
}

/// Gives a late payment back. What the provider refuses for good is not asked again: the history says so.
async fn refund(
    ports: &impl Ports,
    order_id: &OrderId,
    payment_id: &PaymentId,
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
                &[("order_id", order_id.as_str())],
            );
            note_refusal(ports, order_id)
        }
    }
}

/// Noted once, however often the follow-up is taken up before it is removed.
fn note_refusal(ports: &impl Ports, order_id: &OrderId) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.orders().write(|records| {
        let noted = records.history(order_id)?;
        if noted.iter().any(|change| change.reason == REFUND_REFUSED) {
            return Ok(());
        }
        let mut order = records.order(order_id)?.ok_or(OrderError::Internal)?;
        let remark = order.remark(REFUND_REFUSED, now);
        records.update_order(&order)?;
        records.add_history(order_id, &remark)
    })
}
