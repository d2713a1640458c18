//! Webhooks in Stripe's shape: <https://docs.stripe.com/api/events/object>.

use mercato_money::Currency;
use mercato_platform::{ids, text};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::{
    Charge, Dispute, DisputeStatus, Fact, MinorUnits, ProviderEvent, ProviderRefund, RefundFailure,
    RefundTotal, Subject,
};
use crate::ports::{WebhookContent, WebhookFormat};

/// Longest id or type of an event, in bytes.
const NAME_MAX_BYTES: usize = 255;

/// Longest URL or id that is kept of a charge, in bytes.
const REFERENCE_MAX_BYTES: usize = 2_048;

/// Longest reason for a dispute or for the failure of a refund that is kept, in characters.
const REASON_MAX_CHARS: usize = 200;

/// The largest amount, in minor units: an amount of money in a currency without minor units can hold no more.
const AMOUNT_MAX: i64 = i64::MAX / 10_000;

/// The latest time, in seconds since the Unix epoch: what has no time is not earlier than anything.
const SECONDS_MAX: u64 = u32::MAX as u64;

/// Stripe's webhook format.
#[derive(Debug, Clone, Copy, Default)]
pub struct StripeWebhooks;

impl WebhookFormat for StripeWebhooks {
    fn authenticate(
        &self,
        secret: &str,
        signature: &str,
        body: &[u8],
        now_seconds: u64,
    ) -> Result<(), String> {
        stripe_signature::verify(secret, signature, body, now_seconds)
            .map_err(|error| error.to_string())
    }

