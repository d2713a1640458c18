//! A payments domain whose world is in the test's hands.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mercato_kernel::{AccountId, Caller, Page, PageRequest};
use mercato_money::Money;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use serde_json::{Value, json};

use crate::adapters::stripe_webhook::StripeWebhooks;
use crate::application::commands::{self, RefundCommand, RefundOutcome, WebhookOutcome};
use crate::application::ports::{
    CheckoutOutcome, CheckoutSimulator, PaidSession, Ports, Provider, ProviderError, PublishError,
    Publisher, Records, RefundRequest, SessionRequest, SessionState, Settings, SignedWebhook,
    Store,
};
use crate::application::queries;
use crate::domain::{
    CheckoutLine, CheckoutSession, EventType, MinorUnits, NewPayment, OutboxEntryView, Payment,
    PaymentError, PaymentEvent, PaymentView, RecordedAnswer,
};
use crate::store::SqliteStore;

pub const ORDER_NUMBER: &str = "M-084S-N02Q";
pub const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub const CUSTOMER: &str = "01890a5d-ac96-774b-bcce-000000000001";
pub const SECRET: &str = "whsec_test";
pub const START_MS: u64 = 1_700_000_000_000;
pub const SESSION_MS: u64 = 900_000;
pub const AMOUNT: i64 = 1999;
pub const UNPAID_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

const PUBLIC_URL: &str = "http://shop.test";

/// Runs a future whose ports never wait.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a port of the tests waits"),
    }
}

/// Starts a request whose provider or broker is slow: it waits there until it is awaited again with [`now`].
pub fn started<'a, T>(
    future: impl Future<Output = T> + 'a,
) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    let mut future: Pin<Box<dyn Future<Output = T> + 'a>> = Box::pin(future);
    let poll = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending(), "nothing was slow");
    future
}

