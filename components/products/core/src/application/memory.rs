//! The ports in memory and the use cases at hand, for tests.

use std::cell::{Cell, RefCell};

use crate::application::commands::{
    create_product, delete_product, import_products, purge_reservations, reserve_stock,
    settle_reservation, settle_reservations, update_product,
};
use crate::domain::error::{InventoryError, ProductError};
use crate::domain::import::{ImportRow, RowOutcome, StockCount};
use crate::domain::listing::{LOW_STOCK_UNITS, Listing, ProductPage, Stats};
use crate::domain::product::{NewProduct, Product, ProductChanges, Seen};
use crate::domain::reservation::{
    RequestedLine, Reservation, ReservationState, ReservedLine, Settlement,
};
use crate::domain::stock::{Quantity, Stock, StockError};
use crate::domain::values::{OrderId, ProductId, Sku};
use crate::ports::{Clock, HeldReservations, Ids, StockEntry, Store, StoreError, Transaction};

/// A clock that goes on by one millisecond each time it is read.
#[derive(Default)]
pub struct TickingClock(Cell<u64>);

impl Clock for TickingClock {
    fn now_ms(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

/// Identifiers in a row.
#[derive(Default)]
pub struct CountingIds(Cell<u64>);

impl Ids for CountingIds {
    fn new_id(&self) -> String {
        self.0.set(self.0.get() + 1);
        format!("01890a5d-ac96-774b-bcce-{:012x}", self.0.get())
    }
}

#[derive(Default, Clone)]
struct Tables {
    products: Vec<Product>,
    reservations: Vec<Reservation>,
    book: Vec<StockEntry>,
}

/// Products and reservations in vectors.
#[derive(Default)]
pub struct MemoryStore(RefCell<Tables>);

impl MemoryStore {
    /// All products, deleted or not.
    pub fn products(&self) -> Vec<Product> {
        self.0.borrow().products.clone()
    }

    /// What the stock book says was put in, less what was taken out.
    pub fn book_total(&self) -> i64 {
        let change =
            |entry: &StockEntry| entry.free_after.cast_signed() - entry.free_before.cast_signed();
        self.0.borrow().book.iter().map(change).sum()
    }

    /// Where the stock of an order is.
    pub fn reservation_state(&self, order_id: &OrderId) -> Option<ReservationState> {
        self.reservation(order_id)
            .unwrap()
            .map(|reservation| reservation.state)
    }

    fn edit_product(
        &self,
        id: &ProductId,
        edit: impl FnOnce(&mut Product),
    ) -> Result<(), StoreError> {
        let mut tables = self.0.borrow_mut();
        let product = tables.products.iter_mut().find(|product| product.id == *id);
        edit(product.ok_or_else(|| StoreError::Fault("no such product".to_owned()))?);
        Ok(())
    }

    fn move_units(
        &self,
        line: &ReservedLine,
        apply: impl Fn(Stock, Quantity) -> Result<Stock, StockError>,
    ) -> Result<(), StoreError> {
        let mut moved = Err(StockError::Insufficient);
        self.edit_product(&line.product_id, |stored| {
            moved = apply(stored.stock, line.quantity);
            stored.stock = moved.unwrap_or(stored.stock);
        })?;
        moved
            .map(drop)
            .map_err(|error| StoreError::Fault(error.to_string()))
    }
}

impl Store for MemoryStore {
    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn find(&self, id: &ProductId) -> Result<Option<Product>, StoreError> {
        self.product(id.as_str())
    }

    fn list(&self, _: &Listing) -> Result<Option<ProductPage>, StoreError> {
        Err(StoreError::Fault(
            "lists are the database's work and tested there".to_owned(),
        ))
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        let live: Vec<_> = self
            .products()
            .into_iter()
            .filter(|product| product.deleted_at.is_none())
            .collect();
        let is_low = |product: &Product| product.stock.free() <= LOW_STOCK_UNITS;
        Ok(Stats {
            products: live.len() as u64,
            out_of_stock: live
                .iter()
                .filter(|product| product.stock.free() == 0)
                .count() as u64,
            low_stock: live.into_iter().filter(is_low).collect(),
        })
    }

    fn held_reservations(&self) -> Result<HeldReservations, StoreError> {
        let tables = self.0.borrow();
        let held = tables
            .reservations
            .iter()
            .filter(|reservation| reservation.state == ReservationState::Held);
        Ok(HeldReservations {
            reservations: held.clone().count() as u64,
            oldest_at: held.map(|reservation| reservation.created_at).min(),
        })
    }

    fn has_released(&self, before: u64) -> Result<bool, StoreError> {
        let is_old = |reservation: &Reservation| {
            reservation.state == ReservationState::Released && reservation.updated_at <= before
        };
        Ok(self.0.borrow().reservations.iter().any(is_old))
    }

    fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = self.0.borrow().clone();
        work(self).inspect_err(|_| *self.0.borrow_mut() = before)
    }
}

impl Transaction for MemoryStore {
    fn product(&self, id: &str) -> Result<Option<Product>, StoreError> {
        Ok(self
            .0
            .borrow()
            .products
            .iter()
            .find(|product| product.id.as_str() == id)
            .cloned())
    }

