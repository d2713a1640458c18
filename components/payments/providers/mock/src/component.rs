//! The component's exports.

use mercato_contracts::variables::variables;
use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;

use crate::bindings::exports::mercato::payments::{checkout_simulator, provider};
use crate::{Component, checkout, webhook};

/// Its name, as stored with payments.
const NAME: &str = "stripe-mock";

impl provider::Guest for Component {
    fn name() -> String {
        NAME.to_owned()
    }

    async fn create_session(
        request: provider::SessionRequest,
    ) -> Result<provider::Session, provider::ProviderError> {
        if request.amount < 0 || request.line_items.is_empty() {
            return Err(rejected(
                "a session needs line items and an amount that is not negative",
            ));
        }
        let id = checkout::session_id(&request.idempotency_key);
        let url = checkout::session_url(&public_url().await?, &id);
        Ok(provider::Session {
            id,
            url,
            expires_at: request.expires_at,
        })
    }

    /// Nobody pays behind the mock's back: a session without a webhook is unpaid.
    async fn expire_session(
        _session_id: String,
    ) -> Result<provider::SessionState, provider::ProviderError> {
        Ok(provider::SessionState::Expired)
    }

    async fn refund(
        request: provider::RefundRequest,
    ) -> Result<provider::RefundReceipt, provider::ProviderError> {
        if request.amount <= 0 {
            return Err(rejected("a refund must be more than nothing"));
        }
        Ok(provider::RefundReceipt {
            id: checkout::refund_id(&request.idempotency_key),
        })
    }
}

impl checkout_simulator::Guest for Component {
    fn is_simulator() -> bool {
        true
    }

    async fn simulate(
        payment: checkout_simulator::SimulatedPayment,
        outcome: checkout_simulator::Outcome,
        signing_secret: String,
    ) -> Option<checkout_simulator::SignedWebhook> {
        let public_url = public_url().await.ok()?;
        let seconds = SystemClock.now_seconds();
        let body = webhook::body(&payment.into(), outcome.into(), &public_url, seconds);
        match webhook::signature(&signing_secret, seconds, &body) {
            Ok(signature) => Some(checkout_simulator::SignedWebhook { body, signature }),
            Err(error) => {
                log::error("webhook not signed", &[("cause", &error.to_string())]);
                None
            }
        }
    }
}

impl From<checkout_simulator::SimulatedPayment> for webhook::Session {
    fn from(payment: checkout_simulator::SimulatedPayment) -> Self {
        Self {
            id: payment.session_id,
            order_id: payment.order_id,
            payment_id: payment.payment_id,
            amount: payment.amount,
            currency: payment.currency,
        }
    }
}

impl From<checkout_simulator::Outcome> for webhook::Outcome {
    fn from(outcome: checkout_simulator::Outcome) -> Self {
        match outcome {
            checkout_simulator::Outcome::Succeed => Self::Succeed,
            checkout_simulator::Outcome::Fail => Self::Fail,
            checkout_simulator::Outcome::Cancel => Self::Cancel,
            checkout_simulator::Outcome::Debit => Self::Debit,
            checkout_simulator::Outcome::Settle => Self::Settle,
        }
    }
}

fn rejected(cause: &str) -> provider::ProviderError {
    provider::ProviderError::Rejected(cause.to_owned())
}

async fn public_url() -> Result<String, provider::ProviderError> {
    variables::get("public_url".to_owned())
        .await
        .map_err(|error| {
            let cause = format!(
                "the variable public_url cannot be read ({error:?}); grant it in spin.toml"
            );
            log::error("configuration", &[("cause", &cause)]);
            provider::ProviderError::Unavailable(cause)
        })
}
