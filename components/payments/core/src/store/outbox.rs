use mercato_kernel::{EventId, Named as _, OrderId, PageStart, Total};
use mercato_sqlite::{Row, params};

use super::{Records, Stored, currency, id, minor_units, named, too_late};
use crate::domain::{OutboxEntry, OutboxEntryView, PaymentEvent};

/// Numbers about the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxLag {
    /// Events not acknowledged, parked ones left out.
    pub pending: u64,
    /// Events given up until an admin retries them.
    pub parked: u64,
    /// When the oldest pending event happened, in milliseconds since the Unix epoch.
    pub oldest_time: Option<u64>,
}

/// Everything of an entry that is not acknowledged.
macro_rules! select_entry {
    ($condition:literal) => {
        concat!(
            "
    SELECT event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
      provider_reference, receipt_url, reason, attempts, failures, parked, next_attempt_at, last_error, sequence,
      payment_version
    FROM outbox
    WHERE acknowledged_at IS NULL ",
            $condition
        )
    };
}

const FIND: &str = select_entry!("AND event_id = ?");

/// Events of one order are published one after the other: a receiver never sees a refund before its payment.
const DUE: &str = select_entry!(
    "AND parked = 0 AND (next_attempt_at <= ? OR next_attempt_at > ?) AND NOT EXISTS (
      SELECT 1 FROM outbox older
      WHERE older.acknowledged_at IS NULL AND older.order_id = outbox.order_id AND older.sequence < outbox.sequence)
    ORDER BY sequence
    LIMIT ? -- plan: an index of what waits"
);

const OF_ORDER: &str = select_entry!(
    "AND order_id = ?
    ORDER BY sequence"
);

const OVERDUE: &str = select_entry!(
    "AND parked = 0 AND (time <= ?1 OR time > ?2)
    AND (failures = 0 OR next_attempt_at <= ?2 OR next_attempt_at > ?3) AND NOT EXISTS (
      SELECT 1 FROM outbox older
      WHERE older.acknowledged_at IS NULL AND older.order_id = outbox.order_id AND older.sequence < outbox.sequence)
    ORDER BY sequence
    LIMIT ?4 -- plan: an index of what waits"
);

const PAGE: &str = select_entry!(
    "AND sequence > ?
    ORDER BY sequence
    LIMIT ? OFFSET ?"
);

const COUNT: &str = "
    SELECT COUNT(*) AS counted
    FROM (SELECT 1 FROM outbox WHERE acknowledged_at IS NULL LIMIT ?) -- plan: an index of what waits";

const LAG: &str = "
    SELECT COUNT(*) FILTER (WHERE parked = 0) AS pending, COUNT(*) FILTER (WHERE parked = 1) AS parked,
      MIN(time) FILTER (WHERE parked = 0) AS oldest_time
    FROM outbox
    WHERE acknowledged_at IS NULL -- plan: an index of what waits";

const INSERT: &str = "
    INSERT INTO outbox (event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
      provider_reference, receipt_url, reason, next_attempt_at, payment_version)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const SAVE: &str = "
    UPDATE outbox
    SET attempts = ?, failures = ?, parked = ?, next_attempt_at = ?, last_error = ?
    WHERE event_id = ? AND acknowledged_at IS NULL";

const ACKNOWLEDGE: &str = "
    UPDATE outbox
    SET acknowledged_at = ?, parked = 0
    WHERE event_id = ? AND acknowledged_at IS NULL";