    fn products(&self, ids: &[ProductId]) -> Result<Vec<Product>, StoreError> {
        let tables = self.0.borrow();
        let wanted = tables
            .products
            .iter()
            .filter(|product| ids.contains(&product.id));
        Ok(wanted.cloned().collect())
    }

    fn product_by_sku(&self, sku: &Sku) -> Result<Option<Product>, StoreError> {
        let tables = self.0.borrow();
        let mut live = tables
            .products
            .iter()
            .filter(|product| product.deleted_at.is_none());
        Ok(live
            .find(|product| product.sku.as_ref() == Some(sku))
            .cloned())
    }

    fn sku_owner(&self, sku: &Sku) -> Result<Option<ProductId>, StoreError> {
        Ok(self.product_by_sku(sku)?.map(|product| product.id))
    }

    fn insert_product(&self, product: &Product) -> Result<(), StoreError> {
        self.0.borrow_mut().products.push(product.clone());
        Ok(())
    }

    fn save_product(&self, product: &Product) -> Result<(), StoreError> {
        self.edit_product(&product.id, |stored| *stored = product.clone())
    }

    fn take(&self, lines: &[ReservedLine]) -> Result<(), StoreError> {
        let reserve = |stock: Stock, quantity| stock.reserve(quantity);
        lines
            .iter()
            .try_for_each(|line| self.move_units(line, reserve))
    }

    fn record(&self, entry: &StockEntry) -> Result<(), StoreError> {
        self.0.borrow_mut().book.push(entry.clone());
        Ok(())
    }

    fn reservation(&self, order_id: &OrderId) -> Result<Option<Reservation>, StoreError> {
        let tables = self.0.borrow();
        Ok(tables
            .reservations
            .iter()
            .find(|reservation| reservation.order_id == *order_id)
            .cloned())
    }

    fn insert_reservation(&self, reservation: &Reservation) -> Result<(), StoreError> {
        self.0.borrow_mut().reservations.push(reservation.clone());
        Ok(())
    }

    fn reservation_states(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, ReservationState)>, StoreError> {
        let tables = self.0.borrow();
        let wanted = tables
            .reservations
            .iter()
            .filter(|reservation| order_ids.contains(&reservation.order_id));
        Ok(wanted
            .map(|reservation| (reservation.order_id.clone(), reservation.state))
            .collect())
    }

    fn settle(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
        at: u64,
    ) -> Result<(), StoreError> {
        for order_id in order_ids {
            let reservation = self.reservation(order_id)?;
            let reservation =
                reservation.ok_or_else(|| StoreError::Fault("no such reservation".to_owned()))?;
            let apply = |stock: Stock, quantity| settlement.apply(stock, quantity);
            for line in &reservation.lines {
                self.move_units(line, apply)?;
            }
            let mut tables = self.0.borrow_mut();
            let stored = tables
                .reservations
                .iter_mut()
                .filter(|stored| stored.order_id == *order_id);
            for stored in stored {
                stored.state = settlement.target();
                stored.updated_at = stored.updated_at.max(at);
            }
        }
        Ok(())
    }

