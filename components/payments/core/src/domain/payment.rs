use std::fmt;

use mercato_money::{Currency, Money};

use super::{
    Charge, Dispute, DisputeStatus, DuplicateCharge, EventType, MinorUnits, PaymentError,
    PaymentEvent, ProviderRefund, RefundTotal, failed_sum, refunded_sum,
};

/// Most lines a checkout shows: as many as an order has.
pub const CHECKOUT_LINES_MAX: usize = 100;

/// Longest number of an order, in characters: some more than orders need, for they may change it.
pub const ORDER_NUMBER_MAX_CHARS: usize = 32;

/// Where a payment stands.
///
/// `PENDING → SUCCEEDED | FAILED | CANCELLED`, `SUCCEEDED → REFUNDED`, and back when a refund fails later. A payment that had failed or was cancelled
/// still becomes `SUCCEEDED` when the provider says that the money was taken after all: it must then be refunded,
/// and ignoring it would keep the customer's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Waiting for the customer.
    Pending,
    /// Paid; perhaps refunded in part.
    Succeeded,
    /// Declined.
    Failed,
    /// Ended without a payment.
    Cancelled,
    /// Refunded in whole.
    Refunded,
}

impl PaymentStatus {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The status as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// A customer, by account id.
    Customer(String),
    /// An admin, by account id.
    Admin(String),
    /// Another part of the shop.
    System,
}

/// One line of what is paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutLine {
    /// The product's name.
    pub name: String,
    /// Price of one unit.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
}

/// A session as the provider opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// The provider's id.
    pub id: String,
    /// Where the customer pays.
    pub url: String,
    /// Milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// A session that the provider is asked for, and its answer once that is known.
///
/// The number and the time are kept before the provider is asked, so that asking again after a crash is the same
/// request under the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSlot {
    /// From 1; grows when a session has lapsed and another is opened.
    pub number: u32,
    /// When the session shall end, in milliseconds since the Unix epoch.
    pub requested_expiry: u64,
    /// The provider's answer.
    pub opened: Option<CheckoutSession>,
}

/// What a payment is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The order to pay.
    pub order_id: String,
    /// What people call it by.
    pub order_number: String,
    /// The account that pays.
    pub customer_id: String,
    /// How much.
    pub amount: MinorUnits,
    /// In which currency.
    pub currency: Currency,
    /// What for.
    pub lines: Vec<CheckoutLine>,
    /// When the session shall end, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// The payment of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// UUIDv7.
    pub id: String,
    /// The order it pays.
    pub order_id: String,
    /// The account that pays.
    pub customer_id: String,
    /// How much is to be paid.
    pub amount: MinorUnits,
    /// Sum of all refunds that have not failed.
    pub refunded: MinorUnits,
    /// Sum of all refunds that the provider had taken and could not make.
    pub failed_refunds: MinorUnits,
    /// Why the last of these failed.
    pub refund_failure: Option<String>,
    /// Sum of all duplicate charges: what the customer was charged beside the payment's own charge.
    pub duplicates: MinorUnits,
    /// How much of that has gone back.
    pub duplicates_refunded: MinorUnits,
    /// A dispute about one of its charges is not decided yet.
    pub is_disputed: bool,
    /// Sum of all disputes that were lost.
    pub lost_to_disputes: MinorUnits,
    /// Currency of them all.
    pub currency: Currency,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The customer has paid in a way that takes days, and the money is on its way: only while it is pending.
    pub is_processing: bool,
    /// The provider's name.
    pub provider: String,
    /// The newest session.
    pub session: SessionSlot,
    /// The provider's id of the charge, once paid.
    pub provider_reference: Option<String>,
    /// Where the customer finds the receipt.
    pub receipt_url: Option<String>,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at: u64,
    /// Grows by one with every change.
    pub version: u64,
}

