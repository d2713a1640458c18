//! A running application: started by [`Shop::builder`], ended by [`Running::stop`] or [`Running::kill`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;

use crate::capabilities::http::Network;
use crate::capabilities::redis::{Broker, LocalBus, Servers};
use crate::capabilities::sqlite::{self, Database, Databases, LongReads};
use crate::client::{Proxies, Requests};
use crate::clock::{Clock, SystemClock};
use crate::connections::Connections;
use crate::engine::{self, Compiler};
use crate::error::{Error, Result};
use crate::faults::{FaultPlan, Faults};
use crate::files;
use crate::gate::Gate;
use crate::grants::AllowedHosts;
use crate::guest::{ComponentGrants, Services};
use crate::limits::{LISTEN_QUEUE, Limits, MESSAGES_QUEUED, SEND_BUFFER_BYTES};
use crate::log::LogLosses;
use crate::made::Made;
use crate::manifest::{ComponentSpec, Manifest, artifact};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::pool::{Lane, NoInstance, Pool, Triggers};
use crate::private;
use crate::probes::Probes;
use crate::random::SeededRandom;
use crate::routes::Routes;
use crate::runtime_config::{self, DataDir, DatabaseConfig};
use crate::scrape::Source;
use crate::server::{self, Peer, Server};
use crate::settings;
use crate::shutdown::Activity;
use crate::triggers;
use crate::triggers::http::HttpComponent;
use crate::triggers::redis::{MessageComponent, Subscriptions};
use crate::triggers::timer::Timer;
use crate::turns::QueueLimits;
use crate::variables::{self, Sources, Variables};
use crate::wire::Reception;
use crate::workers::{Workers, half_of_the_cores};

/// The data directory when none is chosen.
const DEFAULT_DATA_DIR: &str = ".mercato";
/// The runtime configuration that is taken when none is named and it lies beside the manifest.
const DEFAULT_RUNTIME_CONFIG: &str = "runtime-config.toml";
/// Variables in the data directory, as `cargo xtask variables` writes them.
const VARIABLES_FILE: &str = "variables.toml";
/// The variable that `--redis` sets, so that triggers and grants agree with it.
const REDIS_VARIABLE: &str = "redis_url";
/// The variable that says where customers find the shop; by default where it listens.
const PUBLIC_URL_VARIABLE: &str = "public_url";
/// The variable that says how many proxies in front tell whom a request comes from.
const TRUSTED_PROXIES_VARIABLE: &str = "trusted_proxies";

