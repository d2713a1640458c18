//! What ordinary requests do on the side: words that an earlier version of the program has made are made anew.

use mercato_kernel::Throttle;
use mercato_platform::clock::{Clock as _, SystemClock};
use products::application::commands::renew_words;

/// Shortest time between two runs of an instance, in milliseconds.
const INTERVAL_MS: u32 = 1_000;

/// Products that one run makes anew: one transaction.
const RENEWED_PER_RUN: u32 = renew_words::RENEWED_AT_ONCE;

thread_local! {
    /// Spares most requests a look into the database.
    static RENEWAL: Throttle = const { Throttle::new() };
}

/// Goes on with what is left of earlier versions. What fails is logged and taken up by a later request.
pub async fn after_request() {
    if !RENEWAL.with(|throttle| throttle.is_due(SystemClock.now_ms(), INTERVAL_MS)) {
        return;
    }
    mercato_edge::let_the_answer_go().await;
    if let Err(error) = renew_words::handle(&*products::instance(), RENEWED_PER_RUN) {
        products::log_cause(&error);
    }
}
