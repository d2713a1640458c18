use mercato_kernel::Total;
use mercato_sqlite::{Error, Row, params};

use super::{SqliteRecords, all, currency, minor_units, too_late};
use crate::domain::{EventType, OutboxEntry, PaymentEvent};
use crate::ports::{OutboxLag, OutboxRecords, PageStart, Stored};

const LAST_RELAY_RUN: &str = "last_relay_run";
const PUBLISHING_PAUSED_UNTIL: &str = "publishing_paused_until";

/// Everything of an entry that is not acknowledged, in the order [`entry`] reads it.
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

/// Events of one order are told one after the other: a receiver never sees a refund before its payment.
const DUE: &str = select_entry!(
    "AND parked = 0 AND (next_attempt_at <= ? OR next_attempt_at > ?) AND NOT EXISTS (
      SELECT 1 FROM outbox older
      WHERE older.acknowledged_at IS NULL AND older.order_id = outbox.order_id AND older.sequence < outbox.sequence)
    ORDER BY sequence
    LIMIT ?"
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
    LIMIT ?4"
);

const PAGE: &str = select_entry!(
    "AND sequence > ?
    ORDER BY sequence
    LIMIT ? OFFSET ?"
);

const COUNT: &str = "
    SELECT COUNT(*)
    FROM (SELECT 1 FROM outbox WHERE acknowledged_at IS NULL LIMIT ?)";

const LAG: &str = "
    SELECT COUNT(*) FILTER (WHERE parked = 0), COUNT(*) FILTER (WHERE parked = 1), MIN(time) FILTER (WHERE parked = 0)
    FROM outbox
    WHERE acknowledged_at IS NULL";

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

impl OutboxRecords for SqliteRecords<'_> {
    fn append_event(&self, event: &PaymentEvent) -> Stored<()> {
        self.0.execute(
            INSERT,
            params![
                &event.id,
                type_name(event.event_type),
                event.time,
                &event.order_id,
                &event.payment_id,
                event.amount.get(),
                event.refunded.get(),
                event.currency.code(),
                event.provider_reference.as_deref(),
                event.receipt_url.as_deref(),
                event.reason.as_deref(),
                event.time,
                event.payment_version,
            ],
        )?;
        Ok(())
    }

    fn due_entries(&self, now: u64, limit: u32) -> Stored<Vec<OutboxEntry>> {
        let times = params![now, too_late(now), limit];
        all(&self.0.query(DUE, times)?, entry)
    }

    fn find_entry(&self, event_id: &str) -> Stored<Option<OutboxEntry>> {
        self.0
            .query_one(FIND, params![event_id])?
            .as_ref()
            .map(entry)
            .transpose()
    }

    fn save_entry(&self, entry: &OutboxEntry) -> Stored<()> {
        self.0.execute(
            SAVE,
            params![
                entry.attempts,
                entry.failures,
                entry.parked,
                entry.next_attempt_at,
                entry.last_error.as_deref(),
                &entry.event.id,
            ],
        )?;
        Ok(())
    }

    fn acknowledge_event(&self, event_id: &str, now: u64) -> Stored<()> {
        self.0.execute(ACKNOWLEDGE, params![now, event_id])?;
        Ok(())
    }

    fn pending_events_of_order(&self, order_id: &str) -> Stored<Vec<PaymentEvent>> {
        all(&self.0.query(OF_ORDER, params![order_id])?, event)
    }

    fn overdue_events(&self, time: u64, now: u64, limit: u32) -> Stored<Vec<PaymentEvent>> {
        let times = params![time, now, too_late(now), limit];
        all(&self.0.query(OVERDUE, times)?, event)
    }

    fn entries(&self, start: PageStart, limit: u32) -> Stored<Vec<OutboxEntry>> {
        let (after, offset) = match start {
            PageStart::Offset(offset) => (0, offset),
            PageStart::After(sequence) => (sequence, 0),
        };
        all(&self.0.query(PAGE, params![after, limit, offset])?, entry)
    }

    fn count_entries(&self) -> Stored<Total> {
        let row = self.0.query_one(COUNT, params![Total::LIMIT_ROWS])?;
        Ok(Total::counted(row.map_or(Ok(0), |row| row.get(0))?))
    }

    fn lag(&self) -> Stored<OutboxLag> {
        let Some(row) = self.0.query_one(LAG, params![])? else {
            return Ok(OutboxLag::default());
        };
        Ok(OutboxLag {
            pending: row.get(0)?,
            parked: row.get(1)?,
            oldest_time: row.get(2)?,
        })
    }

    fn last_relay_run(&self) -> Stored<u64> {
        self.time(LAST_RELAY_RUN)
    }

    fn record_relay_run(&self, now: u64) -> Stored<()> {
        self.replace_setting(LAST_RELAY_RUN, &now.to_string())
    }

    fn publishing_paused_until(&self) -> Stored<u64> {
        self.time(PUBLISHING_PAUSED_UNTIL)
    }

    fn pause_publishing(&self, until: u64) -> Stored<()> {
        self.replace_setting(PUBLISHING_PAUSED_UNTIL, &until.to_string())
    }
}

impl SqliteRecords<'_> {
    /// A time among the settings; 0 when it was never set.
    fn time(&self, name: &str) -> Stored<u64> {
        Ok(self
            .setting(name)?
            .and_then(|text| text.parse().ok())
            .unwrap_or_default())
    }
}

const fn type_name(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Succeeded => "succeeded",
        EventType::Failed => "failed",
        EventType::Cancelled => "cancelled",
        EventType::Refunded => "refunded",
        EventType::Updated => "updated",
    }
}

fn event_type(row: &Row, column: usize) -> Stored<EventType> {
    let name: String = row.get(column)?;
    [
        EventType::Succeeded,
        EventType::Failed,
        EventType::Cancelled,
        EventType::Refunded,
        EventType::Updated,
    ]
    .into_iter()
    .find(|event_type| type_name(*event_type) == name)
    .ok_or_else(|| Error::not(column, "an event type").into())
}

fn event(row: &Row) -> Stored<PaymentEvent> {
    Ok(PaymentEvent {
        id: row.get(0)?,
        event_type: event_type(row, 1)?,
        time: row.get(2)?,
        order_id: row.get(3)?,
        payment_id: row.get(4)?,
        amount: minor_units(row, 5)?,
        refunded: minor_units(row, 6)?,
        currency: currency(row, 7)?,
        provider_reference: row.get(8)?,
        receipt_url: row.get(9)?,
        reason: row.get(10)?,
        payment_version: row.get(17)?,
    })
}

fn entry(row: &Row) -> Stored<OutboxEntry> {
    Ok(OutboxEntry {
        sequence: row.get(16)?,
        event: event(row)?,
        attempts: row.get(11)?,
        failures: row.get(12)?,
        parked: row.get(13)?,
        next_attempt_at: row.get(14)?,
        last_error: row.get(15)?,
    })
}
