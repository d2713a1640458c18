//! Instances of one component: the one used last is used next, each for one request at a time.
//!
//! Requests queue for an instance, in rotation between clients, and only so many: further ones are refused at once. Apart
//! from all these, a few instances are kept for what must be answered whatever else goes on, such as readiness, and for timers.
//! They are made when all others are taken, so an idle shop does not have them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mercato_wasi::StoreData;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::p3::bindings::{Service, ServiceIndices};

use crate::capabilities::bindings::{Subscriber, SubscriberIndices};
use crate::capabilities::http::Networks;
use crate::client::Client;
use crate::engine::guest::{ComponentGrants, Guest, Services};
use crate::engine::memory::IdleInstances;
use crate::error::{Error, Result};
use crate::limits::{
    INSTANCES_KEPT_FOR_PROBES, INSTANCES_KEPT_FOR_TIMERS, Limits, REQUESTS_PER_INSTANCE,
};
use crate::observe::metrics::Metrics;
use crate::scheduling::semaphore::{FairSemaphore, Permit, QueueLimits};
use crate::sync::lock;

/// The pool of one component.
pub(crate) struct Pool {
    pre: InstancePre<StoreData>,
    http: Option<ServiceIndices>,
    messages: Option<SubscriberIndices>,
    grants: Arc<ComponentGrants>,
    services: Arc<Services>,
    networks: Networks,
    limits: Limits,
    permits: Arc<FairSemaphore>,
    probes: Arc<FairSemaphore>,
    timers: Arc<FairSemaphore>,
    idle: Mutex<Vec<Instance>>,
}

/// What a request is for, which says whether an instance is kept for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A client, or a component for a client.
    #[default]
    Client,
    /// Readiness, and whatever else components and the runner ask of each other and is answered quickly.
    Probe,
    /// A timer's call or a collection of metrics, which may take long.
    Timer,
}

/// An instance and its store.
pub(crate) struct Instance {
    pub store: Store<StoreData>,
    pub http: Option<Service>,
    pub messages: Option<Subscriber>,
    served: u32,
    idle_since: Instant,
    metrics: Arc<Metrics>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.metrics.instances.dec();
    }
}

/// The right to use an instance. Dropped without [`Pool::give_back`], the instance ends with it.
pub(crate) struct Lease {
    pub instance: Instance,
    _permit: Permit,
}

/// Why there is no instance.
pub(crate) enum NoInstance {
    /// All are busy, and none has become free in time, or too many wait already.
    Busy,
    /// A new one could not be made.
    Broken(wasmtime::Error),
}

impl Pool {
    /// A pool for a component that must answer HTTP, messages, or both.
    pub(crate) fn new(
        pre: InstancePre<StoreData>,
        wanted: Triggers,
        grants: Arc<ComponentGrants>,
        services: Arc<Services>,
        networks: Networks,
        limits: &Limits,
    ) -> Result<Self> {
        let lacks = |export: &str| Error::Component {
            component: grants.id.to_string(),
            message: format!(
                "has a trigger but does not export `{export}`; build it with the SDK's version 7"
            ),
        };
        let http = wanted
            .http
            .then(|| ServiceIndices::new(&pre).map_err(|_| lacks("wasi:http/handler@0.3.0")))
            .transpose()?;
        let messages = wanted
            .messages
            .then(|| {
                SubscriberIndices::new(&pre).map_err(|_| lacks("spin:redis/inbound-redis@3.0.0"))
            })
            .transpose()?;
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let queue = QueueLimits {
            all: limits.requests_waiting,
            per_client: limits.requests_waiting_per_client,
        };
        Ok(Self {
            pre,
            http,
            messages,
            grants,
            services,
            networks,
            limits: limits.clone(),
            permits: FairSemaphore::new(count(limits.instances_per_component), queue),
            probes: FairSemaphore::new(count(INSTANCES_KEPT_FOR_PROBES), queue),
            timers: FairSemaphore::new(count(INSTANCES_KEPT_FOR_TIMERS), queue),
            idle: Mutex::default(),
        })
    }

