//! Webhooks in Stripe's shape: <https://docs.stripe.com/api/events/object>.

use mercato_kernel::OrderId;
use mercato_money::Currency;
use mercato_platform::text;
pub use stripe_events::Document as WebhookEvent;
use stripe_events::{Body, Event, NAME_MAX_BYTES, Object};

use crate::domain::{
    Charge, Dispute, DisputeStatus, Fact, MinorUnits, ProviderEvent, ProviderRefund, RefundFailure,
    RefundTotal, Subject,
};

/// Longest URL or id that is kept of a charge, in bytes.
const REFERENCE_MAX_BYTES: usize = 2_048;

/// Longest reason for a dispute or for the failure of a refund that is kept, in characters.
const REASON_MAX_CHARS: usize = 200;

/// The largest amount, in minor units: an amount of money in a currency without minor units can hold no more.
const AMOUNT_MAX: i64 = i64::MAX / 10_000;

/// The latest time, in seconds since the Unix epoch: what has no time is not earlier than anything.
const SECONDS_MAX: u64 = u32::MAX as u64;

/// What a webhook's body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookContent {
    /// Something about a payment.
    Event(ProviderEvent),
    /// Nothing that concerns this shop; holds why.
    Irrelevant(String),
}

/// Whether the signature is the provider's and recent.
///
/// # Errors
/// Why not, for the log.
pub fn authenticate(
    secret: &str,
    signature: &str,
    body: &[u8],
    now_seconds: u64,
) -> Result<(), String> {
    stripe_signature::verify(secret, signature, body, now_seconds)
        .map_err(|error| error.to_string())
}

/// Reads an authenticated body.
///
/// # Errors
/// What is wrong with it, for the log.
pub fn read(body: &[u8]) -> Result<WebhookContent, String> {
    // Of other events nothing is expected: those of later versions of the API have no `data`, or another one.
    let body = Body::read(body)?;
    let event_type = body.event_type()?;
    match reader(event_type) {
        Some(read) => content(body.event()?, read),
        None => Ok(irrelevant(format!("nothing is done on {event_type:?}"))),
    }
}

/// Reads what happened to an object, from it and from the time of the event in seconds since the Unix epoch; none when
/// nothing is decided yet.
type FactReader = fn(&Object, Option<u64>) -> Result<Option<Fact>, String>;

/// What reads the objects of events of that type; none for types on which nothing is done.
fn reader(event_type: &str) -> Option<FactReader> {
    let read: FactReader = match event_type {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => paid,
        "checkout.session.expired" => expired,
        "checkout.session.async_payment_failed" => failed,
        "charge.succeeded" => charged,
        "charge.refunded" => refunded,
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => refund,
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => dispute,
        "charge.dispute.closed" => closed_dispute,
        _ => return None,
    };
    Some(read)
}

fn content(event: Event, read: FactReader) -> Result<WebhookContent, String> {
    let object = event.object;
    let order_id = order_id(&object)?;
    if order_id.is_none() && !is_about_charge(&event.event_type) {
        return Ok(irrelevant(format!(
            "{} names no order of this shop",
            event.id
        )));
    }
    let currency = currency(&object)?;
    let Some(fact) = read(&object, event.created)? else {
        return Ok(irrelevant(format!("{} decides nothing", event.id)));
    };
    let Some(subject) = subject(&object, &event.event_type)? else {
        return Ok(irrelevant(format!("{} names no charge", event.id)));
    };
    Ok(WebhookContent::Event(ProviderEvent {
        id: event.id,
        name: event.event_type,
        order_id,
        payment_id: object.metadata.unwrap_or_default().payment_id,
        currency,
        subject,
        fact,
    }))
}

/// Whether the object of the event is a refund or a dispute: these know their charge, and mostly no order.
fn is_about_charge(event_type: &str) -> bool {
    event_type.contains("refund.") || event_type.contains("dispute.")
}

fn irrelevant(why: String) -> WebhookContent {
    WebhookContent::Irrelevant(why)
}

