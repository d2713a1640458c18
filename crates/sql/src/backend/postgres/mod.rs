//! A PostgreSQL of the tests, natively.

mod failure;
mod migrate;
mod pool;
#[cfg(test)]
mod tests;
mod translate;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::env;
use std::rc::Rc;
use std::sync::LazyLock;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::{Client, SimpleQueryMessage, Statement};

use self::failure::Failure;
use self::pool::Lent;
use crate::{Error, Locks, Migration, Row, Value};

/// The variable that names the server, as in `postgres://postgres@127.0.0.1:5432/postgres`.
const SERVER: &str = "MERCATO_TEST_POSTGRES";

/// More than a context has: each is prepared once.
const STATEMENTS_KEPT: usize = 512;

/// What statements for both databases call.
const FUNCTIONS: &str = include_str!("functions.sql");

/// The server of the tests, if there is one.
pub fn server() -> Option<&'static str> {
    static ADDRESS: LazyLock<Option<String>> = LazyLock::new(|| env::var(SERVER).ok());
    ADDRESS.as_deref().filter(|address| !address.is_empty())
}

/// A database of that server.
pub struct Backend {
    session: RefCell<Lent>,
    /// Statements that have run.
    statements: Cell<u64>,
    /// Rows that the last statement has changed.
    changes: Cell<u64>,
    transaction: Cell<Transaction>,
}

/// How a transaction has gone so far.
#[derive(Debug, Clone, Copy, Default)]
struct Transaction {
    /// A statement has failed: PostgreSQL does nothing more in this one.
    has_failed: bool,
    /// It failed because others were in the way.
    has_conflict: bool,
}

/// A connection with what was prepared on it.
pub struct Session {
    client: Client,
    /// By their texts for both databases.
    prepared: BTreeMap<String, Statement>,
}

impl Backend {
    /// A database with that schema, of that server. Its content is that of a new one.
    pub fn lend(
        server: &'static str,
        label: &str,
        migrations: &'static [Migration],
    ) -> Result<Self, Error> {
        Ok(Self::of(pool::lend(server, label, migrations)?))
    }

    fn of(session: Lent) -> Self {
        Self {
            session: RefCell::new(session),
            statements: Cell::default(),
            changes: Cell::default(),
            transaction: Cell::default(),
        }
    }

    /// How many statements have run.
    pub const fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// Rows that the last statement has changed.
    pub const fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Whether others were in the way of this transaction, so that it is to be run again.
    pub const fn has_conflict(&self) -> bool {
        self.transaction.get().has_conflict
    }

    /// Begins a transaction when all keys are free, which it takes in the same round trip.
    pub fn begin(&self, locks: &Locks) -> Result<(), Error> {
        self.transaction.take();
        let begun = self.simple(&format!("BEGIN; {}", take(locks)));
        if begun.is_err() {
            // Half of a transaction may have begun.
            drop(self.roll_back());
        }
        begun.map(drop)
    }

    /// Begins a transaction if all keys are free now; false, and none has begun, when one of them is not.
    pub fn try_begin(&self, locks: &Locks) -> Result<bool, Error> {
        self.transaction.take();
        let try_take = format!(
            "BEGIN; SELECT COALESCE(bool_and(pg_try_advisory_xact_lock(key)), TRUE) FROM unnest({}) AS keys (key)",
            array(locks)
        );
        let answers = self.simple(&try_take);
        let are_free = answers.map(|answers| {
            answers.iter().any(
                |answer| matches!(answer, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")),
            )
        });
        if are_free != Ok(true) {
            self.roll_back()?;
        }
        are_free
    }

    /// Takes further keys.
    pub fn lock(&self, locks: &Locks) -> Result<(), Error> {
        self.simple(&take(locks)).map(drop)
    }

    /// Ends the transaction. When no answer comes, it may have been committed or not.
    pub fn commit(&self) -> Result<(), Error> {
        if self.transaction.get().has_failed {
            let message = "a statement of the transaction has failed: nothing can be committed";
            return Err(Error::Storage(message.to_owned()));
        }
        self.simple("COMMIT").map(drop)
    }

    /// Takes back the transaction, if there is one.
    pub fn roll_back(&self) -> Result<(), Error> {
        self.simple("ROLLBACK").map(drop)
    }

    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        self.statements.set(self.statements.get() + 1);
        let mut session = self.session.borrow_mut();
        let result = run(session.session()?, statement, parameters);
        let (rows, changes) = result.map_err(|failure| self.failed(failure))?;
        self.changes.set(changes);
        Ok(rows)
    }

    /// Statements without parameters, in one round trip.
    fn simple(&self, statements: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.statements.set(self.statements.get() + 1);
        let mut session = self.session.borrow_mut();
        let answers = session.session()?.client.simple_query(statements);
        answers.map_err(|error| self.failed(error.into()))
    }

    fn failed(&self, failure: Failure) -> Error {
        let has_conflict = self.has_conflict() || failure.is_conflict;
        self.transaction.set(Transaction {
            has_failed: true,
            has_conflict,
        });
        failure.error
    }
}

/// Keys are numbers, so they can stand in the text.
fn array(locks: &Locks) -> String {
    let keys: Vec<String> = locks.keys().iter().map(i64::to_string).collect();
    format!("CAST('{{{}}}' AS BIGINT[])", keys.join(","))
}

fn take(locks: &Locks) -> String {
    format!(
        "SELECT pg_advisory_xact_lock(key) FROM unnest({}) AS keys (key)",
        array(locks)
    )
}

fn run(
    session: &mut Session,
    statement: &str,
    parameters: &[Value],
) -> Result<(Vec<Row>, u64), Failure> {
    let prepared = session.prepare(statement)?;
    let columns = prepared.columns().iter();
    let names: Rc<[String]> = columns.map(|column| column.name().to_owned()).collect();
    let mut found = session.client.query_raw(&prepared, parameters)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..row.len()).map(|column| values::value(&row, column));
        let values = values.collect::<Result<_, _>>();
        rows.push(Row {
            names: Rc::clone(&names),
            values: values.map_err(|error| Failure {
                error,
                is_conflict: false,
            })?,
        });
    }
    Ok((rows, found.rows_affected().unwrap_or_default()))
}

impl Session {
    fn prepare(&mut self, statement: &str) -> Result<Statement, Failure> {
        if let Some(prepared) = self.prepared.get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(&translate::translate(statement))?;
        if self.prepared.len() >= STATEMENTS_KEPT {
            self.prepared.clear();
        }
        self.prepared.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}
