//! Payments and outbox entries as clients see them.

use mercato_edge::{Problem, Reply};
use mercato_money::{Currency, Money};
use mercato_platform::clock::rfc3339;
use mercato_platform::log;
use serde::Serialize;

use crate::bindings::mercato::payments::outbox::Entry;
use crate::bindings::mercato::payments::types::{
    CheckoutSession, EventType, Payment, PaymentStatus,
};

/// The members of a payment in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentResource<'a> {
    id: &'a str,
    order_id: &'a str,
    amount: Money,
    refunded_amount: Money,
    currency: &'a str,
    status: &'static str,
    provider: &'a str,
    session: Option<SessionResource<'a>>,
    receipt_url: Option<&'a str>,
    reason: Option<&'a str>,
    created_at: String,
    updated_at: String,
    version: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionResource<'a> {
    id: &'a str,
    url: &'a str,
    expires_at: String,
}

/// The members of an outbox entry in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryResource<'a> {
    id: &'a str,
    r#type: &'static str,
    time: String,
    order_id: &'a str,
    payment_id: &'a str,
    amount: Money,
    refunded_amount: Money,
    currency: &'a str,
    attempts: u32,
    failures: u32,
    parked: bool,
    next_attempt_at: String,
    last_error: Option<&'a str>,
}

impl<'a> PaymentResource<'a> {
    /// The payment in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(payment: &'a Payment) -> Result<Self, Problem> {
        Ok(Self {
            id: &payment.id,
            order_id: &payment.order_id,
            amount: decimal(payment.amount, &payment.currency)?,
            refunded_amount: decimal(payment.refunded_amount, &payment.currency)?,
            currency: &payment.currency,
            status: status_name(payment.status),
            provider: &payment.provider,
            session: payment.session.as_ref().map(session),
            receipt_url: payment.receipt_url.as_deref(),
            reason: payment.reason.as_deref(),
            created_at: rfc3339(payment.created_at),
            updated_at: rfc3339(payment.updated_at),
            version: payment.version,
        })
    }
}

impl<'a> EntryResource<'a> {
    /// The entry in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(entry: &'a Entry) -> Result<Self, Problem> {
        let event = &entry.event;
        Ok(Self {
            id: &event.id,
            r#type: type_name(event.event_type),
            time: rfc3339(event.time),
            order_id: &event.order_id,
            payment_id: &event.payment_id,
            amount: decimal(event.amount, &event.currency)?,
            refunded_amount: decimal(event.refunded_amount, &event.currency)?,
            currency: &event.currency,
            attempts: entry.attempts,
            failures: entry.failures,
            parked: entry.parked,
            next_attempt_at: rfc3339(entry.next_attempt_at),
            last_error: entry.last_error.as_deref(),
        })
    }
}

/// 200 with a payment and its entity tag.
///
/// # Errors
/// As [`PaymentResource::new`].
pub fn reply(payment: &Payment) -> Result<Reply, Problem> {
    Ok(Reply::json(&PaymentResource::new(payment)?)?.with_version(payment.version, &[]))
}

/// The status as clients see it.
pub const fn status_name(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Pending => "PENDING",
        PaymentStatus::Succeeded => "SUCCEEDED",
        PaymentStatus::Failed => "FAILED",
        PaymentStatus::Cancelled => "CANCELLED",
        PaymentStatus::Refunded => "REFUNDED",
    }
}

/// The currency of that code.
///
/// # Errors
/// 500: what is stored was checked when it came.
pub fn currency(code: &str) -> Result<Currency, Problem> {
    code.parse().map_err(|_| unwritable("currency", code))
}

/// Whole minor units as a decimal number of the currency.
///
/// # Errors
/// 500 when that does not fit.
pub fn decimal(minor: i64, code: &str) -> Result<Money, Problem> {
    Money::from_minor(minor, currency(code)?).map_err(|_| unwritable("amount", &minor.to_string()))
}

