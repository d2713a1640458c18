//! The orders database.

mod listing;

use mercato_kernel::Total;
use mercato_money::Money;
use mercato_platform::log;
use mercato_sqlite::{Connection, Database, Error, Migration, Row, migrations, params};

use self::listing::{count_of, page_of};
use crate::domain::{
    Actor, Closing, CustomerId, EventId, Holder, Holding, Line, LineProblem, Order, OrderError,
    OrderId, OrderItem, OrderNumber, OrderStatus, PAUSE_LONGEST_MS, PaymentEvent, PaymentId,
    PaymentSession, ProductId, Quantity, Receipt, RejectedLine, Rejection, Saga, StatusChange,
    Step, TotalChanged,
};
use crate::ports::{
    Figures, FollowUp, KeyRecord, OrderFilter, OrderRecords, OrderRepository, OrderSort, PageStart,
    PurgeTimes, RecordedAnswer, Task,
};

/// Label of the database in `spin.toml` and `runtime-config.toml`.
pub const LABEL: &str = "orders";

/// The schema.
pub const MIGRATIONS: &[Migration] = migrations![
    "0001_orders",
    "0002_inbox_by_age",
    "0003_figures",
    "0004_sagas_under_way",
    "0005_limits_and_retention",
    "0006_refunds_that_fail",
    "0007_lists_and_replacements",
    "0008_order_numbers"
];

const ORDER_COLUMNS: &str = "
  id, customer_id, status, total_amount, total_items, currency,
  receipt_id, receipt_url, receipt_issued_at, paid_at, created_at, updated_at, version,
  payment_version, stock_returned, number";

const HAS_NUMBER: &str = "SELECT 1 FROM orders WHERE number = ?";

const INSERT_ORDER: &str = "
INSERT INTO orders
  (id, customer_id, status, total_amount, total_items, currency,
   receipt_id, receipt_url, receipt_issued_at, paid_at, created_at, updated_at, version, number)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const INSERT_ITEM: &str = "
INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
VALUES (?, ?, ?, ?, ?, ?)";

const UPDATE_ORDER: &str = "
UPDATE orders
SET status = ?, receipt_id = ?, receipt_url = ?, receipt_issued_at = ?, paid_at = ?, updated_at = ?, version = ?,
  payment_version = ?, stock_returned = ?
WHERE id = ?";

const ITEMS: &str = "
SELECT order_id, product_id, name, unit_price, quantity
FROM order_items
WHERE order_id IN (SELECT value FROM json_each(?))
ORDER BY order_id, position";

const INSERT_HISTORY: &str = "
INSERT INTO order_status_history (order_id, from_status, to_status, actor, reason, at)
VALUES (?, ?, ?, ?, ?, ?)";

const HISTORY: &str = "
SELECT from_status, to_status, actor, reason, at
FROM order_status_history
WHERE order_id = ?
ORDER BY id";

const ORDER_COUNTS: &str = "
SELECT status, orders
FROM order_counts";

/// Counted in indexes of what waits, and no further than somebody would want to know.
const WAITING: &str = "
SELECT
  (SELECT COUNT(*)
  FROM (
    SELECT 1
    FROM sagas
    WHERE step IN ('new', 'reserved', 'ready', 'closing') AND next_attempt_at <= ?1
    LIMIT ?2)),
  (SELECT COUNT(*) FROM follow_ups)";

/// So many overdue orders are counted; that many may be more.
const OVERDUE_COUNTED_MAX: u32 = 1_000;

const TALLIES: &str = "
SELECT sweeps, events_applied, order_retries, follow_up_retries
FROM tallies";

const SAGA: &str = "
SELECT customer_id, step, created_at, expires_at, next_attempt_at, attempts,
  session_id, session_url, session_expires_at, closing_actor, closing_reason, rejection, client,
  expected_total, replaces
FROM sagas
WHERE order_id = ?";

const HELD_UNITS: &str = "
SELECT units
FROM sagas
WHERE order_id = ? AND step IN ('new', 'reserved', 'ready', 'closing')";

/// One whose order is cancelled has come to nothing.
const REPLACEMENT: &str = "
SELECT order_id
FROM sagas
WHERE replaces = ? AND step <> 'rejected'
  AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.id = sagas.order_id AND status = 'CANCELLED')
LIMIT 1";

const SAGA_LINES: &str = "
SELECT product_id, quantity
FROM saga_lines
WHERE order_id = ?
ORDER BY position";

const REJECTED_LINES: &str = "
SELECT product_id, problem, requested, available
FROM saga_rejected_lines
WHERE order_id = ?
ORDER BY position";

