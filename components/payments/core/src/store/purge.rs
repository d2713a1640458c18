use mercato_sqlite::{Row, params};

use super::SqliteRecords;
use crate::ports::{OldRecords, PurgeTimes, Stored};

/// Payments that ended without money, and of which everything is told. What has a charge or a refund stays for ever,
/// whatever its status says.
macro_rules! unpaid_before {
    ($before:literal) => {
        concat!(
            "
      FROM payments
      WHERE status IN ('CANCELLED', 'FAILED')
        AND updated_at <= ",
            $before,
            "
        AND provider_reference IS NULL
        AND NOT EXISTS (SELECT 1 FROM refunds WHERE refunds.payment_id = payments.id)
        AND NOT EXISTS (SELECT 1 FROM kept_charges WHERE kept_charges.payment_id = payments.id)
        AND NOT EXISTS (
          SELECT 1
          FROM outbox
          WHERE outbox.order_id = payments.order_id AND acknowledged_at IS NULL)"
        )
    };
}

const HAS_OLD: &str = concat!(
    "
    SELECT EXISTS (SELECT 1 FROM webhooks WHERE received_at <= ?1)
      OR EXISTS (SELECT 1 FROM outbox WHERE acknowledged_at <= ?1)
      OR EXISTS (SELECT 1 FROM refused_orders WHERE at <= ?1)
      OR EXISTS (SELECT 1 FROM kept_charges WHERE received_at <= ?1)
      OR EXISTS (SELECT 1 FROM provider_refunds WHERE payment_id IS NULL AND received_at <= ?1)
      OR EXISTS (SELECT 1 FROM disputes WHERE payment_id IS NULL AND received_at <= ?1)
      OR EXISTS (SELECT 1 FROM refunds WHERE answer_status IS NOT NULL AND updated_at <= ?2)
      OR EXISTS (SELECT 1",
    unpaid_before!("?3"),
    ")"
);

const UNPAID: &str = concat!(
    "
      SELECT id",
    unpaid_before!("?"),
    "
      ORDER BY updated_at
      LIMIT ?"
);

/// One for each table that refers to payments, and `payments` last.
const REMOVE_PAYMENTS: [&str; 5] = [
    "DELETE FROM outbox WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM webhooks WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM checkout_lines WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM sessions WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM payments WHERE id IN (SELECT value FROM json_each(?))",
];

/// A payment has up to a hundred lines: so many are removed in one transaction that nobody waits long for it.
const PAYMENTS_PER_PURGE: u32 = 25;

const PURGE_WEBHOOKS: &str = "
    DELETE FROM webhooks
    WHERE event_id IN (SELECT event_id FROM webhooks WHERE received_at <= ? ORDER BY received_at LIMIT ?)";

const PURGE_OUTBOX: &str = "
    DELETE FROM outbox
    WHERE sequence IN (SELECT sequence FROM outbox WHERE acknowledged_at <= ? ORDER BY acknowledged_at LIMIT ?)";

const PURGE_REFUSED_ORDERS: &str = "
    DELETE FROM refused_orders
    WHERE order_id IN (SELECT order_id FROM refused_orders WHERE at <= ? ORDER BY at LIMIT ?)";

const PURGE_KEPT_CHARGES: &str = "
    DELETE FROM kept_charges
    WHERE (payment_id, reference) IN (
      SELECT payment_id, reference
      FROM kept_charges
      WHERE received_at <= ?
      ORDER BY received_at
      LIMIT ?)";

/// Of charges that no payment has named.
const PURGE_PROVIDER_REFUNDS: &str = "
    DELETE FROM provider_refunds
    WHERE refund_id IN (
      SELECT refund_id
      FROM provider_refunds
      WHERE payment_id IS NULL AND received_at <= ?
      ORDER BY received_at
      LIMIT ?)";

/// About charges that no payment has named.
const PURGE_DISPUTES: &str = "
    DELETE FROM disputes
    WHERE dispute_id IN (
      SELECT dispute_id
      FROM disputes
      WHERE payment_id IS NULL AND received_at <= ?
      ORDER BY received_at
      LIMIT ?)";

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
pub(super) const STATEMENTS: [&str; 9] = [
    HAS_OLD,
    UNPAID,
    PURGE_WEBHOOKS,
    PURGE_OUTBOX,
    PURGE_REFUSED_ORDERS,
    PURGE_KEPT_CHARGES,
    PURGE_PROVIDER_REFUNDS,
    PURGE_DISPUTES,
    PURGE_ANSWERS,
];

#[cfg(test)]
pub(super) const REMOVALS: [&str; 5] = REMOVE_PAYMENTS;

impl OldRecords for SqliteRecords<'_> {
    fn has_old(&self, before: PurgeTimes) -> Stored<bool> {
        let times = params![before.exchanged, before.answered, before.unpaid];
        let row = self.0.query_one(HAS_OLD, times)?;
        Ok(row.map_or(Ok(false), |row| row.get(0))?)
    }

    fn purge(&self, before: PurgeTimes, limit: u32) -> Stored<bool> {
        let mut is_more = false;
        for (statement, before) in [
            (PURGE_WEBHOOKS, before.exchanged),
            (PURGE_OUTBOX, before.exchanged),
            (PURGE_REFUSED_ORDERS, before.exchanged),
            (PURGE_KEPT_CHARGES, before.exchanged),
            (PURGE_PROVIDER_REFUNDS, before.exchanged),
            (PURGE_DISPUTES, before.exchanged),
            (PURGE_ANSWERS, before.answered),
        ] {
            is_more |= self.0.execute(statement, params![before, limit])? >= u64::from(limit);
        }
        Ok(self.purge_unpaid(before.unpaid, limit.min(PAYMENTS_PER_PURGE))? || is_more)
    }
}

impl SqliteRecords<'_> {
    /// True when there may be more.
    fn purge_unpaid(&self, before: u64, limit: u32) -> Stored<bool> {
        let rows = self.0.query(UNPAID, params![before, limit])?;
        if rows.is_empty() {
            return Ok(false);
        }
        // Identifiers hold nothing that JSON would have to escape.
        let quoted = |row: &Row| Ok(format!("\"{}\"", row.get::<String>(0)?));
        let ids = rows.iter().map(quoted).collect::<Stored<Vec<_>>>()?;
        let ids = format!("[{}]", ids.join(","));
        for statement in REMOVE_PAYMENTS {
            self.0.execute(statement, params![ids.as_str()])?;
        }
        Ok(u32::try_from(rows.len()).is_ok_and(|removed| removed >= limit))
    }
}
