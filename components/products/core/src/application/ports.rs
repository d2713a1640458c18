//! What the use cases need of the world outside.

pub use mercato_platform::clock::Clock;
pub use mercato_platform::ids::Ids;

use std::collections::BTreeMap;

use mercato_kernel::{CheckoutId, OrderId, ProductId};

use super::locks::Locks;
use crate::domain::category::{CategoryId, CategoryKey, CategoryPath, CategoryView, Tree};
use crate::domain::error::StoreError;
use crate::domain::listing::Listing;
use crate::domain::product::{Product, ProductView};
use crate::domain::reservation::{Reservation, ReservationState, ReservedLine, Settlement};
use crate::domain::search::FoundPage;
use crate::domain::sellable::Sellable;
use crate::domain::slug::Slug;
use crate::domain::values::Sku;
use crate::domain::variant::{Choice, StockItem, Variant};

/// What the use cases are given.
pub trait Ports {
    /// Where products and reservations are kept.
    fn store(&self) -> &impl Store;

    /// The time of day.
    fn clock(&self) -> &impl Clock;

    /// New identifiers.
    fn ids(&self) -> &impl Ids;
}

/// What an admin did to the free units of a product or variant. The entries of one add up to all its units:
/// the sum of `free_after - free_before` is free + reserved + sold, for orders only move units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockEntry {
    /// The product or variant.
    pub product_id: ProductId,
    /// Its version that the change made.
    pub version: u64,
    /// Free units before it.
    pub free_before: u64,
    /// Free units after it.
    pub free_after: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// Most slugs that lead on to a product which had them before.
pub const FORMER_SLUGS_MAX: u32 = 20;

/// Free units from which on downwards a product counts as running out.
pub const LOW_STOCK_UNITS: u64 = 10;

/// Most products that [`StockStats`] names.
pub const LOW_STOCK_PRODUCTS_MAX: u32 = 50;

/// The state of the stock as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockStats {
    /// Published products.
    pub products: u64,
    /// Stock items of what can be ordered without a free unit.
    pub out_of_stock: u64,
    /// Stock items with at most [`LOW_STOCK_UNITS`] free units, fewest first, [`LOW_STOCK_PRODUCTS_MAX`] at the most.
    pub low_stock: Vec<LowStock>,
}

/// A stock item that runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowStock {
    /// The product; of a variant, its columns as they are kept: its own number, price and stock.
    pub product: ProductView,
    /// The product that it is a variant of, if it is one.
    pub variant_of: Option<ProductId>,
    /// What the variant has of its product's options.
    pub choices: Vec<Choice>,
}

/// Reservations that wait for a payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldReservations {
    /// How many.
    pub reservations: u64,
    /// When the oldest was made, in milliseconds since the Unix epoch.
    pub oldest_at: Option<u64>,
}

/// Where products and reservations are kept.
pub trait Store {
    /// Makes everything ready to use.
    fn ready(&self) -> Result<(), StoreError>;

    /// A product that is not deleted.
    fn product(&self, id: ProductId) -> Result<Option<ProductView>, StoreError>;

    /// The product of that slug that is not deleted.
    fn product_by_slug(&self, slug: &Slug) -> Result<Option<ProductView>, StoreError>;

    /// The product that is not deleted and had that slug last, of those that have another one now.
    fn product_by_former_slug(&self, slug: &Slug) -> Result<Option<ProductView>, StoreError>;

    /// The product that has the variant of that identifier, both not deleted, without its variants.
    fn product_of_variant(&self, id: ProductId) -> Result<Option<ProductView>, StoreError>;

    /// These products with their variants.
    fn with_variants(&self, products: Vec<ProductView>) -> Result<Vec<ProductView>, StoreError>;

    /// Those of these products and variants that can be ordered, in any order.
    fn sellables(&self, ids: &[ProductId]) -> Result<Vec<Sellable>, StoreError>;

    /// All categories.
    fn tree(&self) -> Result<Tree, StoreError>;

    /// The identifier of a category that is asked for; none when there is no category of that path.
    fn category(&self, key: &CategoryKey) -> Result<Option<CategoryId>, StoreError>;

