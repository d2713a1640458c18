//! Sagas, with the lines of their requests and of their rejections.

use mercato_kernel::{Named as _, OrderId, Uuid};
use mercato_money::Money;
use mercato_sql::{Error, Row, Value, params};

use super::history::actor;
use super::items::{item_of, quantity};
use super::{Records, exactly_one, id, key, named, too_late};
use crate::domain::{
    Cancellation, CheckoutSession, Holder, Line, OrderError, OrderItem, OrderNumber, OrderRequest,
    RejectedLine, Rejection, Saga, Step, TotalChanged,
};

/// What a saga has beside what its order has, too: customer and time of creation.
macro_rules! saga_columns {
    () => {
        "step, expires_at, next_attempt_at, attempts,
  session_id, session_url, session_expires_at, closing_actor, closing_reason, rejection, client,
  expected_total, replaces, asked_checkout"
    };
}

pub(super) use saga_columns;

pub(super) const SAGA: &str = concat!(
    "
SELECT customer_id, created_at, ",
    saga_columns!(),
    "
FROM sagas
WHERE order_id = ?"
);

/// One whose order is cancelled has come to nothing.
pub(super) const REPLACEMENT: &str = "
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
SELECT product_id, name, choices, unit_price, quantity
FROM saga_changed_lines
WHERE order_id = ?
ORDER BY position";

/// Nothing when another order has the number that this one is to have.
const INSERT_SAGA: &str = "
INSERT INTO sagas
  (order_id, customer_id, step, created_at, expires_at, next_attempt_at, attempts, units, client, expected_total, replaces,
   asked_checkout)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
WHERE NOT EXISTS (SELECT 1 FROM orders WHERE number = ?13)";

/// The second parameter lists products and quantities.
const INSERT_SAGA_LINES: &str = "
INSERT INTO saga_lines (order_id, position, product_id, quantity)
SELECT ?1, key, json_extract(value, '$[0]'), CAST(json_extract(value, '$[1]') AS BIGINT)
FROM json_each(?2)";

/// Nobody needs to know any more where an order that has ended came from.
const UPDATE_SAGA: &str = "
UPDATE sagas
SET step = ?1, next_attempt_at = ?2, attempts = ?3, session_id = ?4, session_url = ?5, session_expires_at = ?6,
  closing_actor = ?7, closing_reason = ?8, rejection = ?9,
  client = CASE WHEN ?1 IN ('done', 'rejected') THEN NULL ELSE client END
WHERE order_id = ?10 AND step = coalesce(?11, step)";

const INSERT_REJECTED_LINES: &str = "
INSERT INTO saga_rejected_lines (order_id, position, product_id, problem, requested, available)";

const REPLACE_REJECTED_LINES: &str = "
ON CONFLICT (order_id, position) DO UPDATE
SET product_id = excluded.product_id, problem = excluded.problem, requested = excluded.requested,
  available = excluded.available";

const INSERT_CHANGED_LINES: &str = "
INSERT INTO saga_changed_lines (order_id, position, product_id, name, choices, unit_price, quantity)";

const REPLACE_CHANGED_LINES: &str = "
ON CONFLICT (order_id, position) DO UPDATE
SET product_id = excluded.product_id, name = excluded.name, choices = excluded.choices, unit_price = excluded.unit_price,
  quantity = excluded.quantity";

pub(super) const DUE_SAGAS: &str = "
SELECT order_id
FROM sagas
WHERE step IN ('new', 'reserved', 'ready', 'closing')
  AND next_attempt_at <= ?
ORDER BY next_attempt_at
LIMIT ?";

/// [`Saga::is_due`] says why these are due.
pub(super) const SAGAS_PUT_OFF_TOO_LONG: &str = "
SELECT order_id
FROM sagas
WHERE step IN ('new', 'reserved', 'closing')
  AND next_attempt_at > ?
ORDER BY next_attempt_at
LIMIT ?";

/// The stored name of a rejection for its lines, for their total, or for its quote: the tables of lines and `asked_checkout` say
/// which.
const REJECTED_FOR_LINES: &str = "lines";

const REJECTED_AS_TOO_LARGE: &str = "total-too-large";

const REJECTED_AS_ABANDONED: &str = "abandoned";

