//! The way for events to leave by that this component was composed with.

use mercato_contracts::payments::publisher;
use mercato_payment_events as wire;

use crate::application::ports::{PublishError, Publisher};
use crate::domain::PaymentEvent;

/// The `source` of our CloudEvents.
const SOURCE: &str = "/mercato/payments";

/// What stands behind `mercato:payments/publisher`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComposedPublisher;

impl Publisher for ComposedPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        let channel = event.event_type.channel().to_owned();
        let message = message(event).into_bytes();
        let published = publisher::publish(channel, message).await;
        published.map_err(PublishError)
    }
}

fn message(event: &PaymentEvent) -> String {
    let event = wire::PaymentEvent {
        id: event.id.to_string(),
        event_type: event.event_type.channel(),
        time: event.time,
        order_id: event.order_id.to_string(),
        payment_id: event.payment_id.to_string(),
        amount: event.amount.get(),
        refunded_amount: event.refunded.get(),
        currency: event.currency.to_string(),
        provider_reference: event.provider_reference.clone(),
        receipt_url: event.receipt_url.clone(),
        reason: event.reason.clone(),
    };
    event.to_cloud_event_json(SOURCE)
}

#[cfg(test)]
mod tests {
    use mercato_kernel::FromText;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{EventType, MinorUnits};

    fn id<T: FromText>(text: &str) -> T {
        T::from_text(text).unwrap()
    }

    #[test]
    fn a_message_says_what_the_event_says() {
        let event = PaymentEvent {
            id: id("01890a5d-ac96-774b-bcce-b302099a8057"),
            event_type: EventType::Refunded,
            time: 1_700_000_000_123,
            order_id: id("01890a5d-ac96-774b-bcce-b302099a8058"),
            payment_id: id("01890a5d-ac96-774b-bcce-b302099a8059"),
            amount: MinorUnits::new(1999).unwrap(),
            refunded: MinorUnits::new(500).unwrap(),
            payment_version: 3,
            currency: "EUR".parse().unwrap(),
            provider_reference: Some("pi_1".to_owned()),
            receipt_url: None,
            reason: Some("two \"words\"".to_owned()),
        };
        let message: Value = serde_json::from_str(&message(&event)).unwrap();
        assert_eq!(
            message,
            json!({
                "specversion": "1.0",
                "id": event.id,
                "source": SOURCE,
                "type": "payment.refunded",
                "time": "2023-11-14T22:13:20.123Z",
                "subject": event.order_id,
                "datacontenttype": "application/json",
                "data": {
                    "paymentId": event.payment_id,
                    "amount": 1999,
                    "refundedAmount": 500,
                    "currency": "EUR",
                    "providerReference": "pi_1",
                    "receiptUrl": null,
                    "reason": "two \"words\"",
                },
            })
        );
    }
}
