//! The data of an instance's store: a view of it for each capability.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities::clock::Clock;
use crate::capabilities::faults::Faults;
use crate::capabilities::host_context::HostContext;
use crate::capabilities::http::{Networks, OutboundHttp};
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

/// The data of a store.
pub(crate) struct Guest {
    pub host: HostContext,
    pub memory: InstanceMemory,
    pub sqlite: SqliteCtx,
    log_context: Arc<LogContext>,
    table: ResourceTable,
    redis: RedisCtx,
    variables: Arc<BTreeMap<String, String>>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
}

impl Guest {
    pub(crate) fn new(
        grants: &ComponentGrants,
        services: &Services,
        networks: &Networks,
        memory_bytes: usize,
    ) -> Self {
        let host = HostContext {
            component: Arc::clone(&grants.id),
            faults: services.faults.clone(),
            stop: Arc::default(),
            metrics: Arc::clone(&services.metrics),
            request: Arc::default(),
        };
        let log_context = Arc::new(LogContext::new(&grants.id, &services.metrics));
        Self {
            memory: InstanceMemory::new(&services.memory, memory_bytes),
            sqlite: SqliteCtx::new(&grants.databases, services.long_reads.as_ref()),
            redis: RedisCtx::new(&grants.hosts, &services.broker),
            variables: Arc::clone(&grants.variables),
            table: ResourceTable::new(),
            wasi: wasi::context(
                &host,
                &log_context,
                &grants.environment,
                &services.clock,
                services.random.as_ref(),
            ),
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(&host, &grants.hosts, networks),
            log_context,
            host,
        }
    }

    /// Begins to work on a request: its id, its client, and how deep in a chain of requests between components it is.
    pub(crate) fn begin(&mut self, request_id: &str, client: Option<Client>, depth: u32) {
        self.host.request = Arc::new(CurrentRequest::new(client, depth));
        self.outbound.host.request = Arc::clone(&self.host.request);
        self.log_context.begin(request_id, client);
    }
}

impl HostContextView for Guest {
    fn host_context(&self) -> &HostContext {
        &self.host
    }
}

impl SqliteView for Guest {
    fn sqlite(&mut self) -> SqliteCtxView<'_> {
        SqliteCtxView {
            ctx: &mut self.sqlite,
            table: &mut self.table,
            host: &self.host,
        }
    }
}

impl RedisView for Guest {
    fn redis(&mut self) -> RedisCtxView<'_> {
        RedisCtxView {
            ctx: &mut self.redis,
            table: &mut self.table,
            host: &self.host,
        }
    }
}

impl VariablesView for Guest {
    fn variables(&mut self) -> VariablesCtxView<'_> {
        VariablesCtxView {
            component: &self.host.component,
            values: &self.variables,
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
