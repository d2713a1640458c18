//! The stock: the catalogue itself, on a database of its own in memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use mercato_kernel::{CheckoutId, OrderId, ProductId};
use mercato_money::Money;
use mercato_platform::ids::Ids;
use mercato_testing::{Faults, TestClock};
use products::Products;
use products::application::commands::{
    create_product, purge_reservations, reserve_stock, settle_reservations, update_product,
};
use products::application::queries::find_product::{self, Found};
use products::application::queries::find_reservation;
use products::domain::error::StoreError;
use products::domain::product::{ProductChanges, StockChange};
pub use products::domain::reservation::ReservationState as StockState;
use products::domain::reservation::{
    InventoryError, Rejection, RejectionReason, RequestedLine, ReservedLine, Settlement,
};
use products::domain::slug::ProductKey;
use products::domain::stock::Stock;
use products::domain::variant::{self, ProductOption, VariantDraft};

use crate::domain::{
    Choice, Demand, LineProblem, OrderError, OrderItem, OrderRequest, Quantity, RejectedLine,
};
use crate::ports::{Inventory, ReserveError};

/// The ids that a test has chosen for the next product and its variants.
#[derive(Clone, Default)]
pub struct ChosenIds(Rc<RefCell<VecDeque<ProductId>>>);

impl Ids for ChosenIds {
    fn new_id(&self) -> String {
        let id = self.0.borrow_mut().pop_front();
        id.unwrap().to_string()
    }
}

/// The context with its database.
pub type Catalogue = Products<TestClock, ChosenIds>;

/// The stock of the catalogue, with faults around it.
pub struct TestInventory {
    faults: Rc<Faults>,
    catalogue: Rc<Catalogue>,
    next_ids: ChosenIds,
    /// Units that there are of each product, wherever they are.
    put_in: RefCell<BTreeMap<ProductId, u64>>,
    /// Orders that were ever named to the catalogue.
    orders: RefCell<BTreeSet<OrderId>>,
    pub down: Cell<bool>,
    /// A fault that waiting does not mend.
    pub broken: Cell<bool>,
    /// How many reservations were last given back in one call.
    pub released_together: Cell<usize>,
    /// After what time reservations were last asked to be forgotten, in milliseconds.
    pub purged_after_ms: Cell<u64>,
}

impl TestInventory {
    pub fn new(faults: Rc<Faults>, clock: TestClock) -> Self {
        let next_ids = ChosenIds::default();
        Self {
            faults,
            catalogue: Rc::new(Products::new(clock, next_ids.clone())),
            next_ids,
            put_in: RefCell::default(),
            orders: RefCell::default(),
            down: Cell::new(false),
            broken: Cell::new(false),
            released_together: Cell::new(0),
            purged_after_ms: Cell::new(0),
        }
    }

    /// The catalogue itself.
    pub fn catalogue(&self) -> Rc<Catalogue> {
        Rc::clone(&self.catalogue)
    }

