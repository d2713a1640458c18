use mercato_kernel::{Caller, OrderId, PaymentId};

use crate::application::ports::{Ports, Store};
use crate::domain::{Payment, PaymentError, PaymentView};

/// One payment.
///
/// # Errors
/// `NotFound`, also for another customer's.
pub fn find_payment<P: Ports>(
    ports: &P,
    caller: &Caller,
    id: PaymentId,
) -> Result<PaymentView, PaymentError> {
    shown_to(
        caller,
        ports.store().read(|records| records.find_payment(id))?,
    )
}

/// The payment of one order.
///
/// # Errors
/// `NotFound`, also for another customer's.
pub fn find_payment_of_order<P: Ports>(
    ports: &P,
    caller: &Caller,
    order_id: OrderId,
) -> Result<PaymentView, PaymentError> {
    shown_to(
        caller,
        ports
            .store()
            .read(|records| records.find_payment_of_order(order_id))?,
    )
}

fn shown_to(caller: &Caller, payment: Option<Payment>) -> Result<PaymentView, PaymentError> {
    payment
        .filter(|payment| payment.is_visible_to(caller))
        .map(PaymentView::from)
        .ok_or(PaymentError::NotFound)
}