impl Records<'_> {
    /// The saga of an order.
    pub fn saga(&self, order_id: OrderId) -> Result<Option<Saga>, OrderError> {
        match self.0.query_one(SAGA, params![key(order_id)])? {
            Some(row) => self.saga_of(order_id, &row).map(Some),
            None => Ok(None),
        }
    }

    /// The saga in a row.
    pub(super) fn saga_of(&self, order_id: OrderId, row: &Row) -> Result<Saga, OrderError> {
        let step: Step = named(row, "step")?;
        let checkout: Option<Uuid> = row.get("asked_checkout")?;
        let quote = match step {
            // From then on the order has it.
            Step::New | Step::Rejected if checkout.is_some() => self.quote(order_id)?,
            _ => None,
        };
        let lines = match (step, &quote) {
            (Step::New, None) => {
                let lines = self.0.query(SAGA_LINES, params![key(order_id)])?;
                lines.iter().map(line_of).collect::<Result<_, _>>()?
            }
            (Step::New, Some(quote)) => quote.lines(),
            // Removed when the stock was held.
            _ => Vec::new(),
        };
        let expected_total: Option<i64> = row.get("expected_total")?;
        let replaces: Option<Uuid> = row.get("replaces")?;
        let client: Option<String> = row.get("client")?;
        let request = OrderRequest {
            order_id,
            customer_id: id(row, "customer_id")?,
            client: client.map(Holder::stored),
            lines,
            quote: quote.map(Box::new),
            expected_total: expected_total.map(Money::from_units),
            replaces: replaces.map(OrderId::from),
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        };
        let rejection = self.rejection(row, &request, checkout.is_some())?;
        Ok(Saga::restore(
            request,
            step,
            row.get("next_attempt_at")?,
            row.get("attempts")?,
            session_of(row)?,
            cancellation_of(row)?,
            rejection,
        ))
    }

    /// Stores a new saga with its lines: from now on its account and its client hold it. False, and nothing is stored, when
    /// another order has the number that belongs to the order's id.
    pub fn insert_saga(&self, saga: &Saga) -> Result<bool, OrderError> {
        let request = saga.request();
        let inserted = self.0.execute_counted(
            INSERT_SAGA,
            params![
                key(request.order_id),
                key(request.customer_id),
                saga.step().name(),
                request.created_at,
                request.expires_at,
                saga.next_attempt_at(),
                saga.attempts(),
                request.units(),
                request.client.as_ref().map(Holder::as_str),
                request.expected_total.map(Money::units),
                request.replaces.map(key),
                request.quote.as_ref().map(|quote| key(quote.checkout_id())),
                OrderNumber::of_id(request.order_id).as_str(),
            ],
        )?;
        if inserted == 0 {
            return Ok(false);
        }
        if let Some(quote) = &request.quote {
            self.insert_quote(request.order_id, quote)?;
            return Ok(true);
        }
        let line = |line: &Line| format!("[\"{}\",{}]", line.product_id, line.quantity.get());
        let lines: Vec<String> = request.lines.iter().map(line).collect();
        let lines = format!("[{}]", lines.join(","));
        self.0
            .execute(INSERT_SAGA_LINES, params![key(request.order_id), lines])?;
        Ok(true)
    }

    /// Stores what can change of a saga: all but its request. One that has ended is held by nobody any more.
    pub fn update_saga(&self, saga: &Saga) -> Result<(), OrderError> {
        exactly_one(self.store_saga(saga, None)?, "sagas")
    }

    /// [`Self::update_saga`] if the stored saga still stands at that step; returns whether it does.
    pub fn update_saga_at(&self, step: Step, saga: &Saga) -> Result<bool, OrderError> {
        Ok(self.store_saga(saga, Some(step))? == 1)
    }

    fn store_saga(&self, saga: &Saga, from: Option<Step>) -> Result<u64, OrderError> {
        let order_id = saga.request().order_id;
        let (session, cancellation) = (saga.session(), saga.cancellation());
        let changed = self.0.execute_counted(
            UPDATE_SAGA,
            params![
                saga.step().name(),
                saga.next_attempt_at(),
                saga.attempts(),
                session.map(|session| session.id.as_str()),
                session.map(|session| session.url.as_str()),
                session.map(|session| session.expires_at),
                cancellation.map(|cancellation| cancellation.actor.name()),
                cancellation.map(|cancellation| cancellation.reason.as_str()),
                saga.rejection().map(rejection_name),
                key(order_id),
                from.map(Step::name),
            ],
        )?;
        match saga.rejection() {
            Some(Rejection::Lines(lines)) => self.insert_rejected_lines(order_id, lines)?,
            Some(Rejection::TotalChanged(changed)) => {
                let insert = (INSERT_CHANGED_LINES, REPLACE_CHANGED_LINES);
                self.insert_items(insert, order_id, &changed.items)?;
            }
            Some(Rejection::QuoteChanged | Rejection::TotalTooLarge | Rejection::Abandoned)
            | None => {}
        }
        Ok(changed)
    }

    /// The saga that has taken an order's place, or is about to; those that came to nothing do not count.
    pub fn replacement(&self, order_id: OrderId) -> Result<Option<Saga>, OrderError> {
        match self.0.query_one(REPLACEMENT, params![key(order_id)])? {
            Some(row) => self.saga(id(&row, "order_id")?),
            None => Ok(None),
        }
    }

    /// Unfinished sagas that the sweep should look at, longest waiting first.
    pub fn due_sagas(&self, now: u64, limit: u32) -> Result<Vec<OrderId>, OrderError> {
        let mut rows = self.0.query(DUE_SAGAS, params![now, limit])?;
        let late = params![too_late(now), limit];
        rows.extend(self.0.query(SAGAS_PUT_OFF_TOO_LONG, late)?);
        rows.iter()
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|row| id(row, "order_id"))
            .collect()
    }

    fn rejection(
        &self,
        row: &Row,
        request: &OrderRequest,
        is_quoted: bool,
    ) -> Result<Option<Rejection>, OrderError> {
        let name: Option<String> = row.get("rejection")?;
        match name.as_deref() {
            None => return Ok(None),
            Some(REJECTED_AS_TOO_LARGE) => return Ok(Some(Rejection::TotalTooLarge)),
            Some(REJECTED_AS_ABANDONED) => return Ok(Some(Rejection::Abandoned)),
            Some(_) if is_quoted => return Ok(Some(Rejection::QuoteChanged)),
            Some(_) => {}
        }
        let values = params![key(request.order_id)];
        let changed = self.0.query(CHANGED_LINES, values)?;
        if let Some(expected) = request.expected_total
            && !changed.is_empty()
        {
            let items = changed.iter().map(item_of).collect::<Result<Vec<_>, _>>()?;
            let total = OrderItem::total_of(&items)
                .map_err(|_| Error::not("unit_price", "prices that money can hold together"))?;
            return Ok(Some(Rejection::TotalChanged(TotalChanged {
                expected,
                total,
                items,
            })));
        }
        let rejected = self.0.query(REJECTED_LINES, values)?;
        let lines = rejected.iter().map(rejected_line_of);
        Ok(Some(Rejection::Lines(lines.collect::<Result<_, _>>()?)))
    }

    fn insert_rejected_lines(
        &self,
        order_id: OrderId,
        lines: &[RejectedLine],
    ) -> Result<(), OrderError> {
        let row = |(position, line): (u32, &RejectedLine)| -> [Value; 6] {
            [
                key(order_id),
                position.into(),
                key(line.product_id),
                line.code.name().into(),
                line.requested.into(),
                line.available.into(),
            ]
        };
        let rows = (0..).zip(lines).map(row);
        let (insert, replace) = (INSERT_REJECTED_LINES, REPLACE_REJECTED_LINES);
        Ok(self.0.insert_or_update_rows(insert, replace, rows)?)
    }
}

