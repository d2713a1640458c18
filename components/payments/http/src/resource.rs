//! Payments and outbox entries as clients see them.

use mercato_edge::{Amount, Id, OutboxLag, PaymentStatusName, Problem, Reply, Timestamp};
use mercato_money::{Currency, Money};
use mercato_platform::clock::rfc3339;
use mercato_platform::log;
use payments::application::queries::Lag;
use payments::domain::{
    CheckoutSession, Dispute, DisputeStatus, EventType, MinorUnits, OutboxEntryView, PaymentStatus,
    PaymentView, Refund, RefundStatus,
};
use serde::Serialize;
use utoipa::ToSchema;

const MS_PER_SECOND: u64 = 1_000;

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    /// The order it pays.
    #[schema(value_type = Id)]
    order_id: &'a str,
    /// How much is to be paid, in whole minor units of the currency.
    #[schema(value_type = Amount)]
    amount: Money,
    /// Sum of all refunds that have not failed.
    #[schema(value_type = Amount)]
    refunded_amount: Money,
    /// Sum of all refunds that the payment provider had taken and could not make: the customer does not have that money.
    #[schema(value_type = Amount)]
    failed_refund_amount: Money,
    /// Why the last of these failed, in the provider's words; null without one.
    #[schema(required, example = "lost_or_stolen_card")]
    refund_failure: Option<&'a str>,
    /// Sum of all charges beside the payment's own: the customer has paid for the same order once more. It is given back
    /// without anybody asking.
    #[schema(value_type = Amount)]
    duplicate_amount: Money,
    /// How much of `duplicateAmount` has gone back.
    #[schema(value_type = Amount)]
    duplicate_refunded_amount: Money,
    /// True while a dispute about the payment, a chargeback, is not decided. The order is not delivered until it is.
    disputed: bool,
    /// Sum of all disputes that were lost: the customer's bank has taken it back.
    #[schema(value_type = Amount)]
    lost_to_disputes: Money,
    /// ISO 4217 code.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: &'a str,
    /// `REFUNDED` once the whole amount is; a part refund leaves it `SUCCEEDED`.
    status: PaymentStatusName,
    /// True while the money of a `PENDING` payment is on its way, by a bank debit for example: the customer has paid, and
    /// whether it arrives shows in some days.
    processing: bool,
    /// Name of the payment provider.
    #[schema(example = "stripe-mock")]
    provider: &'a str,
    /// Where to pay while the payment is pending and not under way; null otherwise.
    #[schema(required)]
    session: Option<SessionResource<'a>>,
    /// Where the customer finds the receipt, once paid.
    #[schema(required, format = "uri", example = "https://pay.example/receipts/1")]
    receipt_url: Option<&'a str>,
    /// Why it failed or was cancelled.
    #[schema(required, example = "the payment was declined")]
    reason: Option<&'a str>,
    #[schema(value_type = Timestamp)]
    created_at: String,
    #[schema(value_type = Timestamp)]
    updated_at: String,
    /// Grows by one with every change; the entity tag.
    #[schema(minimum = 1, example = 2)]
    version: u64,
}

/// Where the customer pays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckoutSession)]
pub struct SessionResource<'a> {
    /// The payment provider's id of it.
    #[schema(min_length = 1, example = "cs_test_0123456789abcdef0123456789abcdef")]
    id: &'a str,
    /// Send the customer's browser there.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:3000/api/v1/payments/mock/checkout/cs_test_0123456789abcdef0123456789abcdef"
    )]
    url: &'a str,
    /// Nobody can pay in it from then on.
    #[schema(value_type = Timestamp)]
    expires_at: String,
}

/// The status as the API names it.
pub const fn status_name(status: PaymentStatus) -> PaymentStatusName {
    match status {
        PaymentStatus::Pending => PaymentStatusName::Pending,
        PaymentStatus::Succeeded => PaymentStatusName::Succeeded,
        PaymentStatus::Failed => PaymentStatusName::Failed,
        PaymentStatus::Cancelled => PaymentStatusName::Cancelled,
        PaymentStatus::Refunded => PaymentStatusName::Refunded,
    }
}

