//! What is removed when it is old: finished sagas, keys, marks of the inbox, idle holders, orders that nobody paid.

use mercato_kernel::OrderId;
use mercato_sql::params;

use super::{Records, json_of};
use crate::application::locks;
use crate::domain::OrderError;

/// Before which times records have done their service, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeTimes {
    /// Of finished sagas and keys that began.
    pub requests: u64,
    /// Of events received. An order with a pending action keeps its marks.
    pub inbox: u64,
    /// Of the days of holders that hold nothing.
    pub holders: u64,
    /// Of the last changes of orders that were cancelled unpaid. One with a pending action, or for which money has moved, stays.
    pub unpaid: u64,
}

/// What is old of one kind: `SELECT 1` finds whether there is any, `SELECT` of the key which.
macro_rules! old_sagas {
    ($before:literal) => {
        concat!(
            "FROM sagas WHERE step IN ('done', 'rejected') AND created_at <= ",
            $before
        )
    };
}

macro_rules! old_keys {
    ($before:literal) => {
        concat!("FROM idempotency_keys WHERE created_at <= ", $before)
    };
}

macro_rules! old_marks {
    ($before:literal) => {
        concat!(
            "FROM inbox WHERE received_at <= ",
            $before,
            "
    AND NOT EXISTS (SELECT 1 FROM follow_ups WHERE follow_ups.order_id = inbox.order_id)"
        )
    };
}

macro_rules! idle_holders {
    ($before:literal) => {
        concat!(
            "FROM holders WHERE open_orders = 0 AND day_began_at <= ",
            $before
        )
    };
}

macro_rules! unpaid_orders {
    ($before:literal) => {
        concat!(
            "FROM orders INDEXED BY orders_unpaid
  WHERE status = 'CANCELLED' AND money_moved = 0 AND updated_at <= ",
            $before,
            "
    AND NOT EXISTS (SELECT 1 FROM follow_ups WHERE follow_ups.order_id = orders.id)"
        )
    };
}

pub(super) const HAS_OLD: &str = concat!(
    "
SELECT EXISTS (SELECT 1 ",
    old_sagas!("?1"),
    ")
  OR EXISTS (SELECT 1 ",
    old_keys!("?1"),
    ")
  OR EXISTS (SELECT 1 ",
    old_marks!("?2"),
    ")
  OR EXISTS (SELECT 1 ",
    idle_holders!("?3"),
    ")
  OR EXISTS (SELECT 1 ",
    unpaid_orders!("?4"),
    ") AS has_old"
);

pub(super) const PURGE_SAGAS: &str = concat!(
    "
DELETE FROM sagas
WHERE order_id IN (SELECT order_id ",
    old_sagas!("?"),
    " ORDER BY created_at LIMIT ?)"
);

pub(super) const PURGE_KEYS: &str = concat!(
    "
DELETE FROM idempotency_keys
WHERE order_id IN (SELECT order_id ",
    old_keys!("?"),
    " ORDER BY created_at LIMIT ?)"
);

pub(super) const PURGE_INBOX: &str = concat!(
    "
DELETE FROM inbox
WHERE event_id IN (SELECT event_id ",
    old_marks!("?"),
    " ORDER BY received_at LIMIT ?)"
);

pub(super) const PURGE_HOLDERS: &str = concat!(
    "
DELETE FROM holders
WHERE holder IN (SELECT holder ",
    idle_holders!("?"),
    " ORDER BY day_began_at LIMIT ?)"
);

pub(super) const UNPAID_ORDERS: &str = concat!(
    "
SELECT id ",
    unpaid_orders!("?"),
    "
ORDER BY updated_at
LIMIT ?"
);

/// One for each table that has something of an order, and `orders` last; what belongs to a quote goes with it.
pub(super) const REMOVE_ORDERS: [&str; 6] = [
    "DELETE FROM order_items WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM order_status_history WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM idempotency_keys WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM order_quotes WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM sagas WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM orders WHERE id IN (SELECT value FROM json_each(?))",
];

/// An order has up to a hundred lines: so many are removed in one transaction that nobody waits long for it.
const ORDERS_PER_PURGE: u32 = 25;

impl Records<'_> {
    /// Whether there is anything that [`Self::purge`] would remove.
    pub fn has_old(&self, before: PurgeTimes) -> Result<bool, OrderError> {
        let times = params![before.requests, before.inbox, before.holders, before.unpaid];
        let row = self.0.query_one(HAS_OLD, times)?;
        Ok(row.map_or(Ok(false), |row| row.get("has_old"))?)
    }

    /// Removes what is older, the oldest first, at most `limit` of each kind; true when there may be more.
    pub fn purge(&self, before: PurgeTimes, limit: u32) -> Result<bool, OrderError> {
        let mut is_more = false;
        for (statement, before) in [
            (PURGE_SAGAS, before.requests),
            (PURGE_KEYS, before.requests),
            (PURGE_INBOX, before.inbox),
            (PURGE_HOLDERS, before.holders),
        ] {
            is_more |=
                self.0.execute_counted(statement, params![before, limit])? >= u64::from(limit);
        }
        Ok(self.purge_unpaid(before.unpaid, limit.min(ORDERS_PER_PURGE))? || is_more)
    }

    fn purge_unpaid(&self, before: u64, limit: u32) -> Result<bool, OrderError> {
        let mut unpaid = self.unpaid_orders(before, limit)?;
        let keys = || {
            let ids = unpaid.iter().map(|id| OrderId::parse(id));
            Ok::<_, OrderError>(locks::orders(ids.collect::<Result<Vec<_>, _>>()?))
        };
        if self.0.lock(keys)? {
            let still_unpaid = self.unpaid_orders(before, limit)?;
            unpaid.retain(|id| still_unpaid.contains(id));
        }
        if unpaid.is_empty() {
            return Ok(false);
        }
        let removed = u32::try_from(unpaid.len());
        let ids = json_of(unpaid.into_iter());
        for statement in REMOVE_ORDERS {
            self.0.execute(statement, params![ids.as_str()])?;
        }
        Ok(removed.is_ok_and(|removed| removed >= limit))
    }

    fn unpaid_orders(&self, before: u64, limit: u32) -> Result<Vec<String>, OrderError> {
        let rows = self.0.query(UNPAID_ORDERS, params![before, limit])?;
        rows.iter().map(|row| Ok(row.get("id")?)).collect()
    }
}
