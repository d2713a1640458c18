//! Plays the customer of a simulated provider.

use mercato_platform::clock::Clock;

use super::handle_webhook::{self, WebhookOutcome};
use crate::application::ports::{CheckoutSimulator, Ports};
use crate::application::queries::{find_simulated_payment, webhook_secret};
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
/// A session ends once: what the customer does first is what happens. It is written down with what comes of it; what a version
/// before has written down by itself, and was cut off before it happened, happens now.
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
    let (payment, recorded) = find_simulated_payment(ports, session_id)?;
    let now = ports.clock().now_ms();
    if outcome == CheckoutOutcome::Decline {
        expect_open(&payment, now)?;
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
    let has_expired = !payment.is_processing && payment.session_has_expired(now);
    let possible = if has_expired {
        CheckoutOutcome::Cancel
    } else {
        outcome
    };
    let happens = recorded.unwrap_or(possible);
    let (applied, decided) = play(ports, &payment, session_id, happens).await?;
    // Somebody else may have been faster: then what they did is what happened, and nothing comes of this.
    if happens == outcome && applied != WebhookOutcome::Ignored {
        Ok(decided)
    } else {
        Err(PaymentError::Conflict(decided.status))
    }
}

/// Lets it happen: the provider's webhook about it is handled in one transaction.
async fn play<P: Ports>(
    ports: &P,
    payment: &PaymentView,
    session_id: &str,
    happens: CheckoutOutcome,
) -> Result<(WebhookOutcome, PaymentView), PaymentError> {
    let secret = webhook_secret(ports).await?;
    let webhook = ports
        .provider()
        .simulate(payment, session_id, happens, &secret)
        .await
        .ok_or(PaymentError::NotSupported)?;
    let received = handle_webhook::Command {
        body: &webhook.body,
        signature: &webhook.signature,
    };
    let handled = handle_webhook::handle_signed(ports, received, &secret).await?;
    let decided = handled.payment.ok_or(PaymentError::NotFound)?;
    Ok((handled.outcome, decided.into()))
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
