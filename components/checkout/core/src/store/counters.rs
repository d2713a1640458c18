//! Table `counters`.

use mercato_sql::params;

use super::Records;
use crate::application::Error;
use crate::domain::{Counter, CounterKey};

const SELECT: &str = "
    SELECT count, window_ends_at, blocked_until
    FROM counters
    WHERE key_hash = ?";

const REPLACE: &str = "
    INSERT INTO counters (key_hash, count, window_ends_at, blocked_until, forgotten_at)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key_hash) DO UPDATE
    SET count = excluded.count, window_ends_at = excluded.window_ends_at, blocked_until = excluded.blocked_until,
      forgotten_at = excluded.forgotten_at";

const DELETE_OLD: &str = "
    DELETE FROM counters
    WHERE key_hash IN (
      SELECT key_hash
      FROM counters
      WHERE forgotten_at <= ?
      ORDER BY forgotten_at
      LIMIT ?
    )";

impl Records<'_> {
    /// What is counted under that key; none when nothing is.
    pub fn counter(&self, key: &CounterKey) -> Result<Counter, Error> {
        let kept = self.first(SELECT, params![key.as_str()], |row| {
            Ok(Counter::restore(
                row.get("count")?,
                row.get("window_ends_at")?,
                row.get("blocked_until")?,
            ))
        })?;
        Ok(kept.unwrap_or_default())
    }

    /// Replaces what is counted under that key.
    pub fn save_counter(&self, key: &CounterKey, counter: &Counter) -> Result<(), Error> {
        let values = params![
            key.as_str(),
            counter.count(),
            counter.window_ends_at(),
            counter.blocked_until(),
            counter.forgotten_at(),
        ];
        self.execute(REPLACE, values)
    }

    /// Removes counters whose time is over at `now` (milliseconds since the Unix epoch), so many at most; returns how many.
    pub fn remove_old_counters(&self, now: u64, limit: u32) -> Result<u64, Error> {
        self.changed(DELETE_OLD, params![now, limit])
    }
}