const CHANGED_LINES: &str = "
SELECT order_id, product_id, name, unit_price, quantity
FROM saga_changed_lines
WHERE order_id = ?
ORDER BY position";

const INSERT_SAGA: &str = "
INSERT INTO sagas
  (order_id, customer_id, step, created_at, expires_at, next_attempt_at, attempts, units, client, expected_total, replaces)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The second parameter lists products and quantities.
const INSERT_SAGA_LINES: &str = "
INSERT INTO saga_lines (order_id, position, product_id, quantity)
SELECT ?1, key, json_extract(value, '$[0]'), json_extract(value, '$[1]')
FROM json_each(?2)";

/// Nobody needs to know any more where an order that has ended came from.
const UPDATE_SAGA: &str = "
UPDATE sagas
SET step = ?1, next_attempt_at = ?2, attempts = ?3, session_id = ?4, session_url = ?5, session_expires_at = ?6,
  closing_actor = ?7, closing_reason = ?8, rejection = ?9,
  client = CASE WHEN ?1 IN ('done', 'rejected') THEN NULL ELSE client END
WHERE order_id = ?10";

const HOLDING: &str = "
SELECT open_orders, held_units, minute_began_at, minute_orders, day_began_at, day_orders
FROM holders
WHERE holder = ?";

const HAS_DUE: &str = "
SELECT EXISTS (
    SELECT 1
    FROM sagas
    WHERE step IN ('new', 'reserved', 'ready', 'closing') AND next_attempt_at <= ?1)
  OR EXISTS (
    SELECT 1
    FROM sagas
    WHERE step IN ('new', 'reserved', 'closing') AND next_attempt_at > ?2)
  OR EXISTS (SELECT 1 FROM follow_ups WHERE next_attempt_at <= ?1)
  OR EXISTS (SELECT 1 FROM follow_ups WHERE next_attempt_at > ?2)";

const INSERT_REJECTED_LINE: &str = "
INSERT OR REPLACE INTO saga_rejected_lines (order_id, position, product_id, problem, requested, available)
VALUES (?, ?, ?, ?, ?, ?)";

const INSERT_CHANGED_LINE: &str = "
INSERT OR REPLACE INTO saga_changed_lines (order_id, position, product_id, name, unit_price, quantity)
VALUES (?, ?, ?, ?, ?, ?)";

const DUE_SAGAS: &str = "
SELECT order_id
FROM sagas
WHERE step IN ('new', 'reserved', 'ready', 'closing')
  AND next_attempt_at <= ?
ORDER BY next_attempt_at
LIMIT ?";

/// [`Saga::is_due`] says why these are due.
const SAGAS_PUT_OFF_TOO_LONG: &str = "
SELECT order_id
FROM sagas
WHERE step IN ('new', 'reserved', 'closing')
  AND next_attempt_at > ?
ORDER BY next_attempt_at
LIMIT ?";

/// What is old of one kind: `SELECT 1` tells whether there is any, `SELECT` of the key which.
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

const HAS_OLD: &str = concat!(
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
    ")"
);

