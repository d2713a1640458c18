//! Ordinary requests keep the outbox moving where nothing else does (Spin has no timers).

use std::cell::Cell;

use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;

use crate::bindings::mercato::payments_old::outbox;

/// Least time between two runs that requests start, whichever instance answers them, in milliseconds.
const MIN_INTERVAL_MS: u32 = 1_000;

thread_local! {
    /// When this instance asked last: most requests need not even look into the database.
    static LAST_ASKED_MS: Cell<u64> = const { Cell::new(0) };
}

/// Runs the relay when it has not run for a second. The request is answered whatever happens.
pub async fn after_request() {
    let now = SystemClock.now_ms();
    if !LAST_ASKED_MS.with(|last| is_due(last, now)) {
        return;
    }
    mercato_edge::let_the_answer_go().await;
    if let Err(error) = outbox::relay(MIN_INTERVAL_MS).await {
        log::warn("relay not run", &[("cause", &error.to_string())]);
    }
}

fn is_due(last: &Cell<u64>, now: u64) -> bool {
    let due = now.abs_diff(last.get()) >= u64::from(MIN_INTERVAL_MS);
    if due {
        last.set(now);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_asks_once_a_second() {
        let last = Cell::new(0);
        assert!(is_due(&last, 5_000));
        assert!(!is_due(&last, 5_000));
        assert!(!is_due(&last, 5_999));
        assert!(is_due(&last, 6_000));
        assert!(is_due(&last, 4_000), "the clock was set back");
    }
}
