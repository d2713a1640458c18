//! Tables `login_failures` and `familiar_clients`.

use mercato_sql::{Row, params};

use super::{FORGET_MAX_ROWS, Records};
use crate::application::Error;
use crate::domain::{Counter, CounterKey};

const SELECT_FAILURES: &str = "
    SELECT failures, window_ends_at, blocked_until
    FROM login_failures
    WHERE key_hash = ?";

const REPLACE_FAILURES: &str = "
    INSERT INTO login_failures (key_hash, failures, window_ends_at, blocked_until, forgotten_at)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key_hash) DO UPDATE
    SET failures = excluded.failures, window_ends_at = excluded.window_ends_at,
      blocked_until = excluded.blocked_until, forgotten_at = excluded.forgotten_at";

const DELETE_FAILURES: &str = "
    DELETE FROM login_failures
    WHERE key_hash = ?";

const DELETE_OLD_FAILURES: &str = "
    DELETE FROM login_failures
    WHERE key_hash IN (
      SELECT key_hash
      FROM login_failures
      WHERE forgotten_at <= ?
      ORDER BY forgotten_at
      LIMIT ?
    )";

const SELECT_FAMILIAR: &str = "
    SELECT 1
    FROM familiar_clients
    WHERE key_hash = ?
      AND forgotten_at > ?";

const REPLACE_FAMILIAR: &str = "
    INSERT INTO familiar_clients (key_hash, forgotten_at)
    VALUES (?, ?)
    ON CONFLICT (key_hash) DO UPDATE
    SET forgotten_at = excluded.forgotten_at";

const DELETE_OLD_FAMILIAR: &str = "
    DELETE FROM familiar_clients
    WHERE key_hash IN (
      SELECT key_hash
      FROM familiar_clients
      WHERE forgotten_at <= ?
      ORDER BY forgotten_at
      LIMIT ?
    )";

impl Records<'_> {
    /// The failed logins under that key, old ones included; none when there were none.
    pub fn failures(&self, key: &CounterKey) -> Result<Counter, Error> {
        let kept = self.first(SELECT_FAILURES, params![key.as_str()], failures)?;
        Ok(kept.unwrap_or_default())
    }

    /// Replaces the failed logins under that key.
    pub fn save_failures(&self, key: &CounterKey, failures: &Counter) -> Result<(), Error> {
        let values = params![
            key.as_str(),
            failures.count(),
            failures.window_ends_at(),
            failures.blocked_until(),
            failures.forgotten_at(),
        ];
        self.execute(REPLACE_FAILURES, values)
    }

    /// Forgets the failed logins under that key.
    pub fn clear_failures(&self, key: &CounterKey) -> Result<(), Error> {
        self.execute(DELETE_FAILURES, params![key.as_str()])
    }

    /// Whether the pair of account and client behind that key is familiar at `now` (milliseconds since the Unix epoch).
    pub fn is_familiar(&self, key: &CounterKey, now: u64) -> Result<bool, Error> {
        let found = self
            .0
            .query_one(SELECT_FAMILIAR, params![key.as_str(), now])?;
        Ok(found.is_some())
    }

    /// Makes the pair of account and client behind that key familiar until then (milliseconds since the Unix epoch).
    pub fn make_familiar(&self, key: &CounterKey, until: u64) -> Result<(), Error> {
        self.execute(REPLACE_FAMILIAR, params![key.as_str(), until])
    }

    /// Forgets some of the failures and familiar clients whose time is over at `now` (milliseconds since the Unix
    /// epoch), so that they do not pile up.
    pub fn forget_old_attempts(&self, now: u64) -> Result<(), Error> {
        self.execute(DELETE_OLD_FAILURES, params![now, FORGET_MAX_ROWS])?;
        self.execute(DELETE_OLD_FAMILIAR, params![now, FORGET_MAX_ROWS])
    }

    /// Number of rows of both tables.
    #[cfg(test)]
    pub fn count_attempts(&self) -> Result<[u64; 2], Error> {
        let failures = "SELECT COUNT(*) AS count FROM login_failures -- of a test";
        let familiar = "SELECT COUNT(*) AS count FROM familiar_clients -- of a test";
        Ok([
            self.number(failures, params![], "count")?,
            self.number(familiar, params![], "count")?,
        ])
    }
}

fn failures(row: &Row) -> Result<Counter, Error> {
    Ok(Counter::restore(
        row.get("failures")?,
        row.get("window_ends_at")?,
        row.get("blocked_until")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Client;
    use crate::store::Store;
    use crate::store::testing::{NOW, query_plan};

    #[test]
    fn failures_are_kept_under_their_key_until_they_are_cleared() {
        let store = Store::for_test();
        let (key, other) = (CounterKey::subject("a"), CounterKey::subject("b"));
        let kept = |key: &CounterKey| store.read(|records| records.failures(key)).unwrap();
        assert_eq!(kept(&key), Counter::default());
        for max in [10, 1] {
            let failures = kept(&key).with_one_more(max, NOW);
            store
                .change(|records| records.save_failures(&key, &failures))
                .unwrap();
            assert_eq!(kept(&key), failures);
        }
        assert_eq!(kept(&other), Counter::default());
        store
            .change(|records| records.clear_failures(&key))
            .unwrap();
        assert_eq!(kept(&key), Counter::default());
    }

    #[test]
    fn a_pair_is_familiar_until_its_time_is_over() {
        let store = Store::for_test();
        let client = Client::parse("192.0.2.1");
        let key = CounterKey::pair("a", client.as_ref());
        let is_familiar = |now| {
            store
                .read(|records| records.is_familiar(&key, now))
                .unwrap()
        };
        assert!(!is_familiar(NOW));
        for until in [NOW + 5, NOW + 10] {
            store
                .change(|records| records.make_familiar(&key, until))
                .unwrap();
            assert!(is_familiar(until - 1) && !is_familiar(until));
        }
    }

    #[test]
    fn old_attempts_are_forgotten_a_bounded_number_at_a_time() {
        let store = Store::for_test();
        let count = FORGET_MAX_ROWS + 1;
        let key = |number: u32| CounterKey::subject(&number.to_string());
        let failures = Counter::default().with_one_more(10, NOW);
        store
            .change(|records| {
                (0..count).try_for_each(|number| {
                    records.save_failures(&key(number), &failures)?;
                    records.make_familiar(&key(number), failures.forgotten_at())
                })
            })
            .unwrap();
        let rows = || store.read(|records| records.count_attempts()).unwrap();
        let forget = |now| {
            store
                .change(|records| records.forget_old_attempts(now))
                .unwrap();
        };
        forget(failures.forgotten_at() - 1);
        assert_eq!(rows(), [u64::from(count); 2]);
        forget(failures.forgotten_at());
        assert_eq!(rows(), [1, 1]);
        forget(failures.forgotten_at());
        assert_eq!(rows(), [0, 0]);
    }

    #[test]
    fn old_attempts_are_found_by_index() {
        let store = Store::on_sqlite();
        for (statement, index) in [
            (DELETE_OLD_FAILURES, "login_failures_by_end"),
            (DELETE_OLD_FAMILIAR, "familiar_clients_by_end"),
        ] {
            let plan = query_plan(&store, statement, params![1, 1]);
            assert!(
                plan.contains(index) && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
        }
    }
}