/// Money on its way back to a customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refund)]
pub struct RefundResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    /// How much.
    #[schema(value_type = Amount)]
    amount: Money,
    /// ISO 4217 code.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: &'a str,
    status: RefundStatusName,
    /// The second charge that it gives back, by the payment provider's id; null for a refund of the payment's own charge, and
    /// for customers.
    #[schema(required, example = "pi_3MtwBwLkdIwHu7ix28a3tqPa")]
    duplicate_charge: Option<&'a str>,
    /// Why it was asked for; null when nobody said so, and for customers.
    #[schema(required, example = "One cup arrived broken")]
    reason: Option<&'a str>,
    /// Why it failed, as the payment provider said; null otherwise, and for customers.
    #[schema(required, example = "the charge is disputed")]
    error: Option<&'a str>,
    #[schema(value_type = Timestamp)]
    created_at: String,
}

/// How far a refund has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = RefundStatus, example = "SUCCEEDED")]
pub enum RefundStatusName {
    /// Written down; the payment provider is asked until it answers.
    Pending,
    /// Made.
    Succeeded,
    /// Refused by the payment provider.
    Failed,
}

impl<'a> RefundResource<'a> {
    /// The refund in JSON, as an admin or as its customer may see it.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(
        refund: &'a Refund,
        currency: &'a Currency,
        is_admin: bool,
    ) -> Result<Self, Problem> {
        let (status, error) = match &refund.status {
            RefundStatus::Pending => (RefundStatusName::Pending, None),
            RefundStatus::Succeeded => (RefundStatusName::Succeeded, None),
            RefundStatus::Failed(error) => (RefundStatusName::Failed, Some(error.as_str())),
        };
        Ok(Self {
            id: &refund.id,
            amount: decimal(refund.amount, *currency)?,
            currency: currency.code(),
            status,
            duplicate_charge: refund.duplicate_charge.as_deref().filter(|_| is_admin),
            reason: refund.reason.as_deref().filter(|_| is_admin),
            error: error.filter(|_| is_admin),
            created_at: rfc3339(refund.created_at),
        })
    }
}

/// A customer's bank wants the money of a charge back, or asks what it was for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Dispute)]
pub struct DisputeResource<'a> {
    /// The payment provider's id of it.
    #[schema(min_length = 1, example = "du_1MtJUT2eZvKYlo2CNaw2HvEv")]
    id: &'a str,
    /// How much it is about.
    #[schema(value_type = Amount)]
    amount: Money,
    /// ISO 4217 code; nearly always the payment's.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: &'a str,
    /// Why, in the provider's words.
    #[schema(example = "fraudulent")]
    reason: &'a str,
    status: DisputeStatusName,
    /// When it began; null when that is not known.
    #[schema(required, value_type = Option<Timestamp>)]
    created_at: Option<String>,
}

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = DisputeStatus, example = "OPEN")]
pub enum DisputeStatusName {
    /// Not decided yet.
    Open,
    /// Ended without a decision: the customer's bank only asked, or took it back.
    Closed,
    /// The merchant keeps the money.
    Won,
    /// The customer has the money back.
    Lost,
}

impl<'a> DisputeResource<'a> {
    /// The dispute in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(dispute: &'a Dispute) -> Result<Self, Problem> {
        let created_at_ms = dispute.created_at.saturating_mul(MS_PER_SECOND);
        Ok(Self {
            id: &dispute.id,
            amount: decimal(dispute.amount, dispute.currency)?,
            currency: dispute.currency.code(),
            reason: &dispute.reason,
            status: match dispute.status {
                DisputeStatus::Open => DisputeStatusName::Open,
                DisputeStatus::Closed => DisputeStatusName::Closed,
                DisputeStatus::Won => DisputeStatusName::Won,
                DisputeStatus::Lost => DisputeStatusName::Lost,
            },
            created_at: (created_at_ms > 0).then(|| rfc3339(created_at_ms)),
        })
    }
}

