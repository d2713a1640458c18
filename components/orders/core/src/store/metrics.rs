//! What operators watch. The triggers count as it happens.

use mercato_sql::{Row, params};

use super::Records;
use crate::domain::{OrderError, OrderStatus};

/// What operators watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Number of orders of every status, none left out.
    pub orders: Vec<(OrderStatus, u64)>,
    /// Half-made or expired orders that the sweep should have resumed by now; from 1,000 on it may be more.
    pub overdue: u64,
    /// What committed changes still have to do in other databases.
    pub pending_actions: u64,
    /// Runs of the sweep that found something to do. This and what follows is counted since the database can.
    pub sweeps: u64,
    /// Payment events applied, each once.
    pub events_applied: u64,
    /// How often the sweep has resumed an order again that it could not finish.
    pub order_retries: u64,
    /// How often the sweep has tried a pending action.
    pub action_retries: u64,
}

/// Counted in indexes of what waits, and no further than somebody would want to know.
pub(super) const WAITING: &str = "
SELECT
  (SELECT COUNT(*)
  FROM (
    SELECT 1
    FROM sagas
    WHERE step IN ('new', 'reserved', 'ready', 'closing') AND next_attempt_at <= ?1
    LIMIT ?2) AS counted) AS overdue,
  (SELECT COUNT(*) FROM follow_ups) AS pending_actions -- plan: what is left to do";

/// So many overdue orders are counted; that many may be more.
const OVERDUE_COUNTED_MAX: u32 = 1_000;

pub(super) const TALLIES: &str = "
SELECT sweeps, events_applied, order_retries, follow_up_retries
FROM tallies";

impl Records<'_> {
    /// What operators watch, `now` in milliseconds since the Unix epoch. Costs the same however many orders there are.
    pub fn metrics_snapshot(&self, now: u64) -> Result<MetricsSnapshot, OrderError> {
        let waiting = self
            .0
            .query_one(WAITING, params![now, OVERDUE_COUNTED_MAX])?;
        let tallies = self.0.query_one(TALLIES, &[])?;
        let number = |row: &Option<Row>, column| row.as_ref().map_or(Ok(0), |row| row.get(column));
        Ok(MetricsSnapshot {
            orders: self.counts()?,
            overdue: number(&waiting, "overdue")?,
            pending_actions: number(&waiting, "pending_actions")?,
            sweeps: number(&tallies, "sweeps")?,
            events_applied: number(&tallies, "events_applied")?,
            order_retries: number(&tallies, "order_retries")?,
            action_retries: number(&tallies, "follow_up_retries")?,
        })
    }
}
