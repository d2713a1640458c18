use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::ensure_session::{record_paid, refused, request_session};
use super::refund_payment::REASON_MAX_CHARS;
use super::relay_outbox::publish_due;
use crate::domain::{CheckoutSession, EventType, Payment, PaymentError};
use crate::ports::{Ports, Provider, ProviderError, SessionState, Store};

/// No provider keeps a session open for longer than this after the end the shop asked for, in milliseconds.
pub const SESSION_LIFE_LONGEST_MS: u64 = 24 * 60 * 60 * 1_000;

/// How often another session may take the place of the one that was just ended.
const SESSIONS_MAX: usize = 4;

/// Closes a pending payment and its session. When the customer was faster, the payment is what the provider says of it:
/// paid, or still pending until its webhook says that the money has come. A decided payment comes back as it is.
///
/// # Errors
/// `NotFound`, after which none can be opened for this order any more; `ProviderUnavailable`, `ProviderRejected`;
/// `Unavailable` when others open one session after the other.
pub async fn cancel_payment<P: Ports>(
    ports: &P,
    order_id: &str,
    reason: &str,
) -> Result<Payment, PaymentError> {
    for _ in 0..SESSIONS_MAX {
        let payment = find_or_refuse(ports, order_id)?;
        if !payment.is_pending() {
            return Ok(payment);
        }
        if let Some(session) = session_to_end(ports, &payment).await?
            && let SessionState::Completed(paid) = end(ports, &payment, &session).await?
        {
            return match paid {
                Some(paid) => record_paid(ports, &payment.id, &paid).await,
                None => Ok(payment),
            };
        }
        if let Some(cancelled) = close(ports, &payment, reason)? {
            publish_due(ports).await;
            return Ok(cancelled);
        }
    }
    Err(PaymentError::Unavailable)
}

/// The payment of the order. Without one the order is remembered: a request that is just about to open its payment
/// comes too late, and would leave one that nobody ever ends.
fn find_or_refuse<P: Ports>(ports: &P, order_id: &str) -> Result<Payment, PaymentError> {
    let find = |order_id| {
        ports
            .store()
            .read(|records| records.find_payment_of_order(order_id))
    };
    if let Some(payment) = find(order_id)? {
        return Ok(payment);
    }
    let now = ports.clock().now_ms();
    let found = ports.store().write(|records| {
        let payment = records.find_payment_of_order(order_id)?;
        if payment.is_none() {
            records.refuse_order(order_id, now)?;
        }
        Ok(payment)
    })?;
    found.ok_or(PaymentError::NotFound)
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

/// Ends a session at the provider. One that the provider will not end, because it knows no such session for example, is
/// over when no session lives that long.
async fn end<P: Ports>(
    ports: &P,
    payment: &Payment,
    session: &CheckoutSession,
) -> Result<SessionState, PaymentError> {
    let error = match ports.provider().expire_session(&session.id).await {
        Ok(state) => return Ok(state),
        Err(error) => error,
    };
    let over_at = session.expires_at.saturating_add(SESSION_LIFE_LONGEST_MS);
    if matches!(error, ProviderError::Rejected(_)) && over_at <= ports.clock().now_ms() {
        log::warn(
            "a session that the provider will not end counts as over",
            &[("payment_id", &payment.id), ("session_id", &session.id)],
        );
        return Ok(SessionState::Expired);
    }
    Err(refused("expire a session", &payment.id, error))
}

/// Cancels the payment whose session has ended; none when another session has taken its place meanwhile.
fn close<P: Ports>(
    ports: &P,
    ended: &Payment,
    reason: &str,
) -> Result<Option<Payment>, PaymentError> {
    let now = ports.clock().now_ms();
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(REASON_MAX_CHARS)
        .collect();
    ports.store().write(|records| {
        let mut payment = records
            .find_payment(&ended.id)?
            .ok_or(PaymentError::NotFound)?;
        if payment.is_pending() && payment.session.number != ended.session.number {
            return Ok(None);
        }
        if payment.cancel(&reason, now) {
            records.save_payment(&payment)?;
            records.append_event(&payment.event(
                ports.ids().new_id(),
                EventType::Cancelled,
                now,
            ))?;
        }
        Ok(Some(payment))
    })
}
