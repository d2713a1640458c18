//! The metrics of the adapter: how Stripe answers.

use mercato_platform::{log, metric};

const RETRIES: (&str, &str) = (
    "mercato_stripe_retries_total",
    "Requests sent to Stripe again because it did not answer the one before.",
);
const OPENINGS: (&str, &str) = (
    "mercato_stripe_breaker_openings_total",
    "How often Stripe was left alone for a while because it failed too often.",
);
const OPEN: (&str, &str) = (
    "mercato_stripe_breaker_open",
    "Instances that leave Stripe alone or try whether it is back.",
);

/// A new instance: makes the numbers known before anything happens.
pub fn started() {
    metric::count(RETRIES.0, RETRIES.1, 0);
    metric::count(OPENINGS.0, OPENINGS.1, 0);
    metric::set(OPEN.0, OPEN.1, 0);
}

/// A request is sent again.
pub fn tried_again() {
    metric::count(RETRIES.0, RETRIES.1, 1);
}

/// Nothing is sent for a while.
pub fn breaker_opened() {
    metric::count(OPENINGS.0, OPENINGS.1, 1);
    metric::set(OPEN.0, OPEN.1, 1);
    log::warn("stripe fails too often and is left alone for a while", &[]);
}

/// Stripe is back.
pub fn breaker_closed() {
    metric::set(OPEN.0, OPEN.1, 0);
    log::info("stripe answers again", &[]);
}
