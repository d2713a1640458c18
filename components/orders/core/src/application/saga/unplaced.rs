//! An order that is not stored: what it would be, and how the payment is ended that was opened for it.

use crate::application::INTERRUPTED;
use crate::domain::{Order, OrderError, OrderItem, OrderRequest, PaymentStatus, Saga};
use crate::ports::{CancelPayment, Inventory, Payments, Ports};

/// The order of a request; none when its total is too large.
pub fn order_of(
    ports: &impl Ports,
    request: &OrderRequest,
    items: Vec<OrderItem>,
) -> Option<Order> {
    let (id, customer, now) = (request.order_id, request.customer_id, request.created_at);
    if let Some(quote) = &request.quote {
        // The catalogue has held these at these prices.
        return Some(Order::of_quote(id, customer, quote.clone(), now));
    }
    let currency = ports.settings().currency;
    Order::place(id, customer, items, currency, now).ok()
}

/// Ends the payment of a saga that was ended before there was an order, if somebody else has opened one. Their stock is given back
/// by now, and nobody gets any more: a payment can only be on its way for lines that were reserved before.
///
/// # Errors
/// When a database or payments cannot be used; it can be repeated.
pub async fn cancel_stray_payment(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let reserved = ports.inventory().reserved(saga.request().order_id).await?;
    if reserved.as_ref().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    match cancel_payment(ports, saga, reserved).await? {
        Some(PaymentStatus::Pending) => Err(OrderError::PaymentUnderWay),
        // What was paid goes back when its event comes.
        _ => Ok(()),
    }
}

/// Ends the payment that may have been opened for the stock reserved for a saga without an order; returns what became of it, if there
/// is one. Without an event: there is no order to tell of it.
///
/// # Errors
/// When payments cannot be used; it can be repeated.
pub async fn cancel_payment(
    ports: &impl Ports,
    saga: &Saga,
    reserved: Option<Vec<OrderItem>>,
) -> Result<Option<PaymentStatus>, OrderError> {
    let request = saga.request();
    let order = reserved.and_then(|items| order_of(ports, request, items));
    let cancellation = CancelPayment {
        order_id: request.order_id,
        reason: INTERRUPTED.to_owned(),
        opening: order.map(|order| (order.into_view(), request.expires_at)),
    };
    let mut cancelled = ports.payments().cancel_all(&[cancellation]).await?;
    let payment = cancelled.pop().ok_or(OrderError::Internal)??;
    Ok(payment.map(|payment| payment.status))
}
