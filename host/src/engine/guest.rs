//! What the runner keeps of an instance in its store: a view of it for each capability.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercato_wasi::StoreData;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpHooks};

use crate::capabilities::clock::Clock;
use crate::capabilities::faults::Faults;
use crate::capabilities::host_context::HostContext;
use crate::capabilities::http::{Exchange, Finished, Networks, OutboundHttp};
use crate::capabilities::postgres::host::{PostgresCtx, PostgresCtxView, PostgresView};
use crate::capabilities::postgres::servers::Servers as PostgresServers;
use crate::capabilities::random::SeededRandom;
use crate::capabilities::redis::broker::Broker;
use crate::capabilities::redis::host::{RedisCtx, RedisCtxView, RedisView};
use crate::capabilities::sqlite::LongReads;
use crate::capabilities::sqlite::database::Database;
use crate::capabilities::sqlite::host::{SqliteCtx, SqliteCtxView, SqliteView};
use crate::capabilities::variables::{VariablesCtxView, VariablesView};
use crate::capabilities::wasi;
use crate::capabilities::wasi::log_context::LogContext;
use crate::capabilities::wasi::sleep::HostContextView;
use crate::client::Client;
use crate::engine::memory::{InstanceMemory, Memory};
use crate::manifest::allowed_hosts::AllowedHosts;
use crate::observe::metrics::Metrics;
use crate::scheduling::limiter::RequestLimiter;
use crate::scheduling::request::CurrentRequest;
use crate::scheduling::workers::Workers;

/// What a component may do, resolved from the manifest once at the start.
pub(crate) struct ComponentGrants {
    pub id: Arc<str>,
    pub environment: BTreeMap<String, String>,
    pub variables: Arc<BTreeMap<String, String>>,
    pub hosts: Arc<AllowedHosts>,
    /// By label.
    pub databases: Arc<BTreeMap<String, Arc<Database>>>,
}

/// What all instances of a shop share.
pub(crate) struct Services {
    pub broker: Arc<Broker>,
    pub postgres: Arc<PostgresServers>,
    pub clock: Arc<dyn Clock>,
    pub faults: Faults,
    pub metrics: Arc<Metrics>,
    /// The memory of all instances.
    pub memory: Arc<Memory>,
    /// Stands in for the machine's randomness, in tests.
    pub random: Option<SeededRandom>,
    /// None under a fault plan, where everything happens in one place.
    pub long_reads: Option<Arc<LongReads>>,
    /// The threads for guests that compute for long; none under a fault plan.
    pub heavy_guests: Option<Arc<Workers>>,
    /// None under a fault plan.
    pub limiter: Option<Arc<RequestLimiter>>,
}

/// The runner's part of a store's data.
pub(crate) struct Guest {
    pub host: HostContext,
    pub memory: InstanceMemory,
    pub sqlite: SqliteCtx,
    pub postgres: PostgresCtx,
    log_context: Arc<LogContext>,
    redis: RedisCtx,
    variables: Arc<BTreeMap<String, String>>,
    outbound: OutboundHttp,
}

impl Guest {
    /// The data of a new instance's store.
    pub(crate) fn store_data(
        grants: &ComponentGrants,
        services: &Services,
        networks: &Networks,
        memory_bytes: usize,
    ) -> StoreData {
        let host = HostContext {
            component: Arc::clone(&grants.id),
            faults: services.faults.clone(),
            stop: Arc::default(),
            metrics: Arc::clone(&services.metrics),
            request: Arc::default(),
        };
        let log_context = Arc::new(LogContext::new(&grants.id, &services.metrics));
        let wasi = wasi::context(
            &host,
            &log_context,
            &grants.environment,
            &services.clock,
            services.random.as_ref(),
        );
        let guest = Self {
            memory: InstanceMemory::new(&services.memory, memory_bytes),
            sqlite: SqliteCtx::new(&grants.databases, services.long_reads.as_ref()),
            postgres: PostgresCtx::new(&grants.hosts, &services.postgres),
            redis: RedisCtx::new(&grants.hosts, &services.broker),
            variables: Arc::clone(&grants.variables),
            outbound: OutboundHttp::new(&host, &grants.hosts, networks),
            log_context,
            host,
        };
        StoreData::new(wasi, guest)
    }

    /// The runner's part.
    pub(crate) fn of(data: &StoreData) -> &Self {
        data.extension().unwrap_or_else(|| unreachable!("{ONLY}"))
    }

    /// The runner's part.
    pub(crate) fn of_mut(data: &mut StoreData) -> &mut Self {
        Self::with_table(data).0
    }

    fn with_table(data: &mut StoreData) -> (&mut Self, &mut ResourceTable) {
        data.extension_and_table()
            .unwrap_or_else(|| unreachable!("{ONLY}"))
    }

    /// Whether the guest is in the middle of a transaction.
    pub(crate) fn has_transaction(&self) -> bool {
        self.sqlite.transactions.are_any() || self.postgres.has_transaction()
    }

    /// Takes back what a request left open in databases; says whether there was anything.
    pub(crate) fn roll_back(&mut self) -> bool {
        let in_sqlite = self.sqlite.transactions.roll_back();
        self.postgres.roll_back() || in_sqlite
    }

    /// Begins to work on a request: its id, its client, and how deep in a chain of requests between components it is.
    pub(crate) fn begin(&mut self, request_id: &str, client: Option<Client>, depth: u32) {
        self.host.request = Arc::new(CurrentRequest::new(client, depth));
        self.outbound.host.request = Arc::clone(&self.host.request);
        self.log_context.begin(request_id, client);
    }
}

const ONLY: &str = "every store's data is made by store_data";

impl WasiHttpHooks for Guest {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        finished: Finished,
    ) -> Exchange {
        drop(finished);
        self.outbound.send(request, options)
    }
}

impl HostContextView for StoreData {
    fn host_context(&self) -> &HostContext {
        &Guest::of(self).host
    }
}

impl SqliteView for StoreData {
    fn sqlite(&mut self) -> SqliteCtxView<'_> {
        let (guest, table) = Guest::with_table(self);
        SqliteCtxView {
            ctx: &mut guest.sqlite,
            table,
            host: &guest.host,
        }
    }
}

impl PostgresView for StoreData {
    fn postgres(&mut self) -> PostgresCtxView<'_> {
        let (guest, table) = Guest::with_table(self);
        PostgresCtxView {
            ctx: &mut guest.postgres,
            table,
            host: &guest.host,
        }
    }
}

impl RedisView for StoreData {
    fn redis(&mut self) -> RedisCtxView<'_> {
        let (guest, table) = Guest::with_table(self);
        RedisCtxView {
            ctx: &mut guest.redis,
            table,
            host: &guest.host,
        }
    }
}

impl VariablesView for StoreData {
    fn variables(&mut self) -> VariablesCtxView<'_> {
        let guest = Guest::of_mut(self);
        VariablesCtxView {
            component: &guest.host.component,
            values: &guest.variables,
        }
    }
}
