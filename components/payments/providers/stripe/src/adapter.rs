//! The port on top of the client: what each use asks of Stripe, and what its answers mean for the shop.

use crate::client::{Client, Deadline, Failure, Pace, Transport};
use crate::port::{
    ProviderError, RefundReceipt, RefundRequest, Session, SessionRequest, SessionState,
};
use crate::transformers::{self, CheckoutSettings};

/// Opens a session.
///
/// # Errors
/// `Unavailable`, `Rejected`.
pub async fn create_session<T: Transport, P: Pace>(
    client: &Client<'_, T, P>,
    settings: &CheckoutSettings,
    request: &SessionRequest,
) -> Result<Session, ProviderError> {
    let call = transformers::create_session(request, settings).map_err(ProviderError::Rejected)?;
    let deadline = Deadline::from_now(client.pace);
    let read = |body: &[u8]| transformers::read_opened_session(body, request);
    Ok(client.call(&call, deadline, read).await?)
}

/// Ends a session. One that cannot be ended is asked for: it has ended already, or the customer was faster.
///
/// # Errors
/// `Unavailable`, `Rejected`.
pub async fn expire_session<T: Transport, P: Pace>(
    client: &Client<'_, T, P>,
    session_id: &str,
) -> Result<SessionState, ProviderError> {
    let expire = transformers::expire_session(session_id).map_err(ProviderError::Rejected)?;
    let find = transformers::find_session(session_id).map_err(ProviderError::Rejected)?;
    let deadline = Deadline::from_now(client.pace);
    let state = match client
        .call(&expire, deadline, transformers::read_session_state)
        .await
    {
        Err(Failure::Refused(refusal)) if !refusal.is_missing() => {
            client
                .call(&find, deadline, transformers::read_session_state)
                .await?
        }
        ended => ended?,
    };
    state.ok_or_else(|| ProviderError::Unavailable("the session is still open".to_owned()))
}

/// Gives money back, unless Stripe has done so for this very request before.
///
/// # Errors
/// `Unavailable`, `Rejected`.
pub async fn refund<T: Transport, P: Pace>(
    client: &Client<'_, T, P>,
    request: &RefundRequest,
) -> Result<RefundReceipt, ProviderError> {
    let make = transformers::refund(request).map_err(ProviderError::Rejected)?;
    let find = transformers::find_refunds(request).map_err(ProviderError::Rejected)?;
    let deadline = Deadline::from_now(client.pace);
    let read_known = |body: &[u8]| transformers::read_known_refund(body, request);
    let refunded = match client.call(&find, deadline, read_known).await? {
        Some(known) => known,
        None => {
            client
                .call(&make, deadline, transformers::read_refund)
                .await?
        }
    };
    refunded.map_err(ProviderError::Rejected)
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Undecided(cause) => Self::Unavailable(cause),
            Failure::Refused(refusal) => Self::Rejected(refusal.describe()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
