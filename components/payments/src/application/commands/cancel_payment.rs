use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use super::ensure_session::{refused, request_session};
use super::refund_payment::REASON_MAX_CHARS;
use super::relay_outbox::publish_due;
use crate::domain::{CheckoutSession, EventType, Payment, PaymentError};
use crate::ports::{Ports, Provider, SessionState, Store};

/// Closes a pending payment and its session. When the customer was faster the payment stays pending until the
/// provider's webhook says that it is paid. A decided payment comes back as it is.
///
/// # Errors
/// `NotFound`, `ProviderUnavailable`, `ProviderRejected`.
pub async fn cancel_payment<P: Ports>(
    ports: &P,
    order_id: &str,
    reason: &str,
) -> Result<Payment, PaymentError> {
    let payment = ports
        .store()
        .read(|records| records.find_payment_of_order(order_id))?
        .ok_or(PaymentError::NotFound)?;
    if !payment.is_pending() {
        return Ok(payment);
    }
    if let Some(session) = session_to_end(ports, &payment).await? {
        let state = ports
            .provider()
            .expire_session(&session.id)
            .await
            .map_err(|error| refused("expire a session", &payment.id, error))?;
        if state == SessionState::Completed {
            return ports
                .store()
                .read(|records| records.find_payment(&payment.id))?
                .ok_or(PaymentError::NotFound);
        }
    }
    let cancelled = close(ports, &payment.id, reason)?;
    publish_due(ports).await;
    Ok(cancelled)
}

/// The session that may still be open at the provider. One that was asked for before a crash is asked for again,
/// which gives the same one: only so can it be closed.
async fn session_to_end<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<Option<CheckoutSession>, PaymentError> {
    if payment.session.opened.is_some() {
        return Ok(payment.session.opened.clone());
    }
    if payment.session_has_lapsed(ports.clock().now_ms()) {
        return Ok(None);
    }
    match request_session(ports, payment).await {
        Ok(session) => Ok(Some(session)),
        Err(PaymentError::ProviderRejected(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn close<P: Ports>(ports: &P, payment_id: &str, reason: &str) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(REASON_MAX_CHARS)
        .collect();
    ports.store().write(|records| {
        let mut payment = records
            .find_payment(payment_id)?
            .ok_or(PaymentError::NotFound)?;
        if payment.cancel(&reason, now) {
            records.save_payment(&payment)?;
            records.append_event(&payment.event(
                ports.ids().new_id(),
                EventType::Cancelled,
                now,
            ))?;
        }
        Ok(payment)
    })
}
