use mercato_sql::{Row, params};

use super::{Records, Stored, currency, named};
use crate::application::queries::{MetricsSnapshot, MoneyReceived};
use crate::domain::{MinorUnits, PaymentStatus};

const PAYMENT_COUNTS: &str = "
    SELECT status, payments
    FROM payment_counts -- plan: a row for each status";

/// Those that wait are counted in an index of their own. SQLite would count disputes in one of all that are somebody's.
const TALLIES: &str = "
    SELECT relay_runs, published, published_again, handling_failures, parked, refund_retries, refunds_failed,
      duplicate_charges, disputes,
      (SELECT COUNT(*) FROM refunds WHERE status = 'PENDING') AS refunds_waiting,
      (SELECT COUNT(*) FROM disputes INDEXED BY disputes_open WHERE status = 'OPEN' AND payment_id IS NOT NULL)
        AS disputes_open
    FROM tallies -- plan: one row, and indexes of what waits";

const MONEY_RECEIVED: &str = "
    SELECT currency, gross_high, gross_low, refunded_high, refunded_low, lost_high, lost_low
    FROM money_received
    ORDER BY currency -- plan: a row for each currency";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[TALLIES];

/// Minor units that the higher part of a stored sum counts in.
const HIGH_UNIT: i128 = 1_000_000_000;

/// What the database counts by itself.
impl Records<'_> {
    /// What was charged and given back, by currency. Costs the same however many payments there are.
    pub fn money_received(&self) -> Stored<Vec<MoneyReceived>> {
        self.all(MONEY_RECEIVED, params![], |row| {
            Ok(MoneyReceived {
                currency: currency(row)?,
                gross: sum(row, "gross_high", "gross_low")?,
                refunded: sum(row, "refunded_high", "refunded_low")?,
                lost_to_disputes: sum(row, "lost_high", "lost_low")?,
            })
        })
    }

    /// What operators watch. Costs the same however many payments there are.
    pub fn metrics_snapshot(&self) -> Stored<MetricsSnapshot> {
        let payments = self.all(PAYMENT_COUNTS, params![], payments_of_status)?;
        let snapshot = self.one(TALLIES, params![], |row| {
            Ok(MetricsSnapshot {
                payments: Vec::new(),
                refunds_waiting: row.get("refunds_waiting")?,
                relay_runs: row.get("relay_runs")?,
                published: row.get("published")?,
                published_again: row.get("published_again")?,
                handling_failures: row.get("handling_failures")?,
                parked: row.get("parked")?,
                refund_retries: row.get("refund_retries")?,
                refunds_failed: row.get("refunds_failed")?,
                duplicate_charges: row.get("duplicate_charges")?,
                disputes: row.get("disputes")?,
                disputes_open: row.get("disputes_open")?,
            })
        })?;
        Ok(MetricsSnapshot {
            payments,
            ..snapshot.unwrap_or_default()
        })
    }
}

fn payments_of_status(row: &Row) -> Stored<(PaymentStatus, u64)> {
    Ok((named(row, "status")?, row.get("payments")?))
}

/// A sum from its higher and its lower part; the largest there is when that does not fit.
fn sum(row: &Row, high: &str, low: &str) -> Stored<MinorUnits> {
    let (high, low): (i64, i64) = (row.get(high)?, row.get(low)?);
    let sum = i128::from(high) * HIGH_UNIT + i128::from(low);
    Ok(MinorUnits::new(i64::try_from(sum).unwrap_or(i64::MAX)).unwrap_or_default())
}
