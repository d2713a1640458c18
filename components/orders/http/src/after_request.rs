//! What ordinary requests do on the side: they keep events and orders moving where no timer does.

use mercato_kernel::Throttle;
use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::log;
use orders::application::commands::maintain;
use orders::domain::OrderError;

/// Shortest time between two runs, in milliseconds.
const INTERVAL_MS: u32 = 1_000;

thread_local! {
    /// Spares most requests a look into the databases, where the runs of other instances are recorded.
    static MAINTENANCE: Throttle = const { Throttle::new() };
}

/// Publishes events that wait and resumes orders that were left half-way. Errors are only logged.
pub async fn after_request() {
    if !MAINTENANCE.with(|throttle| throttle.is_due(SystemClock.now_ms(), INTERVAL_MS)) {
        return;
    }
    mercato_edge::let_the_answer_go().await;
    if let Err(error) = maintain().await {
        log::warn(
            "orders could not be swept",
            &[("error", &error.to_string())],
        );
    }
}

async fn maintain() -> Result<(), OrderError> {
    let orders = orders::instance().await?;
    maintain::handle(&*orders, INTERVAL_MS).await.map(drop)
}
