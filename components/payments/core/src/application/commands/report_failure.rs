//! Counts that an event could not be applied.

use mercato_kernel::EventId;
use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::locks;
use crate::application::ports::{Ports, Store};
use crate::domain::PaymentError;

/// Most characters of an error that are kept.
const ERROR_MAX_CHARS: usize = 500;

/// An event that could not be applied.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// Which one.
    pub event_id: EventId,
    /// Why.
    pub error: &'a str,
}

/// The event could not be applied: it is published again later, or parked when that has happened
/// [`FAILURES_MAX`](crate::domain::FAILURES_MAX) times.
/// Unknown or acknowledged already: nothing changes.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn handle<P: Ports>(ports: &P, command: Command<'_>) -> Result<(), PaymentError> {
    let Command { event_id, error } = command;
    let now = ports.clock().now_ms();
    let error: String = error
        .chars()
        .filter(|c| !c.is_control())
        .take(ERROR_MAX_CHARS)
        .collect();
    ports.store().write(locks::publishing(), |records| {
        let Some(mut entry) = records.find_entry(event_id)? else {
            return Ok(());
        };
        if entry.handling_failed(error.clone(), now) {
            log::error(
                "event parked; retry it through the outbox once the cause is mended",
                &[
                    ("event_id", &event_id.text()),
                    ("order_id", &entry.event.order_id.text()),
                    ("error", entry.last_error.as_deref().unwrap_or_default()),
                ],
            );
        }
        records.save_entry(&entry)
    })
}
