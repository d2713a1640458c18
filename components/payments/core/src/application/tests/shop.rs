//! A payments domain whose world is in the test's hands.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mercato_kernel::{
    AccountId, Caller, EventId, FromText, OrderId, Page, PageRequest, RecordedAnswer,
};
use mercato_money::Money;
use mercato_platform::clock::Clock as _;
use mercato_testing::{CountingIds, Faults, TestClock};
pub use mercato_testing::{SIDES, Side, run, started};
use serde_json::{Value, json};

use super::world::{TestProvider, TestPublisher, TestSettings, TestStore};
use crate::application::commands::{
    self, Cancellation, RefundOutcome, WebhookOutcome, acknowledge_event, handle_webhook,
    open_session, record_refund_answer, refund_payment, relay_outbox, report_failure, retry_event,
    simulate_checkout,
};
use crate::application::ports::Ports;
use crate::application::queries;
use crate::domain::{
    CheckoutLine, CheckoutOutcome, EventType, MinorUnits, NewPayment, OutboxEntry, OutboxEntryView,
    Payment, PaymentError, PaymentView,
};
use crate::store::SqlStore;

pub const ORDER_NUMBER: &str = "M-084S-N02Q";
pub const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub const CUSTOMER: &str = "01890a5d-ac96-774b-bcce-000000000001";
pub const SECRET: &str = "whsec_test";
pub const START_MS: u64 = 1_700_000_000_000;
pub const SESSION_MS: u64 = 900_000;
pub const AMOUNT: i64 = 1999;
pub const UNPAID_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// How many records of each kind the database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub webhooks: u64,
    pub outbox: u64,
    pub answers: u64,
    pub kept_charges: u64,
}

/// What the database is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Those that begin and end transactions included.
    pub statements: u64,
    pub commits: u64,
}

/// The domain with its world.
pub struct Shop {
    pub faults: Rc<Faults>,
    pub store: TestStore,
    pub provider: TestProvider,
    pub publisher: TestPublisher,
    pub settings: TestSettings,
    pub clock: TestClock,
    ids: CountingIds,
}

impl Ports for Shop {
    type Store = TestStore;
    type Provider = TestProvider;
    type Publisher = TestPublisher;
    type Settings = TestSettings;
    type Clock = TestClock;
    type Ids = CountingIds;

    fn store(&self) -> &TestStore {
        &self.store
    }

    fn provider(&self) -> &TestProvider {
        &self.provider
    }

    fn publisher(&self) -> &TestPublisher {
        &self.publisher
    }

    fn settings(&self) -> &TestSettings {
        &self.settings
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn ids(&self) -> &CountingIds {
        &self.ids
    }
}

impl Shop {
    pub fn new() -> Self {
        Self::with(SqlStore::for_test())
    }

    /// A shop on SQLite, for tests of how that goes about statements.
    pub fn on_sqlite() -> Self {
        Self::with(SqlStore::on_sqlite())
    }

    fn with(database: SqlStore) -> Self {
        let faults = Rc::<Faults>::default();
        let clock = TestClock::at(START_MS);
        Self {
            store: TestStore {
                database,
                faults: Rc::clone(&faults),
                commits: Cell::default(),
            },
            provider: TestProvider {
                faults: Rc::clone(&faults),
                clock: clock.clone(),
                ..TestProvider::default()
            },
            publisher: TestPublisher {
                faults: Rc::clone(&faults),
                ..TestPublisher::default()
            },
            settings: TestSettings(RefCell::new(SECRET.to_owned())),
            ids: CountingIds::new(&clock),
            clock,
            faults,
        }
    }

    /// A shop whose one order is paid and whose event is acknowledged.
    pub fn with_paid_order() -> Self {
        let shop = Self::with_pending_order();
        shop.webhook(&shop.completed("evt_paid")).unwrap();
        shop.acknowledge_all();
        shop
    }

