use mercato_money::Currency;

use super::MinorUnits;

/// What happened to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// The customer paid.
    Succeeded,
    /// The payment was declined.
    Failed,
    /// The session ended without a payment.
    Cancelled,
    /// Some or all of the money went back.
    Refunded,
    /// Something else that the order must know of, as the payment is now: its reason says what.
    Updated,
}

/// Something that happened to a payment, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    /// UUIDv7.
    pub id: String,
    /// What happened.
    pub event_type: EventType,
    /// Milliseconds since the Unix epoch.
    pub time: u64,
    /// The order that is paid.
    pub order_id: String,
    /// The payment.
    pub payment_id: String,
    /// The amount to pay.
    pub amount: MinorUnits,
    /// Sum of all refunds so far that have not failed.
    pub refunded: MinorUnits,
    /// The payment's version then: of two events the one with the larger version is newer. 0 when that is not known.
    pub payment_version: u64,
    /// Its currency.
    pub currency: Currency,
    /// The provider's id of the charge.
    pub provider_reference: Option<String>,
    /// Where the customer finds the receipt.
    pub receipt_url: Option<String>,
    /// Why it failed or was cancelled, or what has happened.
    pub reason: Option<String>,
}
