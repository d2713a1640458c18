//! The bodies of Stripe's webhooks, as far as a shop reads them: <https://docs.stripe.com/api/events/object>.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Longest id or type of an event, in bytes.
pub const NAME_MAX_BYTES: usize = 255;

/// A body of which nothing but its type is read: events of other types may have any shape.
#[derive(Debug)]
pub struct Body(Map<String, Value>);

/// An event about a Checkout Session, a Charge, a Refund or a Dispute.
#[derive(Debug)]
pub struct Event {
    /// The provider's id; 1 to [`NAME_MAX_BYTES`] bytes.
    pub id: String,
    /// Its type, as in `charge.refunded`; 1 to [`NAME_MAX_BYTES`] bytes.
    pub event_type: String,
    /// When it happened, in seconds since the Unix epoch.
    pub created: Option<u64>,
    /// What it is about, as it is now.
    pub object: Object,
}

/// An event of the payment provider, in Stripe's shape; it may have further members.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookEvent)]
pub struct Document {
    /// An event that comes again with the same id changes nothing.
    #[schema(min_length = 1, max_length = 255)]
    id: String,
    /// `checkout.session.completed`, `checkout.session.expired`, `checkout.session.async_payment_succeeded`,
    /// `checkout.session.async_payment_failed`, `charge.succeeded`, `charge.refunded`, and those that begin with `refund.`,
    /// `charge.refund.` or `charge.dispute.`; any other is answered 200 and ignored.
    #[schema(min_length = 1, max_length = 255)]
    r#type: String,
    /// Seconds since the Unix epoch.
    #[schema(nullable = false)]
    created: Option<u64>,
    data: Data,
}

/// What an event of the payment provider is about.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookData)]
struct Data {
    /// A Checkout Session or a Charge, which names its order in `client_reference_id` or `metadata.order_id`.
    #[schema(value_type = Object)]
    object: Value,
}

/// What a Checkout Session, a Charge, a Refund and a Dispute have of what concerns us.
#[derive(Debug, Deserialize)]
pub struct Object {
    /// The provider's id of it.
    pub id: String,
    /// Checkout Session: the order.
    pub client_reference_id: Option<String>,
    /// What the shop has written into it.
    pub metadata: Option<Metadata>,
    /// In small letters.
    pub currency: Option<String>,
    /// Checkout Session: what was to be paid.
    pub amount_total: Option<i64>,
    /// Checkout Session: `paid`, `unpaid`, `no_payment_required`.
    pub payment_status: Option<String>,
    /// What a session's payment, a charge, a refund and a dispute have in common.
    pub payment_intent: Option<String>,
    /// Refund and Dispute: the charge, where there is no payment intent.
    pub charge: Option<String>,
    /// Refund: `failed` and `canceled` are its ends without money; everything else may still come. Dispute: `won`, `lost`,
    /// `prevented`, `warning_closed` and `charge_refunded` are its ends.
    pub status: Option<String>,
    /// Refund: why it failed.
    pub failure_reason: Option<String>,
    /// Dispute: why.
    pub reason: Option<String>,
    /// Refund and Dispute: when it was made, in seconds since the Unix epoch.
    pub created: Option<u64>,
    /// Charge: what was paid. Refund: what goes back. Dispute: what it is about.
    pub amount: Option<i64>,
    /// Charge: what has gone back altogether.
    pub amount_refunded: Option<i64>,
    /// Charge: whether the money was taken, not only set aside.
    pub captured: Option<bool>,
    /// Charge: where the customer finds the receipt.
    pub receipt_url: Option<String>,
}

/// What the shop writes into sessions, charges and refunds.
#[derive(Debug, Default, Deserialize)]
pub struct Metadata {
    /// The order.
    pub order_id: Option<String>,
    /// The payment.
    pub payment_id: Option<String>,
}

impl Body {
    /// Reads a body.
    ///
    /// # Errors
    /// Says why it is no JSON object.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// The type of the event.
    ///
    /// # Errors
    /// When it has none.
    pub fn event_type(&self) -> Result<&str, String> {
        let event_type = self.0.get("type").and_then(Value::as_str);
        event_type.ok_or_else(|| "type is missing".to_owned())
    }

    /// All of the event.
    ///
    /// # Errors
    /// Says what is missing or of another type.
    pub fn event(self) -> Result<Event, String> {
        let document: Document =
            serde_json::from_value(Value::Object(self.0)).map_err(|error| error.to_string())?;
        for name in [&document.id, &document.r#type] {
            if name.is_empty() || name.len() > NAME_MAX_BYTES {
                return Err(format!("id and type must have 1 to {NAME_MAX_BYTES} bytes"));
            }
        }
        Ok(Event {
            id: document.id,
            event_type: document.r#type,
            created: document.created,
            object: serde_json::from_value(document.data.object)
                .map_err(|error| format!("data.object: {error}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_type_of_an_unknown_event_is_read() {
        let thin = Body::read(br#"{"type":"v2.core.account.updated","data":[]}"#).unwrap();
        assert_eq!(thin.event_type(), Ok("v2.core.account.updated"));
        assert!(thin.event().is_err());
        assert!(Body::read(b"[]").is_err());
        assert!(Body::read(b"{}").unwrap().event_type().is_err());
    }

    #[test]
    fn an_event_names_itself_and_its_object() {
        let body = |id: &str| {
            let text = format!(
                r#"{{"id":"{id}","type":"charge.refunded","created":7,"data":{{"object":{{"id":"ch_1","amount":5}}}}}}"#
            );
            Body::read(text.as_bytes()).unwrap().event()
        };
        let event = body("evt_1").unwrap();
        assert_eq!((event.id.as_str(), event.created), ("evt_1", Some(7)));
        assert_eq!(
            (event.object.id.as_str(), event.object.amount),
            ("ch_1", Some(5))
        );
        assert!(body("").is_err() && body(&"e".repeat(NAME_MAX_BYTES + 1)).is_err());
    }
}