/// The variable that names the origins whose pages may read answers, those of the runner too.
const ORIGINS_VARIABLE: &str = "cors_allowed_origins";
/// How often idle instances are looked at, and how long they may be idle.
const IDLE_CHECK: Duration = Duration::from_secs(20);
const IDLE_TIME: Duration = Duration::from_secs(60);
/// A shop is idle that has been found so this often in a row, with this pause: a message is nowhere for a moment between its
/// queue and its instance.
const IDLE_LOOKS: u32 = 2;
const IDLE_LOOK: Duration = Duration::from_millis(1);
/// How long threads get to stop when the shop ends.
const RUNTIME_STOP_TIME: Duration = Duration::from_secs(5);
/// SQLite blocks its thread while it waits for the disk; so there are more threads than cores.
const THREADS_PER_CORE: usize = 2;

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
    app: PathBuf,
    runtime_config: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    listen: String,
    metrics_listen: Option<String>,
    variables: BTreeMap<String, String>,
    redis: Option<String>,
    clock: Arc<dyn Clock>,
    faults: Option<Arc<dyn FaultPlan>>,
    network: Option<Arc<dyn Network>>,
    random_seed: Option<u64>,
    limits: Limits,
    timers: bool,
    compiler: Option<PathBuf>,
    log_losses: LogLosses,
    new_databases: BTreeSet<String>,
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

    /// Lets the guests draw the same random numbers each time, and run without being asked to yield. Only for tests:
    /// whoever knows the seed knows every secret.
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

    /// Switches the manifest's timers on or off; [`Running::fire_timer`] works either way.
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

    /// Tells in metrics and readiness how many lines the process's log has lost.
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

    /// Starts the shop on threads of its own. When this returns, every component has an instance and the listener
    /// accepts.
    ///
    /// # Errors
    /// When anything is missing or wrong; see [`Error`].
    pub async fn start(self) -> Result<Running> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads((cores * THREADS_PER_CORE).max(THREADS_PER_CORE))
            .thread_name("shop")
            .enable_all()
            .build()
            .map_err(|cause| Error::Machine(format!("cannot start threads: {cause}")))?;
        let starting = runtime.spawn(start(self));
        let threads = Threads(Some(runtime));
        let parts = starting
            .await
            .map_err(|cause| Error::Machine(format!("the start failed: {cause}")))??;
        Ok(Running { parts, threads })
    }

    /// Starts the shop on the caller's runtime, so that on one of a single thread everything happens one after the
    /// other. It ends with that runtime.
    ///
    /// # Errors
    /// When anything is missing or wrong; see [`Error`].
    pub async fn start_here(self) -> Result<Running> {
        Ok(Running {
            parts: start(self).await?,
            threads: Threads(None),
        })
    }

    /// Compiles every component into the cache and does nothing else.
    ///
    /// # Errors
    /// When the manifest or a component cannot be used.
    pub fn compile(&self) -> Result<()> {
        let manifest = Manifest::read(&self.app)?;
        let compiler = Compiler::new(
            &self.data().path,
            1,
            &Limits {
                instances_per_component: 1,
                ..self.limits.clone()
            },
        )?;
        for (id, spec) in &manifest.component {
            compiler.compile(id, &read_artifact(&self.app, spec)?)?;
        }
        Ok(())
    }

    fn data(&self) -> DataDir {
        DataDir {
            path: self
                .data_dir
                .clone()
                .unwrap_or_else(|| DEFAULT_DATA_DIR.into()),
            explicit: self.data_dir.is_some(),
        }
    }

    fn runtime_config_file(&self) -> Option<PathBuf> {
        self.runtime_config.clone().or_else(|| {
            let beside = self.app.with_file_name(DEFAULT_RUNTIME_CONFIG);
            beside.exists().then_some(beside)
        })
    }

    fn resolve_variables(&self, manifest: &Manifest, data: &DataDir) -> Result<Variables> {
        let file = data.path.join(VARIABLES_FILE);
        let file = if file.exists() {
            private::tighten(&file);
            variables::read_file(&file)?
        } else {
            BTreeMap::new()
        };
        let mut given = self.variables.clone();
        if let Some(url) = self
            .redis
            .as_ref()
            .filter(|_| manifest.variables.contains_key(REDIS_VARIABLE))
        {
            given.insert(REDIS_VARIABLE.into(), url.clone());
        }
        // What is no text is nobody's variable.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Variables::resolve(
            &manifest.variables,
            &Sources {
                given: &given,
                environment: &environment,
                file: &file,
            },
        )
    }
}

/// The components that answer requests, by id. Empty until all are linked.
#[derive(Default)]
pub(crate) struct Components(OnceLock<BTreeMap<String, Arc<HttpComponent>>>);

impl Components {
    pub(crate) fn http(&self, id: &str) -> Option<Arc<HttpComponent>> {
        self.0.get()?.get(id).cloned()
    }
}

/// What a running shop is made of.
struct Parts {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    activity: Activity,
    databases: Databases,
    timers: BTreeMap<String, Arc<Timer>>,
    pools: Vec<Arc<Pool>>,
    server: Arc<Server>,
}

/// A shop that is open.
pub struct Running {
    parts: Parts,
    threads: Threads,
}

