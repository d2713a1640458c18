//! Payments: the context itself, on a database of its own in memory, with a provider that does as tests tell it.

/// The contract of payments as its component keeps it, with the types that orders imports.
#[path = "../../../../../../payments/service/src/contract.rs"]
mod contract;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use mercato_contracts::payments::service::MoneyReceived;
use mercato_contracts::payments::types::PaymentError;
use mercato_contracts::payments::{service, types};
use mercato_kernel::{Caller, OrderId, PageRequest, PaymentId};
use mercato_platform::clock::Clock as _;
use mercato_testing::{CountingIds, Faults, TestClock, run};
use payments::Instance;
use payments::application::commands::{handle_webhook, refund_payment};
use payments::application::ports::{
    CheckoutSimulator, Ports as _, Provider, ProviderError, PublishError, Publisher, RefundRequest,
    SessionRequest, SessionState, Settings, SignedWebhook,
};
use payments::application::queries;
use payments::domain::{CheckoutOutcome, CheckoutSession, OutboxEntryView, PaymentView};
use stripe_mock::webhook::{self, Outcome, Session};

use super::{TTL_MS, UNPAID_KEPT_MS, admin};
use crate::adapters::payments::{
    cancellation, closed, failed, not_opened, refunding, session_request,
};
use crate::domain::{OrderError, OrderView, Payment, PaymentEvent};
use crate::ports::{CancelPayment, OpenError, Payments, Refunding};

const SECRET: &str = "whsec_test";

/// A provider that knows what it is asked, and does as it is told.
pub struct TestProvider {
    clock: TestClock,
    faults: Rc<Faults>,
    /// The sessions it was ever asked for, with whether a customer can pay in them.
    sessions: RefCell<BTreeMap<String, OpenSession>>,
    pub down: Cell<bool>,
    /// A definite no to whatever opens a session or gives money back, and why.
    pub refuses: RefCell<Option<String>>,
    /// How long it takes to end a session, in milliseconds.
    pub takes_ms: Cell<u64>,
    /// The customer is just paying: nothing is decided yet.
    pub is_paying: Cell<bool>,
}

/// A session as the provider has it.
#[derive(Debug, Clone, Copy)]
struct OpenSession {
    order_id: OrderId,
    is_open: bool,
}

impl TestProvider {
    /// The orders that somebody can pay for.
    pub fn payable_orders(&self) -> Vec<OrderId> {
        let sessions = self.sessions.borrow();
        let open = sessions.values().filter(|session| session.is_open);
        open.map(|session| session.order_id).collect()
    }

    fn close(&self, session_id: &str) {
        if let Some(session) = self.sessions.borrow_mut().get_mut(session_id) {
            session.is_open = false;
        }
    }

    fn answer<T>(&self, answer: T) -> Result<T, ProviderError> {
        match &*self.refuses.borrow() {
            _ if self.down.get() => Err(ProviderError::Unavailable("down".to_owned())),
            Some(cause) => Err(ProviderError::Rejected(cause.clone())),
            None => Ok(answer),
        }
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
        let (order_id, slot) = (request.payment.order_id, &request.payment.session);
        let session = CheckoutSession {
            id: match slot.number {
                1 => format!("cs_{order_id}"),
                number => format!("cs_{order_id}_{number}"),
            },
            url: "https://pay.example".to_owned(),
            expires_at: slot.requested_expiry,
        };
        self.faults.around(|| {
            let session = self.answer(session)?;
            let is_new = OpenSession {
                order_id,
                is_open: true,
            };
            let mut sessions = self.sessions.borrow_mut();
            sessions.entry(session.id.clone()).or_insert(is_new);
            Ok(session)
        })
    }

    async fn expire_session(&self, id: &str) -> Result<SessionState, ProviderError> {
        self.clock.advance(self.takes_ms.get());
        self.faults.around(|| {
            let state = self.answer(if self.is_paying.get() {
                SessionState::Completed(None)
            } else {
                SessionState::Expired
            })?;
            self.close(id);
            Ok(state)
        })
    }

    async fn refund(&self, request: &RefundRequest) -> Result<String, ProviderError> {
        self.answer(format!("re_{}", request.idempotency_key))
    }
}

impl CheckoutSimulator for TestProvider {
    fn is_simulator(&self) -> bool {
        false
    }

    async fn simulate(
        &self,
        _: &PaymentView,
        _: &str,
        _: CheckoutOutcome,
        _: &str,
    ) -> Option<SignedWebhook> {
        None
    }
}

/// A broker that loses every event: orders has to fetch them, or a test delivers them.
pub struct LosingBroker;