const PURGE_SAGAS: &str = concat!(
    "
DELETE FROM sagas
WHERE order_id IN (SELECT order_id ",
    old_sagas!("?"),
    " ORDER BY created_at LIMIT ?)"
);

const PURGE_KEYS: &str = concat!(
    "
DELETE FROM idempotency_keys
WHERE order_id IN (SELECT order_id ",
    old_keys!("?"),
    " ORDER BY created_at LIMIT ?)"
);

const PURGE_INBOX: &str = concat!(
    "
DELETE FROM inbox
WHERE event_id IN (SELECT event_id ",
    old_marks!("?"),
    " ORDER BY received_at LIMIT ?)"
);

const PURGE_HOLDERS: &str = concat!(
    "
DELETE FROM holders
WHERE holder IN (SELECT holder ",
    idle_holders!("?"),
    " ORDER BY day_began_at LIMIT ?)"
);

const UNPAID_ORDERS: &str = concat!(
    "
SELECT id ",
    unpaid_orders!("?"),
    "
ORDER BY updated_at
LIMIT ?"
);

/// One for each table that has something of an order, and `orders` last.
const REMOVE_ORDERS: [&str; 5] = [
    "DELETE FROM order_items WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM order_status_history WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM idempotency_keys WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM sagas WHERE order_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM orders WHERE id IN (SELECT value FROM json_each(?))",
];

/// An order has up to a hundred lines: so many are removed in one transaction that nobody waits long for it.
const ORDERS_PER_PURGE: u32 = 25;

const KEY: &str = "
SELECT fingerprint, order_id, created_at, answer_status, answer_body
FROM idempotency_keys
WHERE customer_id = ? AND key = ?";

const INSERT_KEY: &str = "
INSERT INTO idempotency_keys (customer_id, key, fingerprint, order_id, created_at)
VALUES (?, ?, ?, ?, ?)";

const SET_ANSWER: &str = "
UPDATE idempotency_keys
SET answer_status = ?, answer_body = ?
WHERE customer_id = ? AND key = ?";

const INSERT_INTO_INBOX: &str = "
INSERT INTO inbox (event_id, event_type, order_id, received_at)
VALUES (?, ?, ?, ?)
ON CONFLICT (event_id) DO NOTHING";

const INSERT_FOLLOW_UP: &str = "
INSERT INTO follow_ups (order_id, task, subject, next_attempt_at)
VALUES (?, ?, ?, ?)";

const FOLLOW_UPS: &str = "
SELECT number, task, subject, attempts
FROM follow_ups
WHERE order_id = ?
ORDER BY number";

const POSTPONE_FOLLOW_UPS: &str = "
UPDATE follow_ups
SET next_attempt_at = ?, attempts = attempts + 1
WHERE order_id = ?";

const DUE_FOLLOW_UPS: &str = "
SELECT order_id, MAX(attempts), MIN(next_attempt_at) AS due
FROM follow_ups
WHERE next_attempt_at <= ? OR next_attempt_at > ?
GROUP BY order_id
ORDER BY due
LIMIT ?";

impl From<Error> for OrderError {
    fn from(error: Error) -> Self {
        log::error(
            "the orders database failed",
            &[("error", &error.to_string())],
        );
        let out_of_reach = matches!(
            error,
            Error::Denied(_) | Error::Unknown(_) | Error::Foreign(_) | Error::NewerSchema { .. }
        );
        if error.is_transient() || out_of_reach {
            Self::Unavailable
        } else {
            Self::Internal
        }
    }
}

impl OrderRepository for Database {
    fn read<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        Self::read(self, |connection| work(&Records(connection)))
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        Self::write(self, |connection| work(&Records(connection)))
    }

    fn write_if_free<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<Option<T>, OrderError> {
        Self::write_if_free(self, |connection| work(&Records(connection)))
    }
}

struct Records<'a>(&'a Connection);

impl OrderRecords for Records<'_> {
    fn order(&self, id: &OrderId) -> Result<Option<Order>, OrderError> {
        let statement = format!("SELECT {ORDER_COLUMNS} FROM orders WHERE id = ?");
        let row = self.0.query_one(&statement, params![id.as_str()])?;
        let mut orders = row.iter().map(order_of).collect::<Result<Vec<_>, _>>()?;
        self.add_items(&mut orders)?;
        Ok(orders.pop())
    }

    fn has_number(&self, number: &OrderNumber) -> Result<bool, OrderError> {
        let row = self.0.query_one(HAS_NUMBER, params![number.as_str()])?;
        Ok(row.is_some())
    }

    fn insert_order(&self, order: &Order) -> Result<(), OrderError> {
        let id = order.id.as_str();
        let receipt = order.receipt.as_ref();
        self.0.execute(
            INSERT_ORDER,
            params![
                id,
                order.customer_id.as_str(),
                order.status.name(),
                order.total_amount.units(),
                order.total_items,
                order.currency.code(),
                receipt.map(|receipt| receipt.id.as_str()),
                receipt.and_then(|receipt| receipt.url.as_deref()),
                receipt.map(|receipt| receipt.issued_at),
                order.paid_at,
                order.created_at,
                order.updated_at,
                order.version,
                order.number.as_str(),
            ],
        )?;
        for (position, item) in (0_u32..).zip(&order.items) {
            let (product_id, name) = (item.product_id.as_str(), item.name.as_str());
            let item = params![
                id,
                position,
                product_id,
                name,
                item.unit_price.units(),
                item.quantity.get()
            ];
            self.0.execute(INSERT_ITEM, item)?;
        }
        Ok(())
    }

    fn update_order(&self, order: &Order) -> Result<(), OrderError> {
        let receipt = order.receipt.as_ref();
        let changed = self.0.execute(
            UPDATE_ORDER,
            params![
                order.status.name(),
                receipt.map(|receipt| receipt.id.as_str()),
                receipt.and_then(|receipt| receipt.url.as_deref()),
                receipt.map(|receipt| receipt.issued_at),
                order.paid_at,
                order.updated_at,
                order.version,
                order.payment_version,
                order.stock_returned,
                order.id.as_str(),
            ],
        )?;
        exactly_one(changed, "orders")
    }

    fn add_history(&self, id: &OrderId, change: &StatusChange) -> Result<(), OrderError> {
        self.0.execute(
            INSERT_HISTORY,
            params![
                id.as_str(),
                change.from.map(OrderStatus::name),
                change.to.name(),
                change.actor.as_str(),
                change.reason.as_str(),
                change.at,
            ],
        )?;
        Ok(())
    }

    fn history(&self, id: &OrderId) -> Result<Vec<StatusChange>, OrderError> {
        self.0
            .query(HISTORY, params![id.as_str()])?
            .iter()
            .map(change_of)
            .collect()
    }

    fn list(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        start: &PageStart,
        limit: u32,
    ) -> Result<(Vec<Order>, Total), OrderError> {
        let (statement, parameters) = count_of(filter);
        let count = self.0.query_one(&statement, &parameters)?;
        let total = Total::counted(count.map_or(Ok(0), |row| row.get(0))?);
        let (statement, parameters) = page_of(filter, sort, total.is_exact, start, limit);
        let rows = self.0.query(&statement, &parameters)?;
        let mut orders = rows.iter().map(order_of).collect::<Result<Vec<_>, _>>()?;
        self.add_items(&mut orders)?;
        Ok((orders, total))
    }

    fn counts(&self) -> Result<Vec<(OrderStatus, u64)>, OrderError> {
        let count = |row: &Row| Ok((status_of(&row.get::<String>(0)?)?, row.get(1)?));
        let counts = self.0.query(ORDER_COUNTS, &[])?;
        let counts: Vec<(OrderStatus, u64)> = counts
            .iter()
            .map(count)
            .collect::<Result<_, OrderError>>()?;
        let orders_of = |status| {
            let found = counts.iter().find(|(counted, _)| *counted == status);
            (status, found.map_or(0, |(_, orders)| *orders))
        };
        Ok(OrderStatus::ALL.into_iter().map(orders_of).collect())
    }

    fn figures(&self, now: u64) -> Result<Figures, OrderError> {
        let waiting = self
            .0
            .query_one(WAITING, params![now, OVERDUE_COUNTED_MAX])?;
        let tallies = self.0.query_one(TALLIES, &[])?;
        let number = |row: &Option<Row>, column| row.as_ref().map_or(Ok(0), |row| row.get(column));
        Ok(Figures {
            orders: self.counts()?,
            overdue: number(&waiting, 0)?,
            follow_ups: number(&waiting, 1)?,
            sweeps: number(&tallies, 0)?,
            events_applied: number(&tallies, 1)?,
            order_retries: number(&tallies, 2)?,
            follow_up_retries: number(&tallies, 3)?,
        })
    }

    fn saga(&self, id: &OrderId) -> Result<Option<Saga>, OrderError> {
        let Some(row) = self.0.query_one(SAGA, params![id.as_str()])? else {
            return Ok(None);
        };
        let lines = self.0.query(SAGA_LINES, params![id.as_str()])?;
        let expected_total = row.get::<Option<i64>>(13)?.map(Money::from_units);
        let replaces = row.get::<Option<String>>(14)?;
        Ok(Some(Saga {
            order_id: id.clone(),
            customer_id: CustomerId::parse(&row.get::<String>(0)?)?,
            client: row.get::<Option<String>>(12)?.map(Holder::stored),
            step: Step::from_name(&row.get::<String>(1)?)
                .ok_or_else(|| unreadable("sagas.step"))?,
            lines: lines.iter().map(line_of).collect::<Result<_, _>>()?,
            expected_total,
            replaces: replaces.as_deref().map(OrderId::parse).transpose()?,
            created_at: row.get(2)?,
            expires_at: row.get(3)?,
            next_attempt_at: row.get(4)?,
            attempts: row.get(5)?,
            session: session_of(&row)?,
            closing: closing_of(&row)?,
            rejection: self.rejection(id, row.get(11)?, expected_total)?,
        }))
    }

    fn insert_saga(&self, saga: &Saga) -> Result<(), OrderError> {
        let id = saga.order_id.as_str();
        self.0.execute(
            INSERT_SAGA,
            params![
                id,
                saga.customer_id.as_str(),
                saga.step.name(),
                saga.created_at,
                saga.expires_at,
                saga.next_attempt_at,
                saga.attempts,
                saga.units(),
                saga.client.as_ref().map(Holder::as_str),
                saga.expected_total.map(Money::units),
                saga.replaces.as_ref().map(OrderId::as_str),
            ],
        )?;
        let line = |line: &Line| format!("[\"{}\",{}]", line.product_id, line.quantity.get());
        let lines: Vec<String> = saga.lines.iter().map(line).collect();
        let lines = format!("[{}]", lines.join(","));
        self.0.execute(INSERT_SAGA_LINES, params![id, lines])?;
        Ok(())
    }

    fn update_saga(&self, saga: &Saga) -> Result<(), OrderError> {
        let (session, closing) = (saga.session.as_ref(), saga.closing.as_ref());
        let changed = self.0.execute(
            UPDATE_SAGA,
            params![
                saga.step.name(),
                saga.next_attempt_at,
                saga.attempts,
                session.map(|session| session.id.as_str()),
                session.map(|session| session.url.as_str()),
                session.map(|session| session.expires_at),
                closing.map(|closing| closing.actor.as_str()),
                closing.map(|closing| closing.reason.as_str()),
                saga.rejection.as_ref().map(rejection_name),
                saga.order_id.as_str(),
            ],
        )?;
        match &saga.rejection {
            Some(Rejection::Lines(lines)) => self.insert_rejected_lines(&saga.order_id, lines)?,
            Some(Rejection::TotalChanged(changed)) => {
                self.insert_changed_lines(&saga.order_id, &changed.items)?;
            }
            Some(Rejection::TotalTooLarge | Rejection::Abandoned) | None => {}
        }
        exactly_one(changed, "sagas")
    }

    fn held_units(&self, id: &OrderId) -> Result<Option<u64>, OrderError> {
        let row = self.0.query_one(HELD_UNITS, params![id.as_str()])?;
        Ok(row.map(|row| row.get(0)).transpose()?)
    }

    fn replacement(&self, id: &OrderId) -> Result<Option<Saga>, OrderError> {
        match self.0.query_one(REPLACEMENT, params![id.as_str()])? {
            Some(row) => self.saga(&OrderId::parse(&row.get::<String>(0)?)?),
            None => Ok(None),
        }
    }

    fn due_sagas(&self, now: u64, limit: u32) -> Result<Vec<OrderId>, OrderError> {
        let mut rows = self.0.query(DUE_SAGAS, params![now, limit])?;
        let late = params![too_late(now), limit];
        rows.extend(self.0.query(SAGAS_PUT_OFF_TOO_LONG, late)?);
        rows.iter()
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|row| OrderId::parse(&row.get::<String>(0)?))
            .collect()
    }

    fn has_due(&self, now: u64) -> Result<bool, OrderError> {
        let row = self.0.query_one(HAS_DUE, params![now, too_late(now)])?;
        Ok(row.map_or(Ok(false), |row| row.get(0))?)
    }

    fn holding(&self, holder: &Holder) -> Result<Holding, OrderError> {
        let Some(row) = self.0.query_one(HOLDING, params![holder.as_str()])? else {
            return Ok(Holding::default());
        };
        Ok(Holding {
            open_orders: row.get(0)?,
            held_units: row.get(1)?,
            minute_began_at: row.get(2)?,
            minute_orders: row.get(3)?,
            day_began_at: row.get(4)?,
            day_orders: row.get(5)?,
        })
    }

    fn has_old(&self, before: PurgeTimes) -> Result<bool, OrderError> {
        let times = params![before.requests, before.inbox, before.holders, before.unpaid];
        let row = self.0.query_one(HAS_OLD, times)?;
        Ok(row.map_or(Ok(false), |row| row.get(0))?)
    }

    fn purge(&self, before: PurgeTimes, limit: u32) -> Result<bool, OrderError> {
        let mut is_more = false;
        for (statement, before) in [
            (PURGE_SAGAS, before.requests),
            (PURGE_KEYS, before.requests),
            (PURGE_INBOX, before.inbox),
            (PURGE_HOLDERS, before.holders),
        ] {
            is_more |= self.0.execute(statement, params![before, limit])? >= u64::from(limit);
        }
        Ok(self.purge_unpaid(before.unpaid, limit.min(ORDERS_PER_PURGE))? || is_more)
    }

    fn key(&self, customer_id: &CustomerId, key: &str) -> Result<Option<KeyRecord>, OrderError> {
        let Some(row) = self.0.query_one(KEY, params![customer_id.as_str(), key])? else {
            return Ok(None);
        };
        let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?);
        Ok(Some(KeyRecord {
            fingerprint: row.get(0)?,
            order_id: OrderId::parse(&row.get::<String>(1)?)?,
            created_at: row.get(2)?,
            answer: status
                .zip(body)
                .map(|(status, body)| RecordedAnswer { status, body }),
        }))
    }

    fn insert_key(
        &self,
        customer_id: &CustomerId,
        key: &str,
        record: &KeyRecord,
    ) -> Result<(), OrderError> {
        let fingerprint = record.fingerprint.as_slice();
        let order_id = record.order_id.as_str();
        let parameters = params![
            customer_id.as_str(),
            key,
            fingerprint,
            order_id,
            record.created_at
        ];
        self.0.execute(INSERT_KEY, parameters)?;
        Ok(())
    }

    fn set_answer(
        &self,
        customer_id: &CustomerId,
        key: &str,
        answer: &RecordedAnswer,
    ) -> Result<(), OrderError> {
        let parameters = params![
            u32::from(answer.status),
            answer.body.as_slice(),
            customer_id.as_str(),
            key
        ];
        exactly_one(self.0.execute(SET_ANSWER, parameters)?, "idempotency_keys")
    }

    fn has_key(&self, id: &OrderId) -> Result<bool, OrderError> {
        let statement = "SELECT 1 FROM idempotency_keys WHERE order_id = ?";
        Ok(self.0.query_one(statement, params![id.as_str()])?.is_some())
    }

    fn free_key(&self, id: &OrderId) -> Result<(), OrderError> {
        self.0.execute(
            "DELETE FROM idempotency_keys WHERE order_id = ?",
            params![id.as_str()],
        )?;
        Ok(())
    }

    fn insert_into_inbox(&self, event: &PaymentEvent, now: u64) -> Result<bool, OrderError> {
        let (id, order_id) = (event.id.as_str(), event.order_id.as_str());
        let inserted = self.0.execute(
            INSERT_INTO_INBOX,
            params![id, event.event_type.name(), order_id, now],
        )?;
        Ok(inserted == 1)
    }

    fn add_follow_up(&self, id: &OrderId, task: &Task, not_before: u64) -> Result<(), OrderError> {
        let (name, subject) = task_columns(task);
        self.0.execute(
            INSERT_FOLLOW_UP,
            params![id.as_str(), name, subject, not_before],
        )?;
        Ok(())
    }

    fn follow_ups(&self, id: &OrderId) -> Result<Vec<FollowUp>, OrderError> {
        let follow_up_of = |row: &Row| {
            let task = task_of(
                &row.get::<String>(1)?,
                row.get::<Option<String>>(2)?.as_deref(),
            )?;
            Ok(FollowUp {
                number: row.get(0)?,
                order_id: id.clone(),
                task,
                attempts: row.get(3)?,
            })
        };
        self.0
            .query(FOLLOW_UPS, params![id.as_str()])?
            .iter()
            .map(follow_up_of)
            .collect()
    }

    fn remove_follow_up(&self, number: u64) -> Result<(), OrderError> {
        self.0
            .execute("DELETE FROM follow_ups WHERE number = ?", params![number])?;
        Ok(())
    }

    fn postpone_follow_ups(&self, id: &OrderId, until: u64) -> Result<(), OrderError> {
        self.0
            .execute(POSTPONE_FOLLOW_UPS, params![until, id.as_str()])?;
        Ok(())
    }

    fn due_follow_ups(&self, now: u64, limit: u32) -> Result<Vec<(OrderId, u32)>, OrderError> {
        let rows = self
            .0
            .query(DUE_FOLLOW_UPS, params![now, too_late(now), limit])?;
        rows.iter()
            .map(|row| Ok((OrderId::parse(&row.get::<String>(0)?)?, row.get(1)?)))
            .collect()
    }

    fn last_sweep(&self) -> Result<u64, OrderError> {
        let row = self.0.query_one("SELECT last_run_at FROM sweeper", &[])?;
        Ok(row.map_or(Ok(0), |row| row.get(0))?)
    }

    fn set_last_sweep(&self, now: u64) -> Result<(), OrderError> {
        exactly_one(
            self.0
                .execute("UPDATE sweeper SET last_run_at = ?", params![now])?,
            "sweeper",
        )
    }
}

