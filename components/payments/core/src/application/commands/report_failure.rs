use mercato_platform::clock::Clock;
use mercato_platform::log;

use super::relay_outbox::back_off_ms;
use crate::domain::PaymentError;
use crate::ports::{Ports, Store};

/// An event whose handling has failed so often is parked.
pub const FAILURES_MAX: u32 = 8;

/// Most characters of an error that are kept.
const ERROR_MAX_CHARS: usize = 500;

/// The event could not be applied: it is told again later, or parked when that has happened [`FAILURES_MAX`] times.
/// Unknown or acknowledged already: nothing changes.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn report_failure<P: Ports>(
    ports: &P,
    event_id: &str,
    error: &str,
) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    let error: String = error
        .chars()
        .filter(|c| !c.is_control())
        .take(ERROR_MAX_CHARS)
        .collect();
    ports.store().write(|records| {
        let Some(mut entry) = records.find_entry(event_id)? else {
            return Ok(());
        };
        entry.next_attempt_at = now.saturating_add(back_off_ms(entry.failures));
        entry.failures = entry.failures.saturating_add(1);
        entry.last_error = Some(error);
        if entry.failures >= FAILURES_MAX && !entry.parked {
            entry.parked = true;
            log::error(
                "event parked; retry it through the outbox once the cause is mended",
                &[
                    ("event_id", event_id),
                    ("order_id", &entry.event.order_id),
                    ("error", entry.last_error.as_deref().unwrap_or_default()),
                ],
            );
        }
        records.save_entry(&entry)
    })
}
