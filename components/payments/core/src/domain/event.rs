use mercato_kernel::{EventId, OrderId, PaymentId, named};
use mercato_money::Currency;
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::MinorUnits;

/// What happened to a payment. The outbox has it by its name; to clients its name is that of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray, Serialize, ToSchema)]
#[strum(serialize_all = "lowercase")]
#[schema(
    as = OutboxEventType,
    description = "The kind of an event: also the channel it is published on.",
    example = "payment.succeeded"
)]
pub enum EventType {
    /// The customer paid.
    #[serde(rename = "payment.succeeded")]
    Succeeded,
    /// The payment was declined.
    #[serde(rename = "payment.failed")]
    Failed,
    /// The session ended without a payment.
    #[serde(rename = "payment.cancelled")]
    Cancelled,
    /// Some or all of the money went back.
    #[serde(rename = "payment.refunded")]
    Refunded,
    /// Something else that the order must know of, as the payment is now: its reason says what.
    #[serde(rename = "payment.updated")]
    Updated,
}

named!(EventType);

impl EventType {
    /// The Redis channel that such an event is published on.
    #[must_use]
    pub const fn channel(self) -> &'static str {
        match self {
            Self::Succeeded => "payment.succeeded",
            Self::Failed => "payment.failed",
            Self::Cancelled => "payment.cancelled",
            Self::Refunded => "payment.refunded",
            Self::Updated => "payment.updated",
        }
    }
}

/// Something that happened to a payment, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    /// UUIDv7.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// Milliseconds since the Unix epoch.
    pub time: u64,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
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

#[cfg(test)]
mod tests {
    use mercato_kernel::Named as _;

    use super::*;

    #[test]
    fn clients_know_a_type_by_its_channel() {
        for event_type in EventType::ALL.iter().copied() {
            assert_eq!(
                serde_json::to_value(event_type).unwrap(),
                event_type.channel()
            );
        }
    }
}