impl Payment {
    /// A pending payment whose first session has not been asked for yet.
    #[must_use]
    pub fn open(id: String, provider: String, new: &NewPayment, now: u64) -> Self {
        Self {
            id,
            order_id: new.order_id.clone(),
            customer_id: new.customer_id.clone(),
            amount: new.amount,
            refunded: MinorUnits::ZERO,
            failed_refunds: MinorUnits::ZERO,
            refund_failure: None,
            duplicates: MinorUnits::ZERO,
            duplicates_refunded: MinorUnits::ZERO,
            is_disputed: false,
            lost_to_disputes: MinorUnits::ZERO,
            currency: new.currency,
            status: PaymentStatus::Pending,
            is_processing: false,
            provider,
            session: SessionSlot {
                number: 1,
                requested_expiry: new.expires_at,
                opened: None,
            },
            provider_reference: None,
            receipt_url: None,
            reason: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Whether it is still waiting for the customer.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == PaymentStatus::Pending
    }

    /// Whether the customer may still pay in its session.
    #[must_use]
    pub fn can_be_paid(&self) -> bool {
        self.is_pending() && !self.is_processing
    }

    /// Whether this viewer may know of it.
    #[must_use]
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        match viewer {
            Viewer::Customer(id) => *id == self.customer_id,
            Viewer::Admin(_) | Viewer::System => true,
        }
    }

    /// Whether it was opened by this very request.
    #[must_use]
    pub fn was_opened_by(&self, new: &NewPayment) -> bool {
        self.order_id == new.order_id
            && self.customer_id == new.customer_id
            && self.amount == new.amount
            && self.currency == new.currency
    }

    /// The session in which the customer can pay now.
    #[must_use]
    pub fn usable_session(&self, now: u64) -> Option<&CheckoutSession> {
        self.session
            .opened
            .as_ref()
            .filter(|session| self.can_be_paid() && session.expires_at > now)
    }

    /// Whether the newest session can no longer be paid in, be it known or still to be asked for.
    #[must_use]
    pub fn session_has_lapsed(&self, now: u64) -> bool {
        let expiry = self
            .session
            .opened
            .as_ref()
            .map_or(self.session.requested_expiry, |session| session.expires_at);
        expiry <= now
    }

    /// What the provider knows the newest session's opening by: repeating it opens no second one.
    #[must_use]
    pub fn session_idempotency_key(&self) -> String {
        format!("{}:session:{}", self.id, self.session.number)
    }

    /// Takes the next session number; the provider is asked afterwards.
    pub fn begin_next_session(&mut self, requested_expiry: u64, now: u64) {
        let number = self.session.number.saturating_add(1);
        self.session = SessionSlot {
            number,
            requested_expiry,
            opened: None,
        };
        self.touch(now);
    }

    /// Records the provider's answer for session `number`; false when it is known or another session has followed.
    pub fn record_session(&mut self, number: u32, session: CheckoutSession, now: u64) -> bool {
        if self.session.number != number || self.session.opened.is_some() {
            return false;
        }
        self.session.opened = Some(session);
        self.touch(now);
        true
    }

    /// The customer has paid in a way that takes days, and the money is on its way. False when that was known, or when it
    /// has been decided already.
    pub fn await_money(&mut self, now: u64) -> bool {
        if !self.can_be_paid() {
            return false;
        }
        self.is_processing = true;
        self.touch(now);
        true
    }

    /// The customer has paid. False when that was known.
    pub fn succeed(&mut self, charge: &Charge, now: u64) -> bool {
        let completed = self.complete_charge(charge);
        let news = !matches!(
            self.status,
            PaymentStatus::Succeeded | PaymentStatus::Refunded
        );
        if news {
            self.status = PaymentStatus::Succeeded;
            self.is_processing = false;
            self.reason = None;
        }
        if news || completed {
            self.touch(now);
        }
        news
    }

    /// The payment was declined. False when it is decided already.
    pub fn fail(&mut self, reason: &str, now: u64) -> bool {
        self.end(PaymentStatus::Failed, reason, now)
    }

    /// The payment ended without money. False when it is decided already.
    pub fn cancel(&mut self, reason: &str, now: u64) -> bool {
        self.end(PaymentStatus::Cancelled, reason, now)
    }

    /// A payment of nothing is given back. False when there is something to give back, or when that was known.
    pub fn give_nothing_back(&mut self, now: u64) -> bool {
        if self.status != PaymentStatus::Succeeded || !self.amount.is_zero() {
            return false;
        }
        self.status = PaymentStatus::Refunded;
        self.touch(now);
        true
    }

