//! Removes what nobody asks for any more, so that the database does not grow for ever.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use super::refund_payment::IDEMPOTENCY_KEY_TTL_MS;
use crate::domain::PaymentError;
use crate::ports::{Ports, PurgeTimes, Store};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// How long received webhooks, acknowledged events and refused orders are kept, in milliseconds. Longer than anything
/// that could bring them back: Stripe repeats a webhook for 3 days and lets one send it again for 30; the inbox of orders
/// remembers an event for 30 days after it was applied. What happened to a payment stands with the payment.
pub const EXCHANGED_KEPT_MS: u64 = 35 * DAY_MS;

/// Most records of each kind that one run removes: a purge keeps no customer waiting.
pub const PURGED_PER_RUN: u32 = 200;

/// Looks first, so that the many runs that find nothing take no write lock. A purge that fails is made up for by the
/// next run.
pub(super) fn purge<P: Ports>(ports: &P) {
    if let Err(error) = try_purge(ports) {
        log::warn("nothing purged", &[("cause", &error.to_string())]);
    }
}

fn try_purge<P: Ports>(ports: &P) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    let before = PurgeTimes {
        exchanged: now.saturating_sub(EXCHANGED_KEPT_MS),
        answered: now.saturating_sub(IDEMPOTENCY_KEY_TTL_MS),
    };
    if ports.store().read(|records| records.has_old(before))? {
        ports
            .store()
            .write(|records| records.purge(before, PURGED_PER_RUN))?;
    }
    Ok(())
}
