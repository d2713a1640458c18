use mercato_platform::clock::Clock;

use crate::domain::{OutboxEntry, PaymentError, PaymentEvent};
use crate::ports::{Ports, Store};

/// Most entries or events in one answer.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// One page of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPage {
    /// Entries not acknowledged, oldest first.
    pub entries: Vec<OutboxEntry>,
    /// Their number on all pages.
    pub total: u64,
}

/// How far telling is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Events not acknowledged, parked ones left out.
    pub pending: u64,
    /// Events given up until an admin retries them.
    pub parked: u64,
    /// Age of the oldest pending event in milliseconds; 0 without one.
    pub oldest_ms: u64,
}

/// Unacknowledged events of one order, oldest first, parked ones too.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn pending_events_of_order<P: Ports>(
    ports: &P,
    order_id: &str,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    ports
        .store()
        .read(|records| records.pending_events_of_order(order_id))
}

/// Unacknowledged events at least `min_age_ms` old, oldest first, parked ones left out; those whose handling has
/// failed only when their back-off is over. At most [`PAGE_LIMIT_MAX`].
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn overdue_events<P: Ports>(
    ports: &P,
    min_age_ms: u32,
    limit: u32,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let now = ports.clock().now_ms();
    let time = now.saturating_sub(u64::from(min_age_ms));
    ports
        .store()
        .read(|records| records.overdue_events(time, now, limit.min(PAGE_LIMIT_MAX)))
}

/// Events under way and parked, oldest first. Pages count from 1.
///
/// # Errors
/// `Invalid` for a page 0 or a limit that is not 1 to [`PAGE_LIMIT_MAX`].
pub fn list_entries<P: Ports>(ports: &P, page: u32, limit: u32) -> Result<EntryPage, PaymentError> {
    if page == 0 {
        return Err(PaymentError::invalid(
            "page",
            "min",
            "page must be 1 or more",
        ));
    }
    if !(1..=PAGE_LIMIT_MAX).contains(&limit) {
        let message = format!("limit must be 1 to {PAGE_LIMIT_MAX}");
        return Err(PaymentError::invalid("limit", "max", message));
    }
    ports.store().read(|records| {
        let entries = records.entries(u64::from(page - 1) * u64::from(limit), limit)?;
        let lag = records.lag()?;
        Ok(EntryPage {
            entries,
            total: lag.pending + lag.parked,
        })
    })
}

/// How far telling is behind.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn lag<P: Ports>(ports: &P) -> Result<Lag, PaymentError> {
    let now = ports.clock().now_ms();
    let lag = ports.store().read(|records| records.lag())?;
    let oldest_ms = lag.oldest_time.map_or(0, |time| now.saturating_sub(time));
    Ok(Lag {
        pending: lag.pending,
        parked: lag.parked,
        oldest_ms,
    })
}
