//! Pending actions, in the table `follow_ups`: what a committed change still has to do in another database.

use mercato_kernel::{OrderId, PaymentId};
use mercato_sql::{Error, Row, Value, params};

use super::{Records, id, key, too_late};
use crate::domain::OrderError;

/// What a committed change still has to do in another database. Done in the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingAction {
    /// Grows with every action.
    pub number: u64,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// What is to be done.
    pub action: Action,
    /// How often the sweep has tried it.
    pub attempts: u32,
}

/// What can be pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The held stock is to be sold.
    CommitStock,
    /// The held stock is to be given back.
    ReleaseStock,
    /// The sold stock is to be given back.
    RestockStock,
    /// The held uses of discount codes are to be used for good.
    CommitCodes,
    /// The uses of discount codes are to be given back.
    ReleaseCodes,
    /// The event of this id is to be acknowledged at payments.
    Acknowledge(String),
    /// The payment of this id came too late and is to be given back.
    Refund(PaymentId),
    /// The order was cancelled, or given up before it was stored, and somebody may have opened its payment meanwhile.
    CancelPayment,
}

/// As many rows of values follow as there are actions.
const INSERT: &str = "
INSERT INTO follow_ups (order_id, task, subject, next_attempt_at)";

pub(super) const OF_ORDER: &str = "
SELECT number, task, subject, attempts
FROM follow_ups
WHERE order_id = ?
ORDER BY number";

/// The parameter lists numbers.
const REMOVE: &str =
    "DELETE FROM follow_ups WHERE number IN (SELECT CAST(value AS BIGINT) FROM json_each(?))";

const POSTPONE: &str = "
UPDATE follow_ups
SET next_attempt_at = ?, attempts = attempts + 1
WHERE order_id = ?";

/// Takes one [`POSTPONE`] back.
const RETURN: &str = "
UPDATE follow_ups
SET next_attempt_at = ?, attempts = attempts - 1
WHERE order_id = ? AND attempts > 0";

const DUE: &str = "
SELECT order_id, MAX(attempts) AS attempts, MIN(next_attempt_at) AS due
FROM follow_ups
WHERE next_attempt_at <= ? OR next_attempt_at > ?
GROUP BY order_id
ORDER BY due
LIMIT ? -- plan: what committed changes still have to do, which is done at once";

impl Records<'_> {
    /// Adds an action that the sweep tries from `not_before` on.
    pub fn add_pending_action(
        &self,
        id: OrderId,
        action: &Action,
        not_before: u64,
    ) -> Result<(), OrderError> {
        self.add_pending_actions(id, std::slice::from_ref(action), not_before)
    }

    /// [`Self::add_pending_action`] for several actions, which are done in this order.
    pub fn add_pending_actions(
        &self,
        id: OrderId,
        actions: &[Action],
        not_before: u64,
    ) -> Result<(), OrderError> {
        let row = |action| {
            let (task, subject) = columns_of(action);
            [key(id), task.into(), subject, not_before.into()]
        };
        Ok(self.0.insert_rows(INSERT, actions.iter().map(row))?)
    }

    /// The pending actions of an order, in their order.
    pub fn pending_actions(&self, order_id: OrderId) -> Result<Vec<PendingAction>, OrderError> {
        let pending = |row: &Row| {
            Ok(PendingAction {
                number: row.get("number")?,
                order_id,
                action: action_of(row)?,
                attempts: row.get("attempts")?,
            })
        };
        let rows = self.0.query(OF_ORDER, params![key(order_id)])?;
        rows.iter().map(pending).collect()
    }

    /// The actions of these numbers are done.
    pub fn remove_pending_actions(&self, numbers: &[u64]) -> Result<(), OrderError> {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let numbers = format!("[{}]", numbers.join(","));
        self.0.execute(REMOVE, params![numbers])?;
        Ok(())
    }

    /// Puts an order's pending actions off.
    pub fn postpone_pending_actions(&self, id: OrderId, until: u64) -> Result<(), OrderError> {
        self.0.execute(POSTPONE, params![until, key(id)])?;
        Ok(())
    }

    /// Makes an order's pending actions due again that were put off and not tried.
    pub fn return_pending_actions(&self, id: OrderId, due: u64) -> Result<(), OrderError> {
        self.0.execute(RETURN, params![due, key(id)])?;
        Ok(())
    }

    /// Orders whose first action is due, longest waiting first, with its attempts so far.
    pub fn due_pending_actions(
        &self,
        now: u64,
        limit: u32,
    ) -> Result<Vec<(OrderId, u32)>, OrderError> {
        let rows = self.0.query(DUE, params![now, too_late(now), limit])?;
        let due = |row: &Row| Ok((id(row, "order_id")?, row.get("attempts")?));
        rows.iter().map(due).collect()
    }
}

fn columns_of(action: &Action) -> (&'static str, Value) {
    match action {
        Action::CommitStock => ("commit-stock", Value::Null),
        Action::ReleaseStock => ("release-stock", Value::Null),
        Action::RestockStock => ("restock-stock", Value::Null),
        Action::CommitCodes => ("commit-codes", Value::Null),
        Action::ReleaseCodes => ("release-codes", Value::Null),
        Action::Acknowledge(event_id) => ("acknowledge", event_id.into()),
        Action::Refund(payment_id) => ("refund", key(*payment_id)),
        Action::CancelPayment => ("cancel-payment", Value::Null),
    }
}

fn action_of(row: &Row) -> Result<Action, OrderError> {
    let task: String = row.get("task")?;
    match (task.as_str(), row.get::<Option<String>>("subject")?) {
        ("commit-stock", None) => Ok(Action::CommitStock),
        ("release-stock", None) => Ok(Action::ReleaseStock),
        ("restock-stock", None) => Ok(Action::RestockStock),
        ("commit-codes", None) => Ok(Action::CommitCodes),
        ("release-codes", None) => Ok(Action::ReleaseCodes),
        ("acknowledge", Some(event_id)) => Ok(Action::Acknowledge(event_id)),
        ("refund", Some(_)) => Ok(Action::Refund(id(row, "subject")?)),
        ("cancel-payment", None) => Ok(Action::CancelPayment),
        _ => Err(Error::not("task", "an action that this program knows").into()),
    }
}
