//! The payment of an order as clients see it.

use mercato_edge::{Amount, CurrencyCode, Problem, Timestamp};
use mercato_kernel::PaymentId;
use mercato_money::{Currency, Money, MoneyError};
use mercato_platform::log;
use orders::domain::{CheckoutSession, Payment, PaymentStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::problem;

/// Where the customer pays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentSession)]
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

/// A payment's status as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = PaymentStatus, example = "SUCCEEDED")]
pub enum PaymentStatusName {
    /// Waiting for the customer.
    Pending,
    /// Paid; perhaps refunded in part.
    Succeeded,
    /// Declined.
    Failed,
    /// Ended without a payment.
    Cancelled,
    /// Refunded in whole.
    Refunded,
}

/// The payment of an order, as far as an order shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderPayment)]
pub struct PaymentResource {
    id: PaymentId,
    status: PaymentStatusName,
    /// True while the money of a `PENDING` payment is on its way, by a bank debit for example: the customer has paid, and
    /// whether it arrives shows in some days.
    processing: bool,
    /// What is paid: the order's total in whole minor units of the currency.
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

impl TryFrom<Payment> for PaymentResource {
    type Error = Problem;

    fn try_from(payment: Payment) -> Result<Self, Problem> {
        let currency: Currency = payment.currency.parse().map_err(not_shown)?;
        let amount = |minor| {
            let money = Money::from_minor(minor, currency);
            money.map(Amount).map_err(not_shown)
        };
        Ok(Self {
            id: PaymentId::parse(&payment.id).map_err(|error| problem(error.into()))?,
            status: name_of(payment.status),
            processing: payment.processing,
            amount: amount(payment.amount)?,
            refunded_amount: amount(payment.refunded_amount)?,
            failed_refund_amount: amount(payment.failed_refund_amount)?,
            refund_failure: payment.refund_failure,
            duplicate_amount: amount(payment.duplicate_amount)?,
            duplicate_refunded_amount: amount(payment.duplicate_refunded_amount)?,
            disputed: payment.disputed,
            lost_to_disputes: amount(payment.lost_to_disputes)?,
            currency: CurrencyCode(currency),
            provider: payment.provider,
            session: payment.session.map(Into::into),
            receipt_url: payment.receipt_url,
            reason: payment.reason,
        })
    }
}

/// 500 for an amount of a payment that is none.
pub fn not_shown(error: MoneyError) -> Problem {
    log::error(
        "a payment's amount cannot be shown",
        &[("error", &error.to_string())],
    );
    Problem::internal()
}

const fn name_of(status: PaymentStatus) -> PaymentStatusName {
    match status {
        PaymentStatus::Pending => PaymentStatusName::Pending,
        PaymentStatus::Succeeded => PaymentStatusName::Succeeded,
        PaymentStatus::Failed => PaymentStatusName::Failed,
        PaymentStatus::Cancelled => PaymentStatusName::Cancelled,
        PaymentStatus::Refunded => PaymentStatusName::Refunded,
    }
}
