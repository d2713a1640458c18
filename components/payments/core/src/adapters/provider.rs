//! The provider that this component was composed with.

use mercato_contracts::payments::{checkout_simulator, provider};

use crate::application::ports::{
    CheckoutSimulator, PaidSession, Provider, ProviderError, RefundRequest, SessionRequest,
    SessionState, SignedWebhook,
};
use crate::domain::{
    Address, Adjustment, AdjustmentKind, CheckoutDetails, CheckoutOutcome, CheckoutSession,
    LineAmount, MinorUnits, PaymentView,
};

/// The provider behind `mercato:payments/provider`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComposedProvider;

impl Provider for ComposedProvider {
    fn name(&self) -> String {
        provider::name()
    }

    async fn create_session(
        &self,
        request: &SessionRequest,
    ) -> Result<CheckoutSession, ProviderError> {
        let payment = &request.payment;
        let line_items = request
            .lines
            .iter()
            .map(|line| provider::LineItem {
                name: line.name.clone(),
                unit_price: line.unit_price.units(),
                quantity: line.quantity,
            })
            .collect();
        let session = provider::create_session(provider::SessionRequest {
            order_id: payment.order_id.to_string(),
            order_number: request.order_number.clone(),
            payment_id: payment.id.to_string(),
            amount: payment.amount.get(),
            currency: payment.currency.to_string(),
            line_items,
            details: request.details.as_ref().map(details),
            expires_at: payment.session.requested_expiry,
            idempotency_key: payment.session_idempotency_key(),
        })
        .await?;
        Ok(CheckoutSession {
            id: session.id,
            url: session.url,
            expires_at: session.expires_at,
        })
    }

    async fn expire_session(&self, session_id: &str) -> Result<SessionState, ProviderError> {
        let state = provider::expire_session(session_id.to_owned()).await?;
        Ok(match state {
            provider::SessionState::Expired => SessionState::Expired,
            provider::SessionState::Completed(charge) => {
                SessionState::Completed(charge.map(paid_session).transpose()?)
            }
        })
    }

    async fn refund(&self, request: &RefundRequest) -> Result<String, ProviderError> {
        let receipt = provider::refund(provider::RefundRequest {
            payment_id: request.payment_id.to_string(),
            order_id: request.order_id.to_string(),
            provider_reference: request.provider_reference.clone(),
            amount: request.amount.get(),
            currency: request.currency.clone(),
            reason: request.reason.clone(),
            idempotency_key: request.idempotency_key.clone(),
        })
        .await?;
        Ok(receipt.id)
    }
}

fn details(details: &CheckoutDetails) -> provider::CheckoutDetails {
    let line_amount = |line: &LineAmount| provider::LineAmount {
        amount: line.amount.get(),
        discount: line.discount.get(),
    };
    let adjustment = |adjustment: &Adjustment| provider::Adjustment {
        kind: match adjustment.kind {
            AdjustmentKind::Discount => provider::AdjustmentKind::Discount,
            AdjustmentKind::Shipping => provider::AdjustmentKind::Shipping,
            AdjustmentKind::Tax => provider::AdjustmentKind::Tax,
            AdjustmentKind::IncludedTax => provider::AdjustmentKind::IncludedTax,
        },
        label: adjustment.label.clone(),
        amount: adjustment.amount.get(),
    };
    provider::CheckoutDetails {
        email: details.email.clone(),
        shipping_address: details.shipping_address.as_ref().map(address),
        billing_address: details.billing_address.as_ref().map(address),
        line_amounts: details.line_amounts.iter().map(line_amount).collect(),
        adjustments: details.adjustments.iter().map(adjustment).collect(),
    }
}

fn address(address: &Address) -> provider::Address {
    provider::Address {
        name: address.name.clone(),
        company: address.company.clone(),
        line1: address.line1.clone(),
        line2: address.line2.clone(),
        postal_code: address.postal_code.clone(),
        city: address.city.clone(),
        region: address.region.clone(),
        country: address.country.clone(),
    }
}

fn paid_session(charge: provider::Charge) -> Result<PaidSession, ProviderError> {
    let amount = MinorUnits::new(charge.amount)
        .ok_or_else(|| ProviderError::Unavailable("a charge with a negative amount".to_owned()))?;
    Ok(PaidSession {
        reference: charge.reference,
        amount,
        currency: charge.currency,
    })
}

impl From<provider::ProviderError> for ProviderError {
    fn from(error: provider::ProviderError) -> Self {
        match error {
            provider::ProviderError::Unavailable(cause) => Self::Unavailable(cause),
            provider::ProviderError::Rejected(cause) => Self::Rejected(cause),
        }
    }
}

impl CheckoutSimulator for ComposedProvider {
    fn is_simulator(&self) -> bool {
        checkout_simulator::is_simulator()
    }

    async fn simulate(
        &self,
        payment: &PaymentView,
        session_id: &str,
        outcome: CheckoutOutcome,
        secret: &str,
    ) -> Option<SignedWebhook> {
        let simulated = checkout_simulator::SimulatedPayment {
            session_id: session_id.to_owned(),
            order_id: payment.order_id.to_string(),
            payment_id: payment.id.to_string(),
            amount: payment.amount.get(),
            currency: payment.currency.to_string(),
        };
        let outcome = match outcome {
            CheckoutOutcome::Succeed if payment.is_processing => {
                checkout_simulator::Outcome::Settle
            }
            CheckoutOutcome::Succeed => checkout_simulator::Outcome::Succeed,
            CheckoutOutcome::Fail => checkout_simulator::Outcome::Fail,
            CheckoutOutcome::Cancel => checkout_simulator::Outcome::Cancel,
            CheckoutOutcome::Debit => checkout_simulator::Outcome::Debit,
            CheckoutOutcome::Decline => return None,
        };
        let webhook = checkout_simulator::simulate(simulated, outcome, secret.to_owned()).await?;
        Some(SignedWebhook {
            body: webhook.body,
            signature: webhook.signature,
        })
    }
}