/// The threads of a shop. Dropped, also half-way through the start, they end without being waited for: an
/// asynchronous caller must not block.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.parts.address
    }

    /// Where its counters are served, if they are.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.parts.metrics_address
    }

    /// Makes the call of a component's timer now and returns its status; `None` when it has no timer. A component that has
    /// more to do is not called again.
    pub async fn fire_timer(&self, component: &str) -> Option<StatusCode> {
        let timer = Arc::clone(self.parts.timers.get(component)?);
        let call = async move { timer.call().await.0 };
        match &self.threads.0 {
            Some(runtime) => runtime.spawn(call).await.ok(),
            None => Some(call.await),
        }
    }

    /// Answers a request as if it had come over a connection.
    ///
    /// # Errors
    /// What was wrong when the body of the answer breaks off.
    pub async fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> std::result::Result<http::Response<Bytes>, String> {
        let request = request.map(Full::new);
        let server = Arc::clone(&self.parts.server);
        let peer = Peer {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            reception: Reception::default(),
            place: server.connections.detached(),
        };
        let answer = server.answer(request, &peer).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|cause| cause.to_string())?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    }

    /// Hands a message to the components that listen to its channel, as Redis would. Does nothing in a shop that has
    /// a Redis server.
    pub fn deliver(&self, channel: &str, payload: &[u8]) {
        if let Broker::Local(bus) = &self.parts.server.services.broker {
            bus.publish(channel, payload);
        }
    }

    /// Waits until no component works on anything and no message waits. A message that a Redis server holds does not
    /// count.
    pub async fn idle(&self) {
        let mut looks = 0;
        loop {
            let queues_are_empty = match &self.parts.server.services.broker {
                Broker::Local(bus) => bus.is_empty(),
                Broker::Servers(_) => true,
            };
            let nobody_works = self.parts.pools.iter().all(|pool| pool.is_idle());
            looks = if queues_are_empty && nobody_works {
                looks + 1
            } else {
                0
            };
            if looks == IDLE_LOOKS {
                return;
            }
            tokio::time::sleep(IDLE_LOOK).await;
        }
    }

    /// Ends all instances that do nothing and closes their databases. In a shop that is [idle](Self::idle), and after a
    /// crash by a fault plan, nothing is left then that a restart would not find either.
    pub fn forget(&self) {
        for pool in &self.parts.pools {
            pool.drop_idle(Duration::ZERO);
        }
        self.parts.databases.close_idle();
    }

    /// Closes the shop: accepts nothing new, lets what runs finish (in bounded time), moves the write-ahead logs
    /// into the databases. False when something had to be cut off.
    pub async fn stop(mut self) -> bool {
        self.parts.activity.close();
        let shutdown_time = self.parts.server.limits.shutdown_time;
        let finished = self.parts.activity.finished(shutdown_time).await;
        let services = Arc::clone(&self.parts.server.services);
        shut_down(self.threads.0.take(), services).await;
        self.parts.databases.checkpoint();
        finished
    }

    /// Drops everything at once, as a crash would: requests, messages and transactions under way are lost. When
    /// this returns, nothing of the shop runs any more and its databases are closed.
    pub async fn kill(mut self) {
        let services = Arc::clone(&self.parts.server.services);
        shut_down(self.threads.0.take(), services).await;
    }
}

/// Stopping threads blocks, which a caller's asynchronous thread must not.
async fn shut_down(runtime: Option<Runtime>, services: Arc<Services>) {
    let (done, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(RUNTIME_STOP_TIME);
        }
        // Nobody waits any more for what still runs: it ends soon.
        if let Some(reads) = &services.long_reads {
            reads.close();
        }
        if let Some(guests) = &services.heavy_guests {
            guests.close();
        }
        // The caller may have lost interest.
        let _ = done.send(());
    });
    let _ = wait.await;
}

/// Reads the file of a component.
fn read_artifact(app: &Path, spec: &ComponentSpec) -> Result<Vec<u8>> {
    let path = artifact(app, spec.source());
    std::fs::read(&path).map_err(|cause| Error::Read {
        path,
        cause,
        hint: "; run `cargo xtask build`",
    })
}

/// Everything the start has found out from files, before anything runs.
struct Plan {
    settings: Builder,
    manifest: Manifest,
    data: DataDir,
    variables: Variables,
    databases: BTreeMap<String, DatabaseConfig>,
}

