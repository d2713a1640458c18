//! Instances of one component: the one used last is used next, each for one request at a time.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::p3::bindings::{Service, ServiceIndices};

use crate::bindings::{Subscriber, SubscriberIndices};
use crate::error::{Error, Result};
use crate::guest::{ComponentGrants, Guest, Services};
use crate::limits::{Limits, REQUESTS_PER_INSTANCE};
use crate::metrics::Metrics;
use crate::shop::Components;

/// The pool of one component.
pub(crate) struct Pool {
    pre: InstancePre<Guest>,
    http: Option<ServiceIndices>,
    messages: Option<SubscriberIndices>,
    grants: Arc<ComponentGrants>,
    services: Arc<Services>,
    components: Weak<Components>,
    limits: Limits,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Instance>>,
}

/// An instance and its store.
pub(crate) struct Instance {
    pub store: Store<Guest>,
    pub http: Option<Service>,
    pub messages: Option<Subscriber>,
    served: u32,
    idle_since: Instant,
    metrics: Arc<Metrics>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.metrics.instance_dropped();
    }
}

/// The right to use an instance. Dropped without [`Pool::give_back`], the instance ends with it.
pub(crate) struct Lease {
    pub instance: Instance,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no instance.
pub(crate) enum NoInstance {
    /// All are busy.
    Busy,
    /// A new one could not be made.
    Broken(wasmtime::Error),
}

impl Pool {
    /// A pool for a component that must answer HTTP, messages, or both.
    pub(crate) fn new(
        pre: InstancePre<Guest>,
        wanted: Triggers,
        grants: Arc<ComponentGrants>,
        services: Arc<Services>,
        components: Weak<Components>,
        limits: &Limits,
    ) -> Result<Self> {
        let lacks = |export: &str| Error::Component {
            component: grants.id.clone(),
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
        let instances = usize::try_from(limits.instances_per_component).unwrap_or(usize::MAX);
        Ok(Self {
            pre,
            http,
            messages,
            grants,
            services,
            components,
            limits: limits.clone(),
            free: Arc::new(Semaphore::new(instances.min(Semaphore::MAX_PERMITS))),
            idle: Mutex::default(),
        })
    }

    /// Waits until there is memory for another request, at most for the queue time; says whether there is.
    pub(crate) async fn has_memory(&self) -> bool {
        self.services.memory.has_room(self.limits.queue_time).await
    }

    /// Waits for an instance, at most for the queue time.
    pub(crate) async fn lease(&self) -> Result<Lease, NoInstance> {
        let permit = tokio::time::timeout(
            self.limits.queue_time,
            Arc::clone(&self.free).acquire_owned(),
        )
        .await;
        let Ok(Ok(permit)) = permit else {
            return Err(NoInstance::Busy);
        };
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let instance = match idle {
            Some(instance) => instance,
            None => self.instantiate().await.map_err(NoInstance::Broken)?,
        };
        Ok(Lease {
            instance,
            _permit: permit,
        })
    }

    /// Takes an instance back after a request that went well.
    pub(crate) fn give_back(&self, lease: Lease) {
        let Lease {
            mut instance,
            _permit,
        } = lease;
        if instance.store.data_mut().transactions.roll_back() {
            tracing::error!(component = %self.grants.id, "a transaction was left open at the end of a request; rolled back");
        }
        instance.served += 1;
        let is_large = instance.store.data().memory.is_large();
        if instance.served < REQUESTS_PER_INSTANCE && !is_large {
            instance.idle_since = Instant::now();
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(instance);
        }
    }

    /// Whether no instance is out on a lease.
    pub(crate) fn is_idle(&self) -> bool {
        u32::try_from(self.free.available_permits()) == Ok(self.limits.instances_per_component)
    }

    /// Ends instances that nobody has needed for a while.
    pub(crate) fn drop_idle(&self, longer_than: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, young) = idle
            .drain(..)
            .partition(|instance| instance.idle_since.elapsed() > longer_than);
        *idle = young;
        drop(idle);
        drop::<Vec<Instance>>(old);
    }

    async fn instantiate(&self) -> wasmtime::Result<Instance> {
        let guest = Guest::new(
            &self.grants,
            &self.services,
            &self.components,
            self.limits.instance_memory_bytes,
        );
        let mut store = Store::new(self.pre.engine(), guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = self.pre.instantiate_async(&mut store).await?;
        store.data_mut().memory.begins();
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
        self.services.metrics.instance_made();
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

/// Which triggers name a component.
#[derive(Clone, Copy)]
pub(crate) struct Triggers {
    pub http: bool,
    pub messages: bool,
}