impl Publisher for LosingBroker {
    async fn publish(&self, _: &payments::domain::PaymentEvent) -> Result<(), PublishError> {
        Ok(())
    }
}

pub struct TestSettings;

impl Settings for TestSettings {
    async fn webhook_secret(&self) -> Result<String, payments::domain::PaymentError> {
        Ok(SECRET.to_owned())
    }

    async fn session_lifetime_ms(&self) -> Result<u64, payments::domain::PaymentError> {
        Ok(TTL_MS)
    }

    async fn unpaid_retention_ms(&self) -> Result<Option<u64>, payments::domain::PaymentError> {
        Ok(Some(UNPAID_KEPT_MS))
    }

    fn new_secret(&self) -> String {
        SECRET.to_owned()
    }
}

type Context = Instance<TestProvider, LosingBroker, TestSettings, TestClock, CountingIds>;

/// The payments of the shop, with faults around them.
pub struct TestPayments {
    faults: Rc<Faults>,
    context: Context,
    pub down: Cell<bool>,
    /// The events that orders sees are about another amount.
    pub spoils_events: Cell<bool>,
    /// How often orders has asked for a refund.
    pub refunds_asked: Cell<u32>,
}

impl TestPayments {
    pub fn new(faults: Rc<Faults>, clock: &TestClock, ids: &CountingIds) -> Self {
        let provider = TestProvider {
            clock: clock.clone(),
            faults: Rc::clone(&faults),
            sessions: RefCell::default(),
            down: Cell::new(false),
            refuses: RefCell::new(None),
            takes_ms: Cell::new(0),
            is_paying: Cell::new(false),
        };
        let (clock, ids) = (clock.clone(), ids.clone());
        Self {
            faults,
            context: Instance::new(provider, LosingBroker, TestSettings, clock, ids),
            down: Cell::new(false),
            spoils_events: Cell::new(false),
            refunds_asked: Cell::new(0),
        }
    }

    pub fn provider(&self) -> &TestProvider {
        self.context.provider()
    }

    /// The payment of an order, as orders may see it.
    pub fn of(&self, order_id: OrderId) -> Option<Payment> {
        run(contract::find_by_order(&self.context, order_id.to_string())).unwrap()
    }

    fn view(&self, order_id: OrderId) -> PaymentView {
        queries::find_payment_of_order(&self.context, &Caller::System, order_id).unwrap()
    }

    /// Does what is due at payments.
    pub fn catch_up(&self) {
        run(contract::relay(&self.context, 0)).unwrap();
    }

    /// The provider reports what the customer has done in their session.
    pub fn report(&self, order_id: OrderId, outcome: Outcome) {
        let payment = self.view(order_id);
        let session = Session {
            id: payment.session.opened.unwrap().id,
            order_id: order_id.to_string(),
            payment_id: payment.id.to_string(),
            amount: payment.amount.get(),
            currency: payment.currency.to_string(),
        };
        self.provider().close(&session.id);
        let now = self.context.clock().now_seconds();
        self.receive(&webhook::body(
            &session,
            outcome,
            "https://shop.example",
            now,
        ));
    }

