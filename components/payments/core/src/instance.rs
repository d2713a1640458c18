//! The use cases' ports as a component has them.

use std::rc::Rc;

use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::ids::{Ids, RandomIds};

use crate::adapters::provider::ComposedProvider;
use crate::adapters::publisher::ComposedPublisher;
use crate::application::ports::{CheckoutSimulator, Ports, Provider, Publisher, Settings};
use crate::settings::VariableSettings;
use crate::store::SqlStore;

/// The ports of payments: their database, a provider, a broker, settings, a clock and new identifiers. A component has the
/// provider and the way for events that it was composed with, variables, and the host's clock.
#[derive(Default)]
pub struct Instance<
    P = ComposedProvider,
    B = ComposedPublisher,
    S = VariableSettings,
    C = SystemClock,
    I = RandomIds,
> {
    store: SqlStore,
    provider: P,
    publisher: B,
    settings: S,
    clock: C,
    ids: I,
}

impl<P, B, S, C, I> Instance<P, B, S, C, I> {
    /// With these behind the ports. The database is opened at first use; natively, for tests, it is a new one in memory.
    pub const fn new(provider: P, publisher: B, settings: S, clock: C, ids: I) -> Self {
        Self {
            store: SqlStore::new(),
            provider,
            publisher,
            settings,
            clock,
            ids,
        }
    }
}

impl<P, B, S, C, I> Ports for Instance<P, B, S, C, I>
where
    P: Provider + CheckoutSimulator,
    B: Publisher,
    S: Settings,
    C: Clock,
    I: Ids,
{
    type Store = SqlStore;
    type Provider = P;
    type Publisher = B;
    type Settings = S;
    type Clock = C;
    type Ids = I;

    fn store(&self) -> &SqlStore {
        &self.store
    }

    fn provider(&self) -> &P {
        &self.provider
    }

    fn publisher(&self) -> &B {
        &self.publisher
    }

    fn settings(&self) -> &S {
        &self.settings
    }

    fn clock(&self) -> &C {
        &self.clock
    }

    fn ids(&self) -> &I {
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
