use mercato_kernel::{AccountId, Caller, OrderId, PaymentId};
use mercato_money::Currency;

use super::{CheckoutSession, MinorUnits, NewPayment, PaymentError, PaymentStatus, SessionSlot};

/// A payment as it stands, to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// UUIDv7.
    pub id: PaymentId,
    /// The order it pays.
    pub order_id: OrderId,
    /// The account that pays.
    pub customer_id: AccountId,
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

impl PaymentView {
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

    /// Whether this caller may know of it.
    #[must_use]
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        caller.may_see(self.customer_id)
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
        self.open_session()
            .filter(|session| session.expires_at > now)
    }

    /// Whether the newest session can no longer be paid in, be it known or still to be asked for.
    #[must_use]
    pub fn session_has_expired(&self, now: u64) -> bool {
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
            return Err(PaymentError::RefundExceedsAmount(self.refundable()));
        }
        Ok(amount)
    }

    /// The open session in which the customer can pay.
    #[must_use]
    pub fn open_session(&self) -> Option<&CheckoutSession> {
        self.session.opened.as_ref().filter(|_| self.can_be_paid())
    }
}
