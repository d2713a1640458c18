use mercato_kernel::{Named as _, PaymentId};
use mercato_sql::{Row, params};

use super::{KEPT_OF_NOBODY_MAX, Records, Stored, currency, minor_units, named};
use crate::domain::{DISPUTES_MAX, Dispute};

/// Everything of a dispute.
macro_rules! select_dispute {
    ($condition:literal) => {
        concat!(
            "
    SELECT dispute_id, amount, currency, reason, status, told_at, created_at
    FROM disputes
    WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_dispute!("dispute_id = ?");

const OF_PAYMENT: &str = select_dispute!(
    "payment_id = ?
    ORDER BY created_at, dispute_id
    LIMIT ?"
);

const OF_CHARGE: &str = select_dispute!(
    "payment_id = ? AND reference = ?
    LIMIT ?"
);

const OF_NOBODY_OF_CHARGE: &str = select_dispute!(
    "payment_id IS NULL AND reference = ?
    LIMIT ?"
);

/// Counted in an index of these alone, and no further than they are kept.
const COUNT_OF_NOBODY: &str = "
    SELECT COUNT(*) AS counted
    FROM (SELECT 1 FROM disputes WHERE payment_id IS NULL LIMIT ?) AS first -- plan: an index of those of nobody";

const KEEP: &str = "
    INSERT INTO disputes (dispute_id, reference, payment_id, amount, currency, reason, status, told_at, created_at, received_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (dispute_id) DO UPDATE
    SET payment_id = coalesce(disputes.payment_id, excluded.payment_id),
      amount = excluded.amount,
      currency = excluded.currency,
      reason = excluded.reason,
      status = excluded.status,
      told_at = excluded.told_at,
      created_at = excluded.created_at";

const ADOPT: &str = "
    UPDATE disputes
    SET payment_id = ?
    WHERE reference = ? AND payment_id IS NULL";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    FIND,
    OF_PAYMENT,
    OF_CHARGE,
    OF_NOBODY_OF_CHARGE,
    COUNT_OF_NOBODY,
    ADOPT,
];

/// Disputes as the provider reports them, by the reference of the charge.
impl Records<'_> {
    /// The dispute of that id.
    pub fn find_dispute(&self, id: &str) -> Stored<Option<Dispute>> {
        self.one(FIND, params![id], dispute)
    }

    /// Disputes about the charges of a payment, oldest first.
    pub fn disputes_of_payment(&self, payment_id: PaymentId) -> Stored<Vec<Dispute>> {
        self.all(OF_PAYMENT, params![&*payment_id.text(), limit()], dispute)
    }

    /// Disputes about one charge of a payment.
    pub fn disputes_of_charge(
        &self,
        payment_id: PaymentId,
        reference: &str,
    ) -> Stored<Vec<Dispute>> {
        let values = params![&*payment_id.text(), reference, limit()];
        self.all(OF_CHARGE, values, dispute)
    }

    /// Keeps how a dispute stands in the place of what was known of it, and with whose it is, once that is known.
    pub fn keep_dispute(
        &self,
        payment_id: Option<PaymentId>,
        reference: &str,
        dispute: &Dispute,
        now: u64,
    ) -> Stored<()> {
        let values = params![
            &dispute.id,
            reference,
            payment_id.as_ref().map(PaymentId::text).as_deref(),
            dispute.amount.get(),
            dispute.currency.code(),
            &dispute.reason,
            dispute.status.name(),
            dispute.told_at,
            dispute.created_at,
            now,
        ];
        self.execute(KEEP, values)
    }

    /// Whether there are fewer than [`KEPT_OF_NOBODY_MAX`] disputes of which nobody knows whose they are.
    pub fn may_keep_dispute_of_nobody(&self) -> Stored<bool> {
        let kept: Option<u32> =
            self.value(COUNT_OF_NOBODY, params![KEPT_OF_NOBODY_MAX], "counted")?;
        Ok(kept.unwrap_or_default() < KEPT_OF_NOBODY_MAX)
    }

    /// The charge is the payment's: returns the disputes about it that are known, and they are the payment's.
    pub fn adopt_disputes(&self, payment_id: PaymentId, reference: &str) -> Stored<Vec<Dispute>> {
        let adopted = self.all(OF_NOBODY_OF_CHARGE, params![reference, limit()], dispute)?;
        self.execute(ADOPT, params![&*payment_id.text(), reference])?;
        Ok(adopted)
    }
}

fn limit() -> u64 {
    u64::try_from(DISPUTES_MAX).unwrap_or(u64::MAX)
}

fn dispute(row: &Row) -> Stored<Dispute> {
    Ok(Dispute {
        id: row.get("dispute_id")?,
        amount: minor_units(row, "amount")?,
        currency: currency(row)?,
        reason: row.get("reason")?,
        status: named(row, "status")?,
        told_at: row.get("told_at")?,
        created_at: row.get("created_at")?,
    })
}
