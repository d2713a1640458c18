//! `spin:sqlite`: databases by label, connections pooled and returned clean, writers in a queue.
//!
//! Statements run on the thread of the request: for the short statements of a shop that is cheaper than handing
//! them over. What must not happen is that a thread waits in SQLite's own busy timeout while the guest it waits for
//! needs that thread; so a writing statement first takes the database's writer lock, an asynchronous one, and keeps
//! it until its connection is back in autocommit. Against other processes the statement is tried again with pauses.
//!
//! A lock that another process holds for longer than [`crate::limits::BUSY_TIME`] is noted: from then on statements wait only for
//! [`crate::limits::BUSY_TIME_KNOWN`], until one has succeeded. Otherwise every request that writes would keep its instance for the
//! whole time, and soon those that only read would find none.

use std::sync::Arc;

use rusqlite::Connection;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use crate::bindings::spin::sqlite::sqlite::{
    Connection as ConnectionResource, Error, Host, HostConnection, HostConnectionWithStore,
    QueryResult, RowResult, Value,
};
use crate::client::Client;
use crate::faults::{CallKind, Fault, Stopped};
use crate::guest::{ComponentGrants, Guest, Services};
use crate::limits::CONNECTIONS_PER_INSTANCE;
use crate::pace::Pace;
use crate::presence::Presence;

mod damage;
mod database;
mod elsewhere;
mod held;
mod query;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use damage::look_after;
pub(crate) use database::{Database, Databases};
use elsewhere::Caller;
pub(crate) use elsewhere::LongReads;
use held::Held;
pub(crate) use held::OpenTransactions;
use query::io;

/// A guest's connection.
pub struct GuestConnection(Arc<tokio::sync::Mutex<Held>>);

/// Opens a connection for a component, if its grants have the label.
fn open(
    services: &Services,
    component: &ComponentGrants,
    label: &str,
) -> Result<GuestConnection, Error> {
    let is_planned = services.faults.are_planned();
    let database = component.databases.get(label).ok_or(Error::AccessDenied)?;
    let connection = database.take().map_err(io)?;
    let held = Held {
        database: Arc::clone(database),
        connection: Some(connection),
        writing: None,
        busy_time: None,
        is_planned,
        migrates: false,
    };
    Ok(GuestConnection(Arc::new(tokio::sync::Mutex::new(held))))
}

/// Runs a statement under the fault plan. The outer error stops the guest.
async fn execute(
    services: &Services,
    component: &ComponentGrants,
    client: Option<Client>,
    (pace, presence): (&Pace, &Presence),
    connection: &Arc<tokio::sync::Mutex<Held>>,
    statement: &str,
    parameters: &[Value],
) -> wasmtime::Result<(Result<QueryResult, Error>, bool)> {
    services.metrics.sqlite_statement();
    // What waits for this statement must not wait for other computing.
    pace.come_back().await;
    let fault = services
        .faults
        .ask(&component.id, CallKind::Sqlite, statement, &[])
        .await;
    let mut held = connection.lock().await;
    let result = match &fault {
        Fault::Pass | Fault::Pretend | Fault::StopAfter | Fault::Then(_) => {
            let caller = Caller {
                reads: services.long_reads.as_ref(),
                presence,
                pace,
                client,
                metrics: &services.metrics,
            };
            held.run(statement, parameters, &caller).await
        }
        Fault::Fail(reason) => Err(Error::Io(reason.clone())),
        Fault::Stop => return Err(Stopped.into()),
    };
    match fault {
        Fault::StopAfter => return Err(Stopped.into()),
        Fault::Then(batch) => {
            if let Ok(sqlite) = held.sqlite() {
                sqlite.execute_batch(&batch).map_err(|cause| {
                    wasmtime::Error::msg(format!("the fault plan's statements failed: {cause}"))
                })?;
            }
        }
        _ => {}
    }
    let open = held.sqlite().is_ok_and(|sqlite| !sqlite.is_autocommit());
    Ok((result, open))
}