/// An event on its way to the orders.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutboxEvent)]
pub struct EntryResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    r#type: EventTypeName,
    /// When it happened.
    #[schema(value_type = Timestamp)]
    time: String,
    #[schema(value_type = Id)]
    order_id: &'a str,
    #[schema(value_type = Id)]
    payment_id: &'a str,
    #[schema(value_type = Amount)]
    amount: Money,
    /// Sum of all refunds up to this event.
    #[schema(value_type = Amount)]
    refunded_amount: Money,
    /// ISO 4217 code.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: &'a str,
    /// How often it was published.
    #[schema(minimum = 0, example = 2)]
    attempts: u32,
    /// How often its handling failed.
    #[schema(minimum = 0, example = 0)]
    failures: u32,
    /// Given up until it is retried.
    #[schema(example = false)]
    parked: bool,
    /// When it is published next; null while it is parked.
    #[schema(required, value_type = Option<Timestamp>)]
    next_attempt_at: Option<String>,
    /// Why publishing or handling failed last.
    #[schema(required, example = "a database is busy or out of reach")]
    last_error: Option<&'a str>,
}

/// How far the outbox is behind, in JSON.
pub const fn lag_resource(lag: Lag) -> OutboxLag {
    OutboxLag {
        pending: lag.pending,
        parked: lag.parked,
        oldest_ms: lag.oldest_ms,
    }
}

/// The kind of an event: also the channel it is published on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OutboxEventType, example = "payment.succeeded")]
pub enum EventTypeName {
    #[serde(rename = "payment.succeeded")]
    Succeeded,
    #[serde(rename = "payment.failed")]
    Failed,
    #[serde(rename = "payment.cancelled")]
    Cancelled,
    #[serde(rename = "payment.refunded")]
    Refunded,
    #[serde(rename = "payment.updated")]
    Updated,
}

impl From<EventType> for EventTypeName {
    fn from(event_type: EventType) -> Self {
        match event_type {
            EventType::Succeeded => Self::Succeeded,
            EventType::Failed => Self::Failed,
            EventType::Cancelled => Self::Cancelled,
            EventType::Refunded => Self::Refunded,
            EventType::Updated => Self::Updated,
        }
    }
}

impl<'a> PaymentResource<'a> {
    /// The payment in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(payment: &'a PaymentView) -> Result<Self, Problem> {
        let decimal = |amount| decimal(amount, payment.currency);
        Ok(Self {
            id: &payment.id,
            order_id: &payment.order_id,
            amount: decimal(payment.amount)?,
            refunded_amount: decimal(payment.refunded)?,
            failed_refund_amount: decimal(payment.failed_refunds)?,
            refund_failure: payment.refund_failure.as_deref(),
            duplicate_amount: decimal(payment.duplicates)?,
            duplicate_refunded_amount: decimal(payment.duplicates_refunded)?,
            disputed: payment.is_disputed,
            lost_to_disputes: decimal(payment.lost_to_disputes)?,
            currency: payment.currency.code(),
            status: status_name(payment.status),
            processing: payment.is_processing,
            provider: &payment.provider,
            session: payment.open_session().map(session),
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
    pub fn new(entry: &'a OutboxEntryView) -> Result<Self, Problem> {
        let event = &entry.event;
        Ok(Self {
            id: &event.id,
            r#type: event.event_type.into(),
            time: rfc3339(event.time),
            order_id: &event.order_id,
            payment_id: &event.payment_id,
            amount: decimal(event.amount, event.currency)?,
            refunded_amount: decimal(event.refunded, event.currency)?,
            currency: event.currency.code(),
            attempts: entry.attempts,
            failures: entry.failures,
            parked: entry.parked,
            next_attempt_at: (!entry.parked).then(|| rfc3339(entry.next_attempt_at)),
            last_error: entry.last_error.as_deref(),
        })
    }
}

/// 200 with a payment and its entity tag.
///
/// # Errors
/// As [`PaymentResource::new`].
pub fn reply(payment: &PaymentView) -> Result<Reply, Problem> {
    Ok(Reply::json(&PaymentResource::new(payment)?)?.with_version(payment.version, &[]))
}

/// Whole minor units as a decimal number of the currency.
///
/// # Errors
/// 500 when that does not fit.
pub fn decimal(amount: MinorUnits, currency: Currency) -> Result<Money, Problem> {
    Money::from_minor(amount.get(), currency).map_err(|_| {
        let amount = amount.to_string();
        log::error("a payment cannot be shown", &[("amount", &amount)]);
        Problem::internal()
    })
}

fn session(session: &CheckoutSession) -> SessionResource<'_> {
    SessionResource {
        id: &session.id,
        url: &session.url,
        expires_at: rfc3339(session.expires_at),
    }
}

#[cfg(test)]
pub mod tests {
    use mercato_kernel::AccountId;
    use payments::domain::{PaymentEvent, SessionSlot};

