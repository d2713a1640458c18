//! Publishes a parked event again.

use mercato_kernel::EventId;
use mercato_platform::clock::Clock;

use super::publish_events::publish_due;
use crate::application::locks;
use crate::application::ports::{Ports, Store};
use crate::domain::{OutboxEntry, PaymentError};

/// An event that an admin takes up again.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Which one.
    pub event_id: EventId,
}

/// Publishes a parked event again as if it were new: its failures and attempts are forgotten and it is due at once. Why
/// it failed last stays to be read. Works for an event that only waits, too.
///
/// # Errors
/// `NotFound` when it is unknown or acknowledged.
pub async fn handle<P: Ports>(
    ports: &P,
    Command { event_id }: Command,
) -> Result<OutboxEntry, PaymentError> {
    let now = ports.clock().now_ms();
    let due = ports.store().write(locks::publishing(), |records| {
        let mut entry = records
            .find_entry(event_id)?
            .ok_or(PaymentError::NotFound)?;
        entry.retry(now);
        records.save_entry(&entry)?;
        Ok(entry)
    })?;
    publish_due(ports).await;
    // Acknowledged by now, if its receiver was quick: then this is the last that was known of it.
    Ok(ports
        .store()
        .read(|records| records.find_entry(event_id))?
        .unwrap_or(due))
}
