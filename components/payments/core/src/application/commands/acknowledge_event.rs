//! Takes an applied event out of the outbox.

use mercato_platform::clock::Clock;

use super::publish_events::publish_due;
use crate::application::ports::{Ports, Store};
use crate::domain::PaymentError;

/// The event is applied; it is not published again, and the order's next event is. Unknown or acknowledged already:
/// nothing changes.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub async fn handle<P: Ports>(ports: &P, event_id: &str) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(|records| records.acknowledge_event(event_id, now))?;
    publish_due(ports).await;
    Ok(())
}
