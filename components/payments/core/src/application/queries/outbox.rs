use mercato_kernel::{Cursor, Key, Total, skipped_rows};
use mercato_platform::clock::Clock;

use crate::domain::{OutboxEntry, PaymentError, PaymentEvent};
use crate::ports::{PageStart, Ports, Store};

/// Most entries or events in one answer.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// What a cursor of the outbox is for: its name and its order.
const SCOPE: &str = "outbox:sequence";

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u32,
    /// 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
    /// The `next` of the page before; `page` does not count then.
    pub after: Option<String>,
}

/// One page of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPage {
    /// Entries not acknowledged, oldest first.
    pub entries: Vec<OutboxEntry>,
    /// Their number on all pages.
    pub total: Total,
    /// Number of this page, from 1.
    pub page: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
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

/// The event of that id, unless it is acknowledged; parked ones too.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn pending_event<P: Ports>(
    ports: &P,
    event_id: &str,
) -> Result<Option<PaymentEvent>, PaymentError> {
    let entry = ports.store().read(|records| records.find_entry(event_id))?;
    Ok(entry.map(|entry| entry.event))
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

/// Events under way and parked, oldest first.
///
/// # Errors
/// `Invalid` for a page 0, a limit that is not 1 to [`PAGE_LIMIT_MAX`], or a cursor that no page gave.
pub fn list_entries<P: Ports>(ports: &P, request: &PageRequest) -> Result<EntryPage, PaymentError> {
    let (page, start) = check(request)?;
    // One more than is shown tells whether there is a next page.
    let (mut entries, total) = ports.store().read(|records| {
        let entries = records.entries(start, request.limit.saturating_add(1))?;
        Ok((entries, records.count_entries()?))
    })?;
    let shown = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let has_next = entries.len() > shown;
    entries.truncate(shown);
    let next = entries
        .last()
        .filter(|_| has_next)
        .map(|last| cursor_after(last.sequence, page));
    Ok(EntryPage {
        entries,
        total,
        page,
        next,
    })
}

/// The number of the wanted page and where it begins.
fn check(request: &PageRequest) -> Result<(u32, PageStart), PaymentError> {
    if request.page == 0 {
        return Err(PaymentError::invalid(
            "page",
            "min",
            "page must be 1 or more",
        ));
    }
    if !(1..=PAGE_LIMIT_MAX).contains(&request.limit) {
        let message = format!("limit must be 1 to {PAGE_LIMIT_MAX}");
        return Err(PaymentError::invalid("limit", "max", message));
    }
    let Some(after) = &request.after else {
        let skipped = skipped_rows(request.page, request.limit)
            .map_err(|too_deep| PaymentError::invalid("page", "max", format!("page {too_deep}")))?;
        return Ok((request.page, PageStart::Offset(skipped)));
    };
    position(after).ok_or_else(|| {
        let message = format!("after {}", mercato_kernel::NotACursor);
        PaymentError::invalid("after", "format", message)
    })
}

fn position(after: &str) -> Option<(u32, PageStart)> {
    let cursor = Cursor::decode(after, SCOPE).ok()?;
    match cursor.keys.as_slice() {
        [Key::Integer(sequence)] => {
            let sequence = u64::try_from(*sequence).ok()?;
            Some((cursor.page, PageStart::After(sequence)))
        }
        _ => None,
    }
}

fn cursor_after(sequence: u64, page: u32) -> String {
    Cursor {
        scope: SCOPE.to_owned(),
        page: page.saturating_add(1),
        keys: vec![i64::try_from(sequence).unwrap_or(i64::MAX).into()],
    }
    .encode()
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
