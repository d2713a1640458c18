//! A shop for tests: the real repository on a real SQLite in memory, stock and payments as small models, a clock that
//! stands still, and crashes on demand.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mercato_money::Money;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_sqlite::Database;

use crate::application::Viewer;
use crate::application::commands::change_status::{self, ChangeStatus};
use crate::application::commands::create_order::{self, CreateOrder, CreateOutcome, Idempotency};
use crate::application::commands::sweep::{self, SweepReport};
use crate::application::commands::{apply_payment_event, record_answer};
use crate::application::queries::figures;
use crate::application::queries::find_order::{self, OrderDetails};
use crate::application::queries::list_orders;
use crate::domain::{
    CustomerId, EventId, EventOutcome, EventType, Holder, Holding, Limits, Line, LineProblem,
    Order, OrderError, OrderId, OrderItem, OrderNumber, OrderStatus, Payment, PaymentEvent,
    PaymentId, PaymentSession, PaymentStatus, ProductId, RejectedLine, RequestedLine,
};
use crate::infrastructure::sqlite::{LABEL, MIGRATIONS};
use crate::ports::{
    Inventory, MoneyReceived, OpenError, OrderFilter, OrderRecords, OrderRepository, OrderSort,
    Payments, Ports, RecordedAnswer, Refunding, ReserveError, Settings, Task,
};

pub const START_MS: u64 = 0x0193_9f6e_8a00;
pub const TTL_MS: u64 = 900_000;
pub const UNPAID_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// On which side of a call's effect the crash happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

pub const SIDES: [Side; 2] = [Side::Before, Side::After];

/// What a crash unwinds with.
struct Crash;

/// Counts the calls that leave the application and crashes at one of them.
#[derive(Default)]
pub struct Faults {
    calls: Cell<u64>,
    crash_at: Cell<Option<(u64, Side)>>,
    yields: Cell<bool>,
}