    /// What is known of the refunds of its charge, all of it. True when that means another sum than was known; a sum beyond
    /// the amount counts as the amount. Only a paid payment can be refunded: [`Payment::succeed`] comes first.
    pub fn record_refunds(
        &mut self,
        refunds: &[ProviderRefund],
        totals: &[RefundTotal],
        now: u64,
    ) -> bool {
        let is_paid = matches!(
            self.status,
            PaymentStatus::Succeeded | PaymentStatus::Refunded
        );
        if !is_paid || self.amount.is_zero() {
            return false;
        }
        let total = refunded_sum(refunds, totals).min(self.amount);
        let (failed, last) = failed_sum(refunds);
        let failure = last.map(|failure| failure.reason.clone());
        let is_news = total != self.refunded;
        if is_news || failed != self.failed_refunds || failure != self.refund_failure {
            self.refunded = total;
            self.failed_refunds = failed;
            self.refund_failure = failure;
            self.status = if total == self.amount {
                PaymentStatus::Refunded
            } else {
                PaymentStatus::Succeeded
            };
            self.touch(now);
        }
        is_news
    }

    /// What is known of its duplicate charges, all of them. True when that is news.
    pub fn record_duplicates(&mut self, duplicates: &[DuplicateCharge], now: u64) -> bool {
        let sum = |part: fn(&DuplicateCharge) -> MinorUnits| {
            duplicates
                .iter()
                .map(part)
                .fold(MinorUnits::ZERO, MinorUnits::saturating_add)
        };
        let charged = sum(|charge| charge.amount);
        let refunded = sum(|charge| charge.refunded);
        if (charged, refunded) == (self.duplicates, self.duplicates_refunded) {
            return false;
        }
        (self.duplicates, self.duplicates_refunded) = (charged, refunded);
        self.touch(now);
        true
    }

    /// What is known of the disputes about its charges, all of them.
    pub fn record_disputes(&mut self, disputes: &[Dispute], now: u64) {
        let is_disputed = disputes
            .iter()
            .any(|dispute| dispute.status == DisputeStatus::Open);
        let charged = self.amount.saturating_add(self.duplicates);
        let lost = disputes
            .iter()
            .filter(|dispute| dispute.status == DisputeStatus::Lost)
            .map(|dispute| dispute.share_of(self.amount, self.currency))
            .fold(MinorUnits::ZERO, MinorUnits::saturating_add)
            .min(charged);
        if (is_disputed, lost) != (self.is_disputed, self.lost_to_disputes) {
            (self.is_disputed, self.lost_to_disputes) = (is_disputed, lost);
            self.touch(now);
        }
    }

    /// What can still be refunded.
    #[must_use]
    pub fn refundable(&self) -> MinorUnits {
        self.amount.saturating_sub(self.refunded)
    }

    /// The amount a refund request comes to: all that is left when it names none.
    ///
    /// # Errors
    /// `Conflict` unless the payment is paid and not yet refunded in whole, `RefundExceedsAmount`.
    pub fn amount_to_refund(
        &self,
        requested: Option<MinorUnits>,
    ) -> Result<MinorUnits, PaymentError> {
        if self.status != PaymentStatus::Succeeded {
            return Err(PaymentError::Conflict(self.status));
        }
        let amount = requested.unwrap_or(self.refundable());
        if amount > self.refundable() {
            return Err(PaymentError::RefundExceedsAmount(self.refundable().get()));
        }
        Ok(amount)
    }

    /// What the shop is told about the payment as it is now.
    #[must_use]
    pub fn event(&self, id: String, event_type: EventType, now: u64) -> PaymentEvent {
        PaymentEvent {
            id,
            event_type,
            time: now,
            order_id: self.order_id.clone(),
            payment_id: self.id.clone(),
            amount: self.amount,
            refunded: self.refunded,
            payment_version: self.version,
            currency: self.currency,
            provider_reference: self.provider_reference.clone(),
            receipt_url: self.receipt_url.clone(),
            reason: self.reason.clone(),
        }
    }

    /// What the history of the order is told about the payment, as it is now.
    #[must_use]
    pub fn remark(&self, id: String, told: String, now: u64) -> PaymentEvent {
        PaymentEvent {
            reason: Some(told),
            ..self.event(id, EventType::Updated, now)
        }
    }

    /// Fills in what was not known of the charge; true when something was.
    fn complete_charge(&mut self, charge: &Charge) -> bool {
        let before = (
            self.provider_reference.is_some(),
            self.receipt_url.is_some(),
        );
        self.provider_reference = self
            .provider_reference
            .take()
            .or_else(|| charge.reference.clone());
        self.receipt_url = self
            .receipt_url
            .take()
            .or_else(|| charge.receipt_url.clone());
        before
            != (
                self.provider_reference.is_some(),
                self.receipt_url.is_some(),
            )
    }