impl Records<'_> {
    /// True when there may be more.
    fn purge_unpaid(&self, before: u64, limit: u32) -> Result<bool, OrderError> {
        let rows = self.0.query(UNPAID_ORDERS, params![before, limit])?;
        if rows.is_empty() {
            return Ok(false);
        }
        let id = |row: &Row| Ok(row.get::<String>(0)?);
        let ids = rows
            .iter()
            .map(id)
            .collect::<Result<Vec<_>, OrderError>>()?;
        let ids = json_of(ids.iter().map(String::as_str));
        for statement in REMOVE_ORDERS {
            self.0.execute(statement, params![ids.as_str()])?;
        }
        Ok(u32::try_from(rows.len()).is_ok_and(|removed| removed >= limit))
    }

    /// Items of all these orders with one statement.
    fn add_items(&self, orders: &mut [Order]) -> Result<(), OrderError> {
        if orders.is_empty() {
            return Ok(());
        }
        let ids = json_of(orders.iter().map(|order| order.id.as_str()));
        for row in self.0.query(ITEMS, params![ids])? {
            let order_id: String = row.get(0)?;
            if let Some(order) = orders
                .iter_mut()
                .find(|order| order.id.as_str() == order_id)
            {
                order.items.push(item_of(&row)?);
            }
        }
        Ok(())
    }

    fn rejection(
        &self,
        id: &OrderId,
        name: Option<String>,
        expected_total: Option<Money>,
    ) -> Result<Option<Rejection>, OrderError> {
        match name.as_deref() {
            None => Ok(None),
            Some("total-too-large") => Ok(Some(Rejection::TotalTooLarge)),
            Some("abandoned") => Ok(Some(Rejection::Abandoned)),
            Some(_) => {
                if let Some(expected) = expected_total
                    && let Some(changed) = self.total_changed(id, expected)?
                {
                    return Ok(Some(Rejection::TotalChanged(changed)));
                }
                let rows = self.0.query(REJECTED_LINES, params![id.as_str()])?;
                let lines = rows
                    .iter()
                    .map(rejected_line_of)
                    .collect::<Result<_, _>>()?;
                Ok(Some(Rejection::Lines(lines)))
            }
        }
    }

    /// What the order would have cost, if that is why it was rejected.
    fn total_changed(
        &self,
        id: &OrderId,
        expected: Money,
    ) -> Result<Option<TotalChanged>, OrderError> {
        let rows = self.0.query(CHANGED_LINES, params![id.as_str()])?;
        if rows.is_empty() {
            return Ok(None);
        }
        let items = rows.iter().map(item_of).collect::<Result<Vec<_>, _>>()?;
        let total = OrderItem::total_of(&items).map_err(|_| unreadable("unit_price"))?;
        Ok(Some(TotalChanged {
            expected,
            total,
            items,
        }))
    }

    fn insert_changed_lines(&self, id: &OrderId, items: &[OrderItem]) -> Result<(), OrderError> {
        for (position, item) in (0_u32..).zip(items) {
            let line = params![
                id.as_str(),
                position,
                item.product_id.as_str(),
                item.name.as_str(),
                item.unit_price.units(),
                item.quantity.get()
            ];
            self.0.execute(INSERT_CHANGED_LINE, line)?;
        }
        Ok(())
    }

    fn insert_rejected_lines(
        &self,
        id: &OrderId,
        lines: &[RejectedLine],
    ) -> Result<(), OrderError> {
        for (position, line) in (0_u32..).zip(lines) {
            let problem = problem_name(line.problem);
            let product_id = line.product_id.as_str();
            let line = params![
                id.as_str(),
                position,
                product_id,
                problem,
                line.requested,
                line.available
            ];
            self.0.execute(INSERT_REJECTED_LINE, line)?;
        }
        Ok(())
    }
}