    fn purge_released(&self, before: u64, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.0.borrow_mut();
        let is_old = |reservation: &&Reservation| {
            reservation.state == ReservationState::Released && reservation.updated_at <= before
        };
        let mut old: Vec<(u64, OrderId)> = tables
            .reservations
            .iter()
            .filter(is_old)
            .map(|reservation| (reservation.updated_at, reservation.order_id.clone()))
            .collect();
        old.sort_by(|one, other| (one.0, one.1.as_str()).cmp(&(other.0, other.1.as_str())));
        old.truncate(limit as usize);
        let goes = |id: &OrderId| old.iter().any(|(_, old)| old == id);
        tables
            .reservations
            .retain(|reservation| !goes(&reservation.order_id));
        Ok(old.len() as u64)
    }
}

/// A shop with its use cases at hand; in memory, if not said otherwise.
#[derive(Default)]
pub struct Fixture<S = MemoryStore> {
    /// What it keeps.
    pub store: S,
    /// Its time.
    pub clock: TickingClock,
    ids: CountingIds,
}

impl Fixture {
    /// An empty shop.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: Store> Fixture<S> {
    /// A shop that keeps its things there.
    pub fn with(store: S) -> Self {
        Self {
            store,
            clock: TickingClock::default(),
            ids: CountingIds::default(),
        }
    }

    /// Adds a product.
    pub fn create(&self, new: &NewProduct) -> Result<Product, ProductError> {
        create_product(&self.store, &self.clock, &self.ids, new)
    }

    /// Changes a product.
    pub fn update(
        &self,
        product: &Product,
        changes: &ProductChanges,
        seen: Option<Seen>,
    ) -> Result<Product, ProductError> {
        update_product(&self.store, &self.clock, product.id.as_str(), changes, seen)
    }

    /// Deletes a product.
    pub fn delete(&self, product: &Product, seen: Option<Seen>) -> Result<(), ProductError> {
        delete_product(&self.store, &self.clock, product.id.as_str(), seen)
    }

    /// Imports rows of a price list.
    pub fn import(&self, rows: &[ImportRow]) -> Result<Vec<RowOutcome>, ProductError> {
        self.import_counting(StockCount::Free, rows)
    }

    pub fn import_counting(
        &self,
        count: StockCount,
        rows: &[ImportRow],
    ) -> Result<Vec<RowOutcome>, ProductError> {
        import_products(&self.store, &self.clock, &self.ids, rows, count)
    }

    /// Reserves lines for an order.
    pub fn reserve(
        &self,
        number: u64,
        lines: &[RequestedLine],
    ) -> Result<Vec<ReservedLine>, InventoryError> {
        reserve_stock(&self.store, &self.clock, &order(number), lines)
    }

    /// Ends the reservation of an order.
    pub fn settle(&self, number: u64, settlement: Settlement) -> Result<(), InventoryError> {
        settle_reservation(&self.store, &self.clock, &order(number), settlement)
    }

    /// Ends the reservations of several orders.
    pub fn settle_all(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
    ) -> Result<Vec<Result<(), InventoryError>>, InventoryError> {
        settle_reservations(&self.store, &self.clock, order_ids, settlement)
    }

    /// Removes old reservations.
    pub fn purge(&self, released_for_ms: u64, limit: u32) -> Result<u64, InventoryError> {
        purge_reservations(&self.store, &self.clock, released_for_ms, limit)
    }

    /// Where the units of a product are now.
    pub fn stock(&self, product: &Product) -> Stock {
        self.store.find(&product.id).unwrap().unwrap().stock
    }
}

/// A product that costs 4.99, without a number.
pub fn new_product(name: &str, stock: u64) -> NewProduct {
    let price = "4.99".parse().unwrap();
    NewProduct {
        name: name.to_owned(),
        description: String::new(),
        sku: None,
        price,
        stock,
    }
}

/// A line of a request.
pub fn line(product: &Product, quantity: u32) -> RequestedLine {
    RequestedLine {
        product_id: product.id.as_str().to_owned(),
        quantity,
    }
}

/// What an admin sees of a product.
pub fn seen(product: &Product) -> Seen {
    Seen {
        version: product.version,
        free: product.stock.free(),
        of_orders: Some((product.stock.reserved(), product.stock.sold())),
    }
}

/// The order of that number.
pub fn order(number: u64) -> OrderId {
    OrderId::parse(&format!("01890a5d-ac96-774b-bccf-{number:012x}")).unwrap()
}