    use super::*;

    const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

    fn units(units: i64) -> MinorUnits {
        MinorUnits::new(units).unwrap()
    }

    /// A payment that waits for its customer.
    pub fn pending() -> PaymentView {
        PaymentView {
            id: PAYMENT.to_owned(),
            order_id: ORDER.to_owned(),
            customer_id: AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8059").unwrap(),
            amount: units(1_990),
            refunded: units(5),
            failed_refunds: units(7),
            refund_failure: None,
            duplicates: units(1_990),
            duplicates_refunded: units(3),
            is_disputed: true,
            lost_to_disputes: units(2),
            currency: "USD".parse().unwrap(),
            status: PaymentStatus::Pending,
            is_processing: false,
            provider: "stripe-mock".to_owned(),
            session: SessionSlot {
                number: 1,
                requested_expiry: 900_000,
                opened: Some(CheckoutSession {
                    id: "cs_1".to_owned(),
                    url: "http://shop.test/pay".to_owned(),
                    expires_at: 900_000,
                }),
            },
            provider_reference: Some("pi_1".to_owned()),
            receipt_url: None,
            reason: None,
            created_at: 0,
            updated_at: 1,
            version: 2,
        }
    }

    #[test]
    fn a_payment_shows_exact_decimals_and_the_providers_name() {
        let reply = reply(&pending()).unwrap();
        assert_eq!(
            String::from_utf8(reply.body().to_vec()).unwrap(),
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8058","orderId":"01890a5d-ac96-774b-bcce-b302099a8057","#,
                r#""amount":19.9,"refundedAmount":0.05,"failedRefundAmount":0.07,"refundFailure":null,"#,
                r#""duplicateAmount":19.9,"duplicateRefundedAmount":0.03,"disputed":true,"lostToDisputes":0.02,"currency":"USD","status":"PENDING","processing":false,"provider":"stripe-mock","#,
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
            let shown = decimal(units(minor), code.parse().unwrap()).unwrap();
            assert_eq!(shown.to_string(), text);
        }
        let too_much = decimal(units(i64::MAX), "JPY".parse().unwrap());
        assert_eq!(too_much.unwrap_err().status().as_u16(), 500);
    }

    #[test]
    fn an_entry_shows_the_event_and_its_way() {
        let mut entry = OutboxEntryView {
            sequence: 1,
            event: PaymentEvent {
                id: PAYMENT.to_owned(),
                event_type: EventType::Refunded,
                time: 0,
                order_id: ORDER.to_owned(),
                payment_id: PAYMENT.to_owned(),
                amount: units(100),
                refunded: units(50),
                payment_version: 3,
                currency: "EUR".parse().unwrap(),
                provider_reference: None,
                receipt_url: None,
                reason: None,
            },
            attempts: 2,
            failures: 8,
            parked: false,
            next_attempt_at: 1_000,
            last_error: Some("no".to_owned()),
        };
        assert_eq!(
            serde_json::to_string(&EntryResource::new(&entry).unwrap()).unwrap(),
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8058","type":"payment.refunded","#,
                r#""time":"1970-01-01T00:00:00.000Z","orderId":"01890a5d-ac96-774b-bcce-b302099a8057","#,
                r#""paymentId":"01890a5d-ac96-774b-bcce-b302099a8058","amount":1,"refundedAmount":0.5,"#,
                r#""currency":"EUR","attempts":2,"failures":8,"parked":false,"#,
                r#""nextAttemptAt":"1970-01-01T00:00:01.000Z","lastError":"no"}"#
            )
        );
        entry.parked = true;
        let parked = serde_json::to_value(EntryResource::new(&entry).unwrap()).unwrap();
        assert_eq!(
            (&parked["parked"], &parked["nextAttemptAt"]),
            (&true.into(), &serde_json::Value::Null)
        );
    }
}
