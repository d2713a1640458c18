//! Products and reservations in SQLite.

mod categories;
mod facets;
mod json;
mod listing;
mod products;
mod renewal;
mod reservations;
mod rows;
#[cfg(test)]
mod tests;
mod variants;

use std::collections::BTreeMap;

use mercato_kernel::{CheckoutId, OrderId, ProductId};
use mercato_sql::{Database, Error, Migrations, migrations};

use crate::application::locks::Locks;
use crate::application::ports::{HeldReservations, Inventory, StockStats, Store, Transaction};
use crate::domain::category::{CategoryId, CategoryKey, Tree};
use crate::domain::error::StoreError;
use crate::domain::listing::Listing;
use crate::domain::product::ProductView;
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::search::FoundPage;
use crate::domain::sellable::Sellable;
use crate::domain::slug::Slug;

/// Label of the database in the manifest.
pub const DATABASE_LABEL: &str = "products";

/// The steps of its schema.
const MIGRATIONS: Migrations = migrations!();

/// The database of the catalogue.
pub struct SqlStore(pub(crate) Database);

impl SqlStore {
    /// Not opened yet.
    pub const fn new() -> Self {
        Self(Database::new(DATABASE_LABEL, MIGRATIONS))
    }

    /// On a fresh database.
    #[cfg(test)]
    pub fn for_test() -> Self {
        Self(Database::for_test(DATABASE_LABEL, MIGRATIONS).unwrap())
    }

    /// On a fresh SQLite, for tests of how that goes about statements.
    #[cfg(test)]
    pub fn on_sqlite() -> Self {
        Self(Database::in_memory(DATABASE_LABEL, MIGRATIONS.sqlite).unwrap())
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Interrupted(_)) {
            Self::TooExpensive(error.to_string())
        } else if error.is_transient() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Fault(error.to_string())
        }
    }
}

/// The error of a use case, so that the database's own errors can be turned into it.
struct Outcome<E>(E);

impl<E: From<StoreError>> From<Error> for Outcome<E> {
    fn from(error: Error) -> Self {
        Self(E::from(StoreError::from(error)))
    }
}

impl Store for SqlStore {
    fn ready(&self) -> Result<(), StoreError> {
        self.0.read(products::ready)
    }

    fn product(&self, id: ProductId) -> Result<Option<ProductView>, StoreError> {
        self.0.read(|connection| products::find(connection, id))
    }

    fn product_by_slug(&self, slug: &Slug) -> Result<Option<ProductView>, StoreError> {
        self.0
            .read(|connection| products::find_by_slug(connection, slug))
    }

    fn product_by_former_slug(&self, slug: &Slug) -> Result<Option<ProductView>, StoreError> {
        self.0
            .read(|connection| products::find_by_former_slug(connection, slug))
    }

    fn product_of_variant(&self, id: ProductId) -> Result<Option<ProductView>, StoreError> {
        self.0
            .read(|connection| products::find_of_variant(connection, id))
    }

    fn with_variants(&self, products: Vec<ProductView>) -> Result<Vec<ProductView>, StoreError> {
        self.0
            .read(|connection| variants::added(connection, products))
    }

    fn sellables(&self, ids: &[ProductId]) -> Result<Vec<Sellable>, StoreError> {
        self.0
            .read(|connection| variants::sellables(connection, ids))
    }

    fn tree(&self) -> Result<Tree, StoreError> {
        self.0.read(categories::tree)
    }

    fn category(&self, key: &CategoryKey) -> Result<Option<CategoryId>, StoreError> {
        self.0.read(|connection| categories::find(connection, key))
    }

    fn list(&self, listing: &Listing) -> Result<Option<FoundPage>, StoreError> {
        self.0
            .read(|connection| Ok(listing::page(connection, listing)?))
    }

    fn has_old_words(&self) -> Result<bool, StoreError> {
        self.0.read(renewal::is_needed)
    }

    fn stats(&self) -> Result<StockStats, StoreError> {
        self.0.read(products::stats)
    }

    fn held_reservations(&self) -> Result<HeldReservations, StoreError> {
        self.0.read(reservations::held)
    }

    fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, StoreError> {
        self.0
            .read(|connection| Inventory::reservation(connection, order_id))
    }

    fn held_for(&self, checkout_id: CheckoutId) -> Result<BTreeMap<ProductId, u64>, StoreError> {
        self.0
            .read(|connection| reservations::held_for(connection, checkout_id))
    }

    fn reservation_states(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, ReservationState)>, StoreError> {
        self.0
            .read(|connection| reservations::states(connection, order_ids))
    }

    fn has_released(&self, before: u64) -> Result<bool, StoreError> {
        self.0
            .read(|connection| reservations::has_released(connection, before))
    }

    fn write<T, E: From<StoreError>>(
        &self,
        locks: Locks,
        work: impl Fn(&dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0
            .write(locks, |connection| work(connection).map_err(Outcome))
            .map_err(|Outcome(error)| error)
    }

    fn write_stock<T, E: From<StoreError>>(
        &self,
        locks: Locks,
        work: impl Fn(&dyn Inventory) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0
            .write(locks, |connection| work(connection).map_err(Outcome))
            .map_err(|Outcome(error)| error)
    }
}