/// A JSON array of identifiers. They hold nothing that JSON would have to escape.
fn json_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(","))
}

fn order_of(row: &Row) -> Result<Order, OrderError> {
    let receipt_id: Option<String> = row.get(6)?;
    let issued_at: Option<u64> = row.get(8)?;
    let url: Option<String> = row.get(7)?;
    Ok(Order {
        id: OrderId::parse(&row.get::<String>(0)?)?,
        number: OrderNumber::parse(&row.get::<String>(15)?)
            .map_err(|_| unreadable("orders.number"))?,
        customer_id: CustomerId::parse(&row.get::<String>(1)?)?,
        status: status_of(&row.get::<String>(2)?)?,
        items: Vec::new(),
        total_amount: Money::from_units(row.get(3)?),
        total_items: row.get(4)?,
        currency: row
            .get::<String>(5)?
            .parse()
            .map_err(|_| unreadable("orders.currency"))?,
        receipt: receipt_id
            .zip(issued_at)
            .map(|(id, issued_at)| Receipt { id, url, issued_at }),
        paid_at: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
        version: row.get(12)?,
        payment_version: row.get(13)?,
        stock_returned: row.get(14)?,
    })
}

fn item_of(row: &Row) -> Result<OrderItem, OrderError> {
    Ok(OrderItem {
        product_id: ProductId::parse(&row.get::<String>(1)?)?,
        name: row.get(2)?,
        unit_price: Money::from_units(row.get(3)?),
        quantity: quantity_of(row.get(4)?)?,
    })
}