/// Waits once when somebody is slow.
async fn pause(slow: bool) {
    let mut waits = slow;
    poll_fn(|_| {
        if std::mem::take(&mut waits) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// Where the process dies: at the n-th step over the border of this domain, before or after that step took effect.
#[derive(Debug, Clone, Copy)]
pub enum Crash {
    Before(u32),
    After(u32),
}

#[derive(Default)]
pub struct Faults {
    crash: Cell<Option<Crash>>,
    steps: Cell<u32>,
    dead: Cell<bool>,
}

impl Faults {
    /// Takes a step; `None` when the process is dead before its answer arrives.
    fn step<T>(&self, effect: impl FnOnce() -> T) -> Option<T> {
        if self.dead.get() {
            return None;
        }
        let step = self.steps.replace(self.steps.get() + 1);
        match self.crash.get() {
            Some(Crash::Before(fatal)) if fatal == step => {
                self.dead.set(true);
                None
            }
            Some(Crash::After(fatal)) if fatal == step => {
                effect();
                self.dead.set(true);
                None
            }
            _ => Some(effect()),
        }
    }
}

pub struct TestStore {
    sqlite: SqliteStore,
    faults: Rc<Faults>,
}

impl Store for TestStore {
    fn read<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        if self.faults.dead.get() {
            Err(PaymentError::Internal)
        } else {
            self.sqlite.read(work)
        }
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.faults
            .step(|| self.sqlite.write(work))
            .unwrap_or(Err(PaymentError::Internal))
    }
}

/// What the provider knows. Like a real one it answers a repeated idempotency key as it did the first time, and
/// refuses the key with another request.
#[derive(Default)]
pub struct TestProvider {
    faults: Rc<Faults>,
    clock: TestClock,
    pub down: Cell<bool>,
    pub refuses: Cell<bool>,
    pub slow: Cell<bool>,
    /// Every call lets others run, before and after its effect.
    pub yields: Cell<bool>,
    pub paid: Cell<bool>,
    /// What the provider says of the money in a session that is paid.
    pub charge: RefCell<Option<PaidSession>>,
    pub real: Cell<bool>,
    pub sessions: RefCell<BTreeMap<String, SessionRequest>>,
    pub expired: RefCell<BTreeSet<String>>,
    pub refunds: RefCell<BTreeMap<String, RefundRequest>>,
}

impl TestProvider {
    async fn answer<T>(
        &self,
        effect: impl FnOnce() -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        self.let_others_run().await;
        if self.down.get() {
            return Err(ProviderError::Unavailable("down".to_owned()));
        }
        if self.refuses.get() {
            return Err(ProviderError::Rejected("no".to_owned()));
        }
        let silence = Err(ProviderError::Unavailable("no answer".to_owned()));
        let answer = self.faults.step(effect).unwrap_or(silence);
        pause(self.slow.take()).await;
        self.let_others_run().await;
        answer
    }

    pub async fn let_others_run(&self) {
        pause(self.yields.get()).await;
    }

    /// The customer has paid that in the open session, and the provider says so when it is asked.
    pub fn take(&self, amount: i64, currency: &str) {
        self.paid.set(true);
        self.charge.replace(Some(PaidSession {
            reference: "pi_1".to_owned(),
            amount: units(amount),
            currency: currency.to_owned(),
        }));
    }

    /// What has gone back to the customer altogether.
    pub fn refunded(&self) -> i64 {
        self.refunds
            .borrow()
            .values()
            .map(|refund| refund.amount.get())
            .sum()
    }
}

impl Provider for TestProvider {
    fn name(&self) -> String {
        "test".to_owned()
    }

    async fn create_session(
        &self,
        request: &SessionRequest,
    ) -> Result<CheckoutSession, ProviderError> {
        self.answer(|| {
            let key = request.payment.session_idempotency_key();
            let mut sessions = self.sessions.borrow_mut();
            let first = sessions
                .entry(key.clone())
                .or_insert_with(|| request.clone());
            assert_eq!(
                (
                    first.payment.amount,
                    first.payment.session.requested_expiry,
                    &first.order_number,
                    &first.lines
                ),
                (
                    request.payment.amount,
                    request.payment.session.requested_expiry,
                    &request.order_number,
                    &request.lines
                ),
                "the same idempotency key with another request"
            );
            Ok(CheckoutSession {
                id: session_id(&key),
                url: format!("http://pay.test/{key}"),
                expires_at: request.payment.session.requested_expiry,
            })
        })
        .await
    }

    async fn expire_session(&self, session_id: &str) -> Result<SessionState, ProviderError> {
        self.answer(|| {
            if self.paid.get() {
                return Ok(SessionState::Completed(self.charge.borrow().clone()));
            }
            self.expired.borrow_mut().insert(session_id.to_owned());
            Ok(SessionState::Expired)
        })
        .await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<String, ProviderError> {
        self.answer(|| {
            let key = request.idempotency_key.clone();
            let id = format!("re_{key}");
            let first = self
                .refunds
                .borrow_mut()
                .entry(key)
                .or_insert_with(|| request.clone())
                .clone();
            assert_eq!(
                &first, request,
                "the same idempotency key with another request"
            );
            assert!(self.refunded() <= AMOUNT, "more refunded than paid");
            Ok(id)
        })
        .await
    }
}

impl CheckoutSimulator for TestProvider {
    fn is_simulator(&self) -> bool {
        !self.real.get()
    }

    async fn simulate(
        &self,
        payment: &PaymentView,
        session_id: &str,
        outcome: CheckoutOutcome,
        secret: &str,
    ) -> Option<SignedWebhook> {
        let session = stripe_mock::webhook::Session {
            id: session_id.to_owned(),
            order_id: payment.order_id.clone(),
            payment_id: payment.id.clone(),
            amount: payment.amount.get(),
            currency: payment.currency.to_string(),
        };
        let outcome = match outcome {
            CheckoutOutcome::Succeed if payment.is_processing => {
                stripe_mock::webhook::Outcome::Settle
            }
            CheckoutOutcome::Succeed => stripe_mock::webhook::Outcome::Succeed,
            CheckoutOutcome::Fail => stripe_mock::webhook::Outcome::Fail,
            CheckoutOutcome::Cancel => stripe_mock::webhook::Outcome::Cancel,
            CheckoutOutcome::Debit => stripe_mock::webhook::Outcome::Debit,
        };
        let seconds = self.clock.now_seconds();
        let body = stripe_mock::webhook::body(&session, outcome, PUBLIC_URL, seconds);
        let signature = stripe_mock::webhook::signature(secret, seconds, &body).ok()?;
        Some(SignedWebhook { body, signature })
    }
}

#[derive(Default)]
pub struct TestPublisher {
    faults: Rc<Faults>,
    pub down: Cell<bool>,
    pub slow: Cell<bool>,
    pub attempts: Cell<u32>,
    pub published: RefCell<Vec<PaymentEvent>>,
}

impl Publisher for TestPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        self.attempts.set(self.attempts.get() + 1);
        pause(self.slow.take()).await;
        if self.down.get() {
            return Err(PublishError("connection refused".to_owned()));
        }
        self.faults
            .step(|| self.published.borrow_mut().push(event.clone()))
            .ok_or_else(|| PublishError("no answer".to_owned()))
    }
}

pub struct TestSettings(pub RefCell<String>);

impl Settings for TestSettings {
    async fn webhook_secret(&self) -> Result<String, PaymentError> {
        Ok(self.0.borrow().clone())
    }

    async fn session_lifetime_ms(&self) -> Result<u64, PaymentError> {
        Ok(SESSION_MS)
    }

    async fn unpaid_retention_ms(&self) -> Result<Option<u64>, PaymentError> {
        Ok(Some(UNPAID_KEPT_MS))
    }

    fn new_secret(&self) -> String {
        format!("whsec_{}", mercato_platform::random::hex::<16>())
    }
}

#[derive(Clone, Default)]
pub struct TestClock(Rc<Cell<u64>>);

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }
}

#[derive(Default)]
pub struct TestIds(Cell<u32>);

impl Ids for TestIds {
    fn new_id(&self) -> String {
        let number = self.0.replace(self.0.get() + 1);
        format!("01890a5d-ac96-774b-bcce-{number:012x}")
    }
}

/// How many records of each kind the database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub webhooks: u64,
    pub outbox: u64,
    pub answers: u64,
    pub kept_charges: u64,
}

