use std::rc::Rc;

use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;
use mercato_platform::log;

use crate::application::ports::{Clock, Ids, Ports, Store};
use crate::domain::error::StoreError;
use crate::store::{DATABASE_LABEL, SqlStore};

/// The ports of the catalogue: its database, a clock and new identifiers.
pub struct Products<C = SystemClock, I = RandomIds> {
    pub(crate) store: SqlStore,
    clock: C,
    ids: I,
}

impl<C: Clock, I: Ids> Products<C, I> {
    /// With that clock and those identifiers. The database is opened at first use; natively, for tests, it is a new one in
    /// memory.
    pub const fn new(clock: C, ids: I) -> Self {
        Self {
            store: SqlStore::new(),
            clock,
            ids,
        }
    }
}

impl<C: Clock, I: Ids> Ports for Products<C, I> {
    fn store(&self) -> &impl Store {
        &self.store
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }

    fn ids(&self) -> &impl Ids {
        &self.ids
    }
}

thread_local! {
    static INSTANCE: Rc<Products> = Rc::new(Products::new(SystemClock, RandomIds));
}

/// The ports of this instance of a component, which keeps its connection to the database.
#[must_use]
pub fn instance() -> Rc<Products> {
    INSTANCE.with(Rc::clone)
}

/// Writes the cause into the log: an answer does not name it.
pub fn log_cause(error: &StoreError) {
    let text = error.to_string();
    let fields = [("database", DATABASE_LABEL), ("error", text.as_str())];
    match error {
        StoreError::Unavailable(_) => log::warn("the products database did not answer", &fields),
        StoreError::TooExpensive(_) => log::warn("reading the products took too long", &fields),
        StoreError::Fault(_) => log::error("the products database failed", &fields),
    }
}