fn line_of(row: &Row) -> Result<Line, OrderError> {
    Ok(Line {
        product_id: ProductId::parse(&row.get::<String>(0)?)?,
        quantity: quantity_of(row.get(1)?)?,
    })
}

fn rejected_line_of(row: &Row) -> Result<RejectedLine, OrderError> {
    let problem = match row.get::<String>(1)?.as_str() {
        "unknown-product" => LineProblem::UnknownProduct,
        _ => LineProblem::InsufficientStock,
    };
    Ok(RejectedLine {
        product_id: ProductId::parse(&row.get::<String>(0)?)?,
        problem,
        requested: row.get(2)?,
        available: row.get(3)?,
    })
}

fn change_of(row: &Row) -> Result<StatusChange, OrderError> {
    Ok(StatusChange {
        from: row
            .get::<Option<String>>(0)?
            .as_deref()
            .map(status_of)
            .transpose()?,
        to: status_of(&row.get::<String>(1)?)?,
        actor: Actor::parse(&row.get::<String>(2)?)?,
        reason: row.get(3)?,
        at: row.get(4)?,
    })
}

fn session_of(row: &Row) -> Result<Option<PaymentSession>, OrderError> {
    let (id, url): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    let expires_at: Option<u64> = row.get(8)?;
    Ok(id
        .zip(url)
        .zip(expires_at)
        .map(|((id, url), expires_at)| PaymentSession {
            id,
            url,
            expires_at,
        }))
}

