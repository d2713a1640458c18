//! Orders and payments of the component this one is composed with.

use crate::bindings::mercato::orders_old::commands::{self, EventOutcome, EventType, PaymentEvent};
use crate::bindings::mercato::orders_old::maintenance;
use crate::bindings::mercato::payments_old::outbox;
use crate::bindings::mercato::payments_old::types;
use crate::handler::Shop;

/// The shop as it is composed.
pub struct ComposedShop;

impl Shop for ComposedShop {
    type Event = types::PaymentEvent;

    async fn pending_event(
        &self,
        order_id: &str,
        event_id: &str,
    ) -> Result<Option<Self::Event>, String> {
        let events = outbox::pending_of_order(order_id.to_owned())
            .await
            .map_err(|error| format!("{error:?}"))?;
        Ok(events.into_iter().find(|event| event.id == event_id))
    }

    async fn apply(&self, event: Self::Event) -> Result<&'static str, String> {
        match commands::apply_payment_event(to_orders(event)).await {
            Ok(EventOutcome::Applied) => Ok("applied"),
            Ok(EventOutcome::Duplicate) => Ok("duplicate"),
            Ok(EventOutcome::Ignored) => Ok("ignored"),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    async fn relay(&self, min_interval_ms: u32) -> Result<(), String> {
        outbox::relay(min_interval_ms)
            .await
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    }

    async fn sweep(&self, min_interval_ms: u32) -> Result<(), String> {
        maintenance::sweep(min_interval_ms)
            .await
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    }
}

fn to_orders(event: types::PaymentEvent) -> PaymentEvent {
    PaymentEvent {
        id: event.id,
        event_type: match event.event_type {
            types::EventType::Succeeded => EventType::Succeeded,
            types::EventType::Failed => EventType::Failed,
            types::EventType::Cancelled => EventType::Cancelled,
            types::EventType::Refunded => EventType::Refunded,
            types::EventType::Updated => EventType::Updated,
        },
        time: event.time,
        order_id: event.order_id,
        payment_id: event.payment_id,
        amount: event.amount,
        refunded_amount: event.refunded_amount,
        payment_version: event.payment_version,
        currency: event.currency,
        receipt_url: event.receipt_url,
        reason: event.reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_is_given_every_field_it_asks_for() {
        for (given, expected) in [
            (types::EventType::Succeeded, EventType::Succeeded),
            (types::EventType::Failed, EventType::Failed),
            (types::EventType::Cancelled, EventType::Cancelled),
            (types::EventType::Refunded, EventType::Refunded),
            (types::EventType::Updated, EventType::Updated),
        ] {
            let event = to_orders(types::PaymentEvent {
                id: "e".into(),
                event_type: given,
                time: 7,
                order_id: "o".into(),
                payment_id: "p".into(),
                amount: 5,
                refunded_amount: 3,
                payment_version: 9,
                currency: "EUR".into(),
                provider_reference: None,
                receipt_url: Some("u".into()),
                reason: Some("r".into()),
            });
            assert_eq!(event.event_type, expected);
            assert_eq!(
                (
                    event.id.as_str(),
                    event.order_id.as_str(),
                    event.payment_id.as_str()
                ),
                ("e", "o", "p")
            );
            assert_eq!((event.time, event.amount, event.refunded_amount), (7, 5, 3));
            assert_eq!(event.payment_version, 9);
            assert_eq!(
                (event.receipt_url.as_deref(), event.reason.as_deref()),
                (Some("u"), Some("r"))
            );
        }
    }
}