impl Plan {
    fn read(settings: Builder) -> Result<Self> {
        let manifest = Manifest::read(&settings.app)?;
        let data = settings.data();
        let databases = runtime_config::read(settings.runtime_config_file().as_deref(), &data)?;
        let variables = settings.resolve_variables(&manifest, &data)?;
        if let Some(url) = &settings.redis {
            check_redis(url)?;
        }
        Ok(Self {
            settings,
            manifest,
            data,
            variables,
            databases,
        })
    }

    fn fault(&self, message: String) -> Error {
        Error::Manifest {
            path: self.settings.app.clone(),
            line: None,
            message,
        }
    }

    fn fill(&self, template: &str) -> Result<String> {
        self.variables
            .fill(template)
            .map_err(|message| self.fault(message))
    }

    /// The files of the databases that components use, by label.
    fn database_files(&self) -> BTreeMap<&str, &Path> {
        let components = self.manifest.component.values();
        let labels = components.flat_map(|spec| &spec.sqlite_databases);
        labels
            .filter_map(|label| {
                let path = self.databases.get(label)?.path.as_deref()?;
                Some((label.as_str(), path))
            })
            .collect()
    }

    /// The value of a variable, if the application declares it.
    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_default()
    }

    /// What a component may do.
    fn grants(
        &self,
        id: &str,
        spec: &ComponentSpec,
        open: &mut Databases,
    ) -> Result<ComponentGrants> {
        let fault = |message: String| self.fault(format!("component `{id}`: {message}"));
        let mut variables = BTreeMap::new();
        for (name, template) in &spec.variables {
            variables.insert(name.clone(), self.variables.fill(template).map_err(fault)?);
        }
        let hosts: Vec<String> = spec
            .allowed_outbound_hosts
            .iter()
            .map(|entry| self.variables.fill(entry).map_err(fault))
            .collect::<Result<_>>()?;
        let ids: Vec<String> = self.manifest.component.keys().cloned().collect();
        let hosts = AllowedHosts::parse(hosts.iter().map(String::as_str), &ids).map_err(fault)?;
        let mut databases: BTreeMap<String, Arc<Database>> = BTreeMap::new();
        for label in &spec.sqlite_databases {
            let config = self.databases.get(label).ok_or_else(|| {
                fault(format!("uses the database `{label}`, which the runtime configuration does not have; add [sqlite_database.{label}]"))
            })?;
            databases.insert(label.clone(), open.open(label, config)?);
        }
        Ok(ComponentGrants {
            id: id.to_owned(),
            environment: spec.environment.clone(),
            variables,
            hosts,
            databases,
        })
    }
}

fn check_redis(url: &str) -> Result<()> {
    redis::Client::open(url).map(drop).map_err(|cause| {
        Error::Redis(format!(
            "`{}` is not a Redis address: {cause}; give one like redis://127.0.0.1:6379",
            triggers::redis::server_name(url)
        ))
    })
}

