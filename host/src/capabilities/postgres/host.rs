//! The functions of `spin:postgres` that guests call.

use std::sync::Arc;

use tokio::sync::Mutex;
use wasmtime::component::{
    Accessor, FutureReader, HasData, Linker, Resource, ResourceTable, StreamReader,
};

use super::address;
use super::connection::Answer;
use super::servers::{Servers, root_certificate};
use super::transaction::OpenConnection;
use crate::capabilities::bindings::spin::postgres::postgres::{
    self, Column, Connection as ConnectionResource, ConnectionBuilder as BuilderResource, Error,
    Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore,
    HostConnectionWithStore, ParameterValue, QueryError, Row, RowSet,
};
use crate::capabilities::faults::{CallKind, Fault, Stopped};
use crate::capabilities::host_context::HostContext;
use crate::limits::CONNECTIONS_PER_INSTANCE;
use crate::manifest::allowed_hosts::AllowedHosts;

/// The databases of one instance.
pub(crate) struct PostgresCtx {
    /// The hosts that the component was granted.
    hosts: Arc<AllowedHosts>,
    servers: Arc<Servers>,
    /// Connections that are inside a transaction right now.
    transactions: Vec<SharedConnection>,
    connections: usize,
}

impl PostgresCtx {
    pub(crate) fn new(hosts: &Arc<AllowedHosts>, servers: &Arc<Servers>) -> Self {
        Self {
            hosts: Arc::clone(hosts),
            servers: Arc::clone(servers),
            transactions: Vec::new(),
            connections: 0,
        }
    }

    /// Whether any transaction is open.
    pub(crate) fn has_transaction(&self) -> bool {
        !self.transactions.is_empty()
    }

    /// Takes back what a request left open; says whether there was anything.
    pub(crate) fn roll_back(&mut self) -> bool {
        let mut any = false;
        for connection in self.transactions.drain(..) {
            if let Ok(mut connection) = connection.try_lock() {
                connection.roll_back();
                any = true;
            }
        }
        any
    }

    fn note(&mut self, connection: &SharedConnection, is_open: bool) {
        self.transactions
            .retain(|other| !Arc::ptr_eq(other, connection));
        if is_open {
            self.transactions.push(Arc::clone(connection));
        }
    }
}

/// Gives the linker access to the databases in a store's data.
pub(crate) trait PostgresView: Send {
    fn postgres(&mut self) -> PostgresCtxView<'_>;
}

/// What the functions need of a store's data.
pub(crate) struct PostgresCtxView<'a> {
    pub ctx: &'a mut PostgresCtx,
    pub table: &'a mut ResourceTable,
    pub host: &'a HostContext,
}

/// Names the capability to the generated code.
pub(super) struct PostgresCapability;

impl HasData for PostgresCapability {
    type Data<'a> = PostgresCtxView<'a>;
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker<T: PostgresView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    postgres::add_to_linker::<T, PostgresCapability>(linker, T::postgres)
}

/// What stands behind a guest's handle.
type SharedConnection = Arc<Mutex<OpenConnection>>;

/// An address and the root certificate to trust.
struct Builder {
    address: String,
    ca_root: Option<String>,
}

fn shared(handle: &Resource<ConnectionResource>) -> Resource<SharedConnection> {
    Resource::new_borrow(handle.rep())
}

fn builder(handle: &Resource<BuilderResource>) -> Resource<Builder> {
    Resource::new_borrow(handle.rep())
}

impl PostgresCtxView<'_> {
    fn connection(&self, handle: &Resource<ConnectionResource>) -> Option<SharedConnection> {
        self.table.get(&shared(handle)).ok().cloned()
    }

    /// Gives a place for connections to that database, if its servers were granted.
    fn open_address(
        &mut self,
        address: &str,
        ca_root: Option<&str>,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        if self.ctx.connections >= CONNECTIONS_PER_INSTANCE {
            let message = "too many connections".to_owned();
            return Ok(Err(Error::ConnectionFailed(message)));
        }
        let config = address::parse(address).and_then(|config| {
            address::check(&config, &self.ctx.hosts)?;
            Ok(config)
        });
        let config = match config {
            Ok(config) => config,
            Err(message) => {
                tracing::warn!(component = %self.host.component, "no connection to PostgreSQL: {message}; grant the server in allowed_outbound_hosts");
                return Ok(Err(Error::ConnectionFailed(message)));
            }
        };
        let pool = match self.ctx.servers.pool(address, config, ca_root) {
            Ok(pool) => pool,
            Err(error) => return Ok(Err(error)),
        };
        self.ctx.connections += 1;
        let connection: SharedConnection = Arc::new(Mutex::new(OpenConnection::new(pool)));
        let handle = self.table.push(connection)?;
        Ok(Ok(Resource::new_own(handle.rep())))
    }

    fn build(
        &mut self,
        handle: &Resource<BuilderResource>,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        let Builder { address, ca_root } = self.table.get(&builder(handle))?;
        let (address, ca_root) = (address.clone(), ca_root.clone());
        self.open_address(&address, ca_root.as_deref())
    }

    async fn run(
        &mut self,
        handle: &Resource<ConnectionResource>,
        statement: &str,
        parameters: &[ParameterValue],
        wants_rows: bool,
    ) -> wasmtime::Result<Result<Answer, Error>> {
        self.host.stop.check()?;
        let Some(connection) = self.connection(handle) else {
            return Ok(Err(not_a_connection()));
        };
        let (result, is_open) =
            run(self.host, &connection, statement, parameters, wants_rows).await?;
        self.ctx.note(&connection, is_open);
        Ok(result)
    }
}