/// A session can complete before the money has come (bank transfers and the like): its success follows later, as
/// `async_payment_succeeded`.
fn paid(session: &Object, _: Option<u64>) -> Result<Option<Fact>, String> {
    if session.payment_status.as_deref() == Some("unpaid") {
        let amount = optional_amount("amount_total", session.amount_total)?;
        return Ok(Some(Fact::Processing { amount }));
    }
    session.currency.as_ref().ok_or("currency is missing")?;
    Ok(Some(Fact::Paid {
        amount: amount("amount_total", session.amount_total)?,
        charge: charge(session)?,
    }))
}

fn expired(session: &Object, _: Option<u64>) -> Result<Option<Fact>, String> {
    Ok(Some(Fact::SessionExpired {
        amount: optional_amount("amount_total", session.amount_total)?,
    }))
}

fn failed(session: &Object, _: Option<u64>) -> Result<Option<Fact>, String> {
    Ok(Some(Fact::PaymentFailed {
        amount: optional_amount("amount_total", session.amount_total)?,
    }))
}

/// The same payment as the session's completion, before or after it, with the receipt, which a session does not know.
fn charged(charge: &Object, _: Option<u64>) -> Result<Option<Fact>, String> {
    if charge.captured != Some(true) {
        return Ok(None);
    }
    charge.currency.as_ref().ok_or("currency is missing")?;
    Ok(Some(Fact::Paid {
        amount: amount("amount", charge.amount)?,
        charge: self::charge(charge)?,
    }))
}

fn refunded(charge: &Object, told_at: Option<u64>) -> Result<Option<Fact>, String> {
    charge.currency.as_ref().ok_or("currency is missing")?;
    Ok(Some(Fact::Refunded {
        amount: amount("amount", charge.amount)?,
        refunded: RefundTotal {
            since: told_at.unwrap_or(0).min(SECONDS_MAX),
            until: told_at.unwrap_or(SECONDS_MAX).min(SECONDS_MAX),
            total: amount("amount_refunded", charge.amount_refunded)?,
        },
        charge: self::charge(charge)?,
    }))
}

/// Made here or by hand. One that is pending is made: the money is on its way, until it fails.
fn refund(refund: &Object, told_at: Option<u64>) -> Result<Option<Fact>, String> {
    refund.currency.as_ref().ok_or("currency is missing")?;
    check_id(refund)?;
    let status = refund.status.as_deref().unwrap_or_default();
    let reason = || refund.failure_reason.as_deref().unwrap_or(status);
    let failure = matches!(status, "failed" | "canceled").then(|| RefundFailure {
        at: told_at.unwrap_or(SECONDS_MAX).min(SECONDS_MAX),
        reason: text::escaped(reason(), REASON_MAX_CHARS).into_owned(),
    });
    Ok(Some(Fact::Refund(ProviderRefund {
        id: refund.id.clone(),
        amount: amount("amount", refund.amount)?,
        created_at: refund.created.unwrap_or(0).min(SECONDS_MAX),
        failure,
    })))
}

/// A dispute that was closed has ended, also by a status that is not known.
fn closed_dispute(object: &Object, told_at: Option<u64>) -> Result<Option<Fact>, String> {
    let fact = dispute(object, told_at)?;
    Ok(fact.map(|fact| match fact {
        Fact::Dispute(dispute) if dispute.status == DisputeStatus::Open => Fact::Dispute(Dispute {
            status: DisputeStatus::Closed,
            ..dispute
        }),
        other => other,
    }))
}

