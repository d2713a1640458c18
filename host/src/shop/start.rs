//! The start of a shop, one step after the other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::builder::Builder;
use super::check_settings;
use super::components::{build, metrics_sources, probes, settings_checks, start_timers};
use super::listener::{bind, local_address, reachable};
use super::plan::{Plan, read_artifact};
use super::running::{Parts, Running, Threads};
use super::wiring::Wiring;
use crate::capabilities::faults::Faults;
use crate::capabilities::postgres::servers::Servers as PostgresServers;
use crate::capabilities::random::SeededRandom;
use crate::capabilities::sqlite::LongReads;
use crate::capabilities::sqlite::database::Databases;
use crate::capabilities::sqlite::integrity;
use crate::capabilities::sqlite::known_databases::KnownDatabases;
use crate::client::{Proxies, Requests};
use crate::engine::compiler::{CACHE_FOLDER, Compiler};
use crate::engine::file_pages;
use crate::engine::guest::Services;
use crate::engine::memory::{IdleInstances, Memory};
use crate::engine::pool::Pool;
use crate::error::{Error, Result};
use crate::http::connections::Connections;
use crate::http::routes::Routes;
use crate::http::server::Server;
use crate::http::{metrics_listener, open_files};
use crate::limits::Limits;
use crate::manifest::spin::Manifest;
use crate::observe::metrics::Metrics;
use crate::scheduling::limiter::RequestLimiter;
use crate::scheduling::semaphore::QueueLimits;
use crate::scheduling::workers::{Workers, all_cores_or_half, cores};
use crate::shutdown::Activity;
use crate::triggers::redis::{self as redis_trigger, MessageComponent};

/// The variable that says where customers find the shop; by default where it listens.
const PUBLIC_URL_VARIABLE: &str = "public_url";
/// The variable that says how many proxies in front are believed about whom a request comes from.
const TRUSTED_PROXIES_VARIABLE: &str = "trusted_proxies";
/// The variable that names the origins whose pages may read answers, those of the runner too.
const ORIGINS_VARIABLE: &str = "cors_allowed_origins";
/// Idle instances are looked at so often in the time that they may be idle.
const IDLE_CHECKS: u32 = 3;
/// The first calls of timers are done so long after the start.
const START_TIME: Duration = Duration::from_secs(1);
/// SQLite blocks its thread while it waits for the disk; so there are more threads than cores.
const THREADS_PER_CORE: usize = 2;

impl Builder {
    /// Starts the shop on threads of its own. When this returns, every component has an instance and the listener
    /// accepts.
    ///
    /// # Errors
    /// When anything is missing or wrong; see [`Error`].
    pub async fn start(self) -> Result<Running> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads((cores() * THREADS_PER_CORE).max(THREADS_PER_CORE))
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
}

/// Starts everything; runs on the shop's own threads.
async fn start(settings: Builder) -> Result<Parts> {
    let mut plan = Plan::read(settings)?;
    if plan.settings.random_seed.is_some() {
        plan.settings.limits = plan.settings.limits.without_real_time();
    }
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
    let known = KnownDatabases::read(plan.database_files())?;
    known.check(&plan.settings.new_databases)?;
    let mut grants = BTreeMap::new();
    for (id, spec) in &plan.manifest.component {
        grants.insert(id.clone(), Arc::new(plan.grants(id, spec, &mut databases)?));
    }
    known.remember();
    let routes =
        Routes::build(&plan.manifest.trigger.http).map_err(|message| plan.fault(message))?;
    let wiring = Wiring::new(&plan)?;
    let metrics = Arc::new(Metrics::new(plan.settings.log_losses.clone()));
    // A plan counts on everything happening in one place.
    let is_live = plan.settings.faults.is_none();
    let services = Arc::new(Services {
        broker: Arc::new(wiring.broker),
        postgres: Arc::new(PostgresServers::new(
            plan.settings.limits.postgres_connections,
            &metrics,
        )),
        clock: Arc::clone(&plan.settings.clock),
        faults: Faults::new(plan.settings.faults.clone()),
        memory: Arc::new(Memory::new(&plan.settings.limits, Arc::clone(&metrics))),
        metrics,
        random: plan.settings.random_seed.map(SeededRandom::new),
        long_reads: is_live
            .then(|| LongReads::start(&Handle::current()).map(Arc::new))
            .transpose()?,
        heavy_guests: is_live
            .then(|| {
                let (threads, runtime) = (all_cores_or_half(), Handle::current());
                Workers::start("heavy-guest", threads, QueueLimits::NONE, &runtime)
            })
            .transpose()?,
        limiter: is_live.then(|| RequestLimiter::new(&plan.settings.limits)),
    });
    let activity = Activity::new();
    // In a simulation the files are left alone, and nothing depends on real time.
    if !services.faults.are_planned() && services.random.is_none() {
        tokio::spawn(integrity::look_after(databases.all(), activity.clone()));
    }
    let built = build(&plan, &grants, &services, &activity).await?;
    // A fault plan counts calls from the start, and its variables are the tests'.
    if plan.settings.faults.is_none() {
        check_settings::check(&settings_checks(&plan, &built.components)?).await?;
    }

    for (address, subscriptions) in wiring.subscriptions {
        tracing::debug!(server = %redis_trigger::server_name(&address), channels = ?redis_trigger::channels(&subscriptions), "listening to Redis");
        tokio::spawn(redis_trigger::listen(
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
    services.memory.watch(pools.iter().map(|pool| {
        let pool: Weak<dyn IdleInstances> = Arc::<Pool>::downgrade(pool);
        pool
    }));
    let idle_time = plan.settings.limits.instance_idle_time;
    tokio::spawn(drop_idle_instances(pools.clone(), idle_time));
    if is_live {
        tokio::spawn(give_memory_back(plan.data.path.join(CACHE_FOLDER)));
    }

    let address = local_address(&listener)?;
    let metrics_address = metrics_listener.as_ref().map(local_address).transpose()?;
    if let Some(listener) = metrics_listener {
        tokio::spawn(metrics_listener::serve(
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
        open_files::connections_max(open_files::raise_limit(), limits.connections_max),
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

/// Gives back what only the start has used. Mostly it is over when the shop listens; what goes on after that in timers needs little.
async fn give_memory_back(cache_folder: PathBuf) {
    tokio::time::sleep(START_TIME).await;
    // Ends by itself.
    drop(tokio::task::spawn_blocking(move || {
        file_pages::give_back(&cache_folder);
    }));
}

async fn drop_idle_instances(pools: Vec<Arc<Pool>>, idle_time: Duration) {
    loop {
        tokio::time::sleep(idle_time / IDLE_CHECKS).await;
        for pool in &pools {
            pool.drop_idle(idle_time);
        }
    }
}
