//! Plays the customer of a simulated provider.

use mercato_platform::clock::Clock;

use super::handle_webhook;
use crate::application::ports::{CheckoutSimulator, Ports, Store};
use crate::application::queries::{find_checkout_payment, webhook_secret};
use crate::domain::{CheckoutOutcome, PaymentError, PaymentView};

/// What the customer does in a session.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// The provider's id of the session.
    pub session_id: &'a str,
    /// What they do.
    pub outcome: CheckoutOutcome,
}

/// Plays the customer in a session of a simulated provider. The provider's signed webhook is handled like any other.
/// Of a card that is declined providers notify nobody: the customer stays on their page and may try again.
/// A session ends once: what the customer does first is what happens, also when its webhook was cut off by a crash.
///
/// # Errors
/// `NotSupported` by a real provider; `NotFound`; `Conflict` when the payment is decided, when the customer has done
/// something else first, and when the session has expired: then that is what happens, whatever the customer wants;
/// `UnderWay` for leaving while the money is on its way; `SessionEnded` for a card that is declined where nobody can pay any
/// more.
pub async fn handle<P: Ports>(
    ports: &P,
    Command {
        session_id,
        outcome,
    }: Command<'_>,
) -> Result<PaymentView, PaymentError> {
    let payment = find_checkout_payment(ports, session_id)?;
    if outcome == CheckoutOutcome::Decline {
        expect_open(&payment, ports.clock().now_ms())?;
        return Ok(payment);
    }
    if !payment.is_pending() {
        return Err(PaymentError::Conflict(payment.status));
    }
    if payment.is_processing && !matches!(outcome, CheckoutOutcome::Succeed | CheckoutOutcome::Fail)
    {
        return if outcome == CheckoutOutcome::Debit {
            Ok(payment)
        } else {
            Err(PaymentError::UnderWay)
        };
    }
    let expired = !payment.is_processing && payment.session_has_expired(ports.clock().now_ms());
    let possible = if expired {
        CheckoutOutcome::Cancel
    } else {
        outcome
    };
    let happens = ports.store().write(|records| match possible {
        CheckoutOutcome::Debit => Ok(records.find_simulation(session_id)?.unwrap_or(possible)),
        _ => records.decide_simulation(session_id, possible),
    })?;
    let secret = webhook_secret(ports).await?;
    let webhook = ports
        .provider()
        .simulate(&payment, session_id, happens, &secret)
        .await
        .ok_or(PaymentError::NotSupported)?;
    let received = handle_webhook::Command {
        body: &webhook.body,
        signature: &webhook.signature,
    };
    handle_webhook::handle(ports, received).await?;
    let decided = ports
        .store()
        .read(|records| records.find_payment(payment.id))?
        .ok_or(PaymentError::NotFound)?;
    if happens == outcome {
        Ok(decided.into())
    } else {
        Err(PaymentError::Conflict(decided.status))
    }
}

/// Only who could pay can be declined.
fn expect_open(payment: &PaymentView, now_ms: u64) -> Result<(), PaymentError> {
    if !payment.is_pending() {
        return Err(PaymentError::Conflict(payment.status));
    }
    if payment.is_processing {
        return Err(PaymentError::UnderWay);
    }
    payment
        .usable_session(now_ms)
        .map(drop)
        .ok_or(PaymentError::SessionEnded)
}
