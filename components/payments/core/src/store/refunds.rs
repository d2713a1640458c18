use mercato_kernel::{Named as _, PageStart, PaymentId, RecordedAnswer, Total};
use mercato_sql::{Row, params};

use super::{Records, Stored, id, minor_units, named, too_late};
use crate::domain::{DuplicateCharge, MinorUnits, Refund, RefundId, RefundState, RefundStatus};

/// Everything of a refund.
macro_rules! select_refund {
    ($condition:literal) => {
        concat!(
            "
    SELECT id, payment_id, amount, refunded_before, reason, idempotency_key, fingerprint, status, error, attempts,
      created_at, answer_status, answer_body, duplicate_charge
    FROM refunds
    WHERE ",
            $condition
        )
    };
}

const FIND_BY_KEY: &str =
    select_refund!("idempotency_key = ? AND (updated_at > ? OR status = 'PENDING')");

const FIND_BY_ID: &str = select_refund!("id = ?");

const FIND_PENDING: &str =
    select_refund!("payment_id = ? AND status = 'PENDING' AND duplicate_charge IS NULL");

const FIND_DUE: &str = select_refund!(
    "status = 'PENDING' AND (next_attempt_at <= ? OR next_attempt_at > ?)
    ORDER BY next_attempt_at
    LIMIT 1 -- plan: an index of what waits"
);

pub(super) const OF_PAYMENT: &str = select_refund!(
    "payment_id = ? AND id > ?
    ORDER BY id
    LIMIT ? OFFSET ?"
);

pub(super) const COUNT_OF_PAYMENT: &str = "
    SELECT COUNT(*) AS counted
    FROM (SELECT 1 FROM refunds WHERE payment_id = ? LIMIT ?) AS first";

const RELEASE_KEY: &str = "
    UPDATE refunds
    SET idempotency_key = NULL
    WHERE idempotency_key = ?";

const INSERT: &str = "
    INSERT INTO refunds (id, payment_id, amount, refunded_before, reason, idempotency_key, fingerprint, status,
      attempts, next_attempt_at, created_at, updated_at, duplicate_charge)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?, ?, ?, ?, ?)";

const POSTPONE: &str = "
    UPDATE refunds
    SET attempts = attempts + 1, next_attempt_at = ?, updated_at = ?
    WHERE id = ? AND status = 'PENDING'";

const FINISH: &str = "
    UPDATE refunds
    SET status = ?, provider_id = ?, error = ?, updated_at = ?
    WHERE id = ? AND status = 'PENDING'";

pub(super) const FAIL: &str = "
    UPDATE refunds
    SET status = 'FAILED', error = ?, updated_at = ?
    WHERE provider_id = ? AND status = 'SUCCEEDED'";

pub(super) const DUPLICATE_CHARGES: &str = "
    SELECT refunds.duplicate_charge, payments.amount
    FROM refunds
    JOIN payments ON payments.id = refunds.payment_id
    WHERE refunds.payment_id = ? AND refunds.duplicate_charge IS NOT NULL";

const SET_ANSWER: &str = "
    UPDATE refunds
    SET answer_status = ?, answer_body = ?
    WHERE id = ?";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    FIND_BY_KEY,
    FIND_BY_ID,
    FIND_PENDING,
    FIND_DUE,
    RELEASE_KEY,
    POSTPONE,
    FINISH,
    FAIL,
    DUPLICATE_CHARGES,
    SET_ANSWER,
];