fn unwritable(what: &str, value: &str) -> Problem {
    log::error("a payment cannot be shown", &[(what, value)]);
    Problem::internal()
}

fn session(session: &CheckoutSession) -> SessionResource<'_> {
    SessionResource {
        id: &session.id,
        url: &session.url,
        expires_at: rfc3339(session.expires_at),
    }
}

const fn type_name(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Succeeded => "payment.succeeded",
        EventType::Failed => "payment.failed",
        EventType::Cancelled => "payment.cancelled",
        EventType::Refunded => "payment.refunded",
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::bindings::mercato::payments::types::PaymentEvent;

    const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

    /// A payment that waits for its customer.
    pub fn pending() -> Payment {
        Payment {
            id: PAYMENT.to_owned(),
            order_id: ORDER.to_owned(),
            customer_id: "customer".to_owned(),
            amount: 1_990,
            refunded_amount: 5,
            currency: "USD".to_owned(),
            status: PaymentStatus::Pending,
            provider: "stripe-mock".to_owned(),
            session: Some(CheckoutSession {
                id: "cs_1".to_owned(),
                url: "http://shop.test/pay".to_owned(),
                expires_at: 900_000,
            }),
            provider_reference: Some("pi_1".to_owned()),
            receipt_url: None,
            reason: None,
            created_at: 0,
            updated_at: 1,
            version: 2,
        }
    }

    #[test]
    fn a_payment_shows_exact_decimals_and_nothing_of_the_provider_but_its_name() {
        let reply = reply(&pending()).unwrap();
        assert_eq!(
            String::from_utf8(reply.body().to_vec()).unwrap(),
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8058","orderId":"01890a5d-ac96-774b-bcce-b302099a8057","#,
                r#""amount":19.9,"refundedAmount":0.05,"currency":"USD","status":"PENDING","provider":"stripe-mock","#,
                r#""session":{"id":"cs_1","url":"http://shop.test/pay","expiresAt":"1970-01-01T00:15:00.000Z"},"#,
                r#""receiptUrl":null,"reason":null,"createdAt":"1970-01-01T00:00:00.000Z","#,
                r#""updatedAt":"1970-01-01T00:00:00.001Z","version":2}"#
            )
        );
    }

    #[test]
    fn amounts_follow_the_currency() {
        for (code, minor, text) in [
            ("USD", 1_234, "12.34"),
            ("JPY", 1_234, "1234"),
            ("KWD", 1_234, "1.234"),
        ] {
            assert_eq!(decimal(minor, code).unwrap().to_string(), text);
        }
        assert_eq!(decimal(i64::MAX, "JPY").unwrap_err().status().as_u16(), 500);
        assert_eq!(decimal(1, "usd").unwrap_err().status().as_u16(), 500);
    }

    #[test]
    fn an_entry_shows_the_event_and_its_way() {
        let entry = Entry {
            event: PaymentEvent {
                id: PAYMENT.to_owned(),
                event_type: EventType::Refunded,
                time: 0,
                order_id: ORDER.to_owned(),
                payment_id: PAYMENT.to_owned(),
                amount: 100,
                refunded_amount: 50,
                currency: "EUR".to_owned(),
                provider_reference: None,
                receipt_url: None,
                reason: None,
            },
            attempts: 2,
            failures: 8,
            parked: true,
            next_attempt_at: 1_000,
            last_error: Some("no".to_owned()),
        };
        assert_eq!(
            serde_json::to_string(&EntryResource::new(&entry).unwrap()).unwrap(),
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8058","type":"payment.refunded","#,
                r#""time":"1970-01-01T00:00:00.000Z","orderId":"01890a5d-ac96-774b-bcce-b302099a8057","#,
                r#""paymentId":"01890a5d-ac96-774b-bcce-b302099a8058","amount":1,"refundedAmount":0.5,"#,
                r#""currency":"EUR","attempts":2,"failures":8,"parked":true,"#,
                r#""nextAttemptAt":"1970-01-01T00:00:01.000Z","lastError":"no"}"#
            )
        );
    }
}
