//! Keeps the answer given to a refund.

use mercato_kernel::{Caller, RecordedAnswer};
use mercato_platform::clock::Clock;

use super::refund_payment::{IDEMPOTENCY_KEY_TTL_MS, stored_key};
use crate::application::locks;
use crate::application::ports::{Ports, Store};
use crate::domain::{PaymentError, RefundState};

/// An answer that is about to be given to a refund.
#[derive(Debug, Clone)]
pub struct Command<'a> {
    /// Who asked for the refund.
    pub requested_by: Caller,
    /// The key of the request.
    pub key: &'a str,
    /// The answer.
    pub answer: RecordedAnswer,
}

/// Keeps the answer given to a refund under its idempotency key. The first answer kept is given back, and is what must
/// be sent. A key without a refund that has ended keeps nothing.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn handle<P: Ports>(ports: &P, command: Command<'_>) -> Result<RecordedAnswer, PaymentError> {
    let since = ports
        .clock()
        .now_ms()
        .saturating_sub(IDEMPOTENCY_KEY_TTL_MS);
    let key = stored_key(&command.requested_by, command.key);
    let answer = command.answer;
    let first = ports.store().write(locks::refund_key(&key), |records| {
        let ended = records
            .find_refund_by_key(&key, since)?
            .filter(|refund| refund.state != RefundState::Pending);
        match ended {
            Some(refund) if refund.answer.is_none() => {
                records.set_refund_answer(refund.id, &answer).map(|()| None)
            }
            Some(refund) => Ok(refund.answer),
            None => Ok(None),
        }
    })?;
    Ok(first.unwrap_or(answer))
}
