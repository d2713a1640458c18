use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::UNUSED_KEPT_MS;

/// Checkouts, counters and released holds of one kind that one run removes at the most: nobody who writes waits longer.
pub const REMOVED_PER_RUN_MAX: u32 = 100;

/// How long it is known that an order has given its codes back, in milliseconds: no hold of it comes later.
pub const RELEASED_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// What a run has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Checkouts that nobody used.
    pub checkouts: u64,
    /// Orders that gave their codes back.
    pub holds: u64,
    /// Counters whose time is over.
    pub counters: u64,
    /// Whether there may be more to remove at once.
    pub more: bool,
}

/// Removes what is old, so much at most.
///
/// # Errors
/// A fault of the database.
pub fn handle<C>(ports: &Ports<C>) -> Result<Report, Error> {
    let now = ports.now();
    ports.store.write(locks::sweep(), |records| {
        const LIMIT: u32 = REMOVED_PER_RUN_MAX;
        let unused = now.saturating_sub(UNUSED_KEPT_MS);
        let released = now.saturating_sub(RELEASED_KEPT_MS);
        let mut report = Report {
            checkouts: records.remove_unused_checkouts(unused, LIMIT)?,
            holds: records.remove_released_holds(released, LIMIT)?,
            counters: records.remove_old_counters(now, LIMIT)?,
            more: false,
        };
        let removed = [report.checkouts, report.holds, report.counters];
        report.more = removed.contains(&u64::from(LIMIT));
        Ok(report)
    })
}