fn closing_of(row: &Row) -> Result<Option<Closing>, OrderError> {
    let (actor, reason): (Option<String>, Option<String>) = (row.get(9)?, row.get(10)?);
    let closing = |(actor, reason): (String, String)| {
        Ok(Closing {
            actor: Actor::parse(&actor)?,
            reason,
        })
    };
    actor.zip(reason).map(closing).transpose()
}

fn status_of(name: &str) -> Result<OrderStatus, OrderError> {
    OrderStatus::from_name(name).ok_or_else(|| unreadable("orders.status"))
}

fn quantity_of(units: u32) -> Result<Quantity, OrderError> {
    Quantity::new(units).ok_or_else(|| unreadable("quantity"))
}

fn task_columns(task: &Task) -> (&'static str, Option<&str>) {
    match task {
        Task::CommitStock => ("commit-stock", None),
        Task::ReleaseStock => ("release-stock", None),
        Task::RestockStock => ("restock-stock", None),
        Task::Acknowledge(event_id) => ("acknowledge", Some(event_id.as_str())),
        Task::Refund(payment_id) => ("refund", Some(payment_id.as_str())),
        Task::CancelPayment => ("cancel-payment", None),
    }
}

fn task_of(name: &str, subject: Option<&str>) -> Result<Task, OrderError> {
    match (name, subject) {
        ("commit-stock", None) => Ok(Task::CommitStock),
        ("release-stock", None) => Ok(Task::ReleaseStock),
        ("restock-stock", None) => Ok(Task::RestockStock),
        ("acknowledge", Some(id)) => EventId::parse(id).map(Task::Acknowledge),
        ("refund", Some(id)) => PaymentId::parse(id).map(Task::Refund),
        ("cancel-payment", None) => Ok(Task::CancelPayment),
        _ => Err(unreadable("follow_ups.task")),
    }
}

const fn rejection_name(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Lines(_) | Rejection::TotalChanged(_) => "lines",
        Rejection::TotalTooLarge => "total-too-large",
        Rejection::Abandoned => "abandoned",
    }
}

const fn problem_name(problem: LineProblem) -> &'static str {
    match problem {
        LineProblem::UnknownProduct => "unknown-product",
        LineProblem::InsufficientStock => "insufficient-stock",
    }
}

/// What is put off until after that was so before the clock was set back.
fn too_late(now: u64) -> u64 {
    now.saturating_add(PAUSE_LONGEST_MS)
}

fn exactly_one(changed: u64, table: &str) -> Result<(), OrderError> {
    if changed == 1 {
        return Ok(());
    }
    log::error("a row that must exist is missing", &[("table", table)]);
    Err(OrderError::Internal)
}

fn unreadable(column: &str) -> OrderError {
    log::error(
        "the orders database holds a value that this program does not know",
        &[("column", column)],
    );
    OrderError::Internal
}

#[cfg(test)]
mod tests;
