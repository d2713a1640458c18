use mercato_sqlite::params;

use super::SqliteRecords;
use crate::ports::{OldRecords, PurgeTimes, Stored};

const HAS_OLD: &str = "
    SELECT EXISTS (SELECT 1 FROM webhooks WHERE received_at <= ?1)
      OR EXISTS (SELECT 1 FROM outbox WHERE acknowledged_at <= ?1)
      OR EXISTS (SELECT 1 FROM refused_orders WHERE at <= ?1)
      OR EXISTS (SELECT 1 FROM refunds WHERE answer_status IS NOT NULL AND updated_at <= ?2)";

const PURGE_WEBHOOKS: &str = "
    DELETE FROM webhooks
    WHERE event_id IN (SELECT event_id FROM webhooks WHERE received_at <= ? ORDER BY received_at LIMIT ?)";

const PURGE_OUTBOX: &str = "
    DELETE FROM outbox
    WHERE sequence IN (SELECT sequence FROM outbox WHERE acknowledged_at <= ? ORDER BY acknowledged_at LIMIT ?)";

const PURGE_REFUSED_ORDERS: &str = "
    DELETE FROM refused_orders
    WHERE order_id IN (SELECT order_id FROM refused_orders WHERE at <= ? ORDER BY at LIMIT ?)";

/// The refund stays, its answer goes.
const PURGE_ANSWERS: &str = "
    UPDATE refunds
    SET answer_status = NULL, answer_body = NULL
    WHERE id IN (
      SELECT id
      FROM refunds
      WHERE answer_status IS NOT NULL AND updated_at <= ?
      ORDER BY updated_at
      LIMIT ?)";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 5] = [
    HAS_OLD,
    PURGE_WEBHOOKS,
    PURGE_OUTBOX,
    PURGE_REFUSED_ORDERS,
    PURGE_ANSWERS,
];

impl OldRecords for SqliteRecords<'_> {
    fn has_old(&self, before: PurgeTimes) -> Stored<bool> {
        let times = params![before.exchanged, before.answered];
        let row = self.0.query_one(HAS_OLD, times)?;
        Ok(row.map_or(Ok(false), |row| row.get(0))?)
    }

    fn purge(&self, before: PurgeTimes, limit: u32) -> Stored<u64> {
        let mut purged = 0;
        for (statement, before) in [
            (PURGE_WEBHOOKS, before.exchanged),
            (PURGE_OUTBOX, before.exchanged),
            (PURGE_REFUSED_ORDERS, before.exchanged),
            (PURGE_ANSWERS, before.answered),
        ] {
            purged += self.0.execute(statement, params![before, limit])?;
        }
        Ok(purged)
    }
}