    /// The customer's bank disputes the payment of that order, or does so no more.
    pub fn dispute(&self, order_id: OrderId, is_disputed: bool) {
        let payment = self.view(order_id);
        let (kind, status) = if is_disputed {
            ("created", "needs_response")
        } else {
            ("closed", "won")
        };
        let (charge, amount) = (payment.provider_reference.unwrap(), payment.amount);
        let now = self.context.clock().now_seconds();
        let event = format!(
            r#"{{"id":"evt_{kind}_{charge}","type":"charge.dispute.{kind}","created":{now},"data":{{"object":
            {{"id":"du_{charge}","object":"dispute","amount":{amount},"currency":"usd","payment_intent":"{charge}",
            "reason":"fraudulent","status":"{status}","created":{now},"metadata":{{}}}}}}}}"#
        );
        self.receive(event.as_bytes());
    }

    fn receive(&self, body: &[u8]) {
        let now = self.context.clock().now_seconds();
        let signature = &webhook::signature(SECRET, now, body).unwrap();
        let command = handle_webhook::Command { body, signature };
        run(handle_webhook::handle(&self.context, command)).unwrap();
    }

    /// An admin gives so many minor units back, or all that is left.
    pub fn refund(&self, order_id: OrderId, minor: i64) {
        let payment = self.view(order_id);
        if payment.status != payments::domain::PaymentStatus::Succeeded {
            return;
        }
        let is_part = minor < payment.refundable().get();
        let command = refund_payment::Command {
            requested_by: admin(),
            payment_id: payment.id,
            amount: is_part.then_some(minor),
            reason: None,
            idempotency_key: None,
            expected_version: None,
        };
        run(refund_payment::handle(&self.context, command)).unwrap();
    }

    /// What is in the outbox, oldest first.
    pub fn outbox(&self) -> Vec<OutboxEntryView> {
        let request = PageRequest {
            page: 1,
            limit: 100,
            after: None,
        };
        let page = queries::list_entries(&self.context, &request);
        page.unwrap().entries
    }

    pub fn waiting(&self) -> Vec<PaymentEvent> {
        let entries = self.outbox().into_iter();
        entries.map(|entry| contract::event(entry.event)).collect()
    }

    async fn answer<T>(
        &self,
        work: impl FnOnce(&Context) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        let answer = || match self.down.get() {
            true => Err(PaymentError::Unavailable),
            false => work(&self.context),
        };
        self.faults.around_async(answer).await
    }

    async fn ask<T>(
        &self,
        work: impl FnOnce(&Context) -> Result<T, PaymentError>,
    ) -> Result<T, OrderError> {
        self.answer(work).await.map_err(failed("ask", ""))
    }

    /// The events as orders sees them.
    fn seen(&self, mut events: Vec<PaymentEvent>) -> Vec<PaymentEvent> {
        for event in &mut events {
            event.amount += i64::from(self.spoils_events.get());
        }
        events
    }
}

impl Payments for TestPayments {
    async fn open(&self, order: &OrderView, expires_at: u64) -> Result<Payment, OpenError> {
        let request = session_request(order, expires_at);
        let opened = self.answer(|payments| run(contract::open(payments, request)));
        opened.await.map_err(|error| not_opened(order.id, error))
    }

    async fn cancel(&self, wanted: &CancelPayment) -> Result<Option<Payment>, OrderError> {
        let wanted = cancellation(wanted);
        self.ask(|payments| run(contract::cancel(payments, wanted)))
            .await
    }

    async fn cancel_all(
        &self,
        cancellations: &[CancelPayment],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError> {
        let all = cancellations.iter().map(cancellation).collect();
        let outcomes = self.ask(|payments| run(contract::cancel_all(payments, all)));
        Ok(closed(outcomes.await?, cancellations))
    }

    async fn refund(
        &self,
        payment_id: PaymentId,
        reason: &str,
        key: &str,
    ) -> Result<Refunding, OrderError> {
        self.refunds_asked.set(self.refunds_asked.get() + 1);
        let (id, reason, key) = (payment_id.to_string(), reason.to_owned(), key.to_owned());
        let refunded = self.answer(|payments| run(contract::refund(payments, id, reason, key)));
        refunding(payment_id, refunded.await)
    }

    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError> {
        self.ask(contract::money_by_currency).await
    }

    async fn of_order(&self, order_id: OrderId) -> Result<Option<Payment>, OrderError> {
        self.ask(|payments| run(contract::find_by_order(payments, order_id.to_string())))
            .await
    }

    async fn relay(&self, min_interval_ms: u32) -> Result<(), OrderError> {
        self.ask(|payments| run(contract::relay(payments, min_interval_ms)))
            .await
    }

    async fn pending_event(&self, event_id: &str) -> Result<Option<PaymentEvent>, OrderError> {
        self.ask(|payments| run(contract::pending(payments, event_id.to_owned())))
            .await
    }

    async fn pending_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, OrderError> {
        let id = order_id.to_string();
        let events = self.ask(|payments| run(contract::pending_of_order(payments, id)));
        Ok(self.seen(events.await?))
    }

    async fn overdue_events(
        &self,
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = self.ask(|payments| contract::overdue(payments, min_age_ms, limit));
        Ok(self.seen(events.await?))
    }

    async fn acknowledge(&self, event_id: &str) -> Result<(), OrderError> {
        self.ask(|payments| run(contract::acknowledge(payments, event_id.to_owned())))
            .await
    }

    async fn acknowledge_all(&self, event_ids: &[String]) -> Result<(), OrderError> {
        let ids = event_ids.to_vec();
        self.ask(|payments| run(contract::acknowledge_all(payments, ids)))
            .await
    }

    async fn report_failure(&self, event_id: &str, error: &str) -> Result<(), OrderError> {
        let (id, error) = (event_id.to_owned(), error.to_owned());
        self.ask(|payments| run(contract::report_failure(payments, id, error)))
            .await
    }
}
