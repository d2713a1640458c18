use mercato_kernel::{Caller, PaymentId};

use super::find_payment;
use crate::application::ports::{Ports, Store};
use crate::domain::{Dispute, PaymentError};

/// Disputes about the charges of a payment, oldest first, at most [`DISPUTES_MAX`](crate::domain::DISPUTES_MAX).
///
/// # Errors
/// `NotFound`, also for another customer's payment.
pub fn list_disputes<P: Ports>(
    ports: &P,
    caller: &Caller,
    payment_id: PaymentId,
) -> Result<Vec<Dispute>, PaymentError> {
    let payment = find_payment(ports, caller, payment_id)?;
    ports
        .store()
        .read(|records| records.disputes_of_payment(payment.id))
}
