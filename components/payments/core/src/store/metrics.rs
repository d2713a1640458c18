use mercato_sqlite::{Error, Row, params};

use super::{SqliteRecords, all, currency};
use crate::domain::{MinorUnits, PaymentStatus};
use crate::ports::{FigureRecords, Figures, MoneyReceived, Stored};

const PAYMENT_COUNTS: &str = "
    SELECT status, payments
    FROM payment_counts";

/// Counted in an index of what waits.
const REFUNDS_WAITING: &str = "
    SELECT COUNT(*)
    FROM refunds
    WHERE status = 'PENDING'";

const DISPUTES_OPEN: &str = "
    SELECT COUNT(*)
    FROM disputes
    WHERE status = 'OPEN' AND payment_id IS NOT NULL";

const TALLIES: &str = "
    SELECT relay_runs, published, published_again, handling_failures, parked, refund_retries, refunds_failed,
      duplicate_charges, disputes
    FROM tallies";

const MONEY_RECEIVED: &str = "
    SELECT currency, gross_high, gross_low, refunded_high, refunded_low, lost_high, lost_low
    FROM money_received
    ORDER BY currency";

/// Minor units that the higher part of a stored sum counts in.
const HIGH_UNIT: i128 = 1_000_000_000;

impl FigureRecords for SqliteRecords<'_> {
    fn money_received(&self) -> Stored<Vec<MoneyReceived>> {
        all(&self.0.query(MONEY_RECEIVED, params![])?, |row| {
            Ok(MoneyReceived {
                currency: currency(row, 0)?,
                gross: sum(row, 1)?,
                refunded: sum(row, 3)?,
                lost_to_disputes: sum(row, 5)?,
            })
        })
    }

    fn figures(&self) -> Stored<Figures> {
        let payments = all(
            &self.0.query(PAYMENT_COUNTS, params![])?,
            payments_of_status,
        )?;
        let waiting = self.0.query_one(REFUNDS_WAITING, params![])?;
        let disputes_open = self.0.query_one(DISPUTES_OPEN, params![])?;
        let tallies = self.0.query_one(TALLIES, params![])?;
        let number = |row: &Option<Row>, column| row.as_ref().map_or(Ok(0), |row| row.get(column));
        Ok(Figures {
            payments,
            refunds_waiting: number(&waiting, 0)?,
            relay_runs: number(&tallies, 0)?,
            published: number(&tallies, 1)?,
            published_again: number(&tallies, 2)?,
            handling_failures: number(&tallies, 3)?,
            parked: number(&tallies, 4)?,
            refund_retries: number(&tallies, 5)?,
            refunds_failed: number(&tallies, 6)?,
            duplicate_charges: number(&tallies, 7)?,
            disputes: number(&tallies, 8)?,
            disputes_open: number(&disputes_open, 0)?,
        })
    }
}

fn payments_of_status(row: &Row) -> Stored<(PaymentStatus, u64)> {
    let status: String = row.get(0)?;
    let status = PaymentStatus::from_name(&status).ok_or(Error::not(0, "a payment's status"))?;
    Ok((status, row.get(1)?))
}

/// A sum from its higher and its lower part; the largest there is when that does not fit.
fn sum(row: &Row, column: usize) -> Stored<MinorUnits> {
    let (high, low): (i64, i64) = (row.get(column)?, row.get(column + 1)?);
    let sum = i128::from(high) * HIGH_UNIT + i128::from(low);
    Ok(MinorUnits::new(i64::try_from(sum).unwrap_or(i64::MAX)).unwrap_or_default())
}