/// The domain with its world.
pub struct Shop {
    pub faults: Rc<Faults>,
    pub store: TestStore,
    pub provider: TestProvider,
    pub publisher: TestPublisher,
    pub settings: TestSettings,
    pub clock: TestClock,
    ids: TestIds,
}

impl Ports for Shop {
    type Store = TestStore;
    type Provider = TestProvider;
    type Publisher = TestPublisher;
    type Webhooks = StripeWebhooks;
    type Settings = TestSettings;
    type Clock = TestClock;
    type Ids = TestIds;

    fn store(&self) -> &TestStore {
        &self.store
    }

    fn provider(&self) -> &TestProvider {
        &self.provider
    }

    fn publisher(&self) -> &TestPublisher {
        &self.publisher
    }

    fn webhooks(&self) -> &StripeWebhooks {
        &StripeWebhooks
    }

    fn settings(&self) -> &TestSettings {
        &self.settings
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn ids(&self) -> &TestIds {
        &self.ids
    }
}

impl Shop {
    pub fn new() -> Self {
        let faults = Rc::<Faults>::default();
        let clock = TestClock(Rc::new(Cell::new(START_MS)));
        Self {
            store: TestStore {
                sqlite: SqliteStore::new(),
                faults: Rc::clone(&faults),
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
            clock,
            ids: TestIds::default(),
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

    pub fn crash_at(&self, crash: Crash) {
        self.faults.steps.set(0);
        self.faults.crash.set(Some(crash));
    }

    /// The process starts again; true when it had died.
    pub fn restart(&self) -> bool {
        self.faults.crash.set(None);
        self.faults.dead.replace(false)
    }

    pub fn advance(&self, ms: u64) {
        self.clock.0.set(self.clock.0.get() + ms);
    }

    pub fn set_back(&self, ms: u64) {
        self.clock.0.set(self.clock.0.get() - ms);
    }

    pub fn create(&self) -> Result<Payment, PaymentError> {
        now(commands::create_session(self, &new_payment()))
    }

    pub fn open_session(&self) -> Result<Payment, PaymentError> {
        now(commands::open_session(
            self,
            &Caller::Customer(account(CUSTOMER)),
            ORDER,
        ))
    }

    pub fn cancel(&self) -> Result<Payment, PaymentError> {
        now(commands::cancel_payment(self, ORDER, "order cancelled"))
    }

    pub fn payment(&self) -> PaymentView {
        self.try_payment().unwrap()
    }

    pub fn try_payment(&self) -> Result<PaymentView, PaymentError> {
        queries::find_payment_of_order(self, &Caller::System, ORDER)
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
        now(commands::simulate_checkout(self, session_id, outcome))
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
        now(commands::refund_payment(
            self,
            RefundCommand {
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
        commands::record_refund_answer(self, &admin(), key, answer).unwrap()
    }

    pub fn relay(&self) -> commands::RelayReport {
        now(commands::relay_outbox(self, 0)).unwrap()
    }

    /// Delivers an event signed now.
    pub fn webhook(&self, event: &Value) -> Result<WebhookOutcome, PaymentError> {
        let body = event.to_string().into_bytes();
        let signature = stripe_signature::sign(SECRET, self.clock.now_seconds(), &body).unwrap();
        now(commands::handle_webhook(self, &body, &signature))
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
        self.store.sqlite.execute(&forgotten);
    }

    /// Nobody knows any more that sessions are over.
    pub fn reopen_sessions(&self) {
        self.store.sqlite.execute(
            "UPDATE sessions SET is_over = 0, end_at = (SELECT updated_at FROM payments WHERE id = payment_id)",
        );
    }

    pub fn has_session_to_end(&self) -> bool {
        self.store.sqlite.count("sessions WHERE is_over = 0") > 0
    }

    pub fn stored(&self) -> Stored {
        let count = |from: &str| self.store.sqlite.count(from);
        Stored {
            webhooks: count("webhooks"),
            outbox: count("outbox"),
            answers: count("refunds WHERE answer_status IS NOT NULL"),
            kept_charges: count("kept_charges"),
        }
    }

    /// How often anything was written to the database since it was opened.
    pub fn writes(&self) -> u64 {
        self.store.sqlite.writes()
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

    pub fn acknowledge(&self, event_id: &str) {
        now(commands::acknowledge_event(self, event_id)).unwrap();
    }

    pub fn acknowledge_all(&self) {
        for entry in self.entries() {
            self.acknowledge(&entry.event.id);
        }
        self.publisher.published.borrow_mut().clear();
    }
}

pub fn session_id(idempotency_key: &str) -> String {
    format!("cs_{idempotency_key}")
}

pub fn admin() -> Caller {
    Caller::Admin(account("01890a5d-ac96-774b-bcce-000000000002"))
}

pub fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub fn units(units: i64) -> MinorUnits {
    MinorUnits::new(units).unwrap()
}

pub fn new_payment() -> NewPayment {
    NewPayment {
        order_id: ORDER.to_owned(),
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
        expires_at: START_MS + SESSION_MS,
    }
}
