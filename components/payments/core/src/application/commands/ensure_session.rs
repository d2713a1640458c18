use mercato_platform::clock::Clock;

use super::provider_error::refused;
use super::provider_sessions::request_session;
use super::take_payment::{record_paid, record_processing};
use crate::application::locks;
use crate::application::ports::{Ports, Provider, SessionState, Settings, Store};
use crate::domain::{CheckoutSession, Payment, PaymentError};

/// A pending payment with a session the customer can pay in: the one it has, the one a crash left half-open, or a
/// new one when the last has expired. A payment that is decided or under way comes back as it is.
///
/// # Errors
/// `ProviderUnavailable`, `ProviderRejected`.
pub(super) async fn ensure_session<P: Ports>(
    ports: &P,
    payment: Payment,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    if !payment.can_be_paid() || payment.usable_session(now).is_some() {
        return Ok(payment);
    }
    let payment = if payment.session_has_expired(now) {
        match end_expired(ports, &payment).await? {
            Some(paid) => paid,
            None => begin_next(ports, payment).await?,
        }
    } else {
        payment
    };
    if !payment.can_be_paid() || payment.session.opened.is_some() {
        return Ok(payment);
    }
    let session = request_session(ports, &payment).await?;
    record_session(ports, &payment, session)
}

/// Keeps the provider's answer, unless another request has kept it or gone on meanwhile. A session whose payment was
/// decided meanwhile is ended by the relay.
fn record_session<P: Ports>(
    ports: &P,
    asked: &Payment,
    session: CheckoutSession,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(locks::order(asked.order_id), |records| {
            let mut payment = records
                .find_payment(asked.id)?
                .ok_or(PaymentError::NotFound)?;
            if payment.record_session(asked.session.number, session.clone(), now) {
                records.save_payment_and_session(&payment)?;
            }
            Ok(payment)
        })
}

/// Makes sure that nobody can pay in an expired session any more before another takes its place: a provider may keep a
/// session open for longer than the shop wants, and two open sessions could both be paid. Gives the payment when the
/// expired one was paid, be the money here or on its way.
async fn end_expired<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<Option<Payment>, PaymentError> {
    let Some(session) = &payment.session.opened else {
        return Ok(None);
    };
    let ended = ports.provider().expire_session(&session.id).await;
    match ended.map_err(|error| refused("expire the session before", payment.id, error))? {
        SessionState::Expired => Ok(None),
        SessionState::Completed(Some(paid)) => {
            let payment = record_paid(ports, payment, &paid).await?;
            if payment.can_be_paid() {
                return Err(PaymentError::ProviderUnavailable);
            }
            Ok(Some(payment))
        }
        SessionState::Completed(None) => record_processing(ports, payment).map(Some),
    }
}

async fn begin_next<P: Ports>(ports: &P, expired: Payment) -> Result<Payment, PaymentError> {
    let lifetime = ports.settings().session_lifetime_ms().await?;
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(locks::order(expired.order_id), |records| {
            let mut payment = records
                .find_payment(expired.id)?
                .ok_or(PaymentError::NotFound)?;
            if payment.can_be_paid() && payment.session_has_expired(now) {
                if payment.session == expired.session && expired.session.opened.is_some() {
                    // The provider has said so.
                    records.end_session(payment.id, payment.session.number)?;
                }
                payment.begin_next_session(now.saturating_add(lifetime), now);
                records.save_payment_and_session(&payment)?;
            }
            Ok(payment)
        })
}
