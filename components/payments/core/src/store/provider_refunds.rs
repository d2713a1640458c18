use mercato_kernel::PaymentId;
use mercato_sql::{Row, params};

use super::{KEPT_OF_NOBODY_MAX, Records, Stored, minor_units};
use crate::domain::{ProviderRefund, RefundFailure, RefundTotal};

/// Everything of a refund.
macro_rules! select_refund {
    ($condition:literal) => {
        concat!(
            "
    SELECT refund_id, amount, created_at, failed_at, failure
    FROM provider_refunds
    WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_refund!("refund_id = ?");

/// Those that are known to be the payment's: what is more than was paid is never adopted.
const OF_CHARGE: &str = select_refund!("reference = ? AND payment_id IS NOT NULL");

/// Counted in an index of these alone, and no further than they are kept.
const OF_NOBODY: &str = "
    SELECT COUNT(*) AS counted
    FROM (SELECT 1 FROM provider_refunds WHERE payment_id IS NULL LIMIT ?) AS first -- plan: an index of those of nobody";

/// What has failed stays so; the first failure that the provider reported counts.
const KEEP: &str = "
    INSERT INTO provider_refunds (refund_id, reference, payment_id, amount, created_at, failed_at, failure, received_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (refund_id) DO UPDATE
    SET payment_id = coalesce(provider_refunds.payment_id, excluded.payment_id),
      created_at = CASE
        WHEN excluded.created_at > provider_refunds.created_at THEN excluded.created_at
        ELSE provider_refunds.created_at
      END,
      failure = CASE
        WHEN provider_refunds.failed_at IS NULL OR provider_refunds.failed_at > excluded.failed_at
          THEN coalesce(excluded.failure, provider_refunds.failure)
        ELSE provider_refunds.failure
      END,
      failed_at = CASE
        WHEN provider_refunds.failed_at IS NULL OR provider_refunds.failed_at > excluded.failed_at
          THEN excluded.failed_at
        ELSE provider_refunds.failed_at
      END";

const ADOPT: &str = "
    UPDATE provider_refunds
    SET payment_id = ?1
    WHERE reference = ?2 AND payment_id IS NULL AND amount <= (SELECT amount FROM payments WHERE id = ?1)";

const TOTALS: &str = "
    SELECT since, until, total
    FROM refund_totals
    WHERE payment_id = ? AND reference = ?";

const KEEP_TOTAL: &str = "
    INSERT INTO refund_totals (payment_id, reference, since, until, total)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (payment_id, reference, since, until) DO UPDATE
    SET total = excluded.total
    WHERE excluded.total > refund_totals.total";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FIND, OF_CHARGE, OF_NOBODY, ADOPT, TOTALS];

/// Refunds as the provider reports them, by the reference of the charge.
impl Records<'_> {
    /// The refund of that id.
    pub fn find_provider_refund(&self, id: &str) -> Stored<Option<ProviderRefund>> {
        self.one(FIND, params![id], refund)
    }

    /// All refunds of a charge.
    pub fn provider_refunds(&self, reference: &str) -> Stored<Vec<ProviderRefund>> {
        self.all(OF_CHARGE, params![reference], refund)
    }

    /// Keeps how a refund stands, together with what is known of it, and with whose it is, once that is known.
    pub fn keep_provider_refund(
        &self,
        payment_id: Option<PaymentId>,
        reference: &str,
        refund: &ProviderRefund,
        now: u64,
    ) -> Stored<()> {
        let failure = refund.failure.as_ref();
        let values = params![
            &refund.id,
            reference,
            payment_id.as_ref().map(PaymentId::text).as_deref(),
            refund.amount.get(),
            refund.created_at,
            failure.map(|failure| failure.at),
            failure.map(|failure| failure.reason.as_str()),
            now,
        ];
        self.execute(KEEP, values)
    }

    /// Whether there are fewer than [`KEPT_OF_NOBODY_MAX`] refunds of which nobody knows whose they are.
    pub fn may_keep_refund_of_nobody(&self) -> Stored<bool> {
        let kept: Option<u32> = self.value(OF_NOBODY, params![KEPT_OF_NOBODY_MAX], "counted")?;
        Ok(kept.unwrap_or_default() < KEPT_OF_NOBODY_MAX)
    }

    /// The charge is the payment's, and so are its refunds, but for those that are more than was paid.
    pub fn adopt_provider_refunds(&self, payment_id: PaymentId, reference: &str) -> Stored<()> {
        self.execute(ADOPT, params![&*payment_id.text(), reference])
    }

    /// The sums that the provider has reported of a charge.
    pub fn refund_totals(
        &self,
        payment_id: PaymentId,
        reference: &str,
    ) -> Stored<Vec<RefundTotal>> {
        self.all(TOTALS, params![&*payment_id.text(), reference], |row| {
            Ok(RefundTotal {
                since: row.get("since")?,
                until: row.get("until")?,
                total: minor_units(row, "total")?,
            })
        })
    }

    /// Keeps a sum that the provider reports of a charge.
    pub fn keep_refund_total(
        &self,
        payment_id: PaymentId,
        reference: &str,
        total: RefundTotal,
    ) -> Stored<()> {
        let (since, until) = (total.since, total.until);
        let values = params![
            &*payment_id.text(),
            reference,
            since,
            until,
            total.total.get()
        ];
        self.execute(KEEP_TOTAL, values)
    }
}

fn refund(row: &Row) -> Stored<ProviderRefund> {
    let (at, reason): (Option<u64>, Option<String>) = (row.get("failed_at")?, row.get("failure")?);
    Ok(ProviderRefund {
        id: row.get("refund_id")?,
        amount: minor_units(row, "amount")?,
        created_at: row.get("created_at")?,
        failure: at
            .zip(reason)
            .map(|(at, reason)| RefundFailure { at, reason }),
    })
}
