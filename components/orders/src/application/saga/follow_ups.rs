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
        Some(PaymentStatus::Pending) => Err(OrderError::PaymentUnavailable),
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
