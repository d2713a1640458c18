//! PostgreSQL: over the host's `spin:postgres` in a component, over the crate `postgres` in native tests.

mod failure;
mod migrate;
#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(not(target_family = "wasm"))]
mod plans;
#[cfg(not(target_family = "wasm"))]
mod pool;
#[cfg(target_family = "wasm")]
mod spin;
#[cfg(test)]
mod tests;
mod translate;
#[cfg(not(target_family = "wasm"))]
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use self::failure::Failure;
#[cfg(not(target_family = "wasm"))]
use self::native::Session;
#[cfg(target_family = "wasm")]
use self::spin::Session;
use crate::{Error, Locks, Row, Value, params};

#[cfg(not(target_family = "wasm"))]
pub use self::native::server;

/// More than a context has: each is translated and prepared once.
const STATEMENTS_KEPT: usize = 512;

/// What statements for both databases call.
const FUNCTIONS: &str = include_str!("functions.sql");

/// Takes keys. They come in one parameter, so that the text does not depend on them.
const TAKE: &str = "
SELECT pg_advisory_xact_lock(key)
FROM unnest(CAST(CAST(? AS TEXT) AS BIGINT[])) AS keys (key)";

/// Takes keys that are free, and says whether all were.
const TRY_TAKE: &str = "
SELECT COALESCE(bool_and(pg_try_advisory_xact_lock(key)), TRUE)
FROM unnest(CAST(CAST(? AS TEXT) AS BIGINT[])) AS keys (key)";

/// A database of a server.
pub struct Backend {
    session: Session,
    /// PostgreSQL's text of statements, by the text for both databases.
    translated: RefCell<BTreeMap<String, Arc<str>>>,
    /// Statements that have run.
    statements: Cell<u64>,
    transaction: Cell<Transaction>,
    is_lost: Cell<bool>,
}

/// How a transaction has gone so far.
#[derive(Debug, Clone, Copy, Default)]
struct Transaction {
    /// A statement has failed: PostgreSQL does nothing more in this one.
    has_failed: bool,
    /// It failed because others were in the way.
    has_conflict: bool,
}

impl Backend {
    const fn of(session: Session) -> Self {
        Self {
            session,
            translated: RefCell::new(BTreeMap::new()),
            statements: Cell::new(0),
            transaction: Cell::new(Transaction {
                has_failed: false,
                has_conflict: false,
            }),
            is_lost: Cell::new(false),
        }
    }

    /// How many statements have run.
    #[cfg(not(target_family = "wasm"))]
    pub const fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// Whether the connection is gone, so that another one is needed.
    pub const fn is_lost(&self) -> bool {
        self.is_lost.get()
    }

    /// Whether others were in the way of this transaction, so that it is to be run again.
    pub const fn has_conflict(&self) -> bool {
        self.transaction.get().has_conflict
    }

    /// Begins a transaction when all keys are free, which it takes.
    pub fn begin(&self, locks: &Locks) -> Result<(), Error> {
        self.transaction.take();
        let begun = self.begin_any().and_then(|()| self.lock(locks));
        if begun.is_err() {
            // Half of a transaction may have begun.
            drop(self.roll_back());
        }
        begun
    }

    /// Begins a transaction if all keys are free now; false, and none has begun, when one of them is not.
    pub fn try_begin(&self, locks: &Locks) -> Result<bool, Error> {
        self.transaction.take();
        let try_take = || -> Result<bool, Error> {
            self.begin_any()?;
            let rows = self.query(TRY_TAKE, params![array(locks)])?;
            rows.first().map_or(Ok(false), |row| row.get(0))
        };
        let are_free = try_take();
        if are_free != Ok(true) {
            self.roll_back()?;
        }
        are_free
    }

    /// Begins a transaction. It goes to the server with the next statement, so it does not count as one.
    fn begin_any(&self) -> Result<(), Error> {
        let begun = self.session.execute("BEGIN", params![]);
        begun.map(drop).map_err(|failure| self.failed(failure))
    }

    /// Takes further keys.
    pub fn lock(&self, locks: &Locks) -> Result<(), Error> {
        if locks.keys().is_empty() {
            return Ok(());
        }
        self.execute(TAKE, params![array(locks)]).map(drop)
    }

    /// Ends the transaction. When no answer comes, it may have been committed or not.
    pub fn commit(&self) -> Result<(), Error> {
        if self.transaction.get().has_failed {
            let message = "a statement of the transaction has failed: nothing can be committed";
            return Err(Error::Storage(message.to_owned()));
        }
        self.execute("COMMIT", params![]).map(drop)
    }

    /// Takes back the transaction, if there is one.
    pub fn roll_back(&self) -> Result<(), Error> {
        self.execute("ROLLBACK", params![]).map(drop)
    }

    /// Runs a statement and gives its rows.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let text = self.begin_statement(statement);
        #[cfg(not(target_family = "wasm"))]
        self.session.watch_plans(&text);
        let rows = self.session.query(&text, parameters);
        let rows = rows.map_err(|failure| self.failed(failure))?;
        #[cfg(not(target_family = "wasm"))]
        self.session.check_plans();
        Ok(rows)
    }

    /// Runs a statement and gives how many rows it has changed.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        let text = self.begin_statement(statement);
        #[cfg(not(target_family = "wasm"))]
        self.session.watch_plans(&text);
        let changed = self.session.execute(&text, parameters);
        let changed = changed.map_err(|failure| self.failed(failure))?;
        #[cfg(not(target_family = "wasm"))]
        self.session.check_plans();
        Ok(changed)
    }

    /// Runs statements that are PostgreSQL's already, each ended with `;` and an empty line, as a server takes one at a time.
    fn execute_all(&self, statements: &str) -> Result<(), Error> {
        for statement in crate::migrate::statements(statements) {
            self.statements.set(self.statements.get() + 1);
            let done = self.session.execute(statement, params![]);
            done.map_err(|failure| self.failed(failure))?;
        }
        #[cfg(not(target_family = "wasm"))]
        self.session.forget_plans();
        Ok(())
    }

    /// PostgreSQL's text of a statement that begins.
    fn begin_statement(&self, statement: &str) -> Arc<str> {
        self.statements.set(self.statements.get() + 1);
        let mut known = self.translated.borrow_mut();
        if let Some(text) = known.get(statement) {
            return Arc::clone(text);
        }
        if known.len() >= STATEMENTS_KEPT {
            known.clear();
        }
        let text: Arc<str> = translate::translate(statement).into();
        known.insert(statement.to_owned(), Arc::clone(&text));
        text
    }

    fn failed(&self, failure: Failure) -> Error {
        let has_conflict = self.has_conflict() || failure.is_conflict;
        self.transaction.set(Transaction {
            has_failed: true,
            has_conflict,
        });
        if failure.is_lost {
            self.is_lost.set(true);
        }
        failure.error
    }
}

/// The text of an array of numbers.
fn array(locks: &Locks) -> String {
    let keys: Vec<String> = locks.keys().iter().map(i64::to_string).collect();
    format!("{{{}}}", keys.join(","))
}
