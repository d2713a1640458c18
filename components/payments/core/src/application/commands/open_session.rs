//! Lets a customer go on paying.

use mercato_kernel::{Caller, OrderId};

use super::ensure_session::ensure_session;
use crate::application::ports::{Ports, Store};
use crate::domain::{Payment, PaymentError};

/// A customer, or an admin for them, wants to pay.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Who asks.
    pub caller: Caller,
    /// Which order is to be paid.
    pub order_id: OrderId,
}

/// The open session of a pending payment; a new one when it has expired.
///
/// # Errors
/// `NotFound`, also for another customer's; `Conflict` when the payment is decided; `UnderWay` when the customer has
/// paid and the money is on its way; `ProviderUnavailable`,
/// `ProviderRejected`.
pub async fn handle<P: Ports>(
    ports: &P,
    Command { caller, order_id }: Command,
) -> Result<Payment, PaymentError> {
    let payment = ports
        .store()
        .read(|records| records.find_payment_of_order(order_id))?
        .filter(|payment| payment.is_visible_to(&caller))
        .ok_or(PaymentError::NotFound)?;
    let payment = ensure_session(ports, payment).await?;
    if payment.can_be_paid() {
        Ok(payment)
    } else if payment.is_pending() {
        Err(PaymentError::UnderWay)
    } else {
        Err(PaymentError::Conflict(payment.status))
    }
}
