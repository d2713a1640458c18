use mercato_sqlite::{Error, Row, params};

use super::{SqliteRecords, all};
use crate::domain::PaymentStatus;
use crate::ports::{FigureRecords, Figures, Stored};

const PAYMENT_COUNTS: &str = "
    SELECT status, payments
    FROM payment_counts";

/// Counted in an index of what waits.
const REFUNDS_WAITING: &str = "
    SELECT COUNT(*)
    FROM refunds
    WHERE status = 'PENDING'";

const TALLIES: &str = "
    SELECT relay_runs, published, published_again, handling_failures, parked, refund_retries, refunds_failed
    FROM tallies";

impl FigureRecords for SqliteRecords<'_> {
    fn figures(&self) -> Stored<Figures> {
        let payments = all(
            &self.0.query(PAYMENT_COUNTS, params![])?,
            payments_of_status,
        )?;
        let waiting = self.0.query_one(REFUNDS_WAITING, params![])?;
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
        })
    }
}

fn payments_of_status(row: &Row) -> Stored<(PaymentStatus, u64)> {
    let status: String = row.get(0)?;
    let status = PaymentStatus::from_name(&status).ok_or(Error::Type {
        column: 0,
        expected: "a payment's status",
    })?;
    Ok((status, row.get(1)?))
}
