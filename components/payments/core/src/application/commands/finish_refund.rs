//! Brings a refund that is written down to its end.

use mercato_kernel::OrderId;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::duplicate_charges::{self, Obstacle};
use super::provider_error::refused;
use super::publish_events::{append, publish_appended};
use super::settle_refunds;
use crate::application::locks;
use crate::application::ports::{Ports, Provider, ProviderError, RefundRequest, Store};
use crate::domain::{
    BACK_OFF, EventType, Payment, PaymentError, PaymentEvent, ProviderRefund, Refund, RefundState,
};

/// Why a duplicate charge that was lost in a dispute is not given back.
const TAKEN_BACK: &str = "the customer's bank has taken the money back";

/// Resumes the pending refund that has been due longest, if any; the provider's errors only postpone it.
pub(super) async fn resume_due_refund<P: Ports>(ports: &P) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    let Some(refund) = ports.store().read(|records| records.find_due_refund(now))? else {
        return Ok(());
    };
    let payment_id = refund.payment_id;
    log::in_span(&[("payment_id", &payment_id.text())], async {
        if let Err(error) = finish(ports, refund).await {
            log::warn("refund not finished", &[("cause", &error.to_string())]);
        }
    })
    .await;
    Ok(())
}

/// Brings a refund to its end and gives the payment as it is then.
pub(super) async fn finish<P: Ports>(ports: &P, refund: Refund) -> Result<Payment, PaymentError> {
    let payment = ports
        .store()
        .read(|records| records.find_payment(refund.payment_id))?
        .ok_or(PaymentError::NotFound)?;
    log::record("order_id", &payment.order_id.text());
    if let Some(end) = end_of(&refund, &payment) {
        return end;
    }
    let answer = match need(ports, &payment, &refund)? {
        Need::Refund => ask(ports, &payment, &refund).await.map(Some),
        Need::Nothing => Ok(None),
        Need::TakenBack => Err(ProviderError::Rejected(TAKEN_BACK.to_owned())),
    };
    match answer {
        Ok(provider_id) => {
            let (end, event) = complete(ports, payment.order_id, &refund, provider_id)?;
            publish_appended(ports, event).await;
            end
        }
        Err(error) => {
            let event = set_back(ports, payment.order_id, &refund, &error)?;
            publish_appended(ports, event).await;
            let error = refused("refund", refund.payment_id, error);
            // Another request may have brought the same refund to its end meanwhile: then that is the answer.
            let (refund, payment) = ports.store().read(|records| {
                let payment = records.find_payment(refund.payment_id)?;
                Ok((records.find_refund(refund.id)?, payment))
            })?;
            let end = refund.zip(payment);
            end.and_then(|(refund, payment)| end_of(&refund, &payment))
                .unwrap_or(Err(error))
        }
    }
}

/// What the customer still needs of a refund.
enum Need {
    /// That the provider makes it.
    Refund,
    /// There is nothing to give back, or it has been given back by hand.
    Nothing,
    /// The customer's bank has taken the money back.
    TakenBack,
}

fn need<P: Ports>(ports: &P, payment: &Payment, refund: &Refund) -> Result<Need, PaymentError> {
    if refund.amount.is_zero() {
        return Ok(Need::Nothing);
    }
    let Some(reference) = &refund.duplicate_charge else {
        return Ok(Need::Refund);
    };
    ports.store().read(|records| {
        let charge = duplicate_charges::find(records, payment, reference)?;
        if charge.is_some_and(|charge| charge.has_gone_back()) {
            return Ok(Need::Nothing);
        }
        Ok(
            match duplicate_charges::obstacle(records, payment.id, reference)? {
                Obstacle::Lost => Need::TakenBack,
                Obstacle::None | Obstacle::Dispute => Need::Refund,
            },
        )
    })
}

/// What a refund has come to; none while it is pending.
fn end_of(refund: &Refund, payment: &Payment) -> Option<Result<Payment, PaymentError>> {
    match &refund.state {
        RefundState::Succeeded => Some(Ok(payment.clone())),
        RefundState::Failed(cause) => Some(Err(PaymentError::ProviderRejected(cause.clone()))),
        RefundState::Pending => None,
    }
}

