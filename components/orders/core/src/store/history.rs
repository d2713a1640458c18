//! The history of orders.

use mercato_kernel::{Named as _, OrderId};
use mercato_sql::{Error, Row, params};

use super::{Records, key, named};
use crate::domain::{Actor, OrderError, OrderStatus, StatusChange};

const INSERT_HISTORY: &str = "
INSERT INTO order_status_history (order_id, from_status, to_status, actor, reason, at)
VALUES (?, ?, ?, ?, ?, ?)";

pub(super) const HISTORY: &str = "
SELECT from_status, to_status, actor, reason, at
FROM order_status_history
WHERE order_id = ?
ORDER BY id";

impl Records<'_> {
    /// Adds a line to an order's history.
    pub fn add_history(&self, id: OrderId, change: &StatusChange) -> Result<(), OrderError> {
        self.0.execute(
            INSERT_HISTORY,
            params![
                key(id),
                change.from.map(OrderStatus::name),
                change.to.name(),
                change.actor.name(),
                change.reason.as_str(),
                change.at,
            ],
        )?;
        Ok(())
    }

    /// An order's history, oldest first.
    pub fn history(&self, id: OrderId) -> Result<Vec<StatusChange>, OrderError> {
        let rows = self.0.query(HISTORY, params![key(id)])?;
        rows.iter().map(change_of).collect()
    }
}

fn change_of(row: &Row) -> Result<StatusChange, OrderError> {
    let from: Option<String> = row.get("from_status")?;
    Ok(StatusChange {
        from: from.map(|_| named(row, "from_status")).transpose()?,
        to: named(row, "to_status")?,
        actor: actor(row, "actor")?,
        reason: row.get("reason")?,
        at: row.get("at")?,
    })
}

pub(super) fn actor(row: &Row, column: &str) -> Result<Actor, OrderError> {
    let name: String = row.get(column)?;
    Ok(Actor::parse(&name).map_err(|_| Error::not(column, "an actor"))?)
}
