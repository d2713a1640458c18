//! Ends sessions at the provider in which nobody is to pay any more: their payment is decided, or another session has taken
//! their place. Mostly the request that decided it has ended its session, or a webhook has reported its end; what is left was
//! lost on the way. The provider is asked until it says that the session is over.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use super::provider_sessions::{SESSION_LIFE_LONGEST_MS, end, request_session};
use super::take_payment::record_paid;
use crate::application::locks;
use crate::application::ports::{Ports, SessionState, Store};
use crate::domain::{BACK_OFF, CheckoutSession, Payment, PaymentError};

/// Most sessions of one run.
const SESSIONS_PER_RUN: u32 = 10;

/// How long a run goes on, in milliseconds.
const RUN_TIME_MS: u64 = 1_500;

/// What became of a session.
enum Ending {
    /// Nobody can pay in it any more.
    Over,
    /// That is not known: the provider is to be asked again.
    Open,
}

/// Ends what is due, up to the first that the provider does not answer for; true when there may be more.
///
/// # Errors
/// `Unavailable`, `Internal`. A provider that does not answer is no error.
pub(super) async fn end_due_sessions<P: Ports>(ports: &P) -> Result<bool, PaymentError> {
    let deadline = ports.clock().now_ms().saturating_add(RUN_TIME_MS);
    for _ in 0..SESSIONS_PER_RUN {
        let now = ports.clock().now_ms();
        if now >= deadline {
            return Ok(true);
        }
        let due = ports
            .store()
            .read(|records| records.find_session_to_end(now))?;
        let Some((payment, attempts)) = due else {
            return Ok(false);
        };
        let ids = [
            ("order_id", &*payment.order_id.text()),
            ("payment_id", &*payment.id.text()),
        ];
        match log::in_span(&ids, end_one(ports, &payment)).await? {
            Ending::Over => ports
                .store()
                .write(locks::order(payment.order_id), |records| {
                    records.end_session(payment.id, payment.session.number)
                })?,
            Ending::Open => {
                let end_at = ports
                    .clock()
                    .now_ms()
                    .saturating_add(BACK_OFF.pause_ms(attempts));
                ports
                    .store()
                    .write(locks::order(payment.order_id), |records| {
                        records.postpone_session_end(payment.id, payment.session.number, end_at)
                    })?;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// `payment` has the session in the place of its newest one.
async fn end_one<P: Ports>(ports: &P, payment: &Payment) -> Result<Ending, PaymentError> {
    let slot = &payment.session;
    let expires_at = slot
        .opened
        .as_ref()
        .map_or(slot.requested_expiry, |session| session.expires_at);
    if expires_at.saturating_add(SESSION_LIFE_LONGEST_MS) <= ports.clock().now_ms() {
        return Ok(Ending::Over);
    }
    let session = match known(ports, payment).await {
        Ok(Some(session)) => session,
        Ok(None) => return Ok(Ending::Over),
        Err(error) => return still_open(error),
    };
    match end(ports, payment, &session).await {
        Ok(SessionState::Expired) => Ok(Ending::Over),
        // What does not fit is in the log; it is over all the same.
        Ok(SessionState::Completed(Some(paid))) => {
            record_paid(ports, payment, &paid).await?;
            Ok(Ending::Over)
        }
        Ok(SessionState::Completed(None)) => Ok(Ending::Open),
        Err(error) => still_open(error),
    }
}

/// The session as the provider knows it: when its answer was lost, it is asked for again, which gives the same one. None
/// when the provider refuses to open it, so there is none.
async fn known<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<Option<CheckoutSession>, PaymentError> {
    if let Some(session) = &payment.session.opened {
        return Ok(Some(session.clone()));
    }
    let session = match request_session(ports, payment).await {
        Ok(session) => session,
        Err(PaymentError::ProviderRejected(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut slot = payment.session.clone();
    slot.opened = Some(session.clone());
    ports
        .store()
        .write(locks::order(payment.order_id), |records| {
            records.save_session(payment.id, &slot)
        })?;
    Ok(Some(session))
}

/// The provider does not say that it is over.
fn still_open(error: PaymentError) -> Result<Ending, PaymentError> {
    match error {
        PaymentError::ProviderUnavailable | PaymentError::ProviderRejected(_) => Ok(Ending::Open),
        error => Err(error),
    }
}