    /// The product has that price and so many free units from now on.
    pub fn put(&self, id: ProductId, price: Money, units: u64) {
        let changes = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            price: Some(price),
            stock: Some(StockChange::Absolute(units)),
            ..ProductChanges::default()
        };
        if self.put_in.borrow().contains_key(&id) {
            self.change(id, &changes);
        } else {
            self.create(&[id], &changes);
        }
        self.put_in.borrow_mut().insert(id, self.units(id));
    }

    /// A coffee in bags of one size, the only variant, at that price.
    pub fn put_coffee(&self, product: ProductId, variant: ProductId, price: Money) {
        let (size, bag) = ("Size".to_owned(), "250 g".to_owned());
        let changes = ProductChanges {
            name: Some("Coffee".parse().unwrap()),
            options: Some(vec![ProductOption {
                name: size.clone(),
                values: vec![bag.clone()],
            }]),
            variants: Some(vec![VariantDraft {
                price: Some(price),
                options: Some(vec![(size, bag)]),
                stock: Some(StockChange::Absolute(10)),
                ..VariantDraft::default()
            }]),
            ..ProductChanges::default()
        };
        self.create(&[product, variant], &changes);
    }

    fn create(&self, ids: &[ProductId], new: &ProductChanges) {
        self.next_ids.0.borrow_mut().extend(ids);
        create_product::handle(&*self.catalogue, new).unwrap();
    }

    /// What gives the product another price.
    pub fn price_change(&self, id: ProductId, price: &str) -> impl FnOnce() + 'static {
        let (catalogue, price) = (self.catalogue(), price.parse().unwrap());
        move || {
            let changes = &ProductChanges {
                price: Some(price),
                ..ProductChanges::default()
            };
            let seen = None;
            let command = update_product::Command { id, changes, seen };
            update_product::handle(&*catalogue, &command).unwrap();
        }
    }

    /// So many free units more.
    pub fn add(&self, id: ProductId, units: u64) {
        let delta = StockChange::Delta(i64::try_from(units).unwrap());
        let changes = ProductChanges {
            stock: Some(delta),
            ..ProductChanges::default()
        };
        self.change(id, &changes);
        *self.put_in.borrow_mut().get_mut(&id).unwrap() += units;
    }

    fn change(&self, id: ProductId, changes: &ProductChanges) {
        let seen = None;
        let command = update_product::Command { id, changes, seen };
        update_product::handle(&*self.catalogue, &command).unwrap();
    }

    /// Where the units of a product are.
    pub fn stock(&self, id: ProductId) -> Stock {
        let found = find_product::handle(&*self.catalogue, &ProductKey::Id(id), true);
        match found.unwrap() {
            Found::Product(product) => product.stock,
            Found::Moved(slug) => panic!("an identifier does not move: {slug:?}"),
        }
    }

    fn units(&self, id: ProductId) -> u64 {
        let stock = self.stock(id);
        stock.free() + stock.reserved() + stock.sold()
    }

    /// Where the stock of an order is; none when it has none, or is forgotten.
    pub fn state(&self, order_id: OrderId) -> Option<StockState> {
        let reservation = find_reservation::handle(&*self.catalogue, order_id);
        reservation.unwrap().map(|reservation| reservation.state())
    }

    /// All orders that were ever named to the catalogue.
    pub fn orders(&self) -> Vec<OrderId> {
        self.orders.borrow().iter().copied().collect()
    }

    /// No unit is lost, and only `known` orders have any.
    pub fn check(&self, known: impl Fn(OrderId) -> bool, case: &str) {
        for (id, units) in self.put_in.borrow().iter() {
            assert_eq!(self.units(*id), *units, "{case}: stock of {id}");
        }
        for id in self.orders.borrow().iter() {
            let state = self.state(*id);
            assert!(
                known(*id) || state.is_none_or(|state| state == StockState::Released),
                "{case}: stock of no order {id}"
            );
        }
    }

    fn reserve_now(
        &self,
        order_id: OrderId,
        checkout_id: Option<CheckoutId>,
        demands: Vec<Demand>,
    ) -> Result<Vec<OrderItem>, ReserveError> {
        if self.down.get() {
            return Err(ReserveError::Failed(OrderError::Unavailable));
        }
        self.orders.borrow_mut().insert(order_id);
        let requested = |demand: Demand| RequestedLine {
            product_id: demand.line.product_id.to_string(),
            quantity: demand.line.quantity.get(),
            expected_price: demand.expected_price,
        };
        let lines: &Vec<_> = &demands.into_iter().map(requested).collect();
        let command = reserve_stock::Command {
            order_id,
            checkout_id,
            lines,
        };
        let reserved = reserve_stock::handle(&*self.catalogue, &command);
        let reserved = reserved.map_err(reserve_error)?;
        Ok(reserved.into_iter().map(item).collect())
    }

    fn settle(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
    ) -> Result<Vec<Result<(), OrderError>>, OrderError> {
        if self.down.get() {
            return Err(OrderError::Unavailable);
        } else if self.broken.get() {
            return Err(OrderError::Internal);
        }
        self.orders.borrow_mut().extend(order_ids);
        let command = settle_reservations::Command {
            order_ids,
            settlement,
        };
        let outcomes = settle_reservations::handle(&*self.catalogue, &command).map_err(failure)?;
        let settled = outcomes.into_iter().map(|outcome| match outcome {
            Err(InventoryError::Conflict(state)) if is_beyond(settlement, state) => Ok(()),
            outcome => outcome.map_err(failure),
        });
        Ok(settled.collect())
    }

    async fn settle_one(
        &self,
        order_id: OrderId,
        settlement: Settlement,
    ) -> Result<(), OrderError> {
        let settle = || {
            self.settle(&[order_id], settlement)
                .and_then(|mut outcomes| outcomes.remove(0))
        };
        self.faults.around_async(settle).await
    }
}