/// Starts everything; runs on the shop's own threads.
async fn start(settings: Builder) -> Result<Parts> {
    let mut plan = Plan::read(settings)?;
    let listener = bind(&plan.settings.listen).await?;
    plan.variables.set_default(
        PUBLIC_URL_VARIABLE,
        format!("http://{}", reachable(local_address(&listener)?)),
    );
    let metrics_listener = match &plan.settings.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let mut databases = Databases::default();
    let made = Made::read(plan.database_files())?;
    made.check(&plan.settings.new_databases)?;
    let mut grants = BTreeMap::new();
    for (id, spec) in &plan.manifest.component {
        grants.insert(id.clone(), Arc::new(plan.grants(id, spec, &mut databases)?));
    }
    made.remember();
    let routes =
        Routes::build(&plan.manifest.trigger.http).map_err(|message| plan.fault(message))?;
    let wiring = Wiring::new(&plan)?;
    let metrics = Arc::new(Metrics::new().with_log_losses(plan.settings.log_losses.clone()));
    // A plan counts on everything happening in one place.
    let is_live = plan.settings.faults.is_none();
    let services = Arc::new(Services {
        broker: wiring.broker,
        clock: Arc::clone(&plan.settings.clock),
        faults: Faults::new(plan.settings.faults.clone()),
        memory: Arc::new(Memory::new(&plan.settings.limits, Arc::clone(&metrics))),
        metrics,
        network: plan.settings.network.clone(),
        random: plan.settings.random_seed.map(SeededRandom::new),
        long_reads: is_live
            .then(|| LongReads::start(&Handle::current()))
            .transpose()?,
        heavy_guests: is_live
            .then(|| {
                let (threads, runtime) = (half_of_the_cores(), Handle::current());
                Workers::start("heavy-guest", threads, QueueLimits::NONE, &runtime)
            })
            .transpose()?,
        gate: is_live.then(|| Gate::new(&plan.settings.limits)),
    });
    let activity = Activity::new();
    // In a simulation the files are left alone, and nothing depends on real time.
    if !services.faults.are_planned() && services.random.is_none() {
        tokio::spawn(sqlite::look_after(databases.all(), activity.clone()));
    }
    let built = build(&plan, &grants, &services, &activity).await?;
    // A fault plan counts calls from the start, and its variables are the tests'.
    if plan.settings.faults.is_none() {
        settings::check(&settings_checks(&plan, &built.components)?).await?;
    }

    for (address, subscriptions) in wiring.subscriptions {
        tracing::debug!(server = %triggers::redis::server_name(&address), channels = ?triggers::redis::channels(&subscriptions), "listening to Redis");
        tokio::spawn(triggers::redis::listen(
            address,
            subscriptions,
            activity.clone(),
        ));
    }
    for (id, queue) in wiring.queues {
        let Some(pool) = built.pools.get(&id) else {
            continue;
        };
        let component = MessageComponent {
            id,
            pool: Arc::clone(pool),
            services: Arc::clone(&services),
            activity: activity.clone(),
            request_time: plan.settings.limits.request_time,
        };
        tokio::spawn(component.run(queue));
    }
    let timers = start_timers(&plan, &built.components, &activity)?;
    let pools: Vec<Arc<Pool>> = built.pools.into_values().collect();
    services.memory.watch(pools.iter().map(Arc::downgrade));
    tokio::spawn(drop_idle_instances(pools.clone()));

    let address = local_address(&listener)?;
    let metrics_address = metrics_listener.as_ref().map(local_address).transpose()?;
    if let Some(listener) = metrics_listener {
        tokio::spawn(server::serve_metrics(
            listener,
            Arc::clone(&services),
            metrics_sources(&plan, &built.components)?,
            activity.clone(),
        ));
    }
    let proxies = Proxies::parse(plan.variable(TRUSTED_PROXIES_VARIABLE));
    let origins = mercato_settings::allowed_origins(plan.variable(ORIGINS_VARIABLE));
    let probes = probes(&plan, &built.components).await?;
    let limits = plan.settings.limits;
    let connections = Connections::new(
        &limits,
        files::connections_max(files::raise_limit(), limits.connections_max),
        !proxies.are_there(),
        Arc::clone(&services.metrics),
    );
    let server = Server {
        routes,
        probes,
        components: built.components,
        services,
        activity: activity.clone(),
        connections,
        proxies,
        origins,
        requests: Requests::default(),
        limits,
    };
    let server = Arc::new(server);
    tokio::spawn(Arc::clone(&server).run(listener));
    Ok(Parts {
        address,
        metrics_address,
        activity,
        databases,
        timers,
        pools,
        server,
    })
}

async fn bind(address: &str) -> Result<TcpListener> {
    let fault = |cause| Error::Listen {
        address: address.to_owned(),
        cause,
    };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let socket = SockRef::from(&listener);
    // What it accepts inherits that.
    socket
        .set_send_buffer_size(SEND_BUFFER_BYTES)
        .and_then(|()| socket.listen(LISTEN_QUEUE))
        .map_err(fault)?;
    Ok(listener)
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    listener
        .local_addr()
        .map_err(|cause| Error::Machine(format!("cannot tell the listener's address: {cause}")))
}

/// An address that a browser on this machine can open: a listener on all interfaces is also at the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// How messages travel.
struct Wiring {
    broker: Broker,
    /// What each component receives.
    queues: Vec<(String, mpsc::Receiver<Vec<u8>>)>,
    /// By server address; empty when messages stay in the process.
    subscriptions: BTreeMap<String, Subscriptions>,
}

