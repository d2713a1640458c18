//! The ports as a component has them.

use std::cell::RefCell;
use std::rc::Rc;

use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;
use mercato_platform::log;
use mercato_sql::Database;

use crate::adapters::{ComposedCheckouts, ComposedInventory, ComposedPayments};
use crate::domain::OrderError;
use crate::ports::Ports;
use crate::settings::{self, Settings};
use crate::store;

/// Orders, with the database of this component and the contexts that it is composed with.
pub struct Orders {
    store: Database,
    settings: Settings,
}

impl Ports for Orders {
    type Store = Database;
    type Inventory = ComposedInventory;
    type Checkouts = ComposedCheckouts;
    type Payments = ComposedPayments;
    type Clock = SystemClock;
    type Ids = RandomIds;

    fn store(&self) -> &Database {
        &self.store
    }

    fn inventory(&self) -> &ComposedInventory {
        &ComposedInventory
    }

    fn checkouts(&self) -> &ComposedCheckouts {
        &ComposedCheckouts
    }

    fn payments(&self) -> &ComposedPayments {
        &ComposedPayments
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn ids(&self) -> &RandomIds {
        &RandomIds
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}

thread_local! {
    static INSTANCE: RefCell<Option<Rc<Orders>>> = const { RefCell::new(None) };
}

/// Orders of this instance. The settings are read once.
///
/// # Errors
/// [`OrderError::Internal`] when a setting cannot be used: the log says which.
pub async fn instance() -> Result<Rc<Orders>, OrderError> {
    if let Some(orders) = INSTANCE.with_borrow(Clone::clone) {
        return Ok(orders);
    }
    let settings = settings::load().await.map_err(|error| {
        log::error("orders is not configured", &[("error", &error.to_string())]);
        OrderError::Internal
    })?;
    let new = || {
        Rc::new(Orders {
            store: store::open(),
            settings,
        })
    };
    Ok(INSTANCE.with_borrow_mut(|orders| Rc::clone(orders.get_or_insert_with(new))))
}
