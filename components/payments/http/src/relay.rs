//! Ordinary requests keep the outbox moving where nothing else does (Spin has no timers).

use mercato_kernel::Throttle;
use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;
use payments::application::commands::relay_outbox;
use payments::instance;

/// Least time between two runs that requests start, whichever instance answers them, in milliseconds.
const MIN_INTERVAL_MS: u32 = 1_000;

thread_local! {
    /// Most requests need not even look into the database.
    static THROTTLE: Throttle = const { Throttle::new() };
}

/// Runs the relay when it has not run for a second. The request is answered whatever happens.
pub async fn after_request() {
    let now = SystemClock.now_ms();
    if !THROTTLE.with(|throttle| throttle.is_due(now, MIN_INTERVAL_MS)) {
        return;
    }
    mercato_edge::let_the_answer_go().await;
    let command = relay_outbox::Command {
        min_interval_ms: MIN_INTERVAL_MS,
    };
    if let Err(error) = relay_outbox::handle(&*instance(), command).await {
        log::warn("relay not run", &[("cause", &error.to_string())]);
    }
}