    fn end(&mut self, status: PaymentStatus, reason: &str, now: u64) -> bool {
        if !self.is_pending() {
            return false;
        }
        self.status = status;
        self.is_processing = false;
        self.reason = Some(reason.to_owned());
        self.touch(now);
        true
    }

    fn touch(&mut self, now: u64) {
        self.updated_at = now;
        self.version = self.version.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(amount: i64) -> Payment {
        let new = NewPayment {
            order_id: "order".into(),
            order_number: "M-7K3F-29QD".to_owned(),
            customer_id: "customer".into(),
            amount: MinorUnits::new(amount).unwrap(),
            currency: "USD".parse().unwrap(),
            lines: vec![],
            expires_at: 1_000,
        };
        Payment::open("payment".into(), "stripe-mock".into(), &new, 10)
    }

    fn units(units: i64) -> MinorUnits {
        MinorUnits::new(units).unwrap()
    }

    fn told(total: i64) -> [RefundTotal; 1] {
        [RefundTotal {
            since: 1,
            until: 1,
            total: units(total),
        }]
    }

    fn failed(amount: i64) -> ProviderRefund {
        ProviderRefund {
            id: "re_1".into(),
            amount: units(amount),
            created_at: 1,
            failure: Some(crate::domain::RefundFailure {
                at: 2,
                reason: "the card is gone".into(),
            }),
        }
    }

    fn charge() -> Charge {
        Charge {
            reference: Some("pi_1".into()),
            receipt_url: Some("https://receipt".into()),
        }
    }

    #[test]
    fn a_pending_payment_is_decided_once() {
        type Decide = fn(&mut Payment) -> bool;
        let decisions: [(Decide, PaymentStatus); 3] = [
            (|p| p.succeed(&charge(), 20), PaymentStatus::Succeeded),
            (|p| p.fail("declined", 20), PaymentStatus::Failed),
            (|p| p.cancel("expired", 20), PaymentStatus::Cancelled),
        ];
        for (decide, status) in decisions {
            let mut payment = payment(100);
            assert!(decide(&mut payment));
            assert_eq!(
                (payment.status, payment.version, payment.updated_at),
                (status, 2, 20)
            );
            assert!(!decide(&mut payment));
            assert!(!payment.fail("again", 30));
            assert!(!payment.cancel("again", 30));
            assert_eq!(
                (payment.status, payment.version, payment.updated_at),
                (status, 2, 20)
            );
        }
    }

    #[test]
    fn money_on_its_way_is_awaited_until_it_is_decided() {
        let mut payment = payment(100);
        let session = CheckoutSession {
            id: "cs_1".into(),
            url: "https://pay".into(),
            expires_at: 1_000,
        };
        payment.record_session(1, session, 20);
        assert!(payment.await_money(20) && !payment.await_money(21));
        assert!(payment.is_processing && payment.is_pending());
        assert_eq!(payment.usable_session(30), None);
        let mut failed = payment.clone();
        assert!(failed.fail("declined", 30) && !failed.is_processing);
        assert!(payment.succeed(&charge(), 30) && !payment.is_processing);
        assert!(!payment.await_money(40) && !failed.await_money(40));
    }

    #[test]
    fn money_taken_after_all_is_never_ignored() {
        let mut payment = payment(100);
        payment.cancel("expired", 20);
        assert!(payment.succeed(&charge(), 30));
        assert_eq!(
            (payment.status, payment.reason),
            (PaymentStatus::Succeeded, None)
        );
    }

    #[test]
    fn refunds_add_up_to_the_amount_and_no_further() {
        let mut payment = payment(100);
        assert_eq!(
            payment.amount_to_refund(None),
            Err(PaymentError::Conflict(PaymentStatus::Pending))
        );
        assert!(!payment.record_refunds(&[], &told(50), 15));
        payment.succeed(&charge(), 20);
        assert_eq!(
            payment.amount_to_refund(Some(units(101))),
            Err(PaymentError::RefundExceedsAmount(100))
        );
        assert!(payment.record_refunds(&[], &told(30), 30));
        assert_eq!(
            (payment.status, payment.refundable()),
            (PaymentStatus::Succeeded, units(70))
        );
        assert!(
            !payment.record_refunds(&[], &told(30), 40),
            "the same sum again is no news"
        );
        assert_eq!(
            payment.amount_to_refund(Some(units(71))),
            Err(PaymentError::RefundExceedsAmount(70))
        );
        assert_eq!(payment.amount_to_refund(None), Ok(units(70)));
        assert!(payment.record_refunds(&[], &told(1_000), 50));
        assert_eq!(
            (payment.status, payment.refunded),
            (PaymentStatus::Refunded, units(100))
        );
        assert_eq!(
            payment.amount_to_refund(None),
            Err(PaymentError::Conflict(PaymentStatus::Refunded))
        );
    }

    #[test]
    fn a_refund_that_fails_later_is_taken_back() {
        for (refunded, left) in [(100, 0), (30, 0), (130, 30)] {
            let mut payment = payment(200);
            payment.succeed(&charge(), 20);
            payment.record_refunds(&[], &told(refunded), 30);
            let version = payment.version;
            let failed = [failed(refunded - left)];
            assert!(payment.record_refunds(&failed, &told(refunded), 40));
            assert_eq!(
                (payment.status, payment.refunded, payment.failed_refunds),
                (
                    PaymentStatus::Succeeded,
                    units(left),
                    units(refunded - left)
                )
            );
            assert_eq!(payment.refund_failure.as_deref(), Some("the card is gone"));
            assert_eq!(payment.version, version + 1);
            assert!(!payment.record_refunds(&failed, &told(refunded), 50));
            assert_eq!(payment.version, version + 1);
            assert_eq!(payment.amount_to_refund(None), Ok(units(200 - left)));
        }
    }

    #[test]
    fn a_whole_refund_that_fails_leaves_the_payment_paid() {
        let mut payment = payment(100);
        payment.succeed(&charge(), 20);
        payment.record_refunds(&[], &told(100), 30);
        assert_eq!(payment.status, PaymentStatus::Refunded);
        payment.record_refunds(&[failed(100)], &told(100), 40);
        assert_eq!(payment.status, PaymentStatus::Succeeded);
    }

    #[test]
    fn a_payment_of_nothing_can_be_refunded_once() {
        let mut payment = payment(0);
        payment.succeed(&Charge::default(), 20);
        assert_eq!(payment.amount_to_refund(None), Ok(MinorUnits::ZERO));
        assert!(payment.give_nothing_back(30));
        assert!(!payment.give_nothing_back(40));
        assert_eq!(payment.status, PaymentStatus::Refunded);
    }

    #[test]
    fn a_late_success_fills_in_what_was_not_known() {
        let mut payment = payment(100);
        payment.succeed(&Charge::default(), 20);
        payment.record_refunds(&[], &told(100), 30);
        assert!(!payment.succeed(&charge(), 40));
        assert_eq!(payment.provider_reference.as_deref(), Some("pi_1"));
        assert_eq!(
            (payment.status, payment.version),
            (PaymentStatus::Refunded, 4)
        );
    }

    #[test]
    fn only_the_newest_session_takes_the_providers_answer() {
        let mut payment = payment(100);
        let session = CheckoutSession {
            id: "cs_1".into(),
            url: "https://pay".into(),
            expires_at: 1_000,
        };
        assert_eq!(payment.session_idempotency_key(), "payment:session:1");
        assert!(payment.record_session(1, session.clone(), 20));
        assert!(!payment.record_session(1, session.clone(), 20));
        assert_eq!(payment.usable_session(999), Some(&session));
        assert_eq!(payment.usable_session(1_000), None);
        assert!(payment.session_has_lapsed(1_000));
        payment.begin_next_session(2_000, 1_000);
        assert!(!payment.record_session(1, session, 1_001));
        assert_eq!(payment.session_idempotency_key(), "payment:session:2");
        assert!(!payment.session_has_lapsed(1_001));
    }

    #[test]
    fn customers_see_only_their_own() {
        let payment = payment(100);
        assert!(payment.is_visible_to(&Viewer::Customer("customer".into())));
        assert!(!payment.is_visible_to(&Viewer::Customer("another".into())));
        assert!(
            payment.is_visible_to(&Viewer::Admin("admin".into()))
                && payment.is_visible_to(&Viewer::System)
        );
    }

    #[test]
    fn statuses_are_read_by_the_name_they_are_written_with() {
        for status in PaymentStatus::ALL {
            assert_eq!(PaymentStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(PaymentStatus::from_name("pending"), None);
    }
}