impl Wiring {
    fn new(plan: &Plan) -> Result<Self> {
        let mut senders: BTreeMap<&str, mpsc::Sender<Vec<u8>>> = BTreeMap::new();
        let mut queues = Vec::new();
        let mut bus = LocalBus::default();
        let mut subscriptions: BTreeMap<String, Subscriptions> = BTreeMap::new();
        for trigger in &plan.manifest.trigger.redis {
            let queue = senders.entry(&trigger.component).or_insert_with(|| {
                let (sender, queue) = mpsc::channel(MESSAGES_QUEUED);
                queues.push((trigger.component.clone(), queue));
                sender
            });
            let channel = plan.fill(&trigger.channel)?;
            let template = trigger.address.as_ref().or(plan
                .manifest
                .application
                .trigger
                .redis
                .as_ref()
                .map(|redis| &redis.address));
            let address = plan.fill(template.map_or("", String::as_str))?;
            check_redis(&address)?;
            if plan.settings.redis.is_some() {
                subscriptions
                    .entry(address)
                    .or_default()
                    .entry(channel)
                    .or_default()
                    .push(queue.clone());
            } else {
                bus.subscribe(&channel, &trigger.component, queue.clone());
            }
        }
        let broker = if plan.settings.redis.is_some() {
            Broker::Servers(Servers::default())
        } else {
            Broker::Local(bus)
        };
        Ok(Self {
            broker,
            queues,
            subscriptions,
        })
    }
}

/// The linked components.
struct Built {
    components: Arc<Components>,
    pools: BTreeMap<String, Arc<Pool>>,
}

/// Compiles, links and tries every component.
async fn build(
    plan: &Plan,
    grants: &BTreeMap<String, Arc<ComponentGrants>>,
    services: &Arc<Services>,
    activity: &Activity,
) -> Result<Built> {
    let limits = &plan.settings.limits;
    let app = &plan.settings.app;
    let compiler = Compiler::new(&plan.data.path, plan.manifest.component.len(), limits)?;
    // One file at a time: what all of them need together would stay with the allocator.
    let mut cached = true;
    for spec in plan.manifest.component.values() {
        cached &= compiler.is_compiled(&read_artifact(app, spec)?);
    }
    if let Some(binary) = plan.settings.compiler.as_ref().filter(|_| !cached) {
        compile_apart(binary, plan).await;
    }
    // Guests yield as real time goes by, which no seed can repeat.
    if plan.settings.random_seed.is_none() {
        compiler.start_ticking()?;
    }
    let linker = engine::linker(&compiler.engine, services.faults.are_planned())?;
    let components = Arc::new(Components::default());
    let mut pools = BTreeMap::new();
    let mut answering = BTreeMap::new();
    for (id, spec) in &plan.manifest.component {
        let wanted = Triggers {
            http: plan.manifest.answers_http(id),
            messages: plan.manifest.handles_messages(id),
        };
        let Some(grants) = grants.get(id).filter(|_| wanted.http || wanted.messages) else {
            continue;
        };
        let compiled = compiler.compile(id, &read_artifact(app, spec)?)?;
        let pre = engine::link(id, &compiled, &linker)?;
        let pool = Pool::new(
            pre,
            wanted,
            Arc::clone(grants),
            Arc::clone(services),
            Arc::downgrade(&components),
            limits,
        )?;
        let pool = Arc::new(pool);
        try_out(id, &pool).await?;
        if wanted.http {
            let component = HttpComponent {
                id: id.clone(),
                pool: Arc::clone(&pool),
                services: Arc::clone(services),
                activity: activity.clone(),
                request_time: limits.request_time,
                admit: spec.admit_path().map_err(|message| plan.fault(message))?,
            };
            answering.insert(id.clone(), Arc::new(component));
        }
        pools.insert(id.clone(), pool);
    }
    // Nobody else has set it.
    let _ = components.0.set(answering);
    Ok(Built { components, pools })
}