/// Whether a reservation is already beyond what the settlement wants.
fn is_beyond(settlement: Settlement, state: StockState) -> bool {
    match settlement {
        Settlement::Commit | Settlement::Release => state == StockState::Restocked,
        Settlement::Restock => state == StockState::Released,
    }
}

fn failure(error: InventoryError) -> OrderError {
    match error {
        InventoryError::Store(StoreError::Unavailable(_)) => OrderError::Unavailable,
        _ => OrderError::Internal,
    }
}

fn reserve_error(error: InventoryError) -> ReserveError {
    match error {
        InventoryError::Rejected(lines) => {
            let is_price = |line: &Rejection| line.reason == RejectionReason::PriceChanged;
            if lines.iter().any(is_price) {
                return ReserveError::PriceChanged;
            }
            ReserveError::Rejected(lines.into_iter().map(rejected).collect())
        }
        InventoryError::Conflict(StockState::Released) => ReserveError::Released,
        error => ReserveError::Failed(failure(error)),
    }
}

fn rejected(rejection: Rejection) -> RejectedLine {
    RejectedLine {
        product_id: ProductId::parse(&rejection.product_id).unwrap(),
        code: match rejection.reason {
            RejectionReason::UnknownProduct => LineProblem::UnknownProduct,
            RejectionReason::InsufficientStock => LineProblem::InsufficientStock,
            RejectionReason::PriceChanged => unreachable!(),
        },
        requested: rejection.requested,
        available: rejection.available,
    }
}

fn choice(choice: variant::Choice) -> Choice {
    Choice {
        name: choice.name,
        value: choice.value,
    }
}

fn item(line: ReservedLine) -> OrderItem {
    OrderItem {
        product_id: line.product_id,
        name: line.name.into(),
        choices: line.choices.into_iter().map(choice).collect(),
        unit_price: line.unit_price.amount(),
        quantity: Quantity::new(line.quantity.units()).unwrap(),
    }
}

impl Inventory for TestInventory {
    async fn reserve(&self, request: &OrderRequest) -> Result<Vec<OrderItem>, ReserveError> {
        let reserve =
            || self.reserve_now(request.order_id, request.checkout_id(), request.demands());
        self.faults.around_async(reserve).await
    }

    async fn reserved(&self, order_id: OrderId) -> Result<Option<Vec<OrderItem>>, OrderError> {
        let find = || {
            if self.down.get() {
                return Err(OrderError::Unavailable);
            }
            let found = find_reservation::handle(&*self.catalogue, order_id);
            let found = found.map_err(|error| failure(error.into()))?;
            Ok(found.map(|found| found.into_lines().into_iter().map(item).collect()))
        };
        self.faults.around_async(find).await
    }

    async fn commit(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.settle_one(order_id, Settlement::Commit).await
    }

    async fn release(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.settle_one(order_id, Settlement::Release).await
    }

    async fn restock(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.settle_one(order_id, Settlement::Restock).await
    }

    async fn release_all(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<Result<(), OrderError>>, OrderError> {
        let settle = || {
            self.released_together.set(order_ids.len());
            self.settle(order_ids, Settlement::Release)
        };
        self.faults.around_async(settle).await
    }

    async fn purge(&self, released_for_ms: u64, limit: u32) -> Result<u32, OrderError> {
        self.purged_after_ms.set(released_for_ms);
        let command = purge_reservations::Command {
            released_for_ms,
            limit,
        };
        let purged = purge_reservations::handle(&*self.catalogue, &command).map_err(failure)?;
        Ok(u32::try_from(purged).unwrap())
    }
}
