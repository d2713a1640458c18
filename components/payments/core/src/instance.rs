//! The use cases' ports as a component has them.

use std::rc::Rc;

use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;

use crate::adapters::provider::ComposedProvider;
use crate::adapters::publisher::RedisPublisher;
use crate::application::ports::Ports;
use crate::settings::VariableSettings;
use crate::store::SqliteStore;

/// The ports of an instance: its database, the provider it was composed with, Redis, variables, the host's clock.
#[derive(Default)]
pub struct Instance {
    store: SqliteStore,
    provider: ComposedProvider,
    publisher: RedisPublisher,
    settings: VariableSettings,
    clock: SystemClock,
    ids: RandomIds,
}

impl Ports for Instance {
    type Store = SqliteStore;
    type Provider = ComposedProvider;
    type Publisher = RedisPublisher;
    type Settings = VariableSettings;
    type Clock = SystemClock;
    type Ids = RandomIds;

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    fn provider(&self) -> &ComposedProvider {
        &self.provider
    }

    fn publisher(&self) -> &RedisPublisher {
        &self.publisher
    }

    fn settings(&self) -> &VariableSettings {
        &self.settings
    }

    fn clock(&self) -> &SystemClock {
        &self.clock
    }

    fn ids(&self) -> &RandomIds {
        &self.ids
    }
}

thread_local! {
    static INSTANCE: Rc<Instance> = Rc::default();
}

/// The payments of this component instance; every call gives the same ones.
#[must_use]
pub fn instance() -> Rc<Instance> {
    INSTANCE.with(Rc::clone)
}