    pub fn with_pending_order() -> Self {
        let shop = Self::new();
        shop.create().unwrap();
        shop
    }

    /// The process dies at that step over the border of this domain; then it starts again. None when it has died.
    pub fn crash_at<T>(&self, call: u64, side: Side, work: impl FnOnce(&Self) -> T) -> Option<T> {
        self.faults.crash_at(call, side, || work(self))
    }

    pub fn advance(&self, ms: u64) {
        self.clock.advance(ms);
    }

    pub fn set_back(&self, ms: u64) {
        self.clock.set_back(ms);
    }

    pub fn create(&self) -> Result<Payment, PaymentError> {
        run(commands::create_session::handle(self, &new_payment()))
    }

    pub fn open_session(&self) -> Result<Payment, PaymentError> {
        self.open_session_by(Caller::Customer(account(CUSTOMER)))
    }

    pub fn open_session_by(&self, caller: Caller) -> Result<Payment, PaymentError> {
        let order_id = order();
        run(open_session::handle(
            self,
            open_session::Command { caller, order_id },
        ))
    }

    pub fn cancel(&self) -> Result<Payment, PaymentError> {
        run(commands::cancel_payment::handle(
            self,
            &cancellation("order cancelled"),
        ))
    }

    /// The order is cancelled by somebody who does not know whether its payment was opened.
    pub fn cancel_opening(&self) -> Result<Payment, PaymentError> {
        run(commands::cancel_payment::handle(self, &cancels_opening()))
    }

    pub fn payment(&self) -> PaymentView {
        self.try_payment().unwrap()
    }

    pub fn try_payment(&self) -> Result<PaymentView, PaymentError> {
        queries::find_payment_of_order(self, &Caller::System, order())
    }

    /// The customer pays in the newest session they were sent to, if it is still open.
    pub fn pay_newest(&self) {
        let opened = self.try_payment().ok().and_then(|p| p.session.opened);
        let is_open = |id: &String| !self.provider.expired.borrow().contains(id);
        if opened.is_some_and(|session| is_open(&session.id)) {
            self.provider.take(AMOUNT, "USD");
        }
    }

    pub fn simulate(
        &self,
        session_id: &str,
        outcome: CheckoutOutcome,
    ) -> Result<PaymentView, PaymentError> {
        let command = simulate_checkout::Command {
            session_id,
            outcome,
        };
        run(simulate_checkout::handle(self, command))
    }

    pub fn refund(&self, amount: Option<i64>, key: Option<&str>) -> Result<Payment, PaymentError> {
        match self.refund_by(&admin(), amount, key)? {
            RefundOutcome::Refunded(payment) => Ok(payment),
            RefundOutcome::Replayed(answer) => panic!("{answer:?}"),
        }
    }

    pub fn refund_by(
        &self,
        requested_by: &Caller,
        amount: Option<i64>,
        key: Option<&str>,
    ) -> Result<RefundOutcome, PaymentError> {
        run(refund_payment::handle(
            self,
            refund_payment::Command {
                requested_by: *requested_by,
                payment_id: self.payment().id,
                amount,
                reason: Some("returned".to_owned()),
                idempotency_key: key.map(str::to_owned),
                expected_version: None,
            },
        ))
    }

    pub fn record_answer(&self, key: &str, status: u16, body: &[u8]) -> RecordedAnswer {
        let answer = RecordedAnswer {
            status,
            body: body.to_vec(),
        };
        let command = record_refund_answer::Command {
            requested_by: admin(),
            key,
            answer,
        };
        record_refund_answer::handle(self, command).unwrap()
    }

    pub fn relay(&self) -> commands::RelayReport {
        self.relay_after(0)
    }

    /// The relay runs unless it has within that time.
    pub fn relay_after(&self, min_interval_ms: u32) -> commands::RelayReport {
        let command = relay_outbox::Command { min_interval_ms };
        run(relay_outbox::handle(self, command)).unwrap()
    }

