use mercato_sqlite::{Error, Row, params};

use super::{SqliteRecords, currency, minor_units};
use crate::application::ports::{DisputeRecords, KEPT_OF_NOBODY_MAX, Stored};
use crate::domain::{DISPUTES_MAX, Dispute, DisputeStatus};

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
    FROM (SELECT 1 FROM disputes WHERE payment_id IS NULL LIMIT ?)";

const KEEP: &str = "
    INSERT INTO disputes (dispute_id, reference, payment_id, amount, currency, reason, status, told_at, created_at, received_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (dispute_id) DO UPDATE
    SET payment_id = coalesce(payment_id, excluded.payment_id),
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
pub(super) const STATEMENTS: [&str; 5] = [FIND, OF_PAYMENT, OF_CHARGE, OF_NOBODY_OF_CHARGE, ADOPT];

impl DisputeRecords for SqliteRecords<'_> {
    fn find_dispute(&self, id: &str) -> Stored<Option<Dispute>> {
        self.one(FIND, params![id], dispute)
    }

    fn disputes_of_payment(&self, payment_id: &str) -> Stored<Vec<Dispute>> {
        self.all(OF_PAYMENT, params![payment_id, limit()], dispute)
    }

    fn disputes_of_charge(&self, payment_id: &str, reference: &str) -> Stored<Vec<Dispute>> {
        let values = params![payment_id, reference, limit()];
        self.all(OF_CHARGE, values, dispute)
    }

    fn keep_dispute(
        &self,
        payment_id: Option<&str>,
        reference: &str,
        dispute: &Dispute,
        now: u64,
    ) -> Stored<()> {
        let values = params![
            &dispute.id,
            reference,
            payment_id,
            dispute.amount.get(),
            dispute.currency.code(),
            &dispute.reason,
            dispute.status.name(),
            dispute.told_at,
            dispute.created_at,
            now,
        ];
        self.execute(KEEP, values).map(drop)
    }

    fn may_keep_dispute_of_nobody(&self) -> Stored<bool> {
        let kept: Option<u32> =
            self.value(COUNT_OF_NOBODY, params![KEPT_OF_NOBODY_MAX], "counted")?;
        Ok(kept.unwrap_or_default() < KEPT_OF_NOBODY_MAX)
    }

    fn adopt_disputes(&self, payment_id: &str, reference: &str) -> Stored<Vec<Dispute>> {
        let adopted = self.all(OF_NOBODY_OF_CHARGE, params![reference, limit()], dispute)?;
        self.execute(ADOPT, params![payment_id, reference])?;
        Ok(adopted)
    }
}

fn limit() -> u64 {
    u64::try_from(DISPUTES_MAX).unwrap_or(u64::MAX)
}

fn dispute(row: &Row) -> Stored<Dispute> {
    let status: String = row.get("status")?;
    Ok(Dispute {
        id: row.get("dispute_id")?,
        amount: minor_units(row, "amount")?,
        currency: currency(row)?,
        reason: row.get("reason")?,
        status: DisputeStatus::from_name(&status)
            .ok_or(Error::not("status", "a dispute's status"))?,
        told_at: row.get("told_at")?,
        created_at: row.get("created_at")?,
    })
}
