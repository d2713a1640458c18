use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::relay_outbox::publish_due;
use crate::application::queries::webhook_secret;
use crate::domain::{Charge, EventType, Fact, Payment, PaymentError, PaymentEvent, ProviderEvent};
use crate::ports::{Ports, Records, Store, WebhookContent, WebhookFormat};

const DECLINED: &str = "the payment was declined";
const EXPIRED: &str = "the checkout session ended without a payment";

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// It changed a payment.
    Applied,
    /// It was known already.
    Duplicate,
    /// It changes nothing here.
    Ignored,
}

/// Verifies a webhook and applies it exactly once. Nothing of the body is read before the signature is verified.
///
/// # Errors
/// `InvalidSignature`; `MalformedEvent` when it cannot be read, or speaks of another payment, amount or currency than
/// the order's: such an event is not remembered, so that it is applied when sent again after the cause is mended.
pub async fn handle_webhook<P: Ports>(
    ports: &P,
    body: &[u8],
    signature: &str,
) -> Result<WebhookOutcome, PaymentError> {
    let secret = webhook_secret(ports).await?;
    let now_seconds = ports.clock().now_seconds();
    ports
        .webhooks()
        .authenticate(&secret, signature, body, now_seconds)
        .map_err(|cause| {
            log::warn("webhook refused", &[("cause", &cause)]);
            PaymentError::InvalidSignature
        })?;
    let content = ports.webhooks().read(body).map_err(|cause| {
        log::error("webhook unreadable", &[("cause", &cause)]);
        PaymentError::MalformedEvent
    })?;
    let event = match content {
        WebhookContent::Event(event) => event,
        WebhookContent::Irrelevant(why) => {
            log::info("webhook ignored", &[("why", &why)]);
            return Ok(WebhookOutcome::Ignored);
        }
    };
    log::learn("webhook_id", &event.id);
    log::learn("order_id", &event.order_id);
    let outcome = ports
        .store()
        .write(|records| record(ports, records, &event))?;
    if outcome == WebhookOutcome::Applied {
        publish_due(ports).await;
    }
    Ok(outcome)
}

/// Remembers the webhook, changes the payment and writes the events, all in the caller's transaction.
fn record<P: Ports>(
    ports: &P,
    records: &dyn Records,
    event: &ProviderEvent,
) -> Result<WebhookOutcome, PaymentError> {
    let now = ports.clock().now_ms();
    let Some(mut payment) = records.find_payment_of_order(&event.order_id)? else {
        log::info("webhook ignored", &[("why", "no payment of that order")]);
        return Ok(WebhookOutcome::Ignored);
    };
    if !records.insert_webhook(event, &payment.id, now)? {
        return Ok(WebhookOutcome::Duplicate);
    }
    check_subject(&payment, event)?;
    if ends_an_older_session(records, &payment, &event.fact)? {
        return Ok(WebhookOutcome::Ignored);
    }
    let version = payment.version;
    let events = apply(ports, &mut payment, &event.fact, now);
    if payment.version == version {
        return Ok(WebhookOutcome::Ignored);
    }
    records.save_payment(&payment)?;
    events
        .iter()
        .try_for_each(|event| records.append_event(event))?;
    Ok(WebhookOutcome::Applied)
}

/// An authentic event may still be about something else: another payment, another amount, another currency.
fn check_subject(payment: &Payment, event: &ProviderEvent) -> Result<(), PaymentError> {
    let same_payment = event.payment_id.as_ref().is_none_or(|id| *id == payment.id);
    let same_currency = event
        .currency
        .is_none_or(|currency| currency == payment.currency);
    let same_amount = event
        .fact
        .amount()
        .is_none_or(|amount| amount == payment.amount);
    let refund_fits =
        !matches!(&event.fact, Fact::Refunded { refunded, .. } if *refunded > payment.amount);
    if same_payment && same_currency && same_amount && refund_fits {
        return Ok(());
    }
    log::error(
        "webhook does not fit its payment; compare both at the provider",
        &[("event", &event.name), ("payment_id", &payment.id)],
    );
    Err(PaymentError::MalformedEvent)
}

/// Applies a fact and gives the events that tell of it. A refund implies that the money was taken: when its news
/// come first, both are told, in that order.
fn apply<P: Ports>(ports: &P, payment: &mut Payment, fact: &Fact, now: u64) -> Vec<PaymentEvent> {
    let mut events = Vec::new();
    let mut tell = |payment: &Payment, event_type| {
        events.push(payment.event(ports.ids().new_id(), event_type, now));
    };
    match fact {
        Fact::Paid { charge, .. } => {
            warn_of_second_charge(payment, charge);
            if payment.succeed(charge, now) {
                tell(payment, EventType::Succeeded);
            }
        }
        Fact::SessionExpired { .. } => {
            if payment.cancel(EXPIRED, now) {
                tell(payment, EventType::Cancelled);
            }
        }
        Fact::PaymentFailed { .. } => {
            if payment.fail(DECLINED, now) {
                tell(payment, EventType::Failed);
            }
        }
        Fact::Refunded {
            refunded, charge, ..
        } => {
            if payment.succeed(charge, now) {
                tell(payment, EventType::Succeeded);
            }
            if payment.record_refunded(*refunded, now) {
                tell(payment, EventType::Refunded);
            }
        }
    }
    events
}

/// No two sessions of a payment are open at once, so this must not happen; but if it does, somebody paid twice.
pub(super) fn warn_of_second_charge(payment: &Payment, charge: &Charge) {
    if let (Some(known), Some(told)) = (&payment.provider_reference, &charge.reference)
        && known != told
    {
        log::error(
            "a payment was made twice; give the second charge back at the provider",
            &[
                ("payment_id", &payment.id),
                ("known", known),
                ("second", told),
            ],
        );
    }
}

/// The end of a session that another one has replaced decides nothing. While the provider's answer to the newest
/// session's opening is not known, a session that nobody has recorded may be that one.
fn ends_an_older_session(
    records: &dyn Records,
    payment: &Payment,
    fact: &Fact,
) -> Result<bool, PaymentError> {
    let (Fact::SessionExpired { session_id, .. } | Fact::PaymentFailed { session_id, .. }) = fact
    else {
        return Ok(false);
    };
    match &payment.session.opened {
        Some(newest) => Ok(newest.id != *session_id),
        None => Ok(records.find_payment_of_session(session_id)?.is_some()),
    }
}