impl Faults {
    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        let call = self.calls.replace(self.calls.get() + 1);
        let crash = self
            .crash_at
            .get()
            .filter(|(at, _)| *at == call)
            .map(|(_, side)| side);
        if crash == Some(Side::Before) {
            resume_unwind(Box::new(Crash));
        }
        let result = work();
        if crash == Some(Side::After) {
            resume_unwind(Box::new(Crash));
        }
        result
    }

    async fn around_async<T>(&self, work: impl FnOnce() -> T) -> T {
        self.let_others_run().await;
        let result = self.around(work);
        self.let_others_run().await;
        result
    }

    pub async fn let_others_run(&self) {
        let mut waited = !self.yields.get();
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// The repository of the product, with faults around it.
pub struct TestRepository {
    database: Database,
    faults: Rc<Faults>,
    pub down: Cell<bool>,
}

impl OrderRepository for TestRepository {
    fn read<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        if self.down.get() {
            return Err(OrderError::Unavailable);
        }
        self.faults
            .around(|| OrderRepository::read(&self.database, work))
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        if self.down.get() {
            return Err(OrderError::Unavailable);
        }
        self.faults
            .around(|| OrderRepository::write(&self.database, work))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockState {
    Held,
    Committed,
    Released,
    Restocked,
}

#[derive(Debug, Clone, Default)]
struct Product {
    price: Money,
    free: u64,
    reserved: u64,
    sold: u64,
    initial: u64,
}

#[derive(Debug, Clone)]
struct Reservation {
    state: StockState,
    lines: Vec<(ProductId, u64)>,
    answer: Vec<OrderItem>,
}

/// The stock, as its contract says.
pub struct FakeInventory {
    faults: Rc<Faults>,
    products: RefCell<BTreeMap<ProductId, Product>>,
    reservations: RefCell<BTreeMap<OrderId, Reservation>>,
    pub down: Cell<bool>,
    /// A fault that waiting does not mend.
    pub broken: Cell<bool>,
    /// How many reservations were last given back in one call.
    pub released_together: Cell<usize>,
    /// After what time reservations were last asked to be forgotten, in milliseconds.
    pub purged_after_ms: Cell<u64>,
}

impl FakeInventory {
    fn reserve_now(
        &self,
        order_id: &OrderId,
        lines: &[Line],
    ) -> Result<Vec<OrderItem>, ReserveError> {
        if let Some(known) = self.reservations.borrow().get(order_id) {
            return match known.state {
                StockState::Released => Err(ReserveError::Released),
                _ => Ok(known.answer.clone()),
            };
        }
        let mut products = self.products.borrow_mut();
        let rejected: Vec<_> = lines
            .iter()
            .filter_map(|line| reject(&products, line))
            .collect();
        if !rejected.is_empty() {
            return Err(ReserveError::Rejected(rejected));
        }
        let mut answer = Vec::new();
        for line in lines {
            let product = products.get_mut(&line.product_id).unwrap();
            product.free -= u64::from(line.quantity.get());
            product.reserved += u64::from(line.quantity.get());
            answer.push(OrderItem {
                product_id: line.product_id.clone(),
                name: "Tea".to_owned(),
                unit_price: product.price,
                quantity: line.quantity,
            });
        }
        let lines = lines
            .iter()
            .map(|line| (line.product_id.clone(), u64::from(line.quantity.get())))
            .collect();
        let reservation = Reservation {
            state: StockState::Held,
            lines,
            answer: answer.clone(),
        };
        self.reservations
            .borrow_mut()
            .insert(order_id.clone(), reservation);
        Ok(answer)
    }

    fn settle(&self, order_id: &OrderId, to: StockState) -> Result<(), OrderError> {
        let mut reservations = self.reservations.borrow_mut();
        use StockState::{Committed, Held, Released, Restocked};
        let nothing = Reservation {
            state: Released,
            lines: vec![],
            answer: vec![],
        };
        let known = match (reservations.get_mut(order_id), to) {
            (Some(known), _) => known,
            (None, Released) => {
                reservations.insert(order_id.clone(), nothing);
                return Ok(());
            }
            (None, _) => return Err(OrderError::Internal),
        };
        match (known.state, to) {
            (Held, Committed | Released) | (Committed, Restocked) => {}
            (from, to) if from == to => return Ok(()),
            (Restocked, _) | (Released, Restocked) => return Ok(()),
            _ => return Err(OrderError::Internal),
        }
        for (product_id, units) in &known.lines {
            let mut products = self.products.borrow_mut();
            let product = products.get_mut(product_id).unwrap();
            let (from, into) = match to {
                Committed => (&mut product.reserved, &mut product.sold),
                Restocked => (&mut product.sold, &mut product.free),
                _ => (&mut product.reserved, &mut product.free),
            };
            *from -= units;
            *into += units;
        }
        known.state = to;
        Ok(())
    }

    async fn move_stock(&self, order_id: &OrderId, to: StockState) -> Result<(), OrderError> {
        let settle = || {
            if self.down.get() {
                Err(OrderError::Unavailable)
            } else if self.broken.get() {
                Err(OrderError::Internal)
            } else {
                self.settle(order_id, to)
            }
        };
        self.faults.around_async(settle).await
    }
}

fn reject(products: &BTreeMap<ProductId, Product>, line: &Line) -> Option<RejectedLine> {
    let free = products.get(&line.product_id).map(|product| product.free);
    let requested = line.quantity.get();
    let problem = match free {
        None => LineProblem::UnknownProduct,
        Some(free) if free < u64::from(requested) => LineProblem::InsufficientStock,
        Some(_) => return None,
    };
    let available = free.unwrap_or(0);
    Some(RejectedLine {
        product_id: line.product_id.clone(),
        problem,
        requested,
        available,
    })
}

impl Inventory for FakeInventory {
    async fn reserve(
        &self,
        order_id: &OrderId,
        lines: &[Line],
    ) -> Result<Vec<OrderItem>, ReserveError> {
        let reserve = || {
            if self.down.get() {
                return Err(ReserveError::Failed(OrderError::Unavailable));
            }
            self.reserve_now(order_id, lines)
        };
        self.faults.around_async(reserve).await
    }

    async fn commit(&self, order_id: &OrderId) -> Result<(), OrderError> {
        self.move_stock(order_id, StockState::Committed).await
    }

    async fn release(&self, order_id: &OrderId) -> Result<(), OrderError> {
        self.move_stock(order_id, StockState::Released).await
    }

    async fn restock(&self, order_id: &OrderId) -> Result<(), OrderError> {
        self.move_stock(order_id, StockState::Restocked).await
    }

    async fn release_all(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<Result<(), OrderError>>, OrderError> {
        let settle = || {
            self.released_together.set(order_ids.len());
            if self.down.get() {
                return Err(OrderError::Unavailable);
            } else if self.broken.get() {
                return Err(OrderError::Internal);
            }
            let release = |id| self.settle(id, StockState::Released);
            Ok(order_ids.iter().map(release).collect())
        };
        self.faults.around_async(settle).await
    }

    async fn purge(&self, released_for_ms: u64, _: u32) -> Result<u32, OrderError> {
        self.purged_after_ms.set(released_for_ms);
        Ok(0)
    }
}

#[derive(Debug, Clone)]
pub struct OutboxRow {
    pub event: PaymentEvent,
    pub acknowledged: bool,
    pub failures: u32,
}

/// Payments, as its contract says.
pub struct FakePayments {
    faults: Rc<Faults>,
    ids: Rc<TestIds>,
    clock: Rc<TestClock>,
    payments: RefCell<BTreeMap<OrderId, Payment>>,
    outbox: RefCell<Vec<OutboxRow>>,
    refund_keys: RefCell<Vec<String>>,
    pub refuses: RefCell<Option<OpenError>>,
    pub refuses_refunds: Cell<bool>,
    pub refunds_asked: Cell<u32>,
    /// How long it takes until a payment is closed, in milliseconds.
    pub takes_ms: Cell<u64>,
    /// The customer is just paying: nothing is decided yet.
    pub keeps_sessions: Cell<bool>,
    pub down: Cell<bool>,
}

impl FakePayments {
    /// The customer's bank disputes the payment of that order, or does so no more.
    pub fn dispute(&self, order_id: &OrderId, is_disputed: bool) {
        let mut payments = self.payments.borrow_mut();
        payments.get_mut(order_id).unwrap().is_disputed = is_disputed;
    }

    fn emit(&self, order_id: &OrderId, event_type: EventType) {
        let payments = self.payments.borrow();
        let payment = payments.get(order_id).unwrap();
        let event = PaymentEvent {
            id: EventId::parse(&self.ids.new_id()).unwrap(),
            event_type,
            time: START_MS,
            order_id: order_id.clone(),
            payment_id: payment.id.clone(),
            amount: payment.amount,
            refunded_amount: payment.refunded_amount,
            payment_version: 0,
            currency: payment.currency.clone(),
            receipt_url: Some("https://pay.example/receipt".to_owned()),
            reason: None,
        };
        self.outbox.borrow_mut().push(OutboxRow {
            event,
            acknowledged: false,
            failures: 0,
        });
    }

    fn decide(&self, order_id: &OrderId, status: PaymentStatus, event_type: EventType) {
        let mut payments = self.payments.borrow_mut();
        let payment = payments.get_mut(order_id).unwrap();
        payment.status = status;
        drop(payments);
        self.emit(order_id, event_type);
    }

    fn if_up<T>(&self, work: impl FnOnce() -> T) -> Result<T, OrderError> {
        if self.down.get() {
            Err(OrderError::Unavailable)
        } else {
            Ok(work())
        }
    }

    fn open_now(&self, order: &Order, expires_at: u64) -> Result<Payment, OpenError> {
        if let Some(error) = self
            .refuses
            .borrow()
            .clone()
            .or(self.down.get().then_some(OpenError::Unavailable))
        {
            return Err(error);
        }
        let session = PaymentSession {
            id: format!("cs_{}", order.id),
            url: "https://pay.example".into(),
            expires_at,
        };
        let new = || Payment {
            id: PaymentId::parse(&self.ids.new_id()).unwrap(),
            status: PaymentStatus::Pending,
            is_processing: false,
            amount: order.amount_due(),
            refunded_amount: 0,
            failed_refund_amount: 0,
            refund_failure: None,
            duplicate_amount: 0,
            duplicate_refunded_amount: 0,
            is_disputed: false,
            lost_to_disputes: 0,
            currency: order.currency.code().to_owned(),
            provider: "fake".to_owned(),
            session: Some(session),
            receipt_url: None,
            reason: None,
        };
        Ok(self
            .payments
            .borrow_mut()
            .entry(order.id.clone())
            .or_insert_with(new)
            .clone())
    }

    fn cancel_now(&self, order_id: &OrderId) -> Option<Payment> {
        self.clock.0.set(self.clock.0.get() + self.takes_ms.get());
        let is_pending = self.payments.borrow().get(order_id)?.status == PaymentStatus::Pending;
        if is_pending && !self.keeps_sessions.get() {
            self.decide(order_id, PaymentStatus::Cancelled, EventType::Cancelled);
        }
        self.payments.borrow().get(order_id).cloned()
    }

    /// As [`Self::cancel_now`], but no event tells of it.
    fn close_now(&self, order_id: &OrderId) -> Option<Payment> {
        self.clock.0.set(self.clock.0.get() + self.takes_ms.get());
        let mut payments = self.payments.borrow_mut();
        let payment = payments.get_mut(order_id)?;
        if payment.status == PaymentStatus::Pending && !self.keeps_sessions.get() {
            payment.status = PaymentStatus::Cancelled;
        }
        Some(payment.clone())
    }

    fn refund_now(&self, payment_id: &PaymentId, key: &str) -> Refunding {
        self.refunds_asked.set(self.refunds_asked.get() + 1);
        if self.refuses_refunds.get() {
            return Refunding::Refused;
        }
        if self.refund_keys.borrow().iter().any(|known| known == key) {
            return Refunding::Done;
        }
        self.refund_keys.borrow_mut().push(key.to_owned());
        let order_id = self.order_of(payment_id);
        self.refund_amount(&order_id, i64::MAX);
        Refunding::Done
    }

    fn order_of(&self, payment_id: &PaymentId) -> OrderId {
        let payments = self.payments.borrow();
        payments
            .iter()
            .find(|(_, payment)| payment.id == *payment_id)
            .unwrap()
            .0
            .clone()
    }

    /// Gives so many minor units back, or all that is left.
    fn refund_amount(&self, order_id: &OrderId, minor: i64) {
        let mut payments = self.payments.borrow_mut();
        let payment = payments.get_mut(order_id).unwrap();
        if payment.status != PaymentStatus::Succeeded {
            return;
        }
        payment.refunded_amount = payment
            .refunded_amount
            .saturating_add(minor)
            .min(payment.amount);
        if payment.refunded_amount == payment.amount {
            payment.status = PaymentStatus::Refunded;
        }
        drop(payments);
        self.emit(order_id, EventType::Refunded);
    }

    /// No event that waits fits its order any more.
    pub fn spoil_events(&self) {
        for row in self.outbox.borrow_mut().iter_mut() {
            row.event.amount += 1;
        }
    }

    fn waiting(&self) -> Vec<PaymentEvent> {
        self.outbox
            .borrow()
            .iter()
            .filter(|row| !row.acknowledged)
            .map(|row| row.event.clone())
            .collect()
    }
}

impl Payments for FakePayments {
    async fn open(&self, order: &Order, expires_at: u64) -> Result<Payment, OpenError> {
        self.faults
            .around_async(|| self.open_now(order, expires_at))
            .await
    }

    async fn cancel(&self, order_id: &OrderId, _: &str) -> Result<Option<Payment>, OrderError> {
        self.faults
            .around_async(|| self.if_up(|| self.cancel_now(order_id)))
            .await
    }

    async fn cancel_all(
        &self,
        cancellations: &[(OrderId, String)],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError> {
        let close = || {
            let ids = cancellations.iter().map(|(id, _)| id);
            ids.map(|id| Ok(self.close_now(id))).collect()
        };
        self.faults.around_async(|| self.if_up(close)).await
    }

    async fn refund(
        &self,
        payment_id: &PaymentId,
        _: &str,
        key: &str,
    ) -> Result<Refunding, OrderError> {
        self.faults
            .around_async(|| self.if_up(|| self.refund_now(payment_id, key)))
            .await
    }

    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError> {
        let sum = || {
            let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
            for payment in self.payments.borrow().values() {
                if matches!(
                    payment.status,
                    PaymentStatus::Succeeded | PaymentStatus::Refunded
                ) {
                    let sum = sums.entry(payment.currency.clone()).or_default();
                    sum.0 += payment.amount;
                    sum.1 += payment.refunded_amount;
                }
            }
            let received = |(code, (gross, refunded)): (String, (i64, i64))| MoneyReceived {
                currency: code.parse().unwrap(),
                gross,
                lost_to_disputes: 0,
                refunded,
            };
            sums.into_iter().map(received).collect()
        };
        self.faults.around_async(|| self.if_up(sum)).await
    }

    async fn of_order(&self, order_id: &OrderId) -> Result<Option<Payment>, OrderError> {
        let find = || self.payments.borrow().get(order_id).cloned();
        self.faults.around_async(|| self.if_up(find)).await
    }

    async fn pending_events(&self, order_id: &OrderId) -> Result<Vec<PaymentEvent>, OrderError> {
        let of_order = || {
            self.waiting()
                .into_iter()
                .filter(|event| event.order_id == *order_id)
                .collect()
        };
        self.faults.around_async(|| self.if_up(of_order)).await
    }

    async fn overdue_events(&self, _: u32, limit: u32) -> Result<Vec<PaymentEvent>, OrderError> {
        let first = || {
            self.waiting()
                .into_iter()
                .take(usize::try_from(limit).unwrap())
                .collect()
        };
        self.faults.around_async(|| self.if_up(first)).await
    }

    async fn acknowledge(&self, event_id: &EventId) -> Result<(), OrderError> {
        let acknowledge = || {
            for row in self
                .outbox
                .borrow_mut()
                .iter_mut()
                .filter(|row| row.event.id == *event_id)
            {
                row.acknowledged = true;
            }
        };
        self.faults.around_async(|| self.if_up(acknowledge)).await
    }

    async fn report_failure(&self, event_id: &EventId, _: &str) -> Result<(), OrderError> {
        let count = || {
            for row in self
                .outbox
                .borrow_mut()
                .iter_mut()
                .filter(|row| row.event.id == *event_id)
            {
                row.failures += 1;
            }
        };
        self.faults.around_async(|| self.if_up(count)).await
    }
}

/// A clock that only tests move.
pub struct TestClock(Cell<u64>);

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }
}

/// Ids in a row, of the time that it is.
pub struct TestIds(Cell<u64>, Rc<TestClock>);

impl Ids for TestIds {
    fn new_id(&self) -> String {
        self.0.set(self.0.get() + 1);
        let (now, number) = (self.1.now_ms(), self.0.get());
        format!(
            "{:08x}-{:04x}-7000-8000-{number:012x}",
            now >> 16,
            now & 0xffff
        )
    }
}

/// The shop.
pub struct Shop {
    pub faults: Rc<Faults>,
    pub orders: TestRepository,
    pub inventory: FakeInventory,
    pub payments: FakePayments,
    clock: Rc<TestClock>,
    ids: Rc<TestIds>,
    pub settings: Settings,
}

impl Ports for Shop {
    type Orders = TestRepository;
    type Inventory = FakeInventory;
    type Payments = FakePayments;
    type Clock = TestClock;
    type Ids = TestIds;

    fn orders(&self) -> &TestRepository {
        &self.orders
    }

    fn inventory(&self) -> &FakeInventory {
        &self.inventory
    }

    fn payments(&self) -> &FakePayments {
        &self.payments
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn ids(&self) -> &TestIds {
        &self.ids
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}

pub fn customer(number: u64) -> CustomerId {
    CustomerId::parse(&format!("01939f6e-8a00-7000-8000-c{number:011x}")).unwrap()
}

pub fn product(number: u64) -> ProductId {
    ProductId::parse(&format!("01939f6e-8a00-7000-8000-b{number:011x}")).unwrap()
}

pub fn lines(wanted: &[(u64, u32)]) -> Vec<RequestedLine> {
    let line = |(number, quantity): &(u64, u32)| RequestedLine {
        product_id: product(*number).as_str().to_owned(),
        quantity: *quantity,
    };
    wanted.iter().map(line).collect()
}

/// Customer 1 wants two of product 1 (at 9.99) and one of product 2 (at 0.105).
pub fn request(key: Option<&str>) -> CreateOrder {
    let idempotency = key.map(|key| Idempotency {
        key: key.to_owned(),
        fingerprint: vec![7; 32],
    });
    CreateOrder {
        customer_id: customer(1),
        client: None,
        is_exempt: false,
        lines: lines(&[(1, 2), (2, 1)]),
        expected_total: None,
        replaces: None,
        idempotency,
    }
}

/// What [`request`] costs, in minor units.
pub const REQUEST_MINOR: i64 = 2_008;

impl Shop {
    pub fn new() -> Self {
        let faults: Rc<Faults> = Rc::default();
        let clock = Rc::new(TestClock(Cell::new(START_MS)));
        let ids = Rc::new(TestIds(Cell::new(0), Rc::clone(&clock)));
        let database = Database::in_memory(LABEL, MIGRATIONS).unwrap();
        let shop = Self {
            orders: TestRepository {
                database,
                faults: Rc::clone(&faults),
                down: Cell::new(false),
            },
            inventory: FakeInventory {
                faults: Rc::clone(&faults),
                products: RefCell::default(),
                reservations: RefCell::default(),
                down: Cell::new(false),
                broken: Cell::new(false),
                released_together: Cell::new(0),
                purged_after_ms: Cell::new(0),
            },
            payments: FakePayments {
                faults: Rc::clone(&faults),
                ids: Rc::clone(&ids),
                clock: Rc::clone(&clock),
                payments: RefCell::default(),
                outbox: RefCell::default(),
                refund_keys: RefCell::default(),
                refuses: RefCell::new(None),
                refuses_refunds: Cell::new(false),
                refunds_asked: Cell::new(0),
                takes_ms: Cell::new(0),
                keeps_sessions: Cell::new(false),
                down: Cell::new(false),
            },
            clock,
            ids,
            settings: Settings {
                currency: "USD".parse().unwrap(),
                reservation_ttl_ms: TTL_MS,
                limits: Limits::default(),
                unpaid_retention_ms: Some(UNPAID_KEPT_MS),
            },
            faults,
        };
        shop.add_product(1, "9.99", 10);
        shop.add_product(2, "0.105", 10);
        shop
    }

    pub fn add_product(&self, number: u64, price: &str, units: u64) {
        let price = price.parse().unwrap();
        let new = Product {
            price,
            free: units,
            initial: units,
            ..Product::default()
        };
        self.inventory
            .products
            .borrow_mut()
            .insert(product(number), new);
    }

    pub fn add_stock(&self, number: u64, units: u64) {
        let mut products = self.inventory.products.borrow_mut();
        let product = products.get_mut(&product(number)).unwrap();
        product.free += units;
        product.initial += units;
    }

    pub fn free(&self, number: u64) -> u64 {
        self.inventory.products.borrow()[&product(number)].free
    }

    pub fn stock_state(&self, order_id: &OrderId) -> Option<StockState> {
        self.inventory
            .reservations
            .borrow()
            .get(order_id)
            .map(|reservation| reservation.state)
    }

    /// The id that is made next, unless time goes by.
    pub fn upcoming_id(&self) -> OrderId {
        let next = TestIds(Cell::new(self.ids.0.get()), Rc::clone(&self.clock)).new_id();
        OrderId::parse(&next).unwrap()
    }

    /// Gives an order the number of another one.
    pub fn renumber(&self, order_id: &OrderId, number: &OrderNumber) {
        let statement = format!("UPDATE orders SET number = '{number}' WHERE id = '{order_id}'");
        let done: Result<u64, mercato_sqlite::Error> = self
            .orders
            .database
            .write(|connection| connection.execute(&statement, &[]));
        assert_eq!(done.unwrap(), 1);
    }

    pub fn wait(&self, ms: u64) {
        self.clock.0.set(self.clock.0.get() + ms);
    }

    pub fn set_clock_back(&self, ms: u64) {
        self.clock.0.set(self.clock.0.get() - ms);
    }

    pub fn create(&self, key: Option<&str>) -> Result<CreateOutcome, OrderError> {
        run(create_order::handle(self, request(key)))
    }

    /// A new PENDING order.
    pub fn placed(&self) -> OrderId {
        match self.create(None) {
            Ok(CreateOutcome::Placed(placement)) => placement.order.id,
            other => panic!("{other:?}"),
        }
    }

    /// A new PAID order.
    pub fn paid(&self) -> OrderId {
        let id = self.placed();
        self.customer_pays(&id);
        self.deliver_events();
        assert_eq!(self.status(&id), OrderStatus::Paid);
        id
    }

    pub fn record(&self, key: &str, status: u16, body: &[u8]) -> RecordedAnswer {
        let idempotency = request(Some(key)).idempotency.unwrap();
        record_answer::handle(
            self,
            &customer(1),
            &idempotency,
            RecordedAnswer {
                status,
                body: body.to_vec(),
            },
        )
        .unwrap()
    }

    pub fn change(
        &self,
        viewer: Viewer,
        order_id: &OrderId,
        status: OrderStatus,
    ) -> Result<Order, OrderError> {
        let order_id = order_id.clone();
        run(change_status::handle(
            self,
            ChangeStatus {
                viewer,
                order_id,
                status,
                reason: None,
                expected_version: None,
            },
        ))
    }

    pub fn cancel(&self, order_id: &OrderId) -> Result<Order, OrderError> {
        self.change(
            Viewer::Customer(customer(1)),
            order_id,
            OrderStatus::Cancelled,
        )
    }

    pub fn find(&self, order_id: &OrderId) -> Result<OrderDetails, OrderError> {
        run(find_order::handle(self, &admin(), order_id))
    }

    pub fn sweep(&self) -> SweepReport {
        run(sweep::handle(self, 0)).unwrap()
    }

    pub fn apply(&self, event: &PaymentEvent) -> Result<EventOutcome, OrderError> {
        run(apply_payment_event::handle(self, event))
    }

    pub fn order(&self, order_id: &OrderId) -> Option<Order> {
        OrderRepository::read(&self.orders.database, |records| records.order(order_id)).unwrap()
    }

    /// The order owes that, from now on.
    pub fn owe(&self, order_id: &OrderId, task: &Task) {
        OrderRepository::write(&self.orders.database, |records| {
            records.add_follow_up(order_id, task, self.clock.now_ms())
        })
        .unwrap();
    }

    pub fn status(&self, order_id: &OrderId) -> OrderStatus {
        self.order(order_id).unwrap().status
    }

    /// The history as `from>to reason` lines.
    pub fn history(&self, order_id: &OrderId) -> Vec<String> {
        let history =
            OrderRepository::read(&self.orders.database, |records| records.history(order_id))
                .unwrap();
        let name = |status: Option<OrderStatus>| status.map_or("", OrderStatus::name);
        history
            .iter()
            .map(|line| format!("{}>{} {}", name(line.from), line.to, line.reason))
            .collect()
    }

    pub fn all_orders(&self) -> Vec<Order> {
        let request = list_orders::PageRequest {
            page: 1,
            limit: 100,
            after: None,
        };
        list_orders::handle(
            self,
            &admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &request,
        )
        .unwrap()
        .orders
    }

    /// How many attempts of the sweeper all unfinished sagas have had.
    pub fn sagas_tried(&self) -> u32 {
        let attempts = OrderRepository::read(&self.orders.database, |records| {
            let mut attempts = 0;
            for id in records.due_sagas(u64::MAX, 100)? {
                attempts += records.saga(&id)?.unwrap().attempts;
            }
            Ok(attempts)
        });
        attempts.unwrap()
    }

    /// How many attempts of the sweeper the follow-ups of an order have had.
    pub fn follow_ups_tried(&self, order_id: &OrderId) -> u32 {
        let owed = OrderRepository::read(&self.orders.database, |records| {
            records.follow_ups(order_id)
        });
        owed.unwrap()
            .iter()
            .map(|follow_up| follow_up.attempts)
            .max()
            .unwrap()
    }

    /// How many sagas and idempotency keys are stored.
    pub fn stored_sagas_and_keys(&self) -> (u64, u64) {
        (self.rows("sagas"), self.rows("idempotency_keys"))
    }

    /// How many events the inbox remembers.
    pub fn inbox_marks(&self) -> u64 {
        self.rows("inbox")
    }

    /// How many rows a table of the orders database has.
    pub fn rows(&self, table: &str) -> u64 {
        self.number(&format!("SELECT COUNT(*) FROM {table}"))
    }

    /// How often anything was written to the orders database since it was opened.
    pub fn writes(&self) -> u64 {
        self.number("SELECT total_changes()")
    }

    fn number(&self, statement: &str) -> u64 {
        let number = self
            .orders
            .database
            .read(|connection| connection.query_one(statement, &[])?.unwrap().get::<u64>(0));
        let number: Result<u64, mercato_sqlite::Error> = number;
        number.unwrap()
    }

    /// What a holder holds and has done.
    pub fn holding(&self, holder: &Holder) -> Holding {
        OrderRepository::read(&self.orders.database, |records| records.holding(holder)).unwrap()
    }

    /// The customer is faster than anybody who closes the session.
    pub fn customer_pays(&self, order_id: &OrderId) {
        self.payments
            .decide(order_id, PaymentStatus::Succeeded, EventType::Succeeded);
    }

    pub fn payment_fails(&self, order_id: &OrderId) {
        self.payments
            .decide(order_id, PaymentStatus::Failed, EventType::Failed);
    }

    pub fn refund(&self, order_id: &OrderId, minor: i64) {
        self.payments.refund_amount(order_id, minor);
    }

    pub fn has_pending_payment(&self, order_id: &OrderId) -> bool {
        self.payment_status(order_id) == Some(PaymentStatus::Pending)
    }

    pub fn payment_status(&self, order_id: &OrderId) -> Option<PaymentStatus> {
        self.payments
            .payments
            .borrow()
            .get(order_id)
            .map(|payment| payment.status)
    }

    pub fn waiting_events(&self) -> Vec<PaymentEvent> {
        self.payments.waiting()
    }

    pub fn outbox(&self) -> Vec<OutboxRow> {
        self.payments.outbox.borrow().clone()
    }

    /// Every waiting event arrives once.
    pub fn deliver_events(&self) {
        for event in self.waiting_events() {
            self.apply(&event).unwrap();
        }
    }

    /// Time goes by and the sweeper runs until nothing is left to do. Reservations run out on the way.
    pub fn settle(&self) {
        for _ in 0..12 {
            self.wait(TTL_MS);
            self.sweep();
        }
    }

    /// Runs `work` and crashes at that call; gives whether the crash happened.
    pub fn crash_at(&self, call: u64, side: Side, work: impl FnOnce(&Self)) -> bool {
        self.faults.calls.set(0);
        self.faults.crash_at.set(Some((call, side)));
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        self.faults.crash_at.set(None);
        match result {
            Ok(()) => false,
            Err(panic) if panic.is::<Crash>() => true,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Polls both futures to their ends, in the order that the bits of `schedule` say.
    pub fn interleave<T>(
        &self,
        futures: [Pin<Box<dyn Future<Output = T> + '_>>; 2],
        schedule: u32,
    ) -> [T; 2] {
        self.faults.yields.set(true);
        let mut futures = futures;
        let mut results = [None, None];
        let mut turn = 0;
        while let Some(left) = results.iter().position(Option::is_none) {
            let wanted = usize::from(schedule.rotate_right(turn) & 1 == 1);
            let next = if results[wanted].is_none() {
                wanted
            } else {
                left
            };
            if let Poll::Ready(value) = futures[next]
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                results[next] = Some(value);
            }
            turn += 1;
        }
        self.faults.yields.set(false);
        results.map(Option::unwrap)
    }

    /// What must hold whenever nothing is under way.
    pub fn check_invariants(&self, case: &str) {
        for (id, product) in self.inventory.products.borrow().iter() {
            assert_eq!(
                product.free + product.reserved + product.sold,
                product.initial,
                "{case}: stock of {id}"
            );
        }
        assert!(
            self.waiting_events().is_empty(),
            "{case}: {:?}",
            self.waiting_events()
        );
        let due = OrderRepository::read(&self.orders.database, |records| {
            Ok((
                records.due_follow_ups(u64::MAX, 100)?,
                records.due_sagas(u64::MAX, 100)?,
            ))
        });
        let (follow_ups, sagas) = due.unwrap();
        assert!(follow_ups.is_empty(), "{case}: owed {follow_ups:?}");
        self.check_holders(case);
        let orders = self.all_orders();
        let pending = orders
            .iter()
            .filter(|order| order.status == OrderStatus::Pending)
            .count();
        assert_eq!(sagas.len(), pending, "{case}: unfinished {sagas:?}");
        for order in &orders {
            self.check_order(order, case);
        }
        for (status, counted) in figures::handle(self).unwrap().orders {
            let of_status = orders.iter().filter(|order| order.status == status);
            assert_eq!(counted, of_status.count() as u64, "{case}: orders {status}");
        }
        for (id, reservation) in self.inventory.reservations.borrow().iter() {
            let known = orders.iter().any(|order| order.id == *id);
            assert!(
                known || reservation.state == StockState::Released,
                "{case}: stock of no order {id}"
            );
        }
    }

    /// What holders hold is what their unfinished orders say, and nothing of it is left when these end.
    fn check_holders(&self, case: &str) {
        let wrong = "
          SELECT COUNT(*)
          FROM holders
          WHERE (open_orders, held_units) <> (
            SELECT COUNT(*), COALESCE(SUM(units), 0)
            FROM sagas
            WHERE holder IN (customer_id, client) AND step NOT IN ('done', 'rejected'))";
        assert_eq!(self.number(wrong), 0, "{case}: what is held");
        let kept =
            "SELECT COUNT(*) FROM sagas WHERE step IN ('done', 'rejected') AND client IS NOT NULL";
        assert_eq!(self.number(kept), 0, "{case}: clients of ended orders");
        let lines = "
          SELECT COUNT(*)
          FROM saga_lines JOIN sagas USING (order_id)
          WHERE step <> 'new'";
        assert_eq!(self.number(lines), 0, "{case}: lines of orders that stand");
    }

    fn check_order(&self, order: &Order, case: &str) {
        let case = format!("{case}: order {} is {}", order.id, order.status);
        let sum: i64 = order
            .items
            .iter()
            .map(|item| item.unit_price.units() * i64::from(item.quantity.get()))
            .sum();
        assert_eq!(sum, order.total_amount.units(), "{case}");
        let payments = self.payments.payments.borrow();
        let payment = payments.get(&order.id);
        if let Some(payment) = payment {
            assert_eq!(payment.amount, order.amount_due(), "{case}");
        }
        use PaymentStatus as P;
        use StockState::{Committed, Held, Released, Restocked};
        let status = payment.map(|payment| payment.status);
        let stock = self.stock_state(&order.id).unwrap();
        let fits = match order.status {
            OrderStatus::Pending => status == Some(P::Pending) && stock == Held,
            OrderStatus::Paid | OrderStatus::Delivered => {
                status == Some(P::Succeeded) && stock == Committed
            }
            OrderStatus::Cancelled => {
                !matches!(status, Some(P::Pending | P::Succeeded))
                    && stock == Released
                    && order.paid_at.is_none()
            }
            OrderStatus::Refunded => {
                let was_delivered = self
                    .history(&order.id)
                    .iter()
                    .any(|line| line.contains(">DELIVERED"));
                let expected = if was_delivered {
                    stock == Committed
                } else {
                    matches!(stock, Released | Restocked)
                };
                status == Some(P::Refunded) && expected
            }
        };
        assert!(fits, "{case}, payment {status:?}, stock {stock:?}");
    }
}

pub fn admin() -> Viewer {
    Viewer::Admin(customer(99))
}

pub fn buyer() -> Viewer {
    Viewer::Customer(customer(1))
}

/// Runs a future in which nothing waits.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}
