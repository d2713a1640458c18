//! Payments and outbox entries as clients see them.

use mercato_edge::{Amount, CurrencyCode, Listed, OutboxLag, Problem, Tagged, Timestamp};
use mercato_kernel::{EventId, OrderId, PaymentId};
use mercato_money::{Currency, Money};
use mercato_platform::log;
use payments::application::queries::Lag;
use payments::domain::{
    CheckoutSession, Dispute, DisputeStatus, EventType, MinorUnits, OutboxEntryView, PaymentStatus,
    PaymentView, Refund, RefundId, RefundState, RefundStatus,
};
use serde::Serialize;
use utoipa::ToSchema;

const MS_PER_SECOND: u64 = 1_000;

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentResource {
    id: PaymentId,
    /// The order it pays.
    order_id: OrderId,
    /// How much is to be paid, in whole minor units of the currency.
    amount: Amount,
    /// Sum of all refunds that have not failed.
    refunded_amount: Amount,
    /// Sum of all refunds that the payment provider had taken and could not make: the customer does not have that money.
    failed_refund_amount: Amount,
    /// Why the last of these failed, in the provider's words; null without one.
    #[schema(required, example = "lost_or_stolen_card")]
    refund_failure: Option<String>,
    /// Sum of all charges beside the payment's own: the customer has paid for the same order once more. It is given back
    /// without anybody asking.
    duplicate_amount: Amount,
    /// How much of `duplicateAmount` has gone back.
    duplicate_refunded_amount: Amount,
    /// True while a dispute about the payment, a chargeback, is not decided. The order is not delivered until it is.
    disputed: bool,
    /// Sum of all disputes that were lost: the customer's bank has taken it back.
    lost_to_disputes: Amount,
    currency: CurrencyCode,
    /// `REFUNDED` once the whole amount is; a part refund leaves it `SUCCEEDED`.
    status: PaymentStatus,
    /// True while the money of a `PENDING` payment is on its way, by a bank debit for example: the customer has paid, and
    /// whether it arrives shows in some days.
    processing: bool,
    /// Name of the payment provider.
    #[schema(example = "stripe-mock")]
    provider: String,
    /// Where to pay while the payment is pending and not under way; null otherwise.
    #[schema(required)]
    session: Option<SessionResource>,
    /// Where the customer finds the receipt, once paid.
    #[schema(required, format = "uri", example = "https://pay.example/receipts/1")]
    receipt_url: Option<String>,
    /// Why it failed or was cancelled.
    #[schema(required, example = "the payment was declined")]
    reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Grows by one with every change; the entity tag.
    #[schema(minimum = 1, example = 2)]
    version: u64,
}

/// Where the customer pays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckoutSession)]
pub struct SessionResource {
    /// The payment provider's id of it.
    #[schema(min_length = 1, example = "cs_test_0123456789abcdef0123456789abcdef")]
    id: String,
    /// Send the customer's browser there.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:3000/api/v1/payments/mock/checkout/cs_test_0123456789abcdef0123456789abcdef"
    )]
    url: String,
    /// Nobody can pay in it from then on.
    expires_at: Timestamp,
}

/// Money on its way back to a customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refund)]
pub struct RefundResource {
    id: RefundId,
    /// How much.
    amount: Amount,
    currency: CurrencyCode,
    status: RefundStatus,
    /// The second charge that it gives back, by the payment provider's id; null for a refund of the payment's own charge, and
    /// for customers.
    #[schema(required, example = "pi_3MtwBwLkdIwHu7ix28a3tqPa")]
    duplicate_charge: Option<String>,
    /// Why it was asked for; null when nobody said so, and for customers.
    #[schema(required, example = "One cup arrived broken")]
    reason: Option<String>,
    /// Why it failed, as the payment provider said; null otherwise, and for customers.
    #[schema(required, example = "the charge is disputed")]
    error: Option<String>,
    created_at: Timestamp,
}

impl RefundResource {
    /// The refund in JSON, as an admin or as its customer may see it.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(refund: Refund, currency: Currency, is_admin: bool) -> Result<Self, Problem> {
        let status = RefundStatus::from(&refund.state);
        let error = match refund.state {
            RefundState::Failed(error) => Some(error),
            RefundState::Pending | RefundState::Succeeded => None,
        };
        Ok(Self {
            id: refund.id,
            amount: decimal(refund.amount, currency)?.into(),
            currency: CurrencyCode(currency),
            status,
            duplicate_charge: refund.duplicate_charge.filter(|_| is_admin),
            reason: refund.reason.filter(|_| is_admin),
            error: error.filter(|_| is_admin),
            created_at: Timestamp(refund.created_at),
        })
    }
}

impl Listed for RefundResource {
    const PAGE: &'static str = "RefundPage";
    const MEANING: &'static str = "One page of the refunds of a payment.";
    const ORDER: &'static str = "Oldest first.";
}

/// A customer's bank wants the money of a charge back, or asks what it was for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Dispute)]
pub struct DisputeResource {
    /// The payment provider's id of it.
    #[schema(min_length = 1, example = "du_1MtJUT2eZvKYlo2CNaw2HvEv")]
    id: String,
    /// How much it is about.
    amount: Amount,
    /// ISO 4217 code; nearly always the payment's.
    currency: CurrencyCode,
    /// Why, in the provider's words.
    #[schema(example = "fraudulent")]
    reason: String,
    status: DisputeStatus,
    /// When it began; null when that is not known.
    #[schema(required)]
    created_at: Option<Timestamp>,
}

