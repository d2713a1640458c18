//! A shop for tests: the real store, the real catalogue and the real payments, each on a real SQLite in memory, with a payment
//! provider that does as it is told, a clock that stands still, and crashes on demand.

mod checkouts;
mod invariants;
mod inventory;
mod payments;
mod store;

pub use inventory::StockState;
pub use mercato_testing::{SIDES, Side, Task, run};
pub use stripe_mock::webhook::Outcome;

use std::cell::Cell;
use std::rc::Rc;

use ::payments::domain::OutboxEntryView;
use mercato_kernel::{
    AccountId, Caller, Named as _, OrderId, PageRequest, ProductId, RecordedAnswer,
};
use mercato_platform::clock::Clock as _;
use mercato_sql::Database;
use mercato_testing::{CountingIds, Faults, TestClock, Turns};

pub use self::checkouts::Filled;
use self::checkouts::TestCheckouts;
use self::inventory::TestInventory;
use self::payments::{TestPayments, TestProvider};
use self::store::TestStore;
use crate::application::commands::change_status::{self, ChangeStatus};
use crate::application::commands::create_order::{
    self, CreateOrder, CreateOutcome, Idempotency, Placement,
};
use crate::application::commands::order_checkout::{self, OrderCheckout};
use crate::application::commands::sweep::{self, SweepReport};
use crate::application::commands::{apply_payment_event, record_answer};
use crate::application::locks;
use crate::application::queries::find_order::{self, OrderDetails};
use crate::application::queries::list_orders::{self, OrderFilter, OrderSort};
use crate::application::saga::pending_actions::SOLD_AFTER_MS;
use crate::domain::{
    EventOutcome, Holder, Holding, Limits, Line, OrderError, OrderNumber, OrderStatus, OrderView,
    PaymentEvent, PaymentStatus, Quantity, QuoteId,
};
use crate::ports::{Ports, Store};
use crate::settings::Settings;
use crate::store::{Action, LABEL, MIGRATIONS};

pub const START_MS: u64 = 0x0193_9f6e_8a00;
pub const TTL_MS: u64 = 900_000;
pub const UNPAID_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// The shop.
pub struct Shop {
    pub faults: Rc<Faults>,
    pub store: TestStore,
    pub inventory: TestInventory,
    pub checkouts: TestCheckouts,
    pub payments: TestPayments,
    clock: TestClock,
    ids: CountingIds,
    pub settings: Settings,
}

impl Ports for Shop {
    type Store = TestStore;
    type Inventory = TestInventory;
    type Checkouts = TestCheckouts;
    type Payments = TestPayments;
    type Clock = TestClock;
    type Ids = CountingIds;

    fn store(&self) -> &TestStore {
        &self.store
    }

    fn inventory(&self) -> &TestInventory {
        &self.inventory
    }

    fn checkouts(&self) -> &TestCheckouts {
        &self.checkouts
    }

