use mercato_platform::clock::Clock;

use crate::domain::PaymentError;
use crate::ports::{Ports, Store};

/// The event is applied; it is not told again. Unknown or acknowledged already: nothing changes.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn acknowledge_event<P: Ports>(ports: &P, event_id: &str) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(|records| records.acknowledge_event(event_id, now))
}
