//! Removes what nobody asks for any more, so that the database does not grow for ever.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use super::refund_payment::IDEMPOTENCY_KEY_TTL_MS;
use crate::application::locks;
use crate::application::ports::{Ports, Settings, Store};
use crate::domain::PaymentError;
use crate::store::PurgeTimes;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// How long received webhooks, acknowledged events and refused orders are kept, in milliseconds. Longer than anything
/// that could bring them back: Stripe repeats a webhook for 3 days and lets one send it again for 30; the inbox of orders
/// remembers an event for 30 days after it was applied. What happened to a payment stands with the payment.
pub const EXCHANGED_KEPT_MS: u64 = 35 * DAY_MS;

/// Most records of each kind that one run removes: a purge keeps no customer waiting.
pub const PURGED_PER_RUN: u32 = 200;

/// How much longer than its order a payment without money is kept, in milliseconds: money that arrives for an order that
/// is gone must still find its payment, so that somebody can give it back.
pub const OUTLIVES_ORDER_MS: u64 = DAY_MS;

/// Before which times records have done their service.
///
/// # Errors
/// `Internal` when the setting cannot be used.
pub(super) async fn times<P: Ports>(ports: &P) -> Result<PurgeTimes, PaymentError> {
    let now = ports.clock().now_ms();
    let unpaid = ports.settings().unpaid_retention_ms().await?;
    Ok(PurgeTimes {
        exchanged: now.saturating_sub(EXCHANGED_KEPT_MS),
        answered: now.saturating_sub(IDEMPOTENCY_KEY_TTL_MS),
        unpaid: unpaid.map_or(0, |kept_ms| {
            now.saturating_sub(kept_ms.saturating_add(OUTLIVES_ORDER_MS))
        }),
    })
}

/// Removes one batch of what is older than that; true when there may be more. Looks first, so that the many runs that
/// find nothing take no write lock. A purge that fails is made up for by the next run.
pub(super) fn purge<P: Ports>(ports: &P, before: PurgeTimes) -> bool {
    try_purge(ports, before).unwrap_or_else(|error| {
        log::warn("nothing purged", &[("cause", &error.to_string())]);
        false
    })
}

fn try_purge<P: Ports>(ports: &P, before: PurgeTimes) -> Result<bool, PaymentError> {
    if !ports.store().read(|records| records.has_old(before))? {
        return Ok(false);
    }
    ports.store().write(locks::purge(), |records| {
        records.purge(before, PURGED_PER_RUN)
    })
}