/// Refunds asked for.
impl Records<'_> {
    /// The refund asked for under that idempotency key, if it is pending or has ended after `since`.
    pub fn find_refund_by_key(&self, key: &str, since: u64) -> Stored<Option<Refund>> {
        self.one(FIND_BY_KEY, params![key, since], refund)
    }

    /// Keeps the answer given to a refund.
    pub fn set_refund_answer(&self, id: RefundId, answer: &RecordedAnswer) -> Stored<()> {
        let values = params![
            u32::from(answer.status),
            answer.body.as_slice(),
            &*id.text()
        ];
        self.execute(SET_ANSWER, values)
    }

    /// The refund of that id.
    pub fn find_refund(&self, id: RefundId) -> Stored<Option<Refund>> {
        self.one(FIND_BY_ID, params![&*id.text()], refund)
    }

    /// The one refund of a payment's own charge whose end is not known.
    pub fn find_pending_refund(&self, payment_id: PaymentId) -> Stored<Option<Refund>> {
        self.one(FIND_PENDING, params![&*payment_id.text()], refund)
    }

    /// Refunds of a payment from there on, oldest first.
    pub fn refunds_of_payment(
        &self,
        payment_id: PaymentId,
        start: &PageStart<RefundId>,
        limit: u32,
    ) -> Stored<Vec<Refund>> {
        let (after, offset) = match start {
            PageStart::Offset(offset) => (String::new(), *offset),
            PageStart::After(id) => (id.to_string(), 0),
        };
        self.all(
            OF_PAYMENT,
            params![&*payment_id.text(), after, limit, offset],
            refund,
        )
    }

    /// Number of refunds of a payment, as far as they are counted.
    pub fn count_refunds(&self, payment_id: PaymentId) -> Stored<Total> {
        self.total(
            COUNT_OF_PAYMENT,
            params![&*payment_id.text(), Total::LIMIT_ROWS],
        )
    }

    /// The pending refund whose next attempt has been due longest.
    pub fn find_due_refund(&self, now: u64) -> Stored<Option<Refund>> {
        self.one(FIND_DUE, params![now, too_late(now)], refund)
    }

    /// A new refund, with the time when it is resumed should nobody finish it. Its idempotency key is
    /// taken from an older refund that has it.
    pub fn insert_refund(&self, refund: &Refund, next_attempt_at: u64) -> Stored<()> {
        if let Some(key) = &refund.idempotency_key {
            self.execute(RELEASE_KEY, params![key])?;
        }
        let values = params![
            &*refund.id.text(),
            &*refund.payment_id.text(),
            refund.amount.get(),
            refund.refunded_before.get(),
            refund.reason.as_deref(),
            refund.idempotency_key.as_deref(),
            refund.fingerprint.as_slice(),
            refund.attempts,
            next_attempt_at,
            refund.created_at,
            refund.created_at,
            refund.duplicate_charge.as_deref(),
        ];
        self.execute(INSERT, values)
    }

    /// Postpones a pending refund and counts the attempt.
    pub fn postpone_refund(&self, id: RefundId, next_attempt_at: u64, now: u64) -> Stored<()> {
        self.execute(POSTPONE, params![next_attempt_at, now, &*id.text()])
    }

    /// Ends a pending refund with the provider's id or its refusal; false when it has ended already.
    pub fn finish_refund(
        &self,
        id: RefundId,
        end: Result<Option<&str>, &str>,
        now: u64,
    ) -> Stored<bool> {
        let (status, provider_id, error) = match end {
            Ok(provider_id) => (RefundStatus::Succeeded, provider_id, None),
            Err(error) => (RefundStatus::Failed, None, Some(error)),
        };
        let values = params![status.name(), provider_id, error, now, &*id.text()];
        Ok(self.execute_counted(FINISH, values)? == 1)
    }

    /// A refund that the provider had made, known by the provider's id, has failed after all; nothing happens when nobody
    /// knows it here.
    pub fn fail_refund(&self, provider_id: &str, cause: &str, now: u64) -> Stored<()> {
        self.execute(FAIL, params![cause, now, provider_id])
    }

    /// The duplicate charges of a payment, each of which has its refund.
    pub fn duplicate_charges(&self, payment_id: PaymentId) -> Stored<Vec<DuplicateCharge>> {
        self.all(DUPLICATE_CHARGES, params![&*payment_id.text()], |row| {
            let charge = DuplicateCharge {
                reference: row.get("duplicate_charge")?,
                amount: minor_units(row, "amount")?,
                refunded: MinorUnits::ZERO,
            };
            let refunds = self.provider_refunds(&charge.reference)?;
            let totals = self.refund_totals(payment_id, &charge.reference)?;
            Ok(charge.with_refunds(&refunds, &totals))
        })
    }
}

fn refund(row: &Row) -> Stored<Refund> {
    let state = match named(row, "status")? {
        RefundStatus::Pending => RefundState::Pending,
        RefundStatus::Succeeded => RefundState::Succeeded,
        RefundStatus::Failed => RefundState::Failed(row.get("error")?),
    };
    let answer_status: Option<u16> = row.get("answer_status")?;
    let answer_body: Option<Vec<u8>> = row.get("answer_body")?;
    Ok(Refund {
        id: id(row, "id")?,
        payment_id: id(row, "payment_id")?,
        duplicate_charge: row.get("duplicate_charge")?,
        amount: minor_units(row, "amount")?,
        refunded_before: minor_units(row, "refunded_before")?,
        reason: row.get("reason")?,
        idempotency_key: row.get("idempotency_key")?,
        fingerprint: row.get("fingerprint")?,
        state,
        attempts: row.get("attempts")?,
        created_at: row.get("created_at")?,
        answer: answer_status
            .zip(answer_body)
            .map(|(status, body)| RecordedAnswer { status, body }),
    })
}
