//! Sessions at the provider.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use super::provider_error::refused;
use crate::application::ports::{
    Ports, Provider, ProviderError, SessionRequest, SessionState, Store,
};
use crate::domain::{CheckoutSession, Payment, PaymentError};

/// No provider keeps a session open for longer than this after the end the shop asked for, in milliseconds.
pub const SESSION_LIFE_LONGEST_MS: u64 = 24 * 60 * 60 * 1_000;

/// Asks the provider for the payment's newest session; asking again gives the same one.
pub(super) async fn request_session<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<CheckoutSession, PaymentError> {
    let content = ports
        .store()
        .read(|records| records.content_of_payment(payment.id))?;
    let request = SessionRequest {
        payment: payment.clone(),
        order_number: content.order_number,
        lines: content.lines,
        details: content.details,
    };
    ports
        .provider()
        .create_session(&request)
        .await
        .map_err(|error| refused("open a session", payment.id, error))
}

/// Ends a session at the provider. One that the provider will not end, because it knows no such session for example, is
/// over when no session lives that long.
pub(super) async fn end<P: Ports>(
    ports: &P,
    payment: &Payment,
    session: &CheckoutSession,
) -> Result<SessionState, PaymentError> {
    let error = match ports.provider().expire_session(&session.id).await {
        // A session that is complete does not expire: a stand-in for a provider knows nothing of its sessions.
        Ok(SessionState::Expired) if payment.is_processing => {
            return Ok(SessionState::Completed(None));
        }
        Ok(state) => return Ok(state),
        Err(error) => error,
    };
    let over_at = session.expires_at.saturating_add(SESSION_LIFE_LONGEST_MS);
    if matches!(error, ProviderError::Rejected(_)) && over_at <= ports.clock().now_ms() {
        log::warn(
            "a session that the provider will not end counts as over",
            &[
                ("payment_id", &payment.id.text()),
                ("session_id", &session.id),
            ],
        );
        return Ok(SessionState::Expired);
    }
    Err(refused("expire a session", payment.id, error))
}