fn line_of(row: &Row) -> Result<Line, OrderError> {
    Ok(Line {
        product_id: id(row, "product_id")?,
        quantity: quantity(row)?,
    })
}

fn rejected_line_of(row: &Row) -> Result<RejectedLine, OrderError> {
    Ok(RejectedLine {
        product_id: id(row, "product_id")?,
        code: named(row, "problem")?,
        requested: row.get("requested")?,
        available: row.get("available")?,
    })
}

fn session_of(row: &Row) -> Result<Option<CheckoutSession>, OrderError> {
    let id: Option<String> = row.get("session_id")?;
    let url: Option<String> = row.get("session_url")?;
    let expires_at: Option<u64> = row.get("session_expires_at")?;
    let session = id.zip(url).zip(expires_at);
    Ok(session.map(|((id, url), expires_at)| CheckoutSession {
        id,
        url,
        expires_at,
    }))
}

fn cancellation_of(row: &Row) -> Result<Option<Cancellation>, OrderError> {
    let reason: Option<String> = row.get("closing_reason")?;
    let cancellation = |reason| {
        Ok(Cancellation {
            actor: actor(row, "closing_actor")?,
            reason,
        })
    };
    reason.map(cancellation).transpose()
}

const fn rejection_name(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Lines(_) | Rejection::QuoteChanged | Rejection::TotalChanged(_) => {
            REJECTED_FOR_LINES
        }
        Rejection::TotalTooLarge => REJECTED_AS_TOO_LARGE,
        Rejection::Abandoned => REJECTED_AS_ABANDONED,
    }
}
