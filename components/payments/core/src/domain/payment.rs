use std::ops::Deref;

use mercato_kernel::{EventId, PaymentId};

use super::{
    Charge, CheckoutSession, Dispute, DisputeStatus, DuplicateCharge, EventType, MinorUnits,
    NewPayment, PaymentEvent, PaymentStatus, PaymentView, ProviderRefund, RefundTotal, SessionSlot,
    failed_sum, refunded_sum,
};

/// The payment of one order: anybody may read how it stands, and only its methods change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    view: PaymentView,
}

impl Deref for Payment {
    type Target = PaymentView;

    fn deref(&self) -> &PaymentView {
        &self.view
    }
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
        payment.view
    }
}

impl Payment {
    /// The payment as the store has it.
    pub(crate) const fn restore(view: PaymentView) -> Self {
        Self { view }
    }

    /// A pending payment whose first session is not known yet. The id is that of [`payment_id_of`](super::payment_id_of).
    #[must_use]
    pub fn open(id: PaymentId, provider: String, new: &NewPayment, now: u64) -> Self {
        let view = PaymentView {
            id,
            order_id: new.order_id,
            customer_id: new.customer_id,
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
        };
        Self { view }
    }

    /// Takes the next session number; the provider is asked afterwards.
    pub fn begin_next_session(&mut self, requested_expiry: u64, now: u64) {
        let number = self.session.number.saturating_add(1);
        self.view.session = SessionSlot {
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
        self.view.session.opened = Some(session);
        self.touch(now);
        true
    }

    /// The customer has paid in a way that takes days, and the money is on its way. False when that was known, or when it
    /// has been decided already.
    pub fn await_money(&mut self, now: u64) -> bool {
        if !self.can_be_paid() {
            return false;
        }
        self.view.is_processing = true;
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
            self.view.status = PaymentStatus::Succeeded;
            self.view.is_processing = false;
            self.view.reason = None;
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
        self.view.status = PaymentStatus::Refunded;
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
            self.view.refunded = total;
            self.view.failed_refunds = failed;
            self.view.refund_failure = failure;
            self.view.status = if total == self.amount {
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
        (self.view.duplicates, self.view.duplicates_refunded) = (charged, refunded);
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
            (self.view.is_disputed, self.view.lost_to_disputes) = (is_disputed, lost);
            self.touch(now);
        }
    }

    /// The event that says how the payment stands now.
    #[must_use]
    pub fn event(&self, id: EventId, event_type: EventType, now: u64) -> PaymentEvent {
        PaymentEvent {
            id,
            event_type,
            time: now,
            order_id: self.order_id,
            payment_id: self.id,
            amount: self.amount,
            refunded: self.refunded,
            payment_version: self.version,
            currency: self.currency,
            provider_reference: self.provider_reference.clone(),
            receipt_url: self.receipt_url.clone(),
            reason: self.reason.clone(),
        }
    }

    /// An event for the history of the order: `reason` says what happened, and the payment is as it is now.
    #[must_use]
    pub fn remark(&self, id: EventId, reason: String, now: u64) -> PaymentEvent {
        PaymentEvent {
            reason: Some(reason),
            ..self.event(id, EventType::Updated, now)
        }
    }

    /// Fills in what was not known of the charge; true when something was.
    fn complete_charge(&mut self, charge: &Charge) -> bool {
        let mut is_news = false;
        for (known, reported) in [
            (&mut self.view.provider_reference, &charge.reference),
            (&mut self.view.receipt_url, &charge.receipt_url),
        ] {
            if known.is_none() && reported.is_some() {
                known.clone_from(reported);
                is_news = true;
            }
        }
        is_news
    }

    fn end(&mut self, status: PaymentStatus, reason: &str, now: u64) -> bool {
        if !self.is_pending() {
            return false;
        }
        self.view.status = status;
        self.view.is_processing = false;
        self.view.reason = Some(reason.to_owned());
        self.touch(now);
        true
    }

    fn touch(&mut self, now: u64) {
        self.view.updated_at = now;
        self.view.version = self.version.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
