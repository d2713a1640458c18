//! `mercato:payments/outbox`: events on their way to other contexts.

use mercato_platform::{ids, log};
use payments::application::{commands, queries};
use payments::{domain, instance};

use crate::bindings::exports::mercato::payments::outbox::Guest;
use crate::bindings::exports::mercato::payments::types::{PaymentError, PaymentEvent};
use crate::{Component, event, payment_error};

impl Guest for Component {
    async fn relay(min_interval_ms: u32) -> Result<(), PaymentError> {
        let report = commands::relay_outbox::handle(&*instance(), min_interval_ms).await;
        report.map(drop).map_err(payment_error)
    }

    async fn pending(event_id: String) -> Result<Option<PaymentEvent>, PaymentError> {
        log::in_span(&[("event_id", event_id.as_str())], async {
            let pending = queries::pending_event(&*instance(), &event_id);
            Ok(pending.map_err(payment_error)?.map(event))
        })
        .await
    }

    async fn pending_of_order(order_id: String) -> Result<Vec<PaymentEvent>, PaymentError> {
        let Ok(order_id) = ids::parse(&order_id) else {
            return Ok(Vec::new());
        };
        log::in_span(&[("order_id", order_id.as_str())], async {
            events(queries::pending_events_of_order(&*instance(), &order_id))
        })
        .await
    }

    async fn overdue(min_age_ms: u32, limit: u32) -> Result<Vec<PaymentEvent>, PaymentError> {
        events(queries::overdue_events(&*instance(), min_age_ms, limit))
    }

    async fn acknowledge(event_id: String) -> Result<(), PaymentError> {
        let ids = [("event_id", event_id.as_str())];
        let acknowledged = log::in_span(
            &ids,
            commands::acknowledge_event::handle(&*instance(), &event_id),
        )
        .await;
        acknowledged.map_err(payment_error)
    }

    async fn report_failure(event_id: String, error: String) -> Result<(), PaymentError> {
        log::in_span(&[("event_id", event_id.as_str())], async {
            commands::report_failure::handle(&*instance(), &event_id, &error).map_err(payment_error)
        })
        .await
    }
}

fn events(
    found: Result<Vec<domain::PaymentEvent>, domain::PaymentError>,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let events = found.map_err(payment_error)?;
    Ok(events.into_iter().map(event).collect())
}