/// Makes the component's first instance.
async fn try_out(id: &str, pool: &Pool) -> Result<()> {
    match pool.lease(Lane::Client, None).await {
        Ok(lease) => {
            pool.give_back(lease);
            Ok(())
        }
        Err(NoInstance::Broken(cause)) => Err(engine::component_error(id, &cause)),
        Err(NoInstance::Busy) => Err(Error::Component {
            component: id.to_owned(),
            message: "may have no instance at all".into(),
        }),
    }
}

/// Fills the cache from a child process. When that fails, this process compiles, and reports what is wrong.
async fn compile_apart(binary: &Path, plan: &Plan) {
    tracing::info!("compiling the components; the result is kept for the next start");
    let status = tokio::process::Command::new(binary)
        .arg("compile")
        .arg("--app")
        .arg(&plan.settings.app)
        .arg("--data-dir")
        .arg(&plan.data.path)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    if !status.is_ok_and(|status| status.success()) {
        tracing::debug!("compiling in a child process failed; compiling here");
    }
}

fn start_timers(
    plan: &Plan,
    components: &Components,
    activity: &Activity,
) -> Result<BTreeMap<String, Arc<Timer>>> {
    let mut timers = BTreeMap::new();
    for (id, spec) in &plan.manifest.component {
        let Ok(Some(spec)) = spec.timer() else {
            continue;
        };
        let component = components.http(id).ok_or_else(|| {
            plan.fault(format!(
                "component.{id}.tool.mercato: a timer needs an HTTP trigger"
            ))
        })?;
        let timer = Arc::new(Timer { component, spec });
        if plan.settings.timers {
            let (timer, activity) = (Arc::clone(&timer), activity.clone());
            tokio::spawn(async move { timer.run(activity).await });
        }
        timers.insert(id.clone(), timer);
    }
    Ok(timers)
}

/// The components that tell metrics.
fn metrics_sources(plan: &Plan, components: &Components) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (id, spec) in &plan.manifest.component {
        let Ok(Some(path)) = spec.metrics_path() else {
            continue;
        };
        let component = components.http(id).ok_or_else(|| {
            plan.fault(format!(
                "component.{id}.tool.mercato: telling metrics needs an HTTP trigger"
            ))
        })?;
        sources.push(Source::new(component, path));
    }
    Ok(sources)
}

/// The components that are asked whether they can use their variables, and where.
fn settings_checks(
    plan: &Plan,
    components: &Components,
) -> Result<Vec<(Arc<HttpComponent>, String)>> {
    let mut checks = Vec::new();
    for (id, spec) in &plan.manifest.component {
        let Ok(Some(path)) = spec.check_path() else {
            continue;
        };
        let component = components.http(id).ok_or_else(|| {
            plan.fault(format!(
                "component.{id}.tool.mercato: a check of settings needs an HTTP trigger"
            ))
        })?;
        checks.push((component, path));
    }
    Ok(checks)
}

/// Whom probes ask. Under a fault plan nothing is asked that the plan does not count on.
async fn probes(plan: &Plan, components: &Components) -> Result<Probes> {
    let mut probes = Probes::default();
    for (id, spec) in &plan.manifest.component {
        let (live, ready) = (
            spec.live_path().unwrap_or_default(),
            spec.ready_path().unwrap_or_default(),
        );
        if live.is_none() && ready.is_none() {
            continue;
        }
        let component = components.http(id).ok_or_else(|| {
            plan.fault(format!(
                "component.{id}.tool.mercato: probes need an HTTP trigger"
            ))
        })?;
        if let Some(path) = live.filter(|_| plan.settings.faults.is_none()) {
            let repeated = probes.repeat(&component, path).await;
            repeated.map_err(|message| Error::Component {
                component: id.clone(),
                message,
            })?;
        }
        if let Some(path) = ready {
            let is_kept = plan.settings.faults.is_none() && plan.settings.random_seed.is_none();
            probes.keep_for(id.clone(), path, is_kept);
        }
    }
    Ok(probes)
}

async fn drop_idle_instances(pools: Vec<Arc<Pool>>) {
    loop {
        tokio::time::sleep(IDLE_CHECK).await;
        for pool in &pools {
            pool.drop_idle(IDLE_TIME);
        }
    }
}