    pub fn fail_handling(&self, event_id: EventId, error: &str) {
        report_failure::handle(self, report_failure::Command { event_id, error }).unwrap();
    }

    pub fn retry(&self, event_id: EventId) -> Result<OutboxEntry, PaymentError> {
        run(retry_event::handle(self, retry_event::Command { event_id }))
    }

    /// Delivers an event signed now.
    pub fn webhook(&self, event: &Value) -> Result<WebhookOutcome, PaymentError> {
        let body = event.to_string().into_bytes();
        let signature = stripe_signature::sign(SECRET, self.clock.now_seconds(), &body).unwrap();
        self.receive(&body, &signature)
    }

    pub fn receive(&self, body: &[u8], signature: &str) -> Result<WebhookOutcome, PaymentError> {
        run(handle_webhook::handle(
            self,
            handle_webhook::Command { body, signature },
        ))
    }

    pub fn completed(&self, id: &str) -> Value {
        json!({"id": id, "type": "checkout.session.completed", "data": {"object": {
            "id": self.newest_session(), "client_reference_id": ORDER, "amount_total": AMOUNT, "currency": "usd",
            "payment_status": "paid", "payment_intent": "pi_1", "receipt_url": "http://receipt.test",
        }}})
    }

    pub fn refunded_event(&self, id: &str, refunded: i64) -> Value {
        json!({"id": id, "type": "charge.refunded", "data": {"object": {
            "id": "ch_1", "metadata": {"order_id": ORDER}, "amount": AMOUNT, "amount_refunded": refunded,
            "currency": "usd", "payment_intent": "pi_1",
        }}})
    }

    /// An event about one refund, so many seconds after the shop began.
    pub fn refund_event(
        &self,
        id: &str,
        refund: &str,
        amount: i64,
        status: &str,
        at: u64,
    ) -> Value {
        let began = START_MS / 1_000;
        let event_type = if status == "failed" {
            "refund.failed"
        } else {
            "refund.created"
        };
        let reason = (status == "failed").then_some("lost_or_stolen_card");
        json!({"id": id, "type": event_type, "created": began + at, "data": {"object": {
            "id": refund, "object": "refund", "amount": amount, "currency": "usd", "payment_intent": "pi_1",
            "status": status, "created": began, "failure_reason": reason, "metadata": {},
        }}})
    }

    /// The refund as the provider knows the one that was made last.
    pub fn provider_refund_id(&self) -> String {
        let refunds = self.provider.refunds.borrow();
        format!("re_{}", refunds.keys().last().unwrap())
    }

    pub fn session_event(&self, id: &str, event_type: &str, session_id: &str) -> Value {
        json!({"id": id, "type": event_type, "data": {"object": {
            "id": session_id, "client_reference_id": ORDER, "amount_total": AMOUNT, "currency": "usd",
        }}})
    }

    /// The customer's payment fails for good.
    pub fn fail_payment(&self) {
        let event = self.session_event(
            "evt_failed",
            "checkout.session.async_payment_failed",
            &self.newest_session(),
        );
        self.webhook(&event).unwrap();
    }

    /// The provider's answer to the opening of a session is not known any more.
    pub fn forget_answer(&self, number: u32) {
        let forgotten = format!(
            "UPDATE sessions SET provider_id = NULL, url = NULL, expires_at = NULL WHERE number = {number}"
        );
        self.store.database.execute(&forgotten);
    }

    /// Nobody knows any more that sessions are over.
    pub fn reopen_sessions(&self) {
        self.store.database.execute(
            "UPDATE sessions SET is_over = 0, end_at = (SELECT updated_at FROM payments WHERE id = payment_id)",
        );
    }

    pub fn has_session_to_end(&self) -> bool {
        self.store.database.count("sessions WHERE is_over = 0") > 0
    }

