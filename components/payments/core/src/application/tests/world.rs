//! What stands behind the ports of [`Shop`](super::shop::Shop): a real database, a provider that remembers what it did, a broker,
//! a clock, and faults at any step.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use mercato_platform::clock::Clock as _;
use mercato_testing::{Faults, TestClock, pause};

use super::shop::{AMOUNT, SESSION_MS, UNPAID_KEPT_MS, session_id, units};
use crate::application::locks::Locks;
use crate::application::ports::{
    CheckoutSimulator, PaidSession, Provider, ProviderError, PublishError, Publisher,
    RefundRequest, SessionRequest, SessionState, Settings, SignedWebhook, Store,
};
use crate::domain::{CheckoutOutcome, CheckoutSession, PaymentError, PaymentEvent, PaymentView};
use crate::store::{Records, SqlStore};

const PUBLIC_URL: &str = "http://shop.test";

pub struct TestStore {
    pub database: SqlStore,
    pub faults: Rc<Faults>,
    /// Transactions that were committed.
    pub commits: Cell<u64>,
}

impl Store for TestStore {
    fn read<T>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.database.read(work)
    }

    fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.faults.around(|| {
            let done = self.database.write(locks, work);
            self.commits
                .set(self.commits.get() + u64::from(done.is_ok()));
            done
        })
    }
}

/// What the provider knows. Like a real one it answers a repeated idempotency key as it did the first time, and
/// refuses the key with another request.
#[derive(Default)]
pub struct TestProvider {
    pub faults: Rc<Faults>,
    pub clock: TestClock,
    pub down: Cell<bool>,
    pub refuses: Cell<bool>,
    pub slow: Cell<bool>,
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
        self.faults.let_others_run().await;
        if self.down.get() {
            return Err(ProviderError::Unavailable("down".to_owned()));
        }
        if self.refuses.get() {
            return Err(ProviderError::Rejected("no".to_owned()));
        }
        let answer = self.faults.around(effect);
        pause(self.slow.take()).await;
        self.faults.let_others_run().await;
        answer
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
                    first.payment.id,
                    first.payment.amount,
                    first.payment.session.requested_expiry,
                    &first.order_number,
                    &first.lines,
                    &first.details
                ),
                (
                    request.payment.id,
                    request.payment.amount,
                    request.payment.session.requested_expiry,
                    &request.order_number,
                    &request.lines,
                    &request.details
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
            order_id: payment.order_id.to_string(),
            payment_id: payment.id.to_string(),
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
            CheckoutOutcome::Decline => return None,
        };
        let seconds = self.clock.now_seconds();
        let body = stripe_mock::webhook::body(&session, outcome, PUBLIC_URL, seconds);
        let signature = stripe_mock::webhook::signature(secret, seconds, &body).ok()?;
        Some(SignedWebhook { body, signature })
    }
}

#[derive(Default)]
pub struct TestPublisher {
    pub faults: Rc<Faults>,
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
        let publish = || self.published.borrow_mut().push(event.clone());
        self.faults.around(publish);
        Ok(())
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
