use crate::domain::{Payment, PaymentError, Viewer};
use crate::ports::{Ports, Store};

/// One payment.
///
/// # Errors
/// `NotFound`, also for another customer's.
pub fn find_payment<P: Ports>(
    ports: &P,
    viewer: &Viewer,
    id: &str,
) -> Result<Payment, PaymentError> {
    shown_to(
        viewer,
        ports.store().read(|records| records.find_payment(id))?,
    )
}

/// The payment of one order.
///
/// # Errors
/// `NotFound`, also for another customer's.
pub fn find_payment_of_order<P: Ports>(
    ports: &P,
    viewer: &Viewer,
    order_id: &str,
) -> Result<Payment, PaymentError> {
    shown_to(
        viewer,
        ports
            .store()
            .read(|records| records.find_payment_of_order(order_id))?,
    )
}

fn shown_to(viewer: &Viewer, payment: Option<Payment>) -> Result<Payment, PaymentError> {
    payment
        .filter(|payment| payment.is_visible_to(viewer))
        .ok_or(PaymentError::NotFound)
}