fn not_a_connection() -> Error {
    Error::ConnectionFailed("no connection found".into())
}

/// Runs a statement under the fault plan. The outer error stops the guest. Also says whether a transaction is open then.
async fn run(
    host: &HostContext,
    connection: &SharedConnection,
    statement: &str,
    parameters: &[ParameterValue],
    wants_rows: bool,
) -> wasmtime::Result<(Result<Answer, Error>, bool)> {
    host.metrics.postgres_statements.inc();
    // What waits for this statement must not wait for other computing.
    host.request.cpu.leave_background().await;
    let fault = host.ask(CallKind::Sqlite, statement, &[]).await;
    let mut connection = connection.lock().await;
    let result = match &fault {
        Fault::Pass | Fault::Pretend | Fault::StopAfter | Fault::Then(_) => {
            host.request.begin_waiting();
            let (result, excluded) = connection.run(statement, parameters, wants_rows).await;
            host.request.exclude(excluded);
            result
        }
        Fault::Fail(reason) => Err(Error::QueryFailed(QueryError::Text(reason.clone()))),
        Fault::Stop => return Err(Stopped.into()),
    };
    match fault {
        Fault::StopAfter => return Err(Stopped.into()),
        Fault::Then(batch) => connection.run_batch(&batch).await.map_err(|cause| {
            wasmtime::Error::msg(format!("the fault plan's statements failed: {cause:?}"))
        })?,
        _ => {}
    }
    Ok((result, connection.is_open()))
}

impl Host for PostgresCtxView<'_> {}

impl HostConnection for PostgresCtxView<'_> {
    async fn open(
        &mut self,
        address: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        self.open_address(&address, None)
    }

    async fn query(
        &mut self,
        connection: Resource<ConnectionResource>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<RowSet, Error>> {
        let answer = self.run(&connection, &statement, &params, true).await?;
        Ok(answer.map(|answer| answer.rows))
    }

    async fn execute(
        &mut self,
        connection: Resource<ConnectionResource>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let answer = self.run(&connection, &statement, &params, false).await?;
        Ok(answer.map(|answer| answer.changed))
    }

    fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        let connection = self
            .table
            .delete(Resource::<SharedConnection>::new_own(connection.rep()))?;
        self.ctx.connections = self.ctx.connections.saturating_sub(1);
        self.ctx.note(&connection, false);
        Ok(())
    }
}

/// Columns, rows and the end of a statement.
type Streamed = (
    Vec<Column>,
    StreamReader<Row>,
    FutureReader<Result<(), Error>>,
);

impl<T: Send + 'static> HostConnectionWithStore<T> for PostgresCapability {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| access.get().open_address(&address, None))
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let answer = run_async(accessor, &connection, &statement, &params, true).await?;
        let rows = match answer {
            Ok(answer) => answer.rows,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let stream = StreamReader::new(&mut access, rows.rows)?;
            let end = FutureReader::new(&mut access, async { wasmtime::error::Ok(Ok(())) })?;
            Ok(Ok((rows.columns, stream, end)))
        })
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let answer = run_async(accessor, &connection, &statement, &params, false).await?;
        Ok(answer.map(|answer| answer.changed))
    }
}

async fn run_async<T: Send + 'static>(
    accessor: &Accessor<T, PostgresCapability>,
    connection: &Resource<ConnectionResource>,
    statement: &str,
    parameters: &[ParameterValue],
    wants_rows: bool,
) -> wasmtime::Result<Result<Answer, Error>> {
    let (host, connection) = accessor.with(|mut access| {
        let view = access.get();
        (view.host.clone(), view.connection(connection))
    });
    host.stop.check()?;
    let Some(connection) = connection else {
        return Ok(Err(not_a_connection()));
    };
    let (result, is_open) = run(&host, &connection, statement, parameters, wants_rows).await?;
    accessor.with(|mut access| access.get().ctx.note(&connection, is_open));
    Ok(result)
}

impl HostConnectionBuilder for PostgresCtxView<'_> {
    fn new(&mut self, address: String) -> wasmtime::Result<Resource<BuilderResource>> {
        let handle = self.table.push(Builder {
            address,
            ca_root: None,
        })?;
        Ok(Resource::new_own(handle.rep()))
    }

    fn set_ca_root(
        &mut self,
        handle: Resource<BuilderResource>,
        certificate: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        if let Err(error) = root_certificate(&certificate) {
            return Ok(Err(error));
        }
        self.table.get_mut(&builder(&handle))?.ca_root = Some(certificate);
        Ok(Ok(()))
    }

    async fn build(
        &mut self,
        handle: Resource<BuilderResource>,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        Self::build(self, &handle)
    }

    fn drop(&mut self, handle: Resource<BuilderResource>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Builder>::new_own(handle.rep()))?;
        Ok(())
    }
}

impl<T: Send + 'static> HostConnectionBuilderWithStore<T> for PostgresCapability {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<BuilderResource>,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| PostgresCtxView::build(&mut access.get(), &handle))
    }
}
