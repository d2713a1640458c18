//! Table `signing_key`, of PostgreSQL alone: which key signs access tokens. A file has one runner, whose key is the right one.

use mercato_sql::{Dialect, params};

use super::Records;
use crate::application::Error;

const SELECT: &str = "
    SELECT key_id
    FROM signing_key
    WHERE id = 1";

const REPLACE: &str = "
    INSERT INTO signing_key (id, key_id, used_since)
    VALUES (1, ?, ?)
    ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id, used_since = excluded.used_since";

impl Records<'_> {
    /// The name (`kid`) of the key that signs, once there is one.
    pub fn signing_key(&self) -> Result<Option<String>, Error> {
        self.first(SELECT, params![], |row| Ok(row.get("key_id")?))
    }

    /// Records that the key of that name signs from `now` on, in milliseconds since the Unix epoch.
    pub fn save_signing_key(&self, key_id: &str, now: u64) -> Result<(), Error> {
        self.execute(REPLACE, params![key_id, now])
    }

    /// Since when it signs.
    #[cfg(test)]
    pub fn signing_key_since(&self) -> Result<u64, Error> {
        let since = "SELECT used_since FROM signing_key WHERE id = 1";
        self.number(since, params![], "used_since")
    }

    /// Whether other runners may have the same database.
    pub fn is_shared(&self) -> bool {
        self.0.dialect() == Dialect::Postgres
    }
}
