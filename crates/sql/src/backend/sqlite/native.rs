use std::cell::Cell;
use std::rc::Rc;

use rusqlite::StatementStatus;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::plans;
use super::pool::{Lent, Pool};
use crate::{Error, Row, Value};

/// More than a context has: each is prepared once.
const STATEMENTS_KEPT: usize = 256;

/// A SQLite database in memory.
pub struct Backend {
    lent: Lent,
    /// Statements that have run.
    statements: Cell<u64>,
    /// What they took, in steps of SQLite's virtual machine.
    steps: Cell<u64>,
}

impl Backend {
    pub fn open() -> Result<Self, Error> {
        connect(":memory:").map(Lent::forever).map(Self::new)
    }

    /// A database of that pool; it goes back there.
    pub fn of(pool: &'static Pool) -> Result<Self, Error> {
        pool.lend().map(Self::new)
    }

    const fn new(lent: Lent) -> Self {
        Self {
            lent,
            statements: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// How many statements have run.
    pub const fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// How many steps of the virtual machine statements took.
    pub const fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// The connection, to begin a pool with.
    pub fn into_connection(self) -> Option<rusqlite::Connection> {
        self.lent.keep()
    }

    /// Rows that the last statement has changed.
    pub fn changes(&self) -> Result<u64, Error> {
        Ok(self.lent.connection()?.changes())
    }

    #[track_caller]
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        self.statements.set(self.statements.get() + 1);
        let connection = self.lent.connection()?;
        plans::check(connection, statement);
        let mut prepared = connection.prepare_cached(statement).map_err(from_native)?;
        let columns = prepared.column_count();
        let names: Rc<[String]> = prepared.column_names().map(str::to_owned).collect();
        let mut rows = prepared
            .query(rusqlite::params_from_iter(parameters))
            .map_err(from_native)?;
        let mut result = Vec::new();
        while let Some(row) = rows.next().map_err(from_native)? {
            let values = (0..columns)
                .map(|column| row.get_ref(column).map(to_value))
                .collect::<Result<_, _>>();
            result.push(Row {
                names: Rc::clone(&names),
                values: values.map_err(from_native)?,
            });
        }
        drop(rows);
        let steps = prepared.reset_status(StatementStatus::VmStep);
        let steps = u64::try_from(steps).unwrap_or_default();
        self.steps.set(self.steps.get() + steps);
        Ok(result)
    }
}

/// A connection that keeps its statements.
pub(super) fn connect(path: &str) -> Result<rusqlite::Connection, Error> {
    let connection = rusqlite::Connection::open(path).map_err(from_native)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Null => ValueRef::Null,
        }))
    }
}

fn to_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

pub(super) fn from_native(error: rusqlite::Error) -> Error {
    Error::from_message(error.to_string())
}