    /// Waits until there is memory for another request, at most for the queue time; says whether there is.
    pub(crate) async fn has_memory(&self) -> bool {
        self.services.memory.has_room(self.limits.queue_time).await
    }

    /// Waits for an instance, at most for the queue time.
    pub(crate) async fn lease(
        &self,
        lane: Lane,
        client: Option<Client>,
    ) -> Result<Lease, NoInstance> {
        let permit = match self.permits.try_acquire() {
            Some(permit) => permit,
            None => self.wait(lane, client).await.ok_or(NoInstance::Busy)?,
        };
        let idle = lock(&self.idle).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => self.instantiate().await.map_err(NoInstance::Broken)?,
        };
        Ok(Lease {
            instance,
            _permit: permit,
        })
    }

    async fn wait(&self, lane: Lane, client: Option<Client>) -> Option<Permit> {
        let (permits, client) = if self.services.faults.are_planned() {
            // A plan counts on so many instances, and on first come, first served.
            (&self.permits, None)
        } else {
            match lane {
                Lane::Client => (&self.permits, client),
                Lane::Probe => (&self.probes, client),
                Lane::Timer => (&self.timers, client),
            }
        };
        let waiting = permits.acquire(client).ok()?;
        let permit = tokio::time::timeout(self.limits.queue_time, waiting).await;
        permit.ok()?.ok()
    }

    /// Takes an instance back after a request that went well.
    pub(crate) fn give_back(&self, lease: Lease) {
        let Lease {
            mut instance,
            _permit,
        } = lease;
        if Guest::of_mut(instance.store.data_mut()).roll_back() {
            tracing::error!(component = %self.grants.id, "a transaction was left open at the end of a request; rolled back");
        }
        instance.served += 1;
        let is_large = Guest::of(instance.store.data()).memory.is_large();
        if instance.served < REQUESTS_PER_INSTANCE && !is_large {
            instance.idle_since = Instant::now();
            lock(&self.idle).push(instance);
        }
    }

    /// Whether no instance is out on a lease.
    pub(crate) fn is_idle(&self) -> bool {
        [&self.permits, &self.probes, &self.timers]
            .iter()
            .all(|permits| permits.is_all_free())
    }

    async fn instantiate(&self) -> wasmtime::Result<Instance> {
        let data = Guest::store_data(
            &self.grants,
            &self.services,
            &self.networks,
            self.limits.instance_memory_bytes,
        );
        let mut store = Store::new(self.pre.engine(), data);
        store.limiter(|data| &mut Guest::of_mut(data).memory);
        store.set_epoch_deadline(1);
        if self.services.heavy_guests.is_some() {
            store.epoch_deadline_callback(|mut store| {
                let guest = Guest::of_mut(store.data_mut());
                let has_transaction = guest.has_transaction();
                guest.host.request.cpu.on_yield(has_transaction);
                Ok(UpdateDeadline::Yield(1))
            });
        } else {
            store.epoch_deadline_async_yield_and_update(1);
        }
        let instance = self.pre.instantiate_async(&mut store).await?;
        Guest::of_mut(store.data_mut()).memory.begins();
        let http = self
            .http
            .as_ref()
            .map(|indices| indices.load(&mut store, &instance))
            .transpose()?;
        let messages = self
            .messages
            .as_ref()
            .map(|indices| indices.load(&mut store, &instance))
            .transpose()?;
        self.services.metrics.instances.inc();
        let metrics = Arc::clone(&self.services.metrics);
        Ok(Instance {
            store,
            http,
            messages,
            served: 0,
            idle_since: Instant::now(),
            metrics,
        })
    }
}

impl IdleInstances for Pool {
    fn drop_idle(&self, at_least: Duration) {
        let mut idle = lock(&self.idle);
        let (old, young) = idle
            .drain(..)
            .partition(|instance| instance.idle_since.elapsed() >= at_least);
        *idle = young;
        drop(idle);
        drop::<Vec<Instance>>(old);
    }
}

/// Which triggers name a component.
#[derive(Clone, Copy)]
pub(crate) struct Triggers {
    pub http: bool,
    pub messages: bool,
}