/// Events on their way to whoever must know.
impl Records<'_> {
    /// A new event, due at once.
    pub fn append_event(&self, event: &PaymentEvent) -> Stored<()> {
        let values = params![
            &*event.id.text(),
            event.event_type.name(),
            event.time,
            &*event.order_id.text(),
            &*event.payment_id.text(),
            event.amount.get(),
            event.refunded.get(),
            event.currency.code(),
            event.provider_reference.as_deref(),
            event.receipt_url.as_deref(),
            event.reason.as_deref(),
            event.time,
            event.payment_version,
        ];
        self.execute(INSERT, values).map(drop)
    }

    /// Entries that are due, neither parked nor acknowledged, oldest first; of each order only its oldest event that
    /// is not acknowledged.
    pub fn due_entries(&self, now: u64, limit: u32) -> Stored<Vec<OutboxEntry>> {
        self.all(DUE, params![now, too_late(now), limit], entry)
    }

    /// An entry that is not acknowledged.
    pub fn find_entry(&self, event_id: EventId) -> Stored<Option<OutboxEntry>> {
        self.one(FIND, params![&*event_id.text()], entry)
    }

    /// An entry's counters, times, last error and parking; nothing happens when it is acknowledged.
    pub fn save_entry(&self, entry: &OutboxEntry) -> Stored<()> {
        let values = params![
            entry.attempts,
            entry.failures,
            entry.parked,
            entry.next_attempt_at,
            entry.last_error.as_deref(),
            &*entry.event.id.text(),
        ];
        self.execute(SAVE, values).map(drop)
    }

    /// Marks an event as applied; nothing happens when it is unknown or was marked before.
    pub fn acknowledge_event(&self, event_id: EventId, now: u64) -> Stored<()> {
        self.execute(ACKNOWLEDGE, params![now, &*event_id.text()])
            .map(drop)
    }

    /// An event that is not acknowledged.
    pub fn pending_event(&self, event_id: EventId) -> Stored<Option<PaymentEvent>> {
        self.one(FIND, params![&*event_id.text()], event)
    }

    /// Events of one order that are not acknowledged, oldest first, parked ones too.
    pub fn pending_events_of_order(&self, order_id: OrderId) -> Stored<Vec<PaymentEvent>> {
        self.all(OF_ORDER, params![&*order_id.text()], event)
    }

    /// Events from before `time` that are neither acknowledged nor parked, oldest first; those whose handling has
    /// failed only when they are due again at `now`; of each order only its oldest event that is not acknowledged.
    pub fn overdue_events(&self, time: u64, now: u64, limit: u32) -> Stored<Vec<PaymentEvent>> {
        self.all(OVERDUE, params![time, now, too_late(now), limit], event)
    }

    /// Entries not acknowledged from there on, oldest first.
    pub fn entries(&self, start: &PageStart<u64>, limit: u32) -> Stored<Vec<OutboxEntryView>> {
        let (after, offset) = match *start {
            PageStart::Offset(offset) => (0, offset),
            PageStart::After(sequence) => (sequence, 0),
        };
        self.all(PAGE, params![after, limit, offset], view)
    }

    /// Number of entries not acknowledged, as far as they are counted.
    pub fn count_entries(&self) -> Stored<Total> {
        self.total(COUNT, params![Total::LIMIT_ROWS])
    }

    /// Numbers of pending and parked events.
    pub fn lag(&self) -> Stored<OutboxLag> {
        let lag = self.one(LAG, params![], |row| {
            Ok(OutboxLag {
                pending: row.get("pending")?,
                parked: row.get("parked")?,
                oldest_time: row.get("oldest_time")?,
            })
        })?;
        Ok(lag.unwrap_or_default())
    }
}

fn event(row: &Row) -> Stored<PaymentEvent> {
    Ok(PaymentEvent {
        id: id(row, "event_id")?,
        event_type: named(row, "event_type")?,
        time: row.get("time")?,
        order_id: id(row, "order_id")?,
        payment_id: id(row, "payment_id")?,
        amount: minor_units(row, "amount")?,
        refunded: minor_units(row, "refunded_amount")?,
        payment_version: row.get("payment_version")?,
        currency: currency(row)?,
        provider_reference: row.get("provider_reference")?,
        receipt_url: row.get("receipt_url")?,
        reason: row.get("reason")?,
    })
}

fn entry(row: &Row) -> Stored<OutboxEntry> {
    view(row).map(OutboxEntry::restore)
}

fn view(row: &Row) -> Stored<OutboxEntryView> {
    Ok(OutboxEntryView {
        sequence: row.get("sequence")?,
        event: event(row)?,
        attempts: row.get("attempts")?,
        failures: row.get("failures")?,
        parked: row.get("parked")?,
        next_attempt_at: row.get("next_attempt_at")?,
        last_error: row.get("last_error")?,
    })
}
