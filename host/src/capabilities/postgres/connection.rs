//! One connection to a server, with what was prepared on it.

use std::collections::HashMap;

use futures::{TryStreamExt, pin_mut};
use tokio_postgres::{CancelToken, Client, NoTls, Statement};

use super::values::{self, Parameter};
use crate::capabilities::bindings::spin::postgres::postgres::{
    DbError, Error, ParameterValue, QueryError, RowSet,
};
use crate::limits::{POSTGRES_CONNECT_TIME, RESULT_BYTES, STATEMENTS_PER_CONNECTION};
use prometheus_client::metrics::gauge::Gauge;

/// What is asked of a server.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    /// What begins a transaction, sent in the same packet as the statement.
    pub begin: Option<&'a str>,
    pub statement: &'a str,
    pub parameters: &'a [ParameterValue],
    /// Whether anybody wants the rows.
    pub wants_rows: bool,
}

/// What a statement has done.
#[derive(Debug)]
pub(super) struct Answer {
    pub rows: RowSet,
    pub changed: u64,
}

impl Default for Answer {
    fn default() -> Self {
        let rows = RowSet {
            columns: Vec::new(),
            rows: Vec::new(),
        };
        Self { rows, changed: 0 }
    }
}

/// A connection.
pub(super) struct Connection {
    client: Client,
    prepared: HashMap<String, Statement>,
    /// How many there are.
    gauge: Gauge,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Connection {
    pub(super) fn new(client: Client, gauge: &Gauge) -> Self {
        gauge.inc();
        Self {
            client,
            prepared: HashMap::new(),
            gauge: gauge.clone(),
        }
    }

    /// Whether it is of no more use.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a statement.
    pub(super) async fn run(&mut self, query: Query<'_>) -> Result<Answer, Error> {
        let known = self.prepared.get(query.statement).cloned();
        // Both are sent before either is answered, and the server answers one after the other.
        let begin = async {
            match query.begin {
                Some(begin) => self.client.batch_execute(begin).await,
                None => Ok(()),
            }
        };
        let work = async {
            let is_known = known.is_some();
            let prepared = match known {
                Some(prepared) => prepared,
                None => self.client.prepare(query.statement).await.map_err(failed)?,
            };
            let answer = rows(&self.client, &prepared, query).await;
            let fresh = (!is_known && answer.is_ok()).then_some(prepared);
            answer.map(|answer| (answer, fresh))
        };
        let (begun, worked) = futures::join!(begin, work);
        begun.map_err(failed)?;
        let (answer, fresh) = worked?;
        if let Some(prepared) = fresh {
            if self.prepared.len() >= STATEMENTS_PER_CONNECTION {
                self.prepared.clear();
            }
            self.prepared.insert(query.statement.to_owned(), prepared);
        }
        Ok(answer)
    }

    /// Runs statements of a fault plan.
    pub(super) async fn run_batch(&self, statements: &str) -> Result<(), Error> {
        self.client.batch_execute(statements).await.map_err(failed)
    }

    /// Ends the connection, and what the server still does on it as far as it can be reached.
    pub(super) fn abandon(self) {
        let cancel = self.client.cancel_token();
        tokio::spawn(async move {
            let ended = tokio::time::timeout(POSTGRES_CONNECT_TIME, end(cancel));
            // It ends by the server's own limit otherwise.
            let _ = ended.await;
        });
    }
}

/// Where the server wants TLS this does nothing.
async fn end(cancel: CancelToken) {
    let _ = cancel.cancel_query(NoTls).await;
}

async fn rows(client: &Client, prepared: &Statement, query: Query<'_>) -> Result<Answer, Error> {
    let parameters = query.parameters.iter().map(Parameter);
    let found = client.query_raw(prepared, parameters);
    let found = found.await.map_err(failed)?;
    pin_mut!(found);
    let mut rows = RowSet {
        columns: prepared.columns().iter().map(values::column).collect(),
        rows: Vec::new(),
    };
    let mut bytes = 0;
    while let Some(row) = found.try_next().await.map_err(failed)? {
        if !query.wants_rows {
            continue;
        }
        let (values, size) = values::row(&row)?;
        bytes += size;
        if bytes > RESULT_BYTES {
            let message = format!("query result exceeds limit of {RESULT_BYTES} bytes");
            return Err(Error::QueryFailed(QueryError::Text(message)));
        }
        rows.rows.push(values);
    }
    Ok(Answer {
        rows,
        changed: found.rows_affected().unwrap_or_default(),
    })
}

/// What a guest hears, in the form that Spin gives it.
#[allow(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
pub(super) fn failed(cause: tokio_postgres::Error) -> Error {
    let as_text = format!("{cause:?}");
    let Some(said) = cause.as_db_error() else {
        return Error::QueryFailed(QueryError::Text(as_text));
    };
    let extras = [
        ("column", said.column()),
        ("constraint", said.constraint()),
        ("table", said.table()),
        ("schema", said.schema()),
        ("datatype", said.datatype()),
        ("hint", said.hint()),
        ("where_", said.where_()),
    ];
    let extras = extras
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    Error::QueryFailed(QueryError::DbError(DbError {
        as_text,
        severity: said.severity().to_owned(),
        code: said.code().code().to_owned(),
        message: said.message().to_owned(),
        detail: said.detail().map(str::to_owned),
        extras: extras.collect(),
    }))
}
