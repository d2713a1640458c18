//! What ordinary requests do on the side: they keep events and orders moving where no timer does.

use std::cell::Cell;

use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;

use crate::bindings::mercato::orders_old::maintenance;
use crate::bindings::mercato::payments_old::outbox;

/// Shortest time between two runs, in milliseconds.
const INTERVAL_MS: u32 = 1_000;

thread_local! {
    /// When this instance last ran, in milliseconds since the Unix epoch. Other instances are told apart behind the
    /// contracts; this spares most requests the calls.
    static LAST_RUN: Cell<u64> = const { Cell::new(0) };
}

/// Publishes events that wait and takes up orders that were left half-way. Errors are only logged.
pub async fn after_request() {
    if !LAST_RUN.with(|last| is_due(last, SystemClock.now_ms())) {
        return;
    }
    mercato_edge::let_the_answer_go().await;
    if let Err(error) = outbox::relay(INTERVAL_MS).await {
        log::warn(
            "the outbox could not be relayed",
            &[("error", &format!("{error:?}"))],
        );
    }
    if let Err(error) = maintenance::sweep(INTERVAL_MS).await {
        log::warn(
            "orders could not be swept",
            &[("error", &format!("{error:?}"))],
        );
    }
}

fn is_due(last: &Cell<u64>, now: u64) -> bool {
    let due = now.abs_diff(last.get()) >= u64::from(INTERVAL_MS);
    if due {
        last.set(now);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_at_most_once_in_an_interval() {
        let last = Cell::new(0);
        let runs: Vec<_> = [5_000, 5_001, 5_999, 6_000, 6_500, 7_000]
            .map(|now| is_due(&last, now))
            .into();
        assert_eq!(runs, [true, false, false, true, false, true]);
        assert!(
            is_due(&last, 100),
            "a clock that was set back must not stop it"
        );
    }
}
