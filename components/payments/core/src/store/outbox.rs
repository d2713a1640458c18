use mercato_kernel::{EventId, Named as _, OrderId, PageStart, Total};
use mercato_sql::{Row, Value, params};

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
    FROM (SELECT 1 FROM outbox WHERE acknowledged_at IS NULL LIMIT ?) AS first -- plan: an index of what waits";

const LAG: &str = "
    SELECT COUNT(*) FILTER (WHERE parked = 0) AS pending, COUNT(*) FILTER (WHERE parked = 1) AS parked,
      MIN(time) FILTER (WHERE parked = 0) AS oldest_time
    FROM outbox
    WHERE acknowledged_at IS NULL -- plan: an index of what waits";

const INSERT: &str = "
    INSERT INTO outbox (event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
      provider_reference, receipt_url, reason, next_attempt_at, payment_version)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Such an event counts as published, unless the broker is spared or an older event of its order is not acknowledged.
const INSERT_TO_PUBLISH: &str = "
    INSERT INTO outbox (event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
      provider_reference, receipt_url, reason, next_attempt_at, payment_version, attempts)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, CASE WHEN attempts > 0 THEN CAST(?14 AS BIGINT) ELSE ?12 END, ?13, attempts
    FROM (
      SELECT CASE
        WHEN EXISTS (SELECT 1 FROM outbox WHERE acknowledged_at IS NULL AND order_id = ?4) THEN 0
        WHEN (SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'publishing_paused_until') BETWEEN ?15 AND ?16
          THEN 0
        ELSE 1
      END AS attempts) AS first
    RETURNING attempts";

const COUNT_AHEAD: &str = "UPDATE tallies SET published_ahead = published_ahead + 1";

const SAVE: &str = "
    UPDATE outbox
    SET attempts = ?, failures = ?, parked = ?, next_attempt_at = ?, last_error = ?
    WHERE event_id = ? AND acknowledged_at IS NULL";

const ACKNOWLEDGE: &str = "
    UPDATE outbox
    SET acknowledged_at = ?, parked = 0
    WHERE event_id = ? AND acknowledged_at IS NULL";

const ACKNOWLEDGE_ALL: &str = "
    UPDATE outbox
    SET acknowledged_at = ?1, parked = 0
    WHERE event_id IN (SELECT value FROM json_each(?2)) AND acknowledged_at IS NULL";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    FIND,
    DUE,
    OF_ORDER,
    OVERDUE,
    PAGE,
    COUNT,
    LAG,
    INSERT_TO_PUBLISH,
    SAVE,
    ACKNOWLEDGE,
    ACKNOWLEDGE_ALL,
];

/// When an event is published that its transaction appends.
#[derive(Debug, Clone, Copy)]
pub struct FirstPublication {
    /// The time of that transaction, in milliseconds since the Unix epoch.
    pub now: u64,
    /// Until then its acknowledgement is waited for.
    pub leased_until: u64,
    /// The broker is spared until a time after `now`, but for one that is later than this.
    pub pause_ends_latest: u64,
}

/// Events on their way to whoever must know.
impl Records<'_> {
    /// A new event, due at once.
    pub fn append_event(&self, event: &PaymentEvent) -> Stored<()> {
        self.execute(INSERT, &columns(event))
    }

    /// A new event that is published as soon as the transaction is committed: true, and it counts as published. False when it
    /// has to wait, because the broker is spared or an older event of its order is not acknowledged: then it is due as any other.
    pub fn append_to_publish(
        &self,
        event: &PaymentEvent,
        publication: &FirstPublication,
    ) -> Stored<bool> {
        let mut values = columns(event).to_vec();
        values.extend([
            Value::from(publication.leased_until),
            Value::from(publication.now.saturating_add(1)),
            Value::from(publication.pause_ends_latest),
        ]);
        let attempts: Option<u32> = self.value(INSERT_TO_PUBLISH, &values, "attempts")?;
        Ok(attempts.is_some_and(|attempts| attempts > 0))
    }

    /// An event that counted as published could not be: its next publication is not counted.
    pub fn count_ahead(&self) -> Stored<()> {
        self.execute(COUNT_AHEAD, params![])
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
        self.execute(SAVE, values)
    }

    /// Marks an event as applied; nothing happens when it is unknown or was marked before.
    pub fn acknowledge_event(&self, event_id: EventId, now: u64) -> Stored<()> {
        self.execute(ACKNOWLEDGE, params![now, &*event_id.text()])
    }

    /// The same of many events, in one statement.
    pub fn acknowledge_events(&self, event_ids: &[EventId], now: u64) -> Stored<()> {
        let ids: Vec<String> = event_ids.iter().map(|id| format!("\"{id}\"")).collect();
        let values = params![now, format!("[{}]", ids.join(","))];
        self.execute(ACKNOWLEDGE_ALL, values)
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

fn columns(event: &PaymentEvent) -> [Value; 13] {
    [
        Value::from(&*event.id.text()),
        Value::from(event.event_type.name()),
        Value::from(event.time),
        Value::from(&*event.order_id.text()),
        Value::from(&*event.payment_id.text()),
        Value::from(event.amount.get()),
        Value::from(event.refunded.get()),
        Value::from(event.currency.code()),
        Value::from(event.provider_reference.as_deref()),
        Value::from(event.receipt_url.as_deref()),
        Value::from(event.reason.as_deref()),
        Value::from(event.time),
        Value::from(event.payment_version),
    ]
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