impl Guest {
    fn connection(
        &self,
        handle: &Resource<ConnectionResource>,
    ) -> Option<Arc<tokio::sync::Mutex<Held>>> {
        self.table
            .get(handle)
            .ok()
            .map(|connection| Arc::clone(&connection.0))
    }

    fn keep(
        &mut self,
        opened: Result<GuestConnection, Error>,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        Ok(match opened {
            Err(error) => Err(error),
            Ok(_) if self.handles >= CONNECTIONS_PER_INSTANCE => {
                Err(Error::Io("too many connections opened".into()))
            }
            Ok(connection) => {
                self.handles += 1;
                Ok(self.table.push(connection)?)
            }
        })
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        let opened = open(&self.services, &self.component, &database);
        self.keep(opened)
    }

    async fn execute(
        &mut self,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        self.stop().check()?;
        let Some(held) = self.connection(&connection) else {
            return Ok(Err(Error::InvalidConnection));
        };
        let (result, open) = execute(
            &self.services,
            &self.component,
            self.client(),
            (&self.pace, &self.presence),
            &held,
            &statement,
            &parameters,
        )
        .await?;
        self.transactions.note(&held, open);
        Ok(result)
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        last_insert_rowid(self.connection(&connection)).await
    }

    async fn changes(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<u64> {
        changes(self.connection(&connection)).await
    }

    fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        let connection = self.table.delete(connection)?;
        self.handles = self.handles.saturating_sub(1);
        self.transactions.note(&connection.0, false);
        Ok(())
    }
}

async fn last_insert_rowid(
    connection: Option<Arc<tokio::sync::Mutex<Held>>>,
) -> wasmtime::Result<i64> {
    let connection = connection.ok_or_else(|| wasmtime::Error::msg("not a connection"))?;
    let held = connection.lock().await;
    Ok(held
        .sqlite()
        .map(Connection::last_insert_rowid)
        .unwrap_or_default())
}

async fn changes(connection: Option<Arc<tokio::sync::Mutex<Held>>>) -> wasmtime::Result<u64> {
    let connection = connection.ok_or_else(|| wasmtime::Error::msg("not a connection"))?;
    let held = connection.lock().await;
    Ok(held.sqlite().map(Connection::changes).unwrap_or_default())
}

/// Columns, rows and the end of a statement.
type Streamed = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl HostConnectionWithStore<Guest> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<Guest, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| {
            let guest = access.get();
            let opened = open(&guest.services, &guest.component, &database);
            guest.keep(opened)
        })
    }

    async fn execute_async(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let (stop, held, services, component, client, (pace, presence)) =
            accessor.with(|mut access| {
                let guest = access.get();
                (
                    guest.stop(),
                    guest.connection(&connection),
                    Arc::clone(&guest.services),
                    Arc::clone(&guest.component),
                    guest.client(),
                    (Arc::clone(&guest.pace), Arc::clone(&guest.presence)),
                )
            });
        stop.check()?;
        let Some(held) = held else {
            return Ok(Err(Error::InvalidConnection));
        };
        let (result, open) = execute(
            &services,
            &component,
            client,
            (&pace, &presence),
            &held,
            &statement,
            &parameters,
        )
        .await?;
        accessor.with(|mut access| {
            access.get().transactions.note(&held, open);
            // As under Spin, an error of the statement arrives in the future, after a stream without rows.
            let (columns, rows, end) = match result {
                Ok(result) => (result.columns, result.rows, Ok(())),
                Err(error) => (Vec::new(), Vec::new(), Err(error)),
            };
            let rows = StreamReader::new(&mut access, rows)?;
            let end = FutureReader::new(&mut access, async move { wasmtime::error::Ok(end) })?;
            Ok(Ok((columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        let held = accessor.with(|mut access| access.get().connection(&connection));
        last_insert_rowid(held).await
    }

    async fn changes_async(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<u64> {
        let held = accessor.with(|mut access| access.get().connection(&connection));
        changes(held).await
    }
}