impl DisputeResource {
    /// The dispute in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(dispute: Dispute) -> Result<Self, Problem> {
        let created_at_ms = dispute.created_at.saturating_mul(MS_PER_SECOND);
        Ok(Self {
            id: dispute.id,
            amount: decimal(dispute.amount, dispute.currency)?.into(),
            currency: CurrencyCode(dispute.currency),
            reason: dispute.reason,
            status: dispute.status,
            created_at: (created_at_ms > 0).then_some(Timestamp(created_at_ms)),
        })
    }
}

/// An event on its way to the orders.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutboxEvent)]
pub struct EntryResource {
    id: EventId,
    r#type: EventType,
    /// When it happened.
    time: Timestamp,
    order_id: OrderId,
    payment_id: PaymentId,
    amount: Amount,
    /// Sum of all refunds up to this event.
    refunded_amount: Amount,
    currency: CurrencyCode,
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
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    /// Why publishing or handling failed last.
    #[schema(required, example = "a database is busy or out of reach")]
    last_error: Option<String>,
}

/// How far the outbox is behind, in JSON.
pub const fn lag_resource(lag: Lag) -> OutboxLag {
    OutboxLag {
        pending: lag.pending,
        parked: lag.parked,
        oldest_ms: lag.oldest_ms,
    }
}

impl PaymentResource {
    /// The payment in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(payment: PaymentView) -> Result<Self, Problem> {
        let amount = |amount| decimal(amount, payment.currency).map(Amount);
        let can_be_paid = payment.can_be_paid();
        let session = payment.session.opened.filter(|_| can_be_paid);
        Ok(Self {
            id: payment.id,
            order_id: payment.order_id,
            amount: amount(payment.amount)?,
            refunded_amount: amount(payment.refunded)?,
            failed_refund_amount: amount(payment.failed_refunds)?,
            refund_failure: payment.refund_failure,
            duplicate_amount: amount(payment.duplicates)?,
            duplicate_refunded_amount: amount(payment.duplicates_refunded)?,
            disputed: payment.is_disputed,
            lost_to_disputes: amount(payment.lost_to_disputes)?,
            currency: CurrencyCode(payment.currency),
            status: payment.status,
            processing: payment.is_processing,
            provider: payment.provider,
            session: session.map(Into::into),
            receipt_url: payment.receipt_url,
            reason: payment.reason,
            created_at: Timestamp(payment.created_at),
            updated_at: Timestamp(payment.updated_at),
            version: payment.version,
        })
    }
}

impl Listed for PaymentResource {
    const PAGE: &'static str = "PaymentPage";
    const MEANING: &'static str = "One page of payments.";
    const ORDER: &'static str = "Newest first.";
}

impl From<CheckoutSession> for SessionResource {
    fn from(session: CheckoutSession) -> Self {
        Self {
            id: session.id,
            url: session.url,
            expires_at: Timestamp(session.expires_at),
        }
    }
}

impl EntryResource {
    /// The entry in JSON.
    ///
    /// # Errors
    /// 500 when its amount cannot be written as a decimal number.
    pub fn new(entry: OutboxEntryView) -> Result<Self, Problem> {
        let event = entry.event;
        Ok(Self {
            id: event.id,
            r#type: event.event_type,
            time: Timestamp(event.time),
            order_id: event.order_id,
            payment_id: event.payment_id,
            amount: decimal(event.amount, event.currency)?.into(),
            refunded_amount: decimal(event.refunded, event.currency)?.into(),
            currency: CurrencyCode(event.currency),
            attempts: entry.attempts,
            failures: entry.failures,
            parked: entry.parked,
            next_attempt_at: (!entry.parked).then_some(Timestamp(entry.next_attempt_at)),
            last_error: entry.last_error,
        })
    }
}

impl Listed for EntryResource {
    const PAGE: &'static str = "OutboxPage";
    const MEANING: &'static str = "One page of the outbox.";
    const ORDER: &'static str = "Oldest first.";
}

/// A payment and its entity tag.
///
/// # Errors
/// As [`PaymentResource::new`].
pub fn tagged(payment: impl Into<PaymentView>) -> Result<Tagged<PaymentResource>, Problem> {
    let payment = payment.into();
    let version = payment.version;
    Ok(Tagged::new(PaymentResource::new(payment)?, version))
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

#[cfg(test)]
pub mod tests {
    use mercato_edge::Answer as _;
    use mercato_kernel::AccountId;
    use payments::domain::{PaymentEvent, SessionSlot};

    use super::*;

    fn order() -> OrderId {
        OrderId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap()
    }

    fn payment() -> PaymentId {
        PaymentId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap()
    }

    fn units(units: i64) -> MinorUnits {
        MinorUnits::new(units).unwrap()
    }

    /// A payment that waits for its customer.
    pub fn pending() -> PaymentView {
        PaymentView {
            id: payment(),
            order_id: order(),
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
        let reply = tagged(pending()).unwrap().into_reply().unwrap();
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
                id: EventId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap(),
                event_type: EventType::Refunded,
                time: 0,
                order_id: order(),
                payment_id: payment(),
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
            serde_json::to_string(&EntryResource::new(entry.clone()).unwrap()).unwrap(),
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8058","type":"payment.refunded","#,
                r#""time":"1970-01-01T00:00:00.000Z","orderId":"01890a5d-ac96-774b-bcce-b302099a8057","#,
                r#""paymentId":"01890a5d-ac96-774b-bcce-b302099a8058","amount":1,"refundedAmount":0.5,"#,
                r#""currency":"EUR","attempts":2,"failures":8,"parked":false,"#,
                r#""nextAttemptAt":"1970-01-01T00:00:01.000Z","lastError":"no"}"#
            )
        );
        entry.parked = true;
        let parked = serde_json::to_value(EntryResource::new(entry.clone()).unwrap()).unwrap();
        assert_eq!(
            (&parked["parked"], &parked["nextAttemptAt"]),
            (&true.into(), &serde_json::Value::Null)
        );
    }
}
