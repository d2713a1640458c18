use mercato_kernel::OrderId;
use mercato_sql::{Error, Row, params};

use super::{Records, Stored};
use crate::application::locks;
use crate::domain::PaymentError;

/// Before which times records have done their service, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeTimes {
    /// Of webhooks received, events acknowledged, orders refused, and what is known of charges that no payment has named.
    pub exchanged: u64,
    /// Of refunds that ended and whose answers are kept.
    pub answered: u64,
    /// Of payments that ended without money.
    pub unpaid: u64,
}

/// Payments that ended without money, and of which every event is acknowledged. What has a charge or a refund stays for ever,
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
    ") AS has_old"
);

const UNPAID: &str = concat!(
    "
      SELECT id, order_id",
    unpaid_before!("?"),
    "
      ORDER BY updated_at
      LIMIT ?"
);

/// One for each table that refers to payments, and `payments` last.
const REMOVE_PAYMENTS: [&str; 5] = [
    "DELETE FROM outbox WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM webhooks WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM payment_contents WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM sessions WHERE payment_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM payments WHERE id IN (SELECT value FROM json_each(?))",
];

/// A payment has up to a hundred lines: so many are removed in one transaction that nobody waits long for it.
const PAYMENTS_PER_PURGE: u32 = 25;

/// Removes the oldest rows of a table, by its key: those from before a time, and not more than so many.
macro_rules! purge {
    ($table:literal, $key:literal, $time:literal) => {
        purge!($table, $key, $time, "")
    };
    ($table:literal, $key:literal, $time:literal, $condition:literal) => {
        concat!(
            "
    DELETE FROM ",
            $table,
            "
    WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $condition,
            $time,
            " <= ? ORDER BY ",
            $time,
            " LIMIT ?)"
        )
    };
}

/// Refunds and disputes only of charges that no payment has named.
const PURGE_EXCHANGED: [&str; 6] = [
    purge!("webhooks", "event_id", "received_at"),
    purge!("outbox", "sequence", "acknowledged_at"),
    purge!("refused_orders", "order_id", "at"),
    purge!("kept_charges", "payment_id, reference", "received_at"),
    purge!(
        "provider_refunds",
        "refund_id",
        "received_at",
        "payment_id IS NULL AND "
    ),
    purge!(
        "disputes",
        "dispute_id",
        "received_at",
        "payment_id IS NULL AND "
    ),
];

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
pub(super) fn statements() -> Vec<&'static str> {
    [HAS_OLD, UNPAID, PURGE_ANSWERS]
        .into_iter()
        .chain(PURGE_EXCHANGED)
        .chain(REMOVE_PAYMENTS)
        .collect()
}

/// Records that nobody asks for any more.
impl Records<'_> {
    /// Whether there are any.
    pub fn has_old(&self, before: PurgeTimes) -> Stored<bool> {
        let times = params![before.exchanged, before.answered, before.unpaid];
        Ok(self.value(HAS_OLD, times, "has_old")?.unwrap_or_default())
    }

    /// Removes the oldest, at most `limit` of each kind; true when there may be more.
    pub fn purge(&self, before: PurgeTimes, limit: u32) -> Stored<bool> {
        let exchanged = PURGE_EXCHANGED.map(|statement| (statement, before.exchanged));
        let mut is_more = false;
        for (statement, before) in exchanged
            .into_iter()
            .chain([(PURGE_ANSWERS, before.answered)])
        {
            is_more |= self.execute_counted(statement, params![before, limit])? >= u64::from(limit);
        }
        Ok(self.purge_unpaid(before.unpaid, limit.min(PAYMENTS_PER_PURGE))? || is_more)
    }
}

impl Records<'_> {
    /// True when there may be more.
    fn purge_unpaid(&self, before: u64, limit: u32) -> Stored<bool> {
        let unpaid = || self.all(UNPAID, params![before, limit], payment_and_order);
        let mut payments = unpaid()?;
        let keys = || {
            let orders = payments.iter().map(|(_, order)| OrderId::parse(order));
            let orders = orders.collect::<Result<Vec<_>, _>>();
            let damaged = |_| PaymentError::from(Error::not("order_id", "an id"));
            Ok::<_, PaymentError>(locks::orders(orders.map_err(damaged)?))
        };
        if self.0.lock(keys)? {
            let still_unpaid = unpaid()?;
            payments.retain(|payment| still_unpaid.contains(payment));
        }
        if payments.is_empty() {
            return Ok(false);
        }
        let removed = u32::try_from(payments.len());
        // Identifiers hold nothing that JSON would have to escape.
        let quoted = payments.iter().map(|(id, _)| format!("\"{id}\""));
        let ids: Vec<String> = quoted.collect();
        let ids = format!("[{}]", ids.join(","));
        for statement in REMOVE_PAYMENTS {
            self.execute(statement, params![ids.as_str()])?;
        }
        Ok(removed.is_ok_and(|removed| removed >= limit))
    }
}

fn payment_and_order(row: &Row) -> Stored<(String, String)> {
    Ok((row.get("id")?, row.get("order_id")?))
}
