//! Payments, as their contract says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use mercato_contracts::payments::service::MoneyReceived;
use mercato_kernel::{OrderId, PaymentId};
use mercato_platform::ids::Ids;

use super::faults::Faults;
use super::{START_MS, TestClock, TestIds};
use crate::domain::{
    CheckoutSession, EventType, OrderError, OrderView, Payment, PaymentEvent, PaymentStatus,
};
use crate::ports::{OpenError, Payments, Refunding};

#[derive(Debug, Clone)]
pub struct OutboxRow {
    pub event: PaymentEvent,
    pub acknowledged: bool,
    pub failures: u32,
}

/// Payments, as its contract says.
pub struct FakePayments {
    pub faults: Rc<Faults>,
    pub ids: Rc<TestIds>,
    pub clock: Rc<TestClock>,
    pub payments: RefCell<BTreeMap<OrderId, Payment>>,
    pub outbox: RefCell<Vec<OutboxRow>>,
    pub refund_keys: RefCell<Vec<String>>,
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
    pub fn dispute(&self, order_id: OrderId, is_disputed: bool) {
        let mut payments = self.payments.borrow_mut();
        payments.get_mut(&order_id).unwrap().disputed = is_disputed;
    }

    fn emit(&self, order_id: OrderId, event_type: EventType) {
        let payments = self.payments.borrow();
        let payment = payments.get(&order_id).unwrap();
        let event = PaymentEvent {
            id: self.ids.new_id(),
            event_type,
            time: START_MS,
            order_id: order_id.to_string(),
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

    pub fn decide(&self, order_id: OrderId, status: PaymentStatus, event_type: EventType) {
        let mut payments = self.payments.borrow_mut();
        let payment = payments.get_mut(&order_id).unwrap();
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

    fn open_now(&self, order: &OrderView, expires_at: u64) -> Result<Payment, OpenError> {
        if let Some(error) = self
            .refuses
            .borrow()
            .clone()
            .or(self.down.get().then_some(OpenError::Unavailable))
        {
            return Err(error);
        }
        let session = CheckoutSession {
            id: format!("cs_{}", order.id),
            url: "https://pay.example".into(),
            expires_at,
        };
        let new = || Payment {
            id: self.ids.new_id(),
            status: PaymentStatus::Pending,
            processing: false,
            amount: order.amount_due(),
            refunded_amount: 0,
            failed_refund_amount: 0,
            refund_failure: None,
            duplicate_amount: 0,
            duplicate_refunded_amount: 0,
            disputed: false,
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
            .entry(order.id)
            .or_insert_with(new)
            .clone())
    }

    fn cancel_now(&self, order_id: OrderId) -> Option<Payment> {
        self.clock.0.set(self.clock.0.get() + self.takes_ms.get());
        let is_pending = self.payments.borrow().get(&order_id)?.status == PaymentStatus::Pending;
        if is_pending && !self.keeps_sessions.get() {
            self.decide(order_id, PaymentStatus::Cancelled, EventType::Cancelled);
        }
        self.payments.borrow().get(&order_id).cloned()
    }

    /// As [`Self::cancel_now`], but no event tells of it.
    fn close_now(&self, order_id: OrderId) -> Option<Payment> {
        self.clock.0.set(self.clock.0.get() + self.takes_ms.get());
        let mut payments = self.payments.borrow_mut();
        let payment = payments.get_mut(&order_id)?;
        if payment.status == PaymentStatus::Pending && !self.keeps_sessions.get() {
            payment.status = PaymentStatus::Cancelled;
        }
        Some(payment.clone())
    }

    fn refund_now(&self, payment_id: PaymentId, key: &str) -> Refunding {
        self.refunds_asked.set(self.refunds_asked.get() + 1);
        if self.refuses_refunds.get() {
            return Refunding::Refused;
        }
        if self.refund_keys.borrow().iter().any(|known| known == key) {
            return Refunding::Done;
        }
        self.refund_keys.borrow_mut().push(key.to_owned());
        let order_id = self.order_of(payment_id);
        self.refund_amount(order_id, i64::MAX);
        Refunding::Done
    }

    fn order_of(&self, payment_id: PaymentId) -> OrderId {
        let payments = self.payments.borrow();
        payments
            .iter()
            .find(|(_, payment)| payment.id == *payment_id.text())
            .map(|(order_id, _)| *order_id)
            .unwrap()
    }

    /// Gives so many minor units back, or all that is left.
    pub fn refund_amount(&self, order_id: OrderId, minor: i64) {
        let mut payments = self.payments.borrow_mut();
        let payment = payments.get_mut(&order_id).unwrap();
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

    pub fn waiting(&self) -> Vec<PaymentEvent> {
        self.outbox
            .borrow()
            .iter()
            .filter(|row| !row.acknowledged)
            .map(|row| row.event.clone())
            .collect()
    }
}

impl Payments for FakePayments {
    async fn open(&self, order: &OrderView, expires_at: u64) -> Result<Payment, OpenError> {
        self.faults
            .around_async(|| self.open_now(order, expires_at))
            .await
    }

    async fn cancel(&self, order_id: OrderId, _: &str) -> Result<Option<Payment>, OrderError> {
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
            ids.map(|id| Ok(self.close_now(*id))).collect()
        };
        self.faults.around_async(|| self.if_up(close)).await
    }

    async fn refund(
        &self,
        payment_id: PaymentId,
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
                currency: code,
                gross,
                lost_to_disputes: 0,
                refunded,
            };
            sums.into_iter().map(received).collect()
        };
        self.faults.around_async(|| self.if_up(sum)).await
    }

    async fn of_order(&self, order_id: OrderId) -> Result<Option<Payment>, OrderError> {
        let find = || self.payments.borrow().get(&order_id).cloned();
        self.faults.around_async(|| self.if_up(find)).await
    }

    async fn relay(&self, _: u32) -> Result<(), OrderError> {
        self.faults.around_async(|| self.if_up(|| ())).await
    }

    async fn pending_event(&self, event_id: &str) -> Result<Option<PaymentEvent>, OrderError> {
        let find = || {
            self.waiting()
                .into_iter()
                .find(|event| event.id == event_id)
        };
        self.faults.around_async(|| self.if_up(find)).await
    }

    async fn pending_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, OrderError> {
        let of_order = || {
            self.waiting()
                .into_iter()
                .filter(|event| event.order_id == *order_id.text())
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

    async fn acknowledge(&self, event_id: &str) -> Result<(), OrderError> {
        let acknowledge = || {
            for row in self
                .outbox
                .borrow_mut()
                .iter_mut()
                .filter(|row| row.event.id == event_id)
            {
                row.acknowledged = true;
            }
        };
        self.faults.around_async(|| self.if_up(acknowledge)).await
    }

    async fn report_failure(&self, event_id: &str, _: &str) -> Result<(), OrderError> {
        let count = || {
            for row in self
                .outbox
                .borrow_mut()
                .iter_mut()
                .filter(|row| row.event.id == event_id)
            {
                row.failures += 1;
            }
        };
        self.faults.around_async(|| self.if_up(count)).await
    }
}
