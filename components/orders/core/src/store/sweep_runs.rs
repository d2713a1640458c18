//! Runs of the sweep, and what is due at one.

use mercato_sql::params;

use super::{Records, exactly_one, too_late};
use crate::domain::OrderError;

const LAST_SWEEP: &str = "SELECT last_run_at FROM sweeper";

const SET_LAST_SWEEP: &str = "UPDATE sweeper SET last_run_at = ?";

pub(super) const HAS_DUE: &str = "
SELECT EXISTS (
    SELECT 1
    FROM sagas
    WHERE step IN ('new', 'reserved', 'ready', 'closing') AND next_attempt_at <= ?1)
  OR EXISTS (
    SELECT 1
    FROM sagas
    WHERE step IN ('new', 'reserved', 'closing') AND next_attempt_at > ?2)
  OR EXISTS (SELECT 1 FROM follow_ups WHERE next_attempt_at <= ?1)
  OR EXISTS (SELECT 1 FROM follow_ups WHERE next_attempt_at > ?2) AS has_due";

impl Records<'_> {
    /// When the sweep last ran, in milliseconds since the Unix epoch; 0 for never.
    pub fn last_sweep(&self) -> Result<u64, OrderError> {
        let row = self.0.query_one(LAST_SWEEP, &[])?;
        Ok(row.map_or(Ok(0), |row| row.get("last_run_at"))?)
    }

    /// Records that the sweep runs.
    pub fn set_last_sweep(&self, now: u64) -> Result<(), OrderError> {
        exactly_one(
            self.0.execute_counted(SET_LAST_SWEEP, params![now])?,
            "sweeper",
        )
    }

    /// Whether there is a saga or a pending action that the sweep should look at.
    pub fn has_due(&self, now: u64) -> Result<bool, OrderError> {
        let row = self.0.query_one(HAS_DUE, params![now, too_late(now)])?;
        Ok(row.map_or(Ok(false), |row| row.get("has_due"))?)
    }
}
