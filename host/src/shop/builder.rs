//! Settings of a shop that is about to start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::capabilities::clock::{Clock, SystemClock};
use crate::capabilities::faults::FaultPlan;
use crate::capabilities::http::Network;
use crate::limits::Limits;
use crate::observe::log_queue::LogLosses;

/// Entry point of the library.
pub struct Shop;

impl Shop {
    /// A shop with the settings of `mercato up` without arguments.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Settings of a shop that is about to start.
#[derive(Clone)]
pub struct Builder {
    pub(super) app: PathBuf,
    pub(super) runtime_config: Option<PathBuf>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) listen: String,
    pub(super) metrics_listen: Option<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) redis: Option<String>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) faults: Option<Arc<dyn FaultPlan>>,
    pub(super) network: Option<Arc<dyn Network>>,
    pub(super) random_seed: Option<u64>,
    pub(super) limits: Limits,
    pub(super) timers: bool,
    pub(super) compiler: Option<PathBuf>,
    pub(super) log_losses: LogLosses,
    pub(super) new_databases: BTreeSet<String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            app: "spin.toml".into(),
            runtime_config: None,
            data_dir: None,
            listen: "127.0.0.1:3000".into(),
            metrics_listen: None,
            variables: BTreeMap::new(),
            redis: None,
            clock: Arc::new(SystemClock),
            faults: None,
            network: None,
            random_seed: None,
            limits: Limits::default(),
            timers: true,
            compiler: None,
            log_losses: LogLosses::default(),
            new_databases: BTreeSet::new(),
        }
    }
}

impl Builder {
    /// The manifest; `spin.toml` by default.
    #[must_use]
    pub fn app(mut self, path: impl Into<PathBuf>) -> Self {
        self.app = path.into();
        self
    }

    /// The runtime configuration; by default `runtime-config.toml` beside the manifest, if there is one.
    #[must_use]
    pub fn runtime_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.runtime_config = Some(path.into());
        self
    }

    /// Where the compile cache and the variables lie, and the databases whose configured path begins with
    /// `.mercato/`; `.mercato` by default.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Address to listen on; port 0 takes a free one.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Address on which the counters are served at `/metrics`; not served by default.
    #[must_use]
    pub fn metrics_listen(mut self, address: impl Into<String>) -> Self {
        self.metrics_listen = Some(address.into());
        self
    }

    /// Gives an application variable a value.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Uses a Redis server instead of the bus inside the process, and sets the variable `redis_url`, if declared.
    #[must_use]
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some(url.into());
        self
    }

    /// Lets the guests see another wall clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Asks a plan about each call that a guest makes to the outside.
    #[must_use]
    pub fn faults(mut self, plan: impl FaultPlan) -> Self {
        self.faults = Some(Arc::new(plan));
        self
    }

    /// Lets something stand in for the network beyond the application.
    #[must_use]
    pub fn network(mut self, network: impl Network) -> Self {
        self.network = Some(Arc::new(network));
        self
    }

    /// Lets the guests draw the same random numbers each time, run without being asked to yield, and meet no limit that
    /// counts real time. Only for tests: the seed gives away every secret.
    #[must_use]
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.random_seed = Some(seed);
        self
    }

    /// Tightens or loosens limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Switches the manifest's timers on or off; [`Running::fire_timer`](crate::Running::fire_timer) works either way.
    #[must_use]
    pub fn timers(mut self, on: bool) -> Self {
        self.timers = on;
        self
    }

    /// A `mercato` binary that compiles components in a process of its own, which keeps the memory that compiling
    /// needs out of this one. Without it the shop compiles in its own process.
    #[must_use]
    pub fn compiler(mut self, binary: impl Into<PathBuf>) -> Self {
        self.compiler = Some(binary.into());
        self
    }

    /// Reports in metrics and readiness how many lines the process's log has lost.
    #[must_use]
    pub fn log_losses(mut self, losses: &LogLosses) -> Self {
        self.log_losses = losses.clone();
        self
    }

    /// Lets a database begin anew that the shop has had and that is missing.
    #[must_use]
    pub fn new_database(mut self, label: impl Into<String>) -> Self {
        self.new_databases.insert(label.into());
        self
    }
}