    pub fn stored(&self) -> Stored {
        let count = |from: &str| self.store.database.count(from);
        Stored {
            webhooks: count("webhooks"),
            outbox: count("outbox"),
            answers: count("refunds WHERE answer_status IS NOT NULL"),
            kept_charges: count("kept_charges"),
        }
    }

    /// How many statements and transactions `work` needs.
    pub fn cost_of<T>(&self, work: impl FnOnce(&Self) -> T) -> (T, Cost) {
        let cost = || Cost {
            statements: self.store.database.statements(),
            commits: self.store.commits.get(),
        };
        // Opens the database.
        self.stored();
        let before = cost();
        let result = work(self);
        let after = cost();
        let cost = Cost {
            statements: after.statements - before.statements,
            commits: after.commits - before.commits,
        };
        (result, cost)
    }

    /// How often anything was written to the database since it was opened.
    pub fn writes(&self) -> u64 {
        self.store.database.writes()
    }

    pub fn newest_session(&self) -> String {
        session_id(&self.payment().session_idempotency_key())
    }

    pub fn entries(&self) -> Vec<OutboxEntryView> {
        self.page(1, 100).unwrap().entries
    }

    pub fn page(&self, page: u32, limit: u32) -> Result<Page<OutboxEntryView>, PaymentError> {
        let request = PageRequest {
            page,
            limit,
            after: None,
        };
        queries::list_entries(self, &request)
    }

    /// Types of all events not acknowledged, oldest first.
    pub fn event_types(&self) -> Vec<EventType> {
        self.entries()
            .iter()
            .map(|entry| entry.event.event_type)
            .collect()
    }

    pub fn published_types(&self) -> Vec<EventType> {
        self.publisher
            .published
            .borrow()
            .iter()
            .map(|event| event.event_type)
            .collect()
    }

    pub fn acknowledge(&self, event_id: EventId) {
        run(acknowledge_event::handle(
            self,
            acknowledge_event::Command { event_id },
        ))
        .unwrap();
    }

    pub fn acknowledge_these(&self, event_ids: &[EventId]) -> Result<(), PaymentError> {
        run(acknowledge_event::handle_all(self, event_ids))
    }

    pub fn acknowledge_all(&self) {
        for entry in self.entries() {
            self.acknowledge(entry.event.id);
        }
        self.publisher.published.borrow_mut().clear();
    }
}

pub fn cancellation(reason: &str) -> Cancellation {
    Cancellation {
        order_id: order(),
        reason: reason.to_owned(),
        opening: None,
    }
}

/// Of an order whose payment may have been opened.
pub fn cancels_opening() -> Cancellation {
    Cancellation {
        opening: Some(new_payment()),
        ..cancellation("order cancelled")
    }
}

pub fn session_id(idempotency_key: &str) -> String {
    format!("cs_{idempotency_key}")
}

pub fn admin() -> Caller {
    Caller::Admin(account("01890a5d-ac96-774b-bcce-000000000002"))
}

pub fn order() -> OrderId {
    id_of(ORDER)
}

pub fn id_of<T: FromText>(text: &str) -> T {
    T::from_text(text).unwrap()
}

pub fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub fn units(units: i64) -> MinorUnits {
    MinorUnits::new(units).unwrap()
}

pub fn new_payment() -> NewPayment {
    NewPayment {
        order_id: order(),
        order_number: ORDER_NUMBER.to_owned(),
        customer_id: account(CUSTOMER),
        amount: units(AMOUNT),
        currency: "USD".parse().unwrap(),
        lines: vec![
            CheckoutLine {
                name: "Tea".to_owned(),
                unit_price: Money::from_units(49_950),
                quantity: 3,
            },
            CheckoutLine {
                name: "Cup".to_owned(),
                unit_price: Money::from_units(50_050),
                quantity: 1,
            },
        ],
        details: None,
        expires_at: START_MS + SESSION_MS,
    }
}
