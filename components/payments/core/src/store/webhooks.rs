use mercato_kernel::PaymentId;
use mercato_sql::params;

use super::{Records, Stored};
use crate::domain::{KeptCharge, ProviderEvent};

/// Most charges kept for one payment: a session that is declined a few times makes as many.
pub const KEPT_CHARGES_MAX: u32 = 16;

const INSERT_WEBHOOK: &str = "
    INSERT INTO webhooks (event_id, event_type, payment_id, received_at)
    VALUES (?, ?, ?, ?)
    ON CONFLICT (event_id) DO NOTHING";

/// Does nothing when the payment has as many others.
const KEEP_CHARGE: &str = "
    INSERT INTO kept_charges (payment_id, reference, receipt_url, refunded, received_at)
    SELECT ?1, ?2, ?3, 0, ?4
    WHERE (SELECT COUNT(*) FROM kept_charges WHERE payment_id = ?1 AND reference <> ?2) < ?5
    ON CONFLICT (payment_id, reference) DO UPDATE
    SET receipt_url = coalesce(kept_charges.receipt_url, excluded.receipt_url)";

const FIND_KEPT_CHARGE: &str = "
    SELECT receipt_url
    FROM kept_charges
    WHERE payment_id = ? AND reference = ?";

const HAS_KEPT: &str = "
    SELECT EXISTS (SELECT 1 FROM kept_charges WHERE payment_id = ?1)
      OR EXISTS (SELECT 1 FROM refund_totals WHERE payment_id = ?1)
      OR EXISTS (SELECT 1 FROM provider_refunds WHERE reference = ?2)
      OR EXISTS (SELECT 1 FROM disputes WHERE reference = ?2 AND payment_id IS NULL) AS has_kept";

const FORGET_KEPT_CHARGES: &str = "DELETE FROM kept_charges WHERE payment_id = ?";

const FORGET_OTHER_TOTALS: &str =
    "DELETE FROM refund_totals WHERE payment_id = ? AND reference <> ?";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    FIND_KEPT_CHARGE,
    HAS_KEPT,
    FORGET_KEPT_CHARGES,
    FORGET_OTHER_TOTALS,
];

/// Webhooks received, and charges that no session has named yet.
impl Records<'_> {
    /// Remembers a webhook; false when it is known already.
    pub fn insert_webhook(
        &self,
        event: &ProviderEvent,
        payment_id: PaymentId,
        now: u64,
    ) -> Stored<bool> {
        let values = params![&event.id, &event.name, &*payment_id.text(), now];
        Ok(self.execute_counted(INSERT_WEBHOOK, values)? == 1)
    }

    /// Keeps what is known of a charge that no session of the payment has named yet: the receipt. False when the payment has
    /// [`KEPT_CHARGES_MAX`] others.
    pub fn keep_charge(
        &self,
        payment_id: PaymentId,
        reference: &str,
        charge: &KeptCharge,
        now: u64,
    ) -> Stored<bool> {
        let receipt_url = charge.receipt_url.as_deref();
        let values = params![
            &*payment_id.text(),
            reference,
            receipt_url,
            now,
            KEPT_CHARGES_MAX
        ];
        Ok(self.execute_counted(KEEP_CHARGE, values)? == 1)
    }

    /// Whether anything was reported of the payment's charges, or of that charge, before a session has named it: what
    /// [`Self::take_kept_charge`], [`Self::adopt_provider_refunds`] and [`Self::adopt_disputes`] would find.
    pub fn has_kept(&self, payment_id: PaymentId, reference: &str) -> Stored<bool> {
        let values = params![&*payment_id.text(), reference];
        let has_kept = self.value(HAS_KEPT, values, "has_kept")?;
        Ok(has_kept.unwrap_or_default())
    }

    /// What was kept of a charge; nothing is kept of any other charge of the payment afterwards.
    pub fn take_kept_charge(
        &self,
        payment_id: PaymentId,
        reference: &str,
    ) -> Stored<Option<KeptCharge>> {
        let values = params![&*payment_id.text(), reference];
        let kept = self.one(FIND_KEPT_CHARGE, values, |row| {
            Ok(KeptCharge {
                receipt_url: row.get("receipt_url")?,
            })
        })?;
        self.execute(FORGET_KEPT_CHARGES, params![&*payment_id.text()])?;
        self.execute(FORGET_OTHER_TOTALS, values)?;
        Ok(kept)
    }
}
