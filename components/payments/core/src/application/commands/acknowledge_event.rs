//! Takes an applied event out of the outbox.

use mercato_kernel::EventId;
use mercato_platform::clock::Clock;

use super::publish_events::publish_due;
use crate::application::ports::{Ports, Store};
use crate::domain::PaymentError;

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
        .write(|records| records.acknowledge_event(command.event_id, now))?;
    publish_due(ports).await;
    Ok(())
}
