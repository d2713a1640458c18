//! The functions of `spin:sqlite` that guests call.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Mutex;
use wasmtime::component::{
    Accessor, FutureReader, HasData, Linker, Resource, ResourceTable, StreamReader,
};

use super::background::{LongReads, StatementContext};
use super::connection::{OpenConnection, OpenTransactions};
use super::database::Database;
use super::query::io;
use crate::capabilities::bindings::spin::sqlite::sqlite::{
    self, Connection as ConnectionResource, Error, Host, HostConnection, HostConnectionWithStore,
    QueryResult, RowResult, Value,
};
use crate::capabilities::faults::{CallKind, Fault, Stopped};
use crate::capabilities::host_context::HostContext;
use crate::limits::CONNECTIONS_PER_INSTANCE;

/// The databases of one instance.
pub(crate) struct SqliteCtx {
    /// Those that the component was granted, by label.
    databases: Arc<BTreeMap<String, Arc<Database>>>,
    /// None under a fault plan, where everything happens in one place.
    long_reads: Option<Arc<LongReads>>,
    /// Connections that are inside a transaction right now.
    pub transactions: OpenTransactions,
    connections: usize,
}

impl SqliteCtx {
    pub(crate) fn new(
        databases: &Arc<BTreeMap<String, Arc<Database>>>,
        long_reads: Option<&Arc<LongReads>>,
    ) -> Self {
        Self {
            databases: Arc::clone(databases),
            long_reads: long_reads.cloned(),
            transactions: OpenTransactions::default(),
            connections: 0,
        }
    }
}

/// Gives the linker access to the databases in a store's data.
pub(crate) trait SqliteView: Send {
    fn sqlite(&mut self) -> SqliteCtxView<'_>;
}

/// What the functions need of a store's data.
pub(crate) struct SqliteCtxView<'a> {
    pub ctx: &'a mut SqliteCtx,
    pub table: &'a mut ResourceTable,
    pub host: &'a HostContext,
}

/// Names the capability to the generated code.
struct SqliteCapability;

impl HasData for SqliteCapability {
    type Data<'a> = SqliteCtxView<'a>;
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker<T: SqliteView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    sqlite::add_to_linker::<T, SqliteCapability>(linker, T::sqlite)
}

/// What stands behind a guest's handle.
type SharedConnection = Arc<Mutex<OpenConnection>>;

fn shared(handle: &Resource<ConnectionResource>) -> Resource<SharedConnection> {
    Resource::new_borrow(handle.rep())
}

impl SqliteCtxView<'_> {
    fn connection(&self, handle: &Resource<ConnectionResource>) -> Option<SharedConnection> {
        self.table.get(&shared(handle)).ok().cloned()
    }

    /// Opens a connection, if the component was granted the label.
    fn open_label(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        let Some(database) = self.ctx.databases.get(label) else {
            return Ok(Err(Error::AccessDenied));
        };
        let connection = match OpenConnection::new(database, self.host.faults.are_planned()) {
            Ok(connection) => connection,
            Err(cause) => return Ok(Err(io(cause))),
        };
        if self.ctx.connections >= CONNECTIONS_PER_INSTANCE {
            return Ok(Err(Error::Io("too many connections opened".into())));
        }
        self.ctx.connections += 1;
        let handle = self.table.push(Arc::new(Mutex::new(connection)))?;
        Ok(Ok(Resource::new_own(handle.rep())))
    }
}

/// Runs a statement under the fault plan. The outer error stops the guest. Also says whether a transaction is open then.
async fn execute(
    host: &HostContext,
    long_reads: Option<&LongReads>,
    connection: &SharedConnection,
    statement: &str,
    parameters: &[Value],
) -> wasmtime::Result<(Result<QueryResult, Error>, bool)> {
    host.metrics.sqlite_statements.inc();
    // What waits for this statement must not wait for other computing.
    host.request.cpu.leave_background().await;
    let fault = host.ask(CallKind::Sqlite, statement, &[]).await;
    let mut connection = connection.lock().await;
    let result = match &fault {
        Fault::Pass | Fault::Pretend | Fault::StopAfter | Fault::Then(_) => {
            let context = StatementContext {
                reads: long_reads,
                request: &host.request,
                metrics: &host.metrics,
            };
            connection.run(statement, parameters, &context).await
        }
        Fault::Fail(reason) => Err(Error::Io(reason.clone())),
        Fault::Stop => return Err(Stopped.into()),
    };
    match fault {
        Fault::StopAfter => return Err(Stopped.into()),
        Fault::Then(batch) => {
            if let Ok(sqlite) = connection.sqlite() {
                sqlite.execute_batch(&batch).map_err(|cause| {
                    wasmtime::Error::msg(format!("the fault plan's statements failed: {cause}"))
                })?;
            }
        }
        _ => {}
    }
    let sqlite = connection.sqlite();
    let is_open = sqlite.is_ok_and(|sqlite| !sqlite.is_autocommit());
    Ok((result, is_open))
}

impl Host for SqliteCtxView<'_> {}

impl HostConnection for SqliteCtxView<'_> {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        self.open_label(&database)
    }

    async fn execute(
        &mut self,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        self.host.stop.check()?;
        let Some(connection) = self.connection(&connection) else {
            return Ok(Err(Error::InvalidConnection));
        };
        let reads = self.ctx.long_reads.as_deref();
        let (result, is_open) =
            execute(self.host, reads, &connection, &statement, &parameters).await?;
        self.ctx.transactions.note(&connection, is_open);
        Ok(result)
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        ask_connection(self.connection(&connection), Connection::last_insert_rowid).await
    }

    async fn changes(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<u64> {
        ask_connection(self.connection(&connection), Connection::changes).await
    }

    fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        let connection = self
            .table
            .delete(Resource::<SharedConnection>::new_own(connection.rep()))?;
        self.ctx.connections = self.ctx.connections.saturating_sub(1);
        self.ctx.transactions.note(&connection, false);
        Ok(())
    }
}

async fn ask_connection<R: Default>(
    connection: Option<SharedConnection>,
    ask: impl FnOnce(&Connection) -> R,
) -> wasmtime::Result<R> {
    let connection = connection.ok_or_else(|| wasmtime::Error::msg("not a connection"))?;
    let connection = connection.lock().await;
    Ok(connection.sqlite().map(ask).unwrap_or_default())
}

/// Columns, rows and the end of a statement.
type Streamed = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl<T: Send + 'static> HostConnectionWithStore<T> for SqliteCapability {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| access.get().open_label(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let (host, reads, connection) = accessor.with(|mut access| {
            let view = access.get();
            let connection = view.connection(&connection);
            (view.host.clone(), view.ctx.long_reads.clone(), connection)
        });
        host.stop.check()?;
        let Some(connection) = connection else {
            return Ok(Err(Error::InvalidConnection));
        };
        let reads = reads.as_deref();
        let (result, is_open) = execute(&host, reads, &connection, &statement, &parameters).await?;
        accessor.with(|mut access| {
            access.get().ctx.transactions.note(&connection, is_open);
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
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        let connection = accessor.with(|mut access| access.get().connection(&connection));
        ask_connection(connection, Connection::last_insert_rowid).await
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<u64> {
        let connection = accessor.with(|mut access| access.get().connection(&connection));
        ask_connection(connection, Connection::changes).await
    }
}
