//! What stands behind one instance of a component: its grants, and the state of the host calls it makes.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities::http::{Network, OutboundHttp};
use crate::capabilities::redis::Broker;
use crate::capabilities::sqlite::{Database, LongReads, OpenTransactions};
use crate::capabilities::wasi::{self, Voice};
use crate::client::Client;
use crate::clock::Clock;
use crate::faults::{Faults, StopSign};
use crate::gate::Gate;
use crate::grants::AllowedHosts;
use crate::memory::{InstanceMemory, Memory};
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::presence::Presence;
use crate::random::SeededRandom;
use crate::shop::Components;
use crate::workers::Workers;

/// What a component may do, resolved from the manifest once at the start.
pub(crate) struct ComponentGrants {
    pub id: String,
    pub environment: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
    pub hosts: AllowedHosts,
    /// By label.
    pub databases: BTreeMap<String, Arc<Database>>,
}

/// What all instances of a shop share.
pub(crate) struct Services {
    pub broker: Broker,
    pub clock: Arc<dyn Clock>,
    pub faults: Faults,
    pub metrics: Arc<Metrics>,
    /// What the instances have.
    pub memory: Arc<Memory>,
    /// Stands in for the network, in tests.
    pub network: Option<Arc<dyn Network>>,
    /// Stands in for the machine's randomness, in tests.
    pub random: Option<SeededRandom>,
    /// None under a fault plan, where everything happens in one place.
    pub long_reads: Option<LongReads>,
    /// The threads for guests that compute for long; none under a fault plan.
    pub heavy_guests: Option<Arc<Workers>>,
    /// None under a fault plan.
    pub gate: Option<Arc<Gate>>,
}

/// The data of a store.
pub(crate) struct Guest {
    pub component: Arc<ComponentGrants>,
    pub services: Arc<Services>,
    pub table: ResourceTable,
    pub memory: InstanceMemory,
    /// SQLite and Redis connections held.
    pub handles: usize,
    /// Connections that are inside a transaction right now.
    pub transactions: OpenTransactions,
    /// Who its lines in the log come from.
    pub voice: Arc<Voice>,
    /// Whether anybody waits for what it does.
    pub presence: Arc<Presence>,
    /// How much it has computed for the request.
    pub pace: Arc<Pace>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
    /// How the fault plan stops the guest from where it cannot trap.
    stop: Arc<StopSign>,
}

impl Guest {
    pub(crate) fn new(
        component: &Arc<ComponentGrants>,
        services: &Arc<Services>,
        components: &Weak<Components>,
        memory_bytes: usize,
    ) -> Self {
        let stop = Arc::default();
        let voice = Arc::new(Voice::new(component, &services.metrics));
        Self {
            component: Arc::clone(component),
            services: Arc::clone(services),
            table: ResourceTable::new(),
            memory: InstanceMemory::new(&services.memory, memory_bytes),
            handles: 0,
            transactions: OpenTransactions::default(),
            wasi: wasi::context(&voice, services, &stop),
            voice,
            presence: Arc::default(),
            pace: Arc::default(),
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(component, services, components, &stop),
            stop,
        }
    }

    /// How the fault plan stops the guest from where it cannot trap.
    pub(crate) fn stop(&self) -> Arc<StopSign> {
        Arc::clone(&self.stop)
    }

    /// Whom the next request is for, and how deep in a chain of requests between components it is.
    pub(crate) fn work_for(&mut self, client: Option<Client>, depth: u32) {
        self.outbound.client = client;
        self.outbound.depth = depth;
        self.presence.renew();
        self.pace = Arc::default();
        self.outbound.pace = Arc::clone(&self.pace);
    }

    /// Whom it works for.
    pub(crate) fn client(&self) -> Option<Client> {
        self.outbound.client
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
