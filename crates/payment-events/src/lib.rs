//! Payment events as they travel over Redis: CloudEvents 1.0 in the structured JSON format.
//!
//! Payments writes them, `order-events` reads of them which event it is; both use this crate, so the two sides cannot drift apart.

use mercato_platform::{clock, ids};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The version of CloudEvents written (CloudEvents 1.0.2, section 3.1.1).
pub const SPEC_VERSION: &str = "1.0";

/// A longer message is refused before it is parsed, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024;

const CONTENT_TYPE: &str = "application/json";

/// Something that happened to a payment. Amounts in whole minor units of the currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// UUIDv7; the receiver's inbox knows the event by it.
    pub id: String,
    /// What happened, as in `payment.succeeded`: the Redis channel, too.
    pub event_type: &'static str,
    /// When, in milliseconds since the Unix epoch.
    pub time: u64,
    /// The order that is paid, UUIDv7.
    pub order_id: String,
    /// The payment, UUIDv7.
    pub payment_id: String,
    /// The amount to pay, in minor units.
    pub amount: i64,
    /// Sum of all refunds so far, in minor units.
    pub refunded_amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The provider's id of the charge.
    pub provider_reference: Option<String>,
    /// Where the customer finds the receipt.
    pub receipt_url: Option<String>,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
}

/// Why a message names no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than [`MESSAGE_MAX_BYTES`].
    #[error("the message has {0} bytes; at most {MESSAGE_MAX_BYTES} are read")]
    TooLong(usize),
    /// Not JSON, or a required attribute is missing or of another JSON type.
    #[error("the message is not a CloudEvent in JSON: {0}")]
    Malformed(String),
    /// An attribute breaks its rule.
    #[error("{attribute} {rule}")]
    Invalid {
        /// Name in the message.
        attribute: &'static str,
        /// What it must be.
        rule: &'static str,
    },
}

impl PaymentEvent {
    /// The event as a CloudEvent; `source` is a URI reference that names the sender, such as `/mercato/payments`.
    #[must_use]
    pub fn to_cloud_event_json(&self, source: &str) -> String {
        let data = object([
            ("paymentId", self.payment_id.as_str().into()),
            ("amount", self.amount.into()),
            ("refundedAmount", self.refunded_amount.into()),
            ("currency", self.currency.as_str().into()),
            ("providerReference", self.provider_reference.clone().into()),
            ("receiptUrl", self.receipt_url.clone().into()),
            ("reason", self.reason.clone().into()),
        ]);
        object([
            ("specversion", SPEC_VERSION.into()),
            ("id", self.id.as_str().into()),
            ("source", source.into()),
            ("type", self.event_type.into()),
            ("time", clock::rfc3339(self.time).into()),
            ("subject", self.order_id.as_str().into()),
            ("datacontenttype", CONTENT_TYPE.into()),
            ("data", data),
        ])
        .to_string()
    }
}

/// What is believed of a message: which event to look up in the outbox, and the order that it should be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventReference {
    /// The event's id.
    pub id: String,
    /// The order that the event is about.
    pub subject: String,
}

#[derive(Deserialize)]
struct Attributes {
    id: String,
    subject: String,
}

impl EventReference {
    /// Reads these two attributes of a CloudEvent, and nothing else of it.
    ///
    /// # Errors
    /// [`MessageError`] says what is wrong.
    pub fn from_cloud_event_json(message: &[u8]) -> Result<Self, MessageError> {
        if message.len() > MESSAGE_MAX_BYTES {
            return Err(MessageError::TooLong(message.len()));
        }
        let attributes: Attributes = serde_json::from_slice(message)
            .map_err(|error| MessageError::Malformed(error.to_string()))?;
        Ok(Self {
            id: id(&attributes.id, "id")?,
            subject: id(&attributes.subject, "subject")?,
        })
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn id(text: &str, attribute: &'static str) -> Result<String, MessageError> {
    ids::parse(text).map_err(|_| MessageError::Invalid {
        attribute,
        rule: "must be a UUID",
    })
}

#[cfg(test)]
mod tests;
