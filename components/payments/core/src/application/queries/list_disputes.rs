use super::find_payment;
use crate::domain::{Dispute, PaymentError, Viewer};
use crate::ports::{Ports, Store};

/// Disputes about the charges of a payment, oldest first, at most [`DISPUTES_MAX`](crate::domain::DISPUTES_MAX).
///
/// # Errors
/// `NotFound`, also for another customer's payment.
pub fn list_disputes<P: Ports>(
    ports: &P,
    viewer: &Viewer,
    payment_id: &str,
) -> Result<Vec<Dispute>, PaymentError> {
    let payment = find_payment(ports, viewer, payment_id)?;
    ports
        .store()
        .read(|records| records.disputes_of_payment(&payment.id))
}