async fn ask<P: Ports>(
    ports: &P,
    payment: &Payment,
    refund: &Refund,
) -> Result<String, ProviderError> {
    let Some(provider_reference) = charge_of(refund, payment) else {
        return Err(ProviderError::Rejected(
            "the charge to refund is not known".to_owned(),
        ));
    };
    let request = RefundRequest {
        payment_id: payment.id,
        order_id: payment.order_id,
        currency: payment.currency.to_string(),
        provider_reference,
        amount: refund.amount,
        reason: refund.reason.clone(),
        idempotency_key: format!("refund:{}", refund.id),
    };
    ports.provider().refund(&request).await
}

/// The charge that a refund gives back, by the provider's reference.
fn charge_of(refund: &Refund, payment: &Payment) -> Option<String> {
    let duplicate = refund.duplicate_charge.clone();
    duplicate.or_else(|| payment.provider_reference.clone())
}

/// The provider has done it: refund, payment and event in one transaction. The provider's webhook may have reported
/// the same sum before; then there is nothing left to publish. It may also have reported that the refund has failed: then that is its
/// end.
fn complete<P: Ports>(
    ports: &P,
    order_id: OrderId,
    refund: &Refund,
    provider_id: Option<String>,
) -> Result<(Result<Payment, PaymentError>, Option<PaymentEvent>), PaymentError> {
    let now = ports.clock().now_ms();
    ports.store().write(locks::order(order_id), |records| {
        let mut payment = records
            .find_payment(refund.payment_id)?
            .ok_or(PaymentError::NotFound)?;
        let version = payment.version;
        let known = match &provider_id {
            Some(id) => records.find_provider_refund(id)?,
            None => None,
        };
        let failure = known.and_then(|known| known.failure);
        let end = match &failure {
            Some(failure) => Err(failure.reason.as_str()),
            None => Ok(provider_id.as_deref()),
        };
        if !records.finish_refund(refund.id, end, now)? {
            let ended = records.find_refund(refund.id)?;
            let end = ended.and_then(|refund| end_of(&refund, &payment));
            return Ok((end.unwrap_or(Ok(payment)), None));
        }
        let events = match (&provider_id, charge_of(refund, &payment)) {
            (Some(id), Some(reference)) => {
                let made = ProviderRefund {
                    id: id.clone(),
                    amount: refund.amount,
                    created_at: 0,
                    failure: None,
                };
                settle_refunds::take_note(ports, records, &mut payment, &reference, &made, now)?
            }
            (None, _) if refund.duplicate_charge.is_none() && payment.give_nothing_back(now) => {
                vec![payment.event(ports.ids().new_uuid().into(), EventType::Refunded, now)]
            }
            _ => Vec::new(),
        };
        if payment.version != version {
            records.save_payment(&payment)?;
        }
        let event = append(records, events, now)?;
        let end = match failure {
            Some(failure) => Err(PaymentError::ProviderRejected(failure.reason)),
            None => Ok(payment),
        };
        Ok((end, event))
    })
}

/// The provider has not done it. Gives the event about it, when there is one to be published.
fn set_back<P: Ports>(
    ports: &P,
    order_id: OrderId,
    refund: &Refund,
    error: &ProviderError,
) -> Result<Option<PaymentEvent>, PaymentError> {
    let now = ports.clock().now_ms();
    ports.store().write(locks::order(order_id), |records| {
        let obstacle = match &refund.duplicate_charge {
            Some(reference) => duplicate_charges::obstacle(records, refund.payment_id, reference)?,
            None => Obstacle::None,
        };
        let cause = match (error, &obstacle) {
            // What is refused because of a dispute may be taken when that has ended.
            (ProviderError::Unavailable(_), _)
            | (ProviderError::Rejected(_), Obstacle::Dispute) => {
                let next_attempt_at = now.saturating_add(BACK_OFF.pause_ms(refund.attempts));
                records.postpone_refund(refund.id, next_attempt_at, now)?;
                return Ok(None);
            }
            (ProviderError::Rejected(cause), _) => cause,
        };
        let has_ended = records.finish_refund(refund.id, Err(cause), now)?;
        let (Some(reference), Obstacle::None, true) =
            (&refund.duplicate_charge, obstacle, has_ended)
        else {
            return Ok(None);
        };
        let payment = records.find_payment(refund.payment_id)?;
        let payment = payment.ok_or(PaymentError::NotFound)?;
        let event = duplicate_charges::refused(ports, &payment, reference, now);
        append(records, vec![event], now)
    })
}
