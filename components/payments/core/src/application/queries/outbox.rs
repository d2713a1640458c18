use mercato_kernel::{EventId, Key, OrderId, PAGE_LIMIT_MAX, Page, PageRequest};
use mercato_platform::clock::Clock;

use crate::application::ports::{Ports, Store};
use crate::domain::{OutboxEntryView, PaymentError, PaymentEvent};

/// What a cursor of the outbox is for: its name and its order.
const SCOPE: &str = "outbox:sequence";

/// How far the outbox is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Events not acknowledged, parked ones left out.
    pub pending: u64,
    /// Events given up until an admin retries them.
    pub parked: u64,
    /// Age of the oldest pending event in milliseconds; 0 without one.
    pub oldest_ms: u64,
}

/// The event of that id, unless it is acknowledged; parked ones too.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn pending_event<P: Ports>(
    ports: &P,
    event_id: EventId,
) -> Result<Option<PaymentEvent>, PaymentError> {
    ports
        .store()
        .read(|records| records.pending_event(event_id))
}

/// Unacknowledged events of one order, oldest first, parked ones too.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn pending_events_of_order<P: Ports>(
    ports: &P,
    order_id: OrderId,
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

/// Events under way and parked, oldest first.
///
/// # Errors
/// `Invalid` for a page that skips too many events, or a cursor that no page gave.
pub fn list_entries<P: Ports>(
    ports: &P,
    request: &PageRequest,
) -> Result<Page<OutboxEntryView>, PaymentError> {
    let (number, start) = request.start(SCOPE, |keys| match keys {
        [Key::Integer(sequence)] => u64::try_from(*sequence).ok(),
        _ => None,
    })?;
    let (entries, total) = ports.store().read(|records| {
        let entries = records.entries(&start, request.rows_to_read())?;
        Ok((entries, records.count_entries()?))
    })?;
    let keys = |last: &OutboxEntryView| {
        let sequence = i64::try_from(last.sequence).unwrap_or(i64::MAX);
        vec![sequence.into()]
    };
    Ok(request.page(number, entries, total, SCOPE, keys))
}

/// How far the outbox is behind.
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
