//! Takes applied events out of the outbox.

use mercato_kernel::EventId;
use mercato_platform::clock::Clock;

use super::publish_events::publish_due;
use crate::application::locks;
use crate::application::ports::{Ports, Store};
use crate::domain::PaymentError;

/// Most events of one call.
pub const ACKNOWLEDGEMENTS_MAX: usize = 200;

/// An event that is applied.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Which one.
    pub event_id: EventId,
}

/// The event is applied; it is not published again, and the order's next event is. Unknown or acknowledged already:
/// nothing changes.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub async fn handle<P: Ports>(ports: &P, command: Command) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(locks::events([command.event_id]), |records| {
            records.acknowledge_event(command.event_id, now)
        })?;
    publish_due(ports).await;
    Ok(())
}

/// [`handle`] for several events, in one transaction.
///
/// # Errors
/// `Invalid` for more than [`ACKNOWLEDGEMENTS_MAX`]; `Unavailable`, `Internal`, and then none is acknowledged.
pub async fn handle_all<P: Ports>(ports: &P, event_ids: &[EventId]) -> Result<(), PaymentError> {
    if event_ids.len() > ACKNOWLEDGEMENTS_MAX {
        let message = format!("there must be at most {ACKNOWLEDGEMENTS_MAX}");
        return Err(PaymentError::invalid("eventIds", "max", message));
    }
    if event_ids.is_empty() {
        return Ok(());
    }
    let now = ports.clock().now_ms();
    let locks = locks::events(event_ids.iter().copied());
    ports
        .store()
        .write(locks, |records| records.acknowledge_events(event_ids, now))?;
    publish_due(ports).await;
    Ok(())
}