    fn payments(&self) -> &TestPayments {
        &self.payments
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn ids(&self) -> &CountingIds {
        &self.ids
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}

pub fn customer(number: u64) -> AccountId {
    AccountId::parse(&format!("01939f6e-8a00-7000-8000-c{number:011x}")).unwrap()
}

pub fn product(number: u64) -> ProductId {
    ProductId::parse(&format!("01939f6e-8a00-7000-8000-b{number:011x}")).unwrap()
}

pub fn lines(wanted: &[(u64, u32)]) -> Vec<Line> {
    let line = |(number, quantity): &(u64, u32)| Line {
        product_id: product(*number),
        quantity: Quantity::new(*quantity).unwrap(),
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
        customer_id: customer(1).into(),
        client: None,
        is_exempt: false,
        lines: lines(&[(1, 2), (2, 1)]),
        checkout: None,
        expected_total: None,
        replaces: None,
        idempotency,
    }
}

/// To order a checkout for what was shown.
pub fn command(filled: &Filled, key: Option<&str>) -> OrderCheckout {
    let idempotency = key.map(|key| Idempotency {
        key: key.to_owned(),
        fingerprint: vec![7; 32],
    });
    OrderCheckout {
        checkout_id: filled.id,
        holder: filled.holder.clone(),
        quote: QuoteId::parse(&filled.quote).unwrap(),
        client: None,
        is_exempt: false,
        idempotency,
    }
}

/// What [`request`] costs, in minor units.
pub const REQUEST_MINOR: i64 = 2_008;

impl Shop {
    pub fn new() -> Self {
        Self::with(Database::for_test(LABEL, MIGRATIONS).unwrap())
    }

    /// A shop on SQLite, for tests of how that goes about statements.
    pub fn on_sqlite() -> Self {
        Self::with(Database::in_memory(LABEL, MIGRATIONS.sqlite).unwrap())
    }

    fn with(database: Database) -> Self {
        let faults: Rc<Faults> = Rc::default();
        let clock = TestClock::at(START_MS);
        let ids = CountingIds::new(&clock);
        let inventory = TestInventory::new(Rc::clone(&faults), clock.clone());
        let checkouts = TestCheckouts::new(Rc::clone(&faults), &clock, inventory.catalogue());
        let shop = Self {
            store: TestStore {
                database,
                faults: Rc::clone(&faults),
                down: Cell::new(false),
            },
            inventory,
            checkouts,
            payments: TestPayments::new(Rc::clone(&faults), &clock, &ids),
            clock,
            ids,
            settings: Settings {
                currency: "USD".parse().unwrap(),
                reservation_ttl_ms: TTL_MS,
                limits: Limits::default(),
                unpaid_retention_ms: Some(UNPAID_KEPT_MS),
                requires_checkout: false,
            },
            faults,
        };
        shop.add_product(1, "9.99", 10);
        shop.add_product(2, "0.105", 10);
        shop
    }

    /// Adds a coffee; what is sold of it is another number.
    pub fn add_coffee(&self, number: u64, variant: u64, price: &str) {
        let price = price.parse().unwrap();
        self.inventory
            .put_coffee(product(number), product(variant), price);
    }

    pub fn add_product(&self, number: u64, price: &str, units: u64) {
        let price = price.parse().unwrap();
        self.inventory.put(product(number), price, units);
    }

    pub fn add_stock(&self, number: u64, units: u64) {
        self.inventory.add(product(number), units);
    }

    pub fn free(&self, number: u64) -> u64 {
        self.inventory.stock(product(number)).free()
    }

    pub fn stock_state(&self, order_id: OrderId) -> Option<StockState> {
        self.inventory.state(order_id)
    }

    /// The id that is made next, unless time goes by.
    pub fn upcoming_id(&self) -> OrderId {
        OrderId::parse(&self.ids.upcoming()).unwrap()
    }

    /// Gives an order the number of another one.
    pub fn renumber(&self, order_id: OrderId, number: &OrderNumber) {
        let statement = format!("UPDATE orders SET number = '{number}' WHERE id = '{order_id}'");
        let done: Result<u64, mercato_sql::Error> = self
            .store
            .database
            .write(locks::order(order_id), |connection| {
                connection.execute_counted(&statement, &[])
            });
        assert_eq!(done.unwrap(), 1);
    }

    pub fn wait(&self, ms: u64) {
        self.clock.advance(ms);
    }

    pub fn set_clock_back(&self, ms: u64) {
        self.clock.set_back(ms);
    }

    pub fn create(&self, key: Option<&str>) -> Result<CreateOutcome, OrderError> {
        run(create_order::handle(self, request(key)))
    }

    /// A guest fills in a checkout of one of product 1 at 9.99 and one of product 2 at 0.105, which come to 10.10 with these codes.
    pub fn filled(&self, codes: &[&str]) -> Filled {
        self.checkouts
            .fill(None, &[(product(1), 1), (product(2), 1)], codes)
    }

    /// There is a code that takes 1.10 off, so often in all.
    pub fn make_code(&self, name: &str, total: Option<u32>) {
        let limits = ::checkout::domain::UseLimits {
            total,
            per_customer: Some(1),
        };
        self.checkouts.make_code(name, "1.1", limits);
    }

    pub fn order_checkout(
        &self,
        filled: &Filled,
        key: Option<&str>,
    ) -> Result<CreateOutcome, OrderError> {
        run(order_checkout::handle(self, command(filled, key)))
    }

    /// The order that a checkout was made to.
    pub fn ordered(&self, filled: &Filled) -> Placement {
        match self.order_checkout(filled, None) {
            Ok(CreateOutcome::Placed(placement)) => placement,
            other => panic!("{other:?}"),
        }
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
        self.customer_pays(id);
        self.deliver_events();
        assert_eq!(self.status(id), OrderStatus::Paid);
        id
    }

    pub fn record(&self, key: &str, status: u16, body: &[u8]) -> RecordedAnswer {
        let idempotency = request(Some(key)).idempotency.unwrap();
        record_answer::handle(
            self,
            customer(1),
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
        caller: Caller,
        order_id: OrderId,
        status: OrderStatus,
    ) -> Result<OrderView, OrderError> {
        run(change_status::handle(
            self,
            ChangeStatus {
                caller,
                order_id,
                status,
                reason: None,
                expected_version: None,
            },
        ))
    }

    pub fn cancel(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        self.change(
            Caller::Customer(customer(1)),
            order_id,
            OrderStatus::Cancelled,
        )
    }

    pub fn find(&self, order_id: OrderId) -> Result<OrderDetails, OrderError> {
        run(find_order::handle(self, admin(), order_id))
    }

    pub fn sweep(&self) -> SweepReport {
        run(sweep::handle(self, 0)).unwrap()
    }

    pub fn apply(&self, event: &PaymentEvent) -> Result<EventOutcome, OrderError> {
        run(apply_payment_event::handle(self, event))
    }

    pub fn order(&self, order_id: OrderId) -> Option<OrderView> {
        Store::read(&self.store.database, |records| records.order_view(order_id)).unwrap()
    }

    /// That action of the order is pending, from now on.
    pub fn leave_to_do(&self, order_id: OrderId, task: &Action) {
        Store::write(&self.store.database, locks::order(order_id), |records| {
            records.add_pending_action(order_id, task, self.clock.now_ms())
        })
        .unwrap();
    }

    pub fn status(&self, order_id: OrderId) -> OrderStatus {
        self.order(order_id).unwrap().status
    }

    /// The history as `from>to reason` lines.
    pub fn history(&self, order_id: OrderId) -> Vec<String> {
        let history =
            Store::read(&self.store.database, |records| records.history(order_id)).unwrap();
        let name = |status: Option<OrderStatus>| status.map_or("", OrderStatus::name);
        history
            .iter()
            .map(|line| format!("{}>{} {}", name(line.from), line.to, line.reason))
            .collect()
    }

    pub fn all_orders(&self) -> Vec<OrderView> {
        let request = PageRequest {
            page: 1,
            limit: 100,
            after: None,
        };
        list_orders::handle(
            self,
            admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &request,
        )
        .unwrap()
        .entries
    }

    /// How many attempts of the sweeper all unfinished sagas have had.
    pub fn sagas_tried(&self) -> u32 {
        let attempts = Store::read(&self.store.database, |records| {
            let mut attempts = 0;
            for id in records.due_sagas(u64::MAX, 100)? {
                attempts += records.saga(id)?.unwrap().attempts();
            }
            Ok(attempts)
        });
        attempts.unwrap()
    }

    /// How many attempts of the sweep the pending actions of an order have had.
    pub fn actions_tried(&self, order_id: OrderId) -> u32 {
        let pending = Store::read(&self.store.database, |records| {
            records.pending_actions(order_id)
        });
        pending
            .unwrap()
            .iter()
            .map(|pending| pending.attempts)
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
        let number = self.store.database.read(|connection| {
            connection
                .query_one(statement, &[])?
                .unwrap()
                .get::<u64>(0_usize)
        });
        let number: Result<u64, mercato_sql::Error> = number;
        number.unwrap()
    }

    /// What a holder holds and has done.
    pub fn holding(&self, holder: &Holder) -> Holding {
        let holders = [Some(holder), None];
        let read = Store::read(&self.store.database, |records| records.holdings(holders));
        let [holding, _] = read.unwrap();
        holding
    }

    pub fn provider(&self) -> &TestProvider {
        self.payments.provider()
    }

    /// The customer is faster than anybody who closes the session.
    pub fn customer_pays(&self, order_id: OrderId) {
        self.payments.report(order_id, Outcome::Succeed);
    }

    pub fn payment_fails(&self, order_id: OrderId) {
        self.payments.report(order_id, Outcome::Fail);
    }

    /// No session can be ended: its customer is just paying, or the provider does not answer.
    pub fn hold_sessions(&self, are_paying: bool) {
        self.provider().is_paying.set(are_paying);
        self.provider().down.set(!are_paying);
    }

    /// Sessions can be ended again; the money of those customers who were just paying has not come.
    pub fn let_sessions_end(&self, order_ids: &[OrderId]) {
        if self.provider().is_paying.take() {
            order_ids.iter().for_each(|id| self.payment_fails(*id));
        }
        self.provider().down.set(false);
    }

    pub fn refund(&self, order_id: OrderId, minor: i64) {
        self.payments.refund(order_id, minor);
    }

    pub fn has_pending_payment(&self, order_id: OrderId) -> bool {
        self.payment_status(order_id) == Some(PaymentStatus::Pending)
    }

    pub fn payment_status(&self, order_id: OrderId) -> Option<PaymentStatus> {
        self.payments.of(order_id).map(|payment| payment.status)
    }

    pub fn waiting_events(&self) -> Vec<PaymentEvent> {
        self.payments.waiting()
    }

    pub fn outbox(&self) -> Vec<OutboxEntryView> {
        self.payments.outbox()
    }

    /// Runs `work` and crashes at that call; gives whether the crash happened.
    pub fn crash_at(&self, call: u64, side: Side, work: impl FnOnce(&Self)) -> bool {
        self.faults.crash_at(call, side, || work(self)).is_none()
    }

    /// Polls both tasks to their ends, in the order that the bits of `schedule` say.
    pub fn interleave<T>(&self, tasks: [Task<'_, T>; 2], schedule: u32) -> [T; 2] {
        let whose = |turn| usize::from(schedule.rotate_right(turn) & 1 == 1);
        self.faults.interleave(tasks, whose)
    }

    /// Polls both tasks to their ends, in that order.
    pub fn interleave_by<T>(&self, tasks: [Task<'_, T>; 2], turns: &Turns) -> [T; 2] {
        self.faults.interleave(tasks, |_| turns.next())
    }

    /// Every waiting event arrives once.
    pub fn deliver_events(&self) {
        for event in self.waiting_events() {
            self.apply(&event).unwrap();
        }
        self.finish_sales();
    }

    /// The sweep soon records that what was paid is sold.
    pub fn finish_sales(&self) {
        self.wait(SOLD_AFTER_MS);
        self.sweep();
    }

    /// Time goes by and the sweeper runs until nothing is left to do. Reservations run out on the way.
    pub fn settle(&self) {
        for _ in 0..12 {
            self.wait(TTL_MS);
            self.sweep();
            self.payments.catch_up();
        }
    }
}

pub fn admin() -> Caller {
    Caller::Admin(customer(99))
}

pub fn buyer() -> Caller {
    Caller::Customer(customer(1))
}
