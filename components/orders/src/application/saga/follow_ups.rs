//! What a committed change still owes to other databases.

use mercato_platform::log;

use crate::domain::{OrderError, OrderId};
use crate::ports::{FollowUp, Inventory, OrderRepository, Payments, Ports, Task};

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

/// Does what an order owes. What fails is left to the sweeper and does not concern the caller: gives whether nothing
/// is owed any more.
pub async fn run_or_leave(ports: &impl Ports, order_id: &OrderId) -> bool {
    match run(ports, order_id).await {
        Ok(()) => true,
        Err(error) => {
            let cause = error.to_string();
            log::warn(
                "a follow-up is left to the sweeper",
                &[("order_id", order_id.as_str()), ("error", &cause)],
            );
            false
        }
    }
}

async fn perform(ports: &impl Ports, follow_up: &FollowUp) -> Result<(), OrderError> {
    let order_id = &follow_up.order_id;
    match &follow_up.task {
        Task::CommitStock => ports.inventory().commit(order_id).await,
        Task::ReleaseStock => ports.inventory().release(order_id).await,
        Task::RestockStock => ports.inventory().restock(order_id).await,
        Task::Acknowledge(event_id) => ports.payments().acknowledge(event_id).await,
        Task::Refund(payment_id) => {
            let idempotency_key = format!("late-payment:{order_id}");
            ports
                .payments()
                .refund(payment_id, LATE_PAYMENT, &idempotency_key)
                .await
        }
        Task::CancelPayment => ports
            .payments()
            .cancel(order_id, CANCELLED_MEANWHILE)
            .await
            .map(drop),
    }
}
