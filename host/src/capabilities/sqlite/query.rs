//! One statement: prepared, run to its end, its rows as the guest gets them.

use std::time::Duration;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Statement};

use super::database::PooledConnection;
use super::time_limit::{Outcome, TimeLimit};
use crate::capabilities::bindings::spin::sqlite::sqlite::{Error, QueryResult, RowResult, Value};
use crate::limits::RESULT_BYTES;

#[allow(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
pub(super) fn io(cause: rusqlite::Error) -> Error {
    Error::Io(cause.to_string())
}

/// What a guest hears of a statement that was not run to its end.
pub(super) fn refusal(error: &QueryError) -> Error {
    Error::Io(match error {
        QueryError::Sqlite(cause) => cause.to_string(),
        QueryError::TooBig => format!("query result exceeds limit of {RESULT_BYTES} bytes"),
        QueryError::TooLong(time) => {
            format!(
                "interrupted: the statement took longer than {} ms",
                time.as_millis()
            )
        }
        QueryError::QueueFull => "interrupted: too many long statements wait".into(),
        QueryError::Abandoned => "interrupted: nobody waits for the rows".into(),
        // The first two are taken care of before.
        QueryError::Writes | QueryError::Long | QueryError::Closed => {
            "interrupted: the shop is closing".into()
        }
    })
}

/// Hands over the first statement of the text, prepared; a text of one statement is prepared once per connection.
fn with_statement<R>(
    sqlite: &Connection,
    text: &str,
    use_it: impl FnOnce(&mut Statement<'_>) -> Result<R, QueryError>,
) -> Result<R, QueryError> {
    match sqlite.prepare_cached(text) {
        Ok(mut prepared) => use_it(&mut prepared),
        Err(rusqlite::Error::MultipleStatement) => match Batch::new(sqlite, text).next()? {
            Some(mut first) => use_it(&mut first),
            None => Err(rusqlite::Error::InvalidQuery.into()),
        },
        Err(cause) => Err(cause.into()),
    }
}

/// What a statement may do and take.
#[derive(Clone, Copy)]
pub(super) struct StatementLimits {
    /// Whether the writer lock is held.
    pub may_write: bool,
    /// If it only reads, outside a transaction.
    pub reads: TimeLimit,
    /// If it writes, or belongs to a transaction.
    pub writes: TimeLimit,
}

pub(super) enum QueryError {
    /// The statement writes, and the writer lock is not held. It has not run.
    Writes,
    Sqlite(rusqlite::Error),
    TooBig,
    /// It was interrupted, and may be begun again on another thread.
    Long,
    /// It was interrupted for good.
    TooLong(Duration),
    /// It was interrupted because its request was abandoned.
    Abandoned,
    /// Too many long statements wait already.
    QueueFull,
    /// The shop is closing.
    Closed,
}

impl From<rusqlite::Error> for QueryError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

/// Runs the first statement of the text to its end.
pub(super) fn query(
    connection: &PooledConnection,
    text: &str,
    parameters: &[Value],
    limits: StatementLimits,
) -> Result<QueryResult, QueryError> {
    let (sqlite, timer) = (&connection.sqlite, &connection.timer);
    with_statement(sqlite, text, |prepared| {
        let is_readonly = prepared.readonly();
        if !limits.may_write && !is_readonly {
            return Err(QueryError::Writes);
        }
        let is_read = is_readonly && sqlite.is_autocommit();
        let bound = if is_read { limits.reads } else { limits.writes };
        timer.begin(bound);
        let result = rows_of(prepared, parameters);
        match (timer.end(), result) {
            (Outcome::Long, Err(_)) => Err(QueryError::Long),
            (Outcome::TooLong, Err(_)) => Err(QueryError::TooLong(bound.time())),
            (Outcome::Abandoned, Err(_)) => Err(QueryError::Abandoned),
            (_, result) => result,
        }
    })
}

fn rows_of(prepared: &mut Statement<'_>, parameters: &[Value]) -> Result<QueryResult, QueryError> {
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let mut rows = prepared.query(rusqlite::params_from_iter(parameters.iter().map(Parameter)))?;
    let mut found = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for column in 0..columns.len() {
            let value = to_value(row.get_ref(column)?);
            bytes += size_of(&value);
            values.push(value);
        }
        if bytes > RESULT_BYTES {
            return Err(QueryError::TooBig);
        }
        found.push(RowResult { values });
    }
    drop(rows);
    Ok(QueryResult {
        columns,
        rows: found,
    })
}

struct Parameter<'a>(&'a Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self.0 {
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
            Value::Null => ValueRef::Null,
        }))
    }
}

fn to_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

fn size_of(value: &Value) -> usize {
    std::mem::size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
            Value::Integer(_) | Value::Real(_) | Value::Null => 0,
        }
}