    /// One page of the products that are not deleted. None when more products than
    /// [`RANKED_WALK_MATCHES_MAX`](crate::domain::search::RANKED_WALK_MATCHES_MAX) have come to match a search that was
    /// ranked when its walk began.
    fn list(&self, listing: &Listing) -> Result<Option<FoundPage>, StoreError>;

    /// Whether there are products whose words and place among the names were made by an earlier version of the program, or by nobody.
    fn has_old_words(&self) -> Result<bool, StoreError>;

    /// The state of the stock of all published products.
    fn stats(&self) -> Result<StockStats, StoreError>;

    /// The reservations that wait for a payment. Costs as much as there are of them.
    fn held_reservations(&self) -> Result<HeldReservations, StoreError>;

    /// The reservation of an order.
    fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, StoreError>;

    /// The units of stock items that are held for orders of a checkout.
    fn held_for(&self, checkout_id: CheckoutId) -> Result<BTreeMap<ProductId, u64>, StoreError>;

    /// Where the stock of those of these orders is that have a reservation.
    fn reservation_states(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, ReservationState)>, StoreError>;

    /// Whether a reservation was given back before that time, in milliseconds since the Unix epoch.
    fn has_released(&self, before: u64) -> Result<bool, StoreError>;

    /// Runs `work` alone among all who write what those [locks](crate::application::locks) name: all of what it does remains when it
    /// returns `Ok`, nothing when `Err`. It may be run again after that.
    fn write<T, E: From<StoreError>>(
        &self,
        locks: Locks,
        work: impl Fn(&dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E>;

    /// The same for what is about the stock of orders alone. A component that writes nothing else does not have the rest, such as what makes
    /// the words of products.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError`].
    fn write_stock<T, E: From<StoreError>>(
        &self,
        locks: Locks,
        work: impl Fn(&dyn Inventory) -> Result<T, E>,
    ) -> Result<T, E>;
}

/// What can be done while no one else writes.
pub trait Transaction: Catalogue + Categories + Inventory {}

impl<T: Catalogue + Categories + Inventory> Transaction for T {}

/// Categories and which products are in them, while no one else writes.
pub trait Categories {
    /// All categories.
    fn tree(&self) -> Result<Tree, StoreError>;

    /// Adds a category.
    fn insert_category(&self, category: &CategoryView) -> Result<(), StoreError>;

    /// Replaces everything of a category.
    fn save_category(&self, category: &CategoryView) -> Result<(), StoreError>;

    /// Gives everything inside of a category that had one path and has another one now its path, as its next version, at a time
    /// in milliseconds since the Unix epoch.
    fn move_inside(
        &self,
        from: &CategoryPath,
        to: &CategoryPath,
        at: u64,
    ) -> Result<(), StoreError>;

    /// Removes a category that holds nothing.
    fn remove_category(&self, id: CategoryId) -> Result<(), StoreError>;

    /// How many products are in a category or inside of it, counted up to a limit.
    fn products_in(&self, id: CategoryId, limit: u64) -> Result<u64, StoreError>;

    /// Puts the products of a category into those that hold it now, and takes them out of those that held it, unless something else
    /// holds them there.
    fn move_products(
        &self,
        id: CategoryId,
        from: &[CategoryId],
        to: &[CategoryId],
    ) -> Result<(), StoreError>;

    /// Puts a product into these categories, those that hold its own included, and takes it out of all others.
    fn set_categories(
        &self,
        product_id: ProductId,
        categories: &[CategoryId],
    ) -> Result<(), StoreError>;
}

/// Products and their stock book, while no one else writes.
pub trait Catalogue {
    /// A product that is not deleted.
    fn product(&self, id: ProductId) -> Result<Option<Product>, StoreError>;

    /// The product that has the variant of that identifier, both not deleted.
    fn product_of_variant(&self, id: ProductId) -> Result<Option<Product>, StoreError>;

    /// The products and variants that have these numbers and are not deleted, in any order.
    fn stock_items(&self, skus: &[&Sku]) -> Result<Vec<StockItem>, StoreError>;

    /// Whether variants of other products than this one draw on the stock of any of these.
    fn is_drawn_elsewhere(
        &self,
        ids: &[ProductId],
        product_id: ProductId,
    ) -> Result<bool, StoreError>;

    /// Writes the variants of a product where they differ from those of before, and what follows from them for the product.
    fn save_variants(&self, product: &Product, before: &[Variant]) -> Result<(), StoreError>;

    /// The products that have these numbers, or variants with them, and are not deleted, in any order.
    fn products_by_sku(&self, skus: &[&Sku]) -> Result<Vec<Product>, StoreError>;

    /// The products that have these slugs and are not deleted, in any order.
    fn products_by_slug(&self, slugs: &[&Slug]) -> Result<Vec<Product>, StoreError>;

    /// The identifier of the product or variant that has this number and is not deleted.
    fn sku_owner(&self, sku: &Sku) -> Result<Option<ProductId>, StoreError>;

    /// The identifier of the product that has this slug and is not deleted.
    fn slug_owner(&self, slug: &Slug) -> Result<Option<ProductId>, StoreError>;

    /// Those of these slugs that products have which are not deleted.
    fn taken_slugs(&self, slugs: &[&Slug]) -> Result<Vec<Slug>, StoreError>;

    /// Remembers a slug that the product had up to that time, in milliseconds since the Unix epoch, and of all it had the last
    /// [`FORMER_SLUGS_MAX`].
    fn remember_slug(&self, id: ProductId, slug: &Slug, until: u64) -> Result<(), StoreError>;

    /// Adds products.
    fn insert_products(&self, products: &[&Product]) -> Result<(), StoreError>;

    /// Replaces everything of a product.
    fn save_product(&self, product: &Product) -> Result<(), StoreError>;

    /// Makes the words of products anew, and their places among the names, where those were made by an earlier version of the program,
    /// or by nobody: of at most `limit` products. Gives of how many.
    fn renew_words(&self, limit: u32) -> Result<u64, StoreError>;

    /// Writes entries into the stock book, in their order.
    fn record(&self, entries: &[StockEntry]) -> Result<(), StoreError>;
}

/// The stock of orders, while no one else writes.
pub trait Inventory {
    /// Those of these products and variants that can be ordered, in any order.
    fn sellables(&self, ids: &[ProductId]) -> Result<Vec<Sellable>, StoreError>;

    /// Takes the units of these lines, one per product or variant, off the free stock and holds them. Changes no version.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when a stock item has fewer free units.
    fn take(&self, lines: &[ReservedLine]) -> Result<(), StoreError>;

    /// The reservation of an order.
    fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, StoreError>;

    /// Adds a reservation with its lines, of which there is at least one, for an order of that checkout.
    fn insert_reservation(
        &self,
        reservation: &Reservation,
        checkout_id: Option<CheckoutId>,
    ) -> Result<(), StoreError>;

    /// Where the stock of those of these orders is that have a reservation.
    fn reservation_states(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, ReservationState)>, StoreError>;

    /// [`Self::settle`] if all of these orders have reservations in that state; false, and nothing happens, if not.
    ///
    /// # Errors
    /// As [`Self::settle`].
    fn settle_from(
        &self,
        state: ReservationState,
        order_ids: &[OrderId],
        settlement: Settlement,
        at: u64,
    ) -> Result<bool, StoreError>;

    /// Moves all units of the reservations of these orders as the settlement says, and the reservations to the state it leads
    /// to, at a time in milliseconds since the Unix epoch. A release makes a reservation without lines for an order that has
    /// none. No order may be named twice, and the settlement must be allowed for all of them.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when a product counts fewer units than its reservations hold, or an order has no reservation that
    /// needs one.
    fn settle(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
        at: u64,
    ) -> Result<(), StoreError>;

    /// Removes reservations that were given back before that time, in milliseconds since the Unix epoch, the oldest first
    /// and at most `limit`; gives how many.
    fn purge_released(&self, before: u64, limit: u32) -> Result<u64, StoreError>;
}