    fn read(&self, body: &[u8]) -> Result<WebhookContent, String> {
        let event: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        // Of other events nothing is expected: those of later versions of the API have no `data`, or another one.
        let event_type = event.get("type").and_then(Value::as_str);
        let event_type = event_type.ok_or("type is missing")?;
        let Some(read) = reader(event_type) else {
            return Ok(irrelevant(format!("nothing is done on {event_type:?}")));
        };
        let event: Event =
            serde_json::from_value(Value::Object(event)).map_err(|error| error.to_string())?;
        for name in [&event.id, &event.event_type] {
            if name.is_empty() || name.len() > NAME_MAX_BYTES {
                return Err(format!("id and type must have 1 to {NAME_MAX_BYTES} bytes"));
            }
        }
        event.content(read)
    }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    /// When it happened, in seconds since the Unix epoch.
    created: Option<u64>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// What a Checkout Session, a Charge, a Refund and a Dispute have of what concerns us.
#[derive(Deserialize)]
struct Object {
    id: String,
    client_reference_id: Option<String>,
    metadata: Option<Metadata>,
    currency: Option<String>,
    /// Checkout Session: what was to be paid.
    amount_total: Option<i64>,
    /// Checkout Session: `paid`, `unpaid`, `no_payment_required`.
    payment_status: Option<String>,
    payment_intent: Option<String>,
    /// Refund and Dispute: the charge, where there is no payment intent.
    charge: Option<String>,
    /// Refund: `failed` and `canceled` are its ends without money; everything else may still come. Dispute: `won`, `lost`,
    /// `prevented`, `warning_closed` and `charge_refunded` are its ends.
    status: Option<String>,
    /// Refund: why it failed.
    failure_reason: Option<String>,
    /// Dispute: why.
    reason: Option<String>,
    /// Refund and Dispute: when it was made, in seconds since the Unix epoch.
    created: Option<u64>,
    /// Charge: what was paid. Refund: what goes back. Dispute: what it is about.
    amount: Option<i64>,
    /// Charge: what has gone back altogether.
    amount_refunded: Option<i64>,
    /// Charge: whether the money was taken, not only set aside.
    captured: Option<bool>,
    receipt_url: Option<String>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    order_id: Option<String>,
    payment_id: Option<String>,
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

impl Event {
    fn content(self, read: FactReader) -> Result<WebhookContent, String> {
        let object: Object = serde_json::from_value(self.data.object)
            .map_err(|error| format!("data.object: {error}"))?;
        let order_id = object.order_id()?;
        if order_id.is_none() && !is_about_charge(&self.event_type) {
            return Ok(irrelevant(format!(
                "{} names no order of this shop",
                self.id
            )));
        }
        let currency = object.currency()?;
        let Some(fact) = read(&object, self.created)? else {
            return Ok(irrelevant(format!("{} decides nothing", self.id)));
        };
        let Some(subject) = object.subject(&self.event_type)? else {
            return Ok(irrelevant(format!("{} names no charge", self.id)));
        };
        Ok(WebhookContent::Event(ProviderEvent {
            id: self.id,
            name: self.event_type,
            order_id,
            payment_id: object.metadata.unwrap_or_default().payment_id,
            currency,
            subject,
            fact,
        }))
    }
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
    // A session without a charge (nothing was to be paid) is its own reference.
    let reference = session.reference();
    Ok(Some(Fact::Paid {
        amount: amount("amount_total", session.amount_total)?,
        charge: session.charge(reference)?,
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

/// Tells the same payment as the session's completion, before or after it, and knows the receipt, which a session does
/// not.
fn charged(charge: &Object, _: Option<u64>) -> Result<Option<Fact>, String> {
    if charge.captured != Some(true) {
        return Ok(None);
    }
    charge.currency.as_ref().ok_or("currency is missing")?;
    let reference = charge.reference();
    Ok(Some(Fact::Paid {
        amount: amount("amount", charge.amount)?,
        charge: charge.charge(reference)?,
    }))
}

fn refunded(charge: &Object, told_at: Option<u64>) -> Result<Option<Fact>, String> {
    charge.currency.as_ref().ok_or("currency is missing")?;
    let reference = charge.reference();
    Ok(Some(Fact::Refunded {
        amount: amount("amount", charge.amount)?,
        refunded: RefundTotal {
            since: told_at.unwrap_or(0).min(SECONDS_MAX),
            until: told_at.unwrap_or(SECONDS_MAX).min(SECONDS_MAX),
            total: amount("amount_refunded", charge.amount_refunded)?,
        },
        charge: charge.charge(reference)?,
    }))
}

/// Made here or by hand. One that is pending is made: the money is on its way, until it fails.
fn refund(refund: &Object, told_at: Option<u64>) -> Result<Option<Fact>, String> {
    refund.currency.as_ref().ok_or("currency is missing")?;
    refund.check_id()?;
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
    dispute.check_id()?;
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
        currency: dispute.currency()?.ok_or("currency is missing")?,
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

impl Object {
    /// The order both references speak of; none when neither is an order's id.
    fn order_id(&self) -> Result<Option<String>, String> {
        let in_metadata = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.order_id.as_deref());
        let ids: Vec<String> = [self.client_reference_id.as_deref(), in_metadata]
            .into_iter()
            .flatten()
            .filter_map(|id| ids::parse(id).ok())
            .collect();
        match ids.as_slice() {
            [first, second] if first != second => {
                Err("client_reference_id and metadata.order_id name different orders".to_owned())
            }
            ids => Ok(ids.first().cloned()),
        }
    }

    /// # Errors
    /// When the id is empty or very long.
    fn check_id(&self) -> Result<(), String> {
        if self.id.is_empty() || self.id.len() > NAME_MAX_BYTES {
            return Err(format!("an id must have 1 to {NAME_MAX_BYTES} bytes"));
        }
        Ok(())
    }

    /// Stripe writes currencies in lower case.
    fn currency(&self) -> Result<Option<Currency>, String> {
        self.currency
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
    fn subject(&self, event_type: &str) -> Result<Option<Subject>, String> {
        let is_session = event_type.starts_with("checkout.");
        let (subject, id): (fn(String) -> Subject, &str) = if is_session {
            (Subject::Session, &self.id)
        } else if is_about_charge(event_type) {
            match self.payment_intent.as_deref().or(self.charge.as_deref()) {
                Some(reference) => (Subject::Charge, reference),
                None => return Ok(None),
            }
        } else {
            (Subject::Charge, self.reference())
        };
        if id.is_empty() || id.len() > NAME_MAX_BYTES {
            return Err(format!("an id must have 1 to {NAME_MAX_BYTES} bytes"));
        }
        Ok(Some(subject(id.to_owned())))
    }

    /// What refunds are made of: the payment intent, or whatever it is itself.
    fn reference(&self) -> &str {
        self.payment_intent.as_ref().unwrap_or(&self.id)
    }

    fn charge(&self, reference: &str) -> Result<Charge, String> {
        let receipt_url = self.receipt_url.clone();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const OTHER_ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

    fn read(event_type: &str, object: &str) -> Result<WebhookContent, String> {
        let body = format!(
            r#"{{"id":"evt_1","type":"{event_type}","created":1,"data":{{"object":{object}}}}}"#
        );
        StripeWebhooks.read(body.as_bytes())
    }

    fn event(event_type: &str, object: &str) -> ProviderEvent {
        match read(event_type, object) {
            Ok(WebhookContent::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn units(units: i64) -> MinorUnits {
        MinorUnits::new(units).unwrap()
    }

    #[test]
    fn a_completed_session_is_a_payment() {
        let event = event(
            "checkout.session.completed",
            &format!(
                r#"{{"id":"cs_1","client_reference_id":"{}","metadata":{{"order_id":"{ORDER}","payment_id":"p"}},
                "amount_total":1999,"currency":"usd","payment_status":"paid","payment_intent":"pi_1",
                "receipt_url":"https://receipt","unknown":[1]}}"#,
                ORDER.to_uppercase()
            ),
        );
        assert_eq!(
            (event.order_id.as_deref(), event.payment_id.as_deref()),
            (Some(ORDER), Some("p"))
        );
        assert_eq!(event.currency, Some("USD".parse().unwrap()));
        let charge = Charge {
            reference: Some("pi_1".to_owned()),
            receipt_url: Some("https://receipt".to_owned()),
        };
        assert_eq!(
            event.fact,
            Fact::Paid {
                amount: units(1999),
                charge
            }
        );
    }

    #[test]
    fn a_completed_session_that_is_unpaid_waits_for_its_money() {
        let object = format!(
            r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":1,"currency":"usd","payment_status":"unpaid"}}"#
        );
        assert_eq!(
            event("checkout.session.completed", &object).fact,
            Fact::Processing {
                amount: Some(units(1))
            }
        );
        let paid = object.replace("unpaid", "paid");
        assert!(matches!(
            event("checkout.session.async_payment_succeeded", &paid).fact,
            Fact::Paid { .. }
        ));
    }

    #[test]
    fn ends_of_sessions_and_refunds_are_read() {
        let session =
            format!(r#"{{"id":"cs_1","metadata":{{"order_id":"{ORDER}"}},"amount_total":5}}"#);
        let amount = Some(units(5));
        assert_eq!(
            event("checkout.session.expired", &session).fact,
            Fact::SessionExpired { amount }
        );
        assert_eq!(
            event("checkout.session.async_payment_failed", &session).fact,
            Fact::PaymentFailed { amount }
        );
        let charge = format!(
            r#"{{"id":"ch_1","metadata":{{"order_id":"{ORDER}"}},"amount":10,"amount_refunded":4,"currency":"eur"}}"#
        );
        let fact = event("charge.refunded", &charge).fact;
        let charge = Charge {
            reference: Some("ch_1".to_owned()),
            receipt_url: None,
        };
        assert_eq!(
            fact,
            Fact::Refunded {
                amount: units(10),
                refunded: RefundTotal {
                    since: 1,
                    until: 1,
                    total: units(4),
                },
                charge
            }
        );
    }

    /// When the recorded refund was told.
    const REFUNDED_AT: u64 = 1_700_000_067;
    const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
    const INTENT: &str = "pi_3MercatoPaymentIntent0001";
    const SESSION: &str = "cs_test_a1Mercato0000000000000000000000000000000000000000000000000";

    /// An event in full, as Stripe's documentation shows it.
    fn recorded(body: &str) -> Result<WebhookContent, String> {
        StripeWebhooks.read(body.as_bytes())
    }

    fn charge(receipt: bool) -> Charge {
        Charge {
            reference: Some(INTENT.to_owned()),
            receipt_url: receipt
                .then(|| "https://pay.stripe.com/receipts/payment/Mercato0001?s=ap".to_owned()),
        }
    }

    fn refund_of(failed_at: Option<u64>) -> Fact {
        Fact::Refund(ProviderRefund {
            id: "re_3MercatoRefund0001".to_owned(),
            amount: units(1999),
            created_at: 1_700_000_065,
            failure: failed_at.map(|at| RefundFailure {
                at,
                reason: "lost_or_stolen_card".to_owned(),
            }),
        })
    }

    #[test]
    fn events_are_understood_as_stripe_sends_them() {
        let amount = units(1999);
        for (body, fact) in [
            (
                include_str!("../../../../../tests/stripe/events/checkout.session.completed.json"),
                Fact::Paid {
                    amount,
                    charge: charge(false),
                },
            ),
            (
                include_str!(
                    "../../../../../tests/stripe/events/checkout.session.async_payment_succeeded.json"
                ),
                Fact::Paid {
                    amount,
                    charge: charge(false),
                },
            ),
            (
                include_str!(
                    "../../../../../tests/stripe/events/checkout.session.completed.unpaid.json"
                ),
                Fact::Processing {
                    amount: Some(amount),
                },
            ),
            (
                include_str!("../../../../../tests/stripe/events/charge.succeeded.json"),
                Fact::Paid {
                    amount,
                    charge: charge(true),
                },
            ),
            (
                include_str!(
                    "../../../../../tests/stripe/events/checkout.session.async_payment_failed.json"
                ),
                Fact::PaymentFailed {
                    amount: Some(amount),
                },
            ),
            (
                include_str!("../../../../../tests/stripe/events/checkout.session.expired.json"),
                Fact::SessionExpired {
                    amount: Some(amount),
                },
            ),
            (
                include_str!("../../../../../tests/stripe/events/refund.created.json"),
                refund_of(None),
            ),
            (
                include_str!("../../../../../tests/stripe/events/refund.failed.json"),
                refund_of(Some(1_700_432_065)),
            ),
            (
                include_str!("../../../../../tests/stripe/events/charge.refund.updated.json"),
                refund_of(Some(1_700_432_065)),
            ),
            (
                include_str!("../../../../../tests/stripe/events/charge.refunded.json"),
                Fact::Refunded {
                    amount,
                    refunded: RefundTotal {
                        since: REFUNDED_AT,
                        until: REFUNDED_AT,
                        total: units(500),
                    },
                    charge: charge(true),
                },
            ),
        ] {
            match recorded(body) {
                Ok(WebhookContent::Event(event)) => {
                    let subject = if !event.name.starts_with("checkout.") {
                        Subject::Charge(INTENT.to_owned())
                    } else {
                        Subject::Session(SESSION.to_owned())
                    };
                    assert_eq!((event.fact, event.subject), (fact, subject));
                    assert_eq!(event.order_id.as_deref(), Some(ORDER));
                    assert_eq!(event.payment_id.as_deref(), Some(PAYMENT));
                    assert_eq!(event.currency, Some("USD".parse().unwrap()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn disputes_are_understood_as_stripe_sends_them() {
        for (body, status, told_at) in [
            (
                include_str!("../../../../../tests/stripe/events/charge.dispute.created.json"),
                DisputeStatus::Open,
                1_700_100_000,
            ),
            (
                include_str!("../../../../../tests/stripe/events/charge.dispute.closed.json"),
                DisputeStatus::Lost,
                1_702_700_000,
            ),
        ] {
            let Ok(WebhookContent::Event(event)) = recorded(body) else {
                panic!("{body}");
            };
            let dispute = Dispute {
                id: "du_1MercatoDispute0001".to_owned(),
                amount: units(1999),
                currency: "USD".parse().unwrap(),
                reason: "fraudulent".to_owned(),
                status,
                told_at,
                created_at: 1_700_100_000,
            };
            assert_eq!(event.fact, Fact::Dispute(dispute));
            assert_eq!(event.subject, Subject::Charge(INTENT.to_owned()));
            assert_eq!(event.order_id, None, "a dispute knows its charge alone");
        }
    }

    #[test]
    fn every_status_of_a_dispute_is_read_and_one_that_is_not_known_goes_on() {
        let created =
            include_str!("../../../../../tests/stripe/events/charge.dispute.created.json");
        for (status, expected) in [
            ("warning_needs_response", DisputeStatus::Open),
            ("warning_under_review", DisputeStatus::Open),
            ("under_review", DisputeStatus::Open),
            ("some_new_status", DisputeStatus::Open),
            ("warning_closed", DisputeStatus::Closed),
            ("prevented", DisputeStatus::Closed),
            ("charge_refunded", DisputeStatus::Closed),
            ("won", DisputeStatus::Won),
            ("lost", DisputeStatus::Lost),
        ] {
            let body = created.replace("needs_response", status);
            let Ok(WebhookContent::Event(event)) = recorded(&body) else {
                panic!("{body}");
            };
            assert!(
                matches!(&event.fact, Fact::Dispute(dispute) if dispute.status == expected),
                "{status}"
            );
        }
    }

    #[test]
    fn a_dispute_that_was_closed_has_ended_whatever_its_status() {
        let closed = include_str!("../../../../../tests/stripe/events/charge.dispute.closed.json");
        let body = closed.replace(r#""status": "lost""#, r#""status": "some_new_end""#);
        assert_ne!(body, closed);
        let Ok(WebhookContent::Event(event)) = recorded(&body) else {
            panic!("{body}");
        };
        assert!(
            matches!(&event.fact, Fact::Dispute(dispute) if dispute.status == DisputeStatus::Closed)
        );
    }

    #[test]
    fn amounts_that_no_money_can_hold_are_refused() {
        let created =
            include_str!("../../../../../tests/stripe/events/charge.dispute.created.json");
        for (amount, is_taken) in [
            ("0", true),
            ("922337203685477", true),
            ("922337203685478", false),
            ("9223372036854775807", false),
            ("-1", false),
        ] {
            let body = created.replace(r#""amount": 1999"#, &format!(r#""amount": {amount}"#));
            assert_eq!(recorded(&body).is_ok(), is_taken, "{amount}");
        }
    }

    #[test]
    fn money_that_is_only_set_aside_is_no_payment() {
        let charged = include_str!("../../../../../tests/stripe/events/charge.succeeded.json");
        let authorized = charged.replace(r#""captured": true"#, r#""captured": false"#);
        assert_ne!(authorized, charged);
        assert!(matches!(
            recorded(&authorized),
            Ok(WebhookContent::Irrelevant(_))
        ));
    }

    #[test]
    fn other_types_and_other_subjects_are_irrelevant() {
        for (event_type, object) in [
            ("customer.created", "{}"),
            ("payment_intent.succeeded", r#"{"anything":[]}"#),
            (
                "checkout.session.completed",
                r#"{"id":"cs_1","amount_total":1,"currency":"usd"}"#,
            ),
            (
                "charge.refunded",
                r#"{"id":"ch_1","metadata":{"order_id":"not an id"}}"#,
            ),
        ] {
            let content = read(event_type, object);
            assert!(
                matches!(content, Ok(WebhookContent::Irrelevant(_))),
                "{event_type}: {content:?}"
            );
        }
    }

    #[test]
    fn events_of_other_types_are_irrelevant_whatever_their_shape() {
        let thin = r#"{"id":"evt_test_65R","object":"v2.core.event","created":"2026-03-05T17:55:26.123Z","livemode":false,
            "type":"v1.billing.meter.error_report_triggered",
            "related_object":{"id":"mtr_1","type":"billing.meter","url":"/v1/billing/meters/mtr_1"}}"#;
        for body in [
            thin,
            r#"{"type":"v2.core.account.updated"}"#,
            r#"{"id":7,"type":"customer.created","data":null}"#,
            r#"{"id":"evt_1","type":"customer.created","data":{"object":null}}"#,
            r#"{"id":"evt_1","type":"customer.created","data":[1]}"#,
            r#"{"id":"evt_1","type":"","data":{}}"#,
        ] {
            let content = recorded(body);
            assert!(
                matches!(content, Ok(WebhookContent::Irrelevant(_))),
                "{body}: {content:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"id":"evt_1","type":["charge.refunded"]}"#,
            r#"{"id":"evt_1","type":"charge.refunded"}"#,
            r#"{"id":"evt_1","type":"charge.refunded","data":null}"#,
            r#"{"id":"","type":"charge.refunded","data":{"object":{}}}"#,
        ] {
            assert!(StripeWebhooks.read(body.as_bytes()).is_err(), "{body}");
        }
        for (event_type, object) in [
            (
                "checkout.session.completed",
                format!(r#"{{"id":"cs_1","client_reference_id":"{ORDER}","currency":"usd"}}"#),
            ),
            (
                "checkout.session.completed",
                format!(r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":1}}"#),
            ),
            (
                "checkout.session.completed",
                format!(
                    r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":-1,"currency":"usd"}}"#
                ),
            ),
            (
                "checkout.session.completed",
                format!(
                    r#"{{"id":"cs_1","client_reference_id":"{ORDER}","amount_total":1.5,"currency":"usd"}}"#
                ),
            ),
            (
                "checkout.session.expired",
                format!(
                    r#"{{"id":"cs_1","client_reference_id":"{ORDER}","metadata":{{"order_id":"{OTHER_ORDER}"}}}}"#
                ),
            ),
            (
                "charge.refunded",
                format!(
                    r#"{{"id":"ch_1","metadata":{{"order_id":"{ORDER}"}},"amount":1,"currency":"usd"}}"#
                ),
            ),
            (
                "charge.refunded",
                format!(
                    r#"{{"id":"ch_1","metadata":{{"order_id":"{ORDER}"}},"amount":1,"amount_refunded":1,"currency":"x"}}"#
                ),
            ),
        ] {
            assert!(read(event_type, &object).is_err(), "{event_type}: {object}");
        }
    }
}