/// A status that is not known is that of a dispute which goes on.
fn dispute(dispute: &Object, told_at: Option<u64>) -> Result<Option<Fact>, String> {
    check_id(dispute)?;
    let status = match dispute.status.as_deref() {
        Some("won") => DisputeStatus::Won,
        Some("lost") => DisputeStatus::Lost,
        Some("warning_closed" | "prevented" | "charge_refunded") => DisputeStatus::Closed,
        _ => DisputeStatus::Open,
    };
    let reason = dispute.reason.as_deref().unwrap_or("no reason given");
    Ok(Some(Fact::Dispute(Dispute {
        id: dispute.id.clone(),
        amount: amount("amount", dispute.amount)?,
        currency: currency(dispute)?.ok_or("currency is missing")?,
        reason: text::escaped(reason, REASON_MAX_CHARS).into_owned(),
        status,
        told_at: told_at.unwrap_or(0).min(SECONDS_MAX),
        created_at: dispute.created.unwrap_or(0).min(SECONDS_MAX),
    })))
}

fn amount(name: &str, units: Option<i64>) -> Result<MinorUnits, String> {
    optional_amount(name, units)?.ok_or_else(|| format!("{name} is missing"))
}

fn optional_amount(name: &str, units: Option<i64>) -> Result<Option<MinorUnits>, String> {
    units
        .map(|units| {
            MinorUnits::new(units)
                .filter(|_| units <= AMOUNT_MAX)
                .ok_or_else(|| format!("{name} must be 0 to {AMOUNT_MAX}"))
        })
        .transpose()
}

/// The order both references speak of; none when neither is an order's id.
fn order_id(object: &Object) -> Result<Option<OrderId>, String> {
    let in_metadata = object
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.order_id.as_deref());
    let ids: Vec<OrderId> = [object.client_reference_id.as_deref(), in_metadata]
        .into_iter()
        .flatten()
        .filter_map(|id| OrderId::parse(id).ok())
        .collect();
    match ids.as_slice() {
        [first, second] if first != second => {
            Err("client_reference_id and metadata.order_id name different orders".to_owned())
        }
        ids => Ok(ids.first().copied()),
    }
}

/// # Errors
/// When the id is empty or very long.
fn check_id(object: &Object) -> Result<(), String> {
    if object.id.is_empty() || object.id.len() > NAME_MAX_BYTES {
        return Err(format!("an id must have 1 to {NAME_MAX_BYTES} bytes"));
    }
    Ok(())
}

/// Stripe writes currencies in lower case.
fn currency(object: &Object) -> Result<Option<Currency>, String> {
    object
        .currency
        .as_ref()
        .map(|code| {
            code.to_ascii_uppercase()
                .parse()
                .map_err(|_| format!("currency {code:?}"))
        })
        .transpose()
}

/// The session or the charge; a charge by its payment intent, which its session names, too. None of a refund that
/// names no charge.
fn subject(object: &Object, event_type: &str) -> Result<Option<Subject>, String> {
    let is_session = event_type.starts_with("checkout.");
    let (subject, id): (fn(String) -> Subject, &str) = if is_session {
        (Subject::Session, &object.id)
    } else if is_about_charge(event_type) {
        match object
            .payment_intent
            .as_deref()
            .or(object.charge.as_deref())
        {
            Some(reference) => (Subject::Charge, reference),
            None => return Ok(None),
        }
    } else {
        (Subject::Charge, reference(object))
    };
    if id.is_empty() || id.len() > NAME_MAX_BYTES {
        return Err(format!("an id must have 1 to {NAME_MAX_BYTES} bytes"));
    }
    Ok(Some(subject(id.to_owned())))
}

/// What refunds are made of: the payment intent, or whatever it is itself. A session without a charge (nothing was to be
/// paid) is its own reference.
fn reference(object: &Object) -> &str {
    object.payment_intent.as_ref().unwrap_or(&object.id)
}

fn charge(object: &Object) -> Result<Charge, String> {
    let reference = reference(object);
    let receipt_url = object.receipt_url.clone();
    let longest = reference
        .len()
        .max(receipt_url.as_ref().map_or(0, String::len));
    if longest > REFERENCE_MAX_BYTES {
        return Err(format!(
            "a reference has more than {REFERENCE_MAX_BYTES} bytes"
        ));
    }
    Ok(Charge {
        reference: Some(reference.to_owned()),
        receipt_url,
    })
}

#[cfg(test)]
mod tests;
