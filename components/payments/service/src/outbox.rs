//! `mercato:payments/outbox`: events on their way to other contexts.

use mercato_kernel::{EventId, OrderId};
use mercato_platform::log;
use payments::application::commands::{acknowledge_event, relay_outbox, report_failure};
use payments::application::queries;
use payments::{domain, instance};

use crate::bindings::exports::mercato::payments::outbox::Guest;
use crate::bindings::exports::mercato::payments::types::{PaymentError, PaymentEvent};
use crate::{Component, event, payment_error};

impl Guest for Component {
    async fn relay(min_interval_ms: u32) -> Result<(), PaymentError> {
        let command = relay_outbox::Command { min_interval_ms };
        let report = relay_outbox::handle(&*instance(), command).await;
        report.map(drop).map_err(payment_error)
    }

    async fn pending(event_id: String) -> Result<Option<PaymentEvent>, PaymentError> {
        let Ok(event_id) = EventId::parse(&event_id) else {
            return Ok(None);
        };
        log::in_span(&[("event_id", &event_id.text())], async {
            let pending = queries::pending_event(&*instance(), event_id);
            Ok(pending.map_err(payment_error)?.map(event))
        })
        .await
    }

    async fn pending_of_order(order_id: String) -> Result<Vec<PaymentEvent>, PaymentError> {
        let Ok(order_id) = OrderId::parse(&order_id) else {
            return Ok(Vec::new());
        };
        log::in_span(&[("order_id", &order_id.text())], async {
            events(queries::pending_events_of_order(&*instance(), order_id))
        })
        .await
    }

    async fn overdue(min_age_ms: u32, limit: u32) -> Result<Vec<PaymentEvent>, PaymentError> {
        events(queries::overdue_events(&*instance(), min_age_ms, limit))
    }

    async fn acknowledge(event_id: String) -> Result<(), PaymentError> {
        let Ok(event_id) = EventId::parse(&event_id) else {
            return Ok(());
        };
        let (instance, command) = (instance(), acknowledge_event::Command { event_id });
        let work = acknowledge_event::handle(&*instance, command);
        let acknowledged = log::in_span(&[("event_id", &event_id.text())], work).await;
        acknowledged.map_err(payment_error)
    }

    async fn report_failure(event_id: String, error: String) -> Result<(), PaymentError> {
        let Ok(event_id) = EventId::parse(&event_id) else {
            return Ok(());
        };
        let error = &error;
        log::in_span(&[("event_id", &event_id.text())], async {
            let command = report_failure::Command { event_id, error };
            report_failure::handle(&*instance(), command).map_err(payment_error)
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
