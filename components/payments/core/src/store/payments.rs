use mercato_kernel::Total;
use mercato_money::Money;
use mercato_sqlite::{Error, Row, params};

use super::{SqliteRecords, all, counted, currency, minor_units, too_late};
use crate::domain::{
    CheckoutLine, CheckoutSession, KeptCharge, Payment, PaymentError, PaymentStatus, ProviderEvent,
    SessionSlot,
};
use crate::ports::{CheckoutOutcome, KEPT_CHARGES_MAX, PaymentRecords, Stored};

const GENERATED_SECRET: &str = "generated_webhook_secret";

/// Everything of a payment and one of its sessions, in the order [`payment`] reads it.
macro_rules! select_payment_and_session {
    ($rest:literal) => {
        concat!(
            "
    SELECT p.id, p.order_id, p.customer_id, p.amount, p.refunded_amount, p.currency, p.status, p.provider,
      s.number, s.requested_expiry, s.provider_id, s.url, s.expires_at,
      p.provider_reference, p.receipt_url, p.reason, p.created_at, p.updated_at, p.version,
      p.failed_refunds, p.refund_failure, p.is_processing,
      p.duplicates, p.duplicates_refunded, p.is_disputed, p.lost_to_disputes, s.end_attempts",
            $rest
        )
    };
}

/// A payment and its newest session.
macro_rules! select_payment {
    ($condition:literal) => {
        concat!(
            select_payment_and_session!(
                "
    FROM payments p
    JOIN sessions s ON s.payment_id = p.id AND s.number = p.session_number
    WHERE "
            ),
            $condition
        )
    };
}

const FIND_BY_ID: &str = select_payment!("p.id = ?");

const FIND_BY_ORDER: &str = select_payment!("p.order_id = ?");

/// The payment's own charge, or a duplicate one.
pub(super) const FIND_BY_CHARGE: &str = select_payment!(
    "p.id = coalesce(
      (SELECT id FROM payments WHERE provider_reference = ?1 LIMIT 1),
      (SELECT payment_id FROM refunds WHERE duplicate_charge = ?1))"
);

const FIND_BY_SESSION: &str =
    select_payment!("p.id = (SELECT payment_id FROM sessions WHERE provider_id = ?)");

/// What a page begins before when it begins with the newest: greater than every identifier.
const NEWEST: &str = "~";

pub(super) const PAYMENTS: &str = select_payment!(
    "p.id < ?
    ORDER BY p.id DESC
    LIMIT ? OFFSET ?"
);

const COUNT_PAYMENTS: &str = "
    SELECT COUNT(*)
    FROM (SELECT 1 FROM payments LIMIT ?)";

/// One that seems to be put off for very long is due: the clock was set back.
pub(super) const SESSION_TO_END: &str = select_payment_and_session!(
    "
    FROM sessions s
    JOIN payments p ON p.id = s.payment_id
    WHERE s.is_over = 0 AND s.end_at IS NOT NULL AND (s.end_at <= ? OR s.end_at > ?)
    ORDER BY s.end_at
    LIMIT 1"
);

const POSTPONE_SESSION_END: &str = "
    UPDATE sessions
    SET end_at = ?, end_attempts = end_attempts + 1
    WHERE payment_id = ? AND number = ?";

const END_SESSION: &str = "UPDATE sessions SET is_over = 1 WHERE payment_id = ? AND number = ?";

const END_SESSION_NAMED: &str = "UPDATE sessions SET is_over = 1 WHERE provider_id = ?";

const INSERT_PAYMENT: &str = "
    INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider,
      session_number, provider_reference, receipt_url, reason, created_at, updated_at, version, order_number)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE_PAYMENT: &str = "
    UPDATE payments
    SET refunded_amount = ?, failed_refunds = ?, refund_failure = ?, duplicates = ?, duplicates_refunded = ?, is_disputed = ?,
      lost_to_disputes = ?, status = ?, session_number = ?, provider_reference = ?, receipt_url = ?, reason = ?,
      is_processing = ?, updated_at = ?, version = ?
    WHERE id = ?";

const SAVE_SESSION: &str = "
    INSERT INTO sessions (payment_id, number, requested_expiry, provider_id, url, expires_at)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (payment_id, number) DO UPDATE
    SET provider_id = excluded.provider_id, url = excluded.url, expires_at = excluded.expires_at";

const INSERT_LINE: &str = "
    INSERT INTO checkout_lines (payment_id, position, name, unit_price, quantity)
    VALUES (?, ?, ?, ?, ?)";

const LINES: &str = "
    SELECT name, unit_price, quantity
    FROM checkout_lines
    WHERE payment_id = ?
    ORDER BY position";

const ORDER_NUMBER: &str = "
    SELECT order_number
    FROM payments
    WHERE id = ?";

const DECIDE_SIMULATION: &str = "
    UPDATE sessions
    SET simulated_outcome = coalesce(simulated_outcome, ?)
    WHERE provider_id = ?
    RETURNING simulated_outcome";

const FIND_SIMULATION: &str = "SELECT simulated_outcome FROM sessions WHERE provider_id = ?";

const INSERT_WEBHOOK: &str = "
    INSERT INTO webhooks (event_id, event_type, payment_id, received_at)
    VALUES (?, ?, ?, ?)
    ON CONFLICT (event_id) DO NOTHING";

const HAS_UNANSWERED_SESSION: &str = "
    SELECT EXISTS (SELECT 1 FROM sessions WHERE payment_id = ? AND provider_id IS NULL)";

/// Does nothing when the payment has as many others.
const KEEP_CHARGE: &str = "
    INSERT INTO kept_charges (payment_id, reference, receipt_url, refunded, received_at)
    SELECT ?1, ?2, ?3, 0, ?4
    WHERE (SELECT COUNT(*) FROM kept_charges WHERE payment_id = ?1 AND reference <> ?2) < ?5
    ON CONFLICT (payment_id, reference) DO UPDATE
    SET receipt_url = coalesce(receipt_url, excluded.receipt_url)";

const FIND_KEPT_CHARGE: &str = "
    SELECT receipt_url
    FROM kept_charges
    WHERE payment_id = ? AND reference = ?";

const FORGET_KEPT_CHARGES: &str = "DELETE FROM kept_charges WHERE payment_id = ?";

const FORGET_OTHER_TOTALS: &str =
    "DELETE FROM refund_totals WHERE payment_id = ? AND reference <> ?";

const REFUSE_ORDER: &str = "
    INSERT INTO refused_orders (order_id, at)
    VALUES (?, ?)
    ON CONFLICT (order_id) DO NOTHING";

const IS_REFUSED_ORDER: &str = "SELECT 1 FROM refused_orders WHERE order_id = ?";

impl PaymentRecords for SqliteRecords<'_> {
    fn find_payment(&self, id: &str) -> Stored<Option<Payment>> {
        self.find_one_payment(FIND_BY_ID, id)
    }

    fn find_payment_of_order(&self, order_id: &str) -> Stored<Option<Payment>> {
        self.find_one_payment(FIND_BY_ORDER, order_id)
    }

    fn find_payment_of_session(&self, session_id: &str) -> Stored<Option<Payment>> {
        self.find_one_payment(FIND_BY_SESSION, session_id)
    }

    fn payments(&self, before: Option<&str>, offset: u64, limit: u32) -> Stored<Vec<Payment>> {
        let values = params![before.unwrap_or(NEWEST), limit, offset];
        all(&self.0.query(PAYMENTS, values)?, payment)
    }

    fn count_payments(&self) -> Stored<Total> {
        counted(
            self.0
                .query_one(COUNT_PAYMENTS, params![Total::LIMIT_ROWS])?,
        )
    }

    fn find_payment_of_charge(&self, reference: &str) -> Stored<Option<Payment>> {
        self.find_one_payment(FIND_BY_CHARGE, reference)
    }

    fn insert_payment(
        &self,
        payment: &Payment,
        order_number: Option<&str>,
        lines: &[CheckoutLine],
    ) -> Stored<()> {
        self.0.execute(
            INSERT_PAYMENT,
            params![
                &payment.id,
                &payment.order_id,
                &payment.customer_id,
                payment.amount.get(),
                payment.refunded.get(),
                payment.currency.code(),
                payment.status.name(),
                &payment.provider,
                payment.session.number,
                payment.provider_reference.as_deref(),
                payment.receipt_url.as_deref(),
                payment.reason.as_deref(),
                payment.created_at,
                payment.updated_at,
                payment.version,
                order_number,
            ],
        )?;
        self.save_session(&payment.id, &payment.session)?;
        for (position, line) in (0_u32..).zip(lines) {
            let price = line.unit_price.units();
            let values = params![&payment.id, position, &line.name, price, line.quantity];
            self.0.execute(INSERT_LINE, values)?;
        }
        Ok(())
    }

    fn save_payment(&self, payment: &Payment) -> Stored<()> {
        self.save_session(&payment.id, &payment.session)?;
        self.0.execute(
            UPDATE_PAYMENT,
            params![
                payment.refunded.get(),
                payment.failed_refunds.get(),
                payment.refund_failure.as_deref(),
                payment.duplicates.get(),
                payment.duplicates_refunded.get(),
                payment.is_disputed,
                payment.lost_to_disputes.get(),
                payment.status.name(),
                payment.session.number,
                payment.provider_reference.as_deref(),
                payment.receipt_url.as_deref(),
                payment.reason.as_deref(),
                payment.is_processing,
                payment.updated_at,
                payment.version,
                &payment.id,
            ],
        )?;
        Ok(())
    }

    fn order_number_of_payment(&self, payment_id: &str) -> Stored<Option<String>> {
        let row = self.0.query_one(ORDER_NUMBER, params![payment_id])?;
        Ok(row.map_or(Ok(None), |row| row.get(0))?)
    }

    fn lines_of_payment(&self, payment_id: &str) -> Stored<Vec<CheckoutLine>> {
        all(&self.0.query(LINES, params![payment_id])?, |row| {
            Ok(CheckoutLine {
                name: row.get(0)?,
                unit_price: Money::from_units(row.get(1)?),
                quantity: row.get(2)?,
            })
        })
    }

    fn refuse_order(&self, order_id: &str, now: u64) -> Stored<()> {
        self.0.execute(REFUSE_ORDER, params![order_id, now])?;
        Ok(())
    }

    fn is_refused_order(&self, order_id: &str) -> Stored<bool> {
        let row = self.0.query_one(IS_REFUSED_ORDER, params![order_id])?;
        Ok(row.is_some())
    }

    fn decide_simulation(
        &self,
        session_id: &str,
        outcome: CheckoutOutcome,
    ) -> Stored<CheckoutOutcome> {
        let values = params![outcome_name(outcome), session_id];
        let row = self
            .0
            .query_one(DECIDE_SIMULATION, values)?
            .ok_or(PaymentError::NotFound)?;
        outcome_of(&row.get::<String>(0)?)
    }

    fn find_simulation(&self, session_id: &str) -> Stored<Option<CheckoutOutcome>> {
        let row = self.0.query_one(FIND_SIMULATION, params![session_id])?;
        let name: Option<String> = row.map_or(Ok(None), |row| row.get(0))?;
        name.as_deref().map(outcome_of).transpose()
    }

    fn find_session_to_end(&self, now: u64) -> Stored<Option<(Payment, u32)>> {
        let times = params![now, too_late(now)];
        let row = self.0.query_one(SESSION_TO_END, times)?;
        row.map(|row| Ok((payment(&row)?, row.get(26)?)))
            .transpose()
    }

    fn keep_session(&self, payment_id: &str, session: &SessionSlot) -> Stored<()> {
        self.save_session(payment_id, session)
    }

    fn postpone_session_end(&self, payment_id: &str, number: u32, end_at: u64) -> Stored<()> {
        self.0
            .execute(POSTPONE_SESSION_END, params![end_at, payment_id, number])?;
        Ok(())
    }

    fn end_session(&self, payment_id: &str, number: u32) -> Stored<()> {
        self.0.execute(END_SESSION, params![payment_id, number])?;
        Ok(())
    }

    fn end_session_named(&self, session_id: &str) -> Stored<()> {
        self.0.execute(END_SESSION_NAMED, params![session_id])?;
        Ok(())
    }

    fn has_unanswered_session(&self, payment_id: &str) -> Stored<bool> {
        let row = self
            .0
            .query_one(HAS_UNANSWERED_SESSION, params![payment_id])?;
        Ok(row.map_or(Ok(false), |row| row.get(0))?)
    }

    fn keep_charge(
        &self,
        payment_id: &str,
        reference: &str,
        charge: &KeptCharge,
        now: u64,
    ) -> Stored<bool> {
        let values = params![
            payment_id,
            reference,
            charge.receipt_url.as_deref(),
            now,
            KEPT_CHARGES_MAX,
        ];
        Ok(self.0.execute(KEEP_CHARGE, values)? == 1)
    }

    fn take_kept_charge(&self, payment_id: &str, reference: &str) -> Stored<Option<KeptCharge>> {
        let row = self
            .0
            .query_one(FIND_KEPT_CHARGE, params![payment_id, reference])?;
        self.0.execute(FORGET_KEPT_CHARGES, params![payment_id])?;
        self.0
            .execute(FORGET_OTHER_TOTALS, params![payment_id, reference])?;
        row.map(|row| {
            Ok(KeptCharge {
                receipt_url: row.get(0)?,
            })
        })
        .transpose()
    }

    fn insert_webhook(&self, event: &ProviderEvent, payment_id: &str, now: u64) -> Stored<bool> {
        let values = params![&event.id, &event.name, payment_id, now];
        Ok(self.0.execute(INSERT_WEBHOOK, values)? == 1)
    }

    fn generated_secret(&self) -> Stored<Option<String>> {
        self.setting(GENERATED_SECRET)
    }

    fn keep_generated_secret(&self, secret: &str) -> Stored<String> {
        self.keep_setting(GENERATED_SECRET, secret)?;
        Ok(self
            .setting(GENERATED_SECRET)?
            .unwrap_or_else(|| secret.to_owned()))
    }
}

impl SqliteRecords<'_> {
    fn find_one_payment(&self, statement: &str, key: &str) -> Stored<Option<Payment>> {
        self.0
            .query_one(statement, params![key])?
            .as_ref()
            .map(payment)
            .transpose()
    }

    fn save_session(&self, payment_id: &str, slot: &SessionSlot) -> Stored<()> {
        let opened = slot.opened.as_ref();
        self.0.execute(
            SAVE_SESSION,
            params![
                payment_id,
                slot.number,
                slot.requested_expiry,
                opened.map(|session| session.id.as_str()),
                opened.map(|session| session.url.as_str()),
                opened.map(|session| session.expires_at),
            ],
        )?;
        Ok(())
    }
}

fn outcome_of(name: &str) -> Stored<CheckoutOutcome> {
    [
        CheckoutOutcome::Succeed,
        CheckoutOutcome::Fail,
        CheckoutOutcome::Cancel,
    ]
    .into_iter()
    .find(|outcome| outcome_name(*outcome) == name)
    .ok_or_else(|| Error::not(0, "an outcome").into())
}

const fn outcome_name(outcome: CheckoutOutcome) -> &'static str {
    match outcome {
        CheckoutOutcome::Succeed => "succeed",
        CheckoutOutcome::Fail => "fail",
        CheckoutOutcome::Cancel => "cancel",
        // What may follow decides: it is not kept.
        CheckoutOutcome::Debit => "debit",
    }
}

fn payment(row: &Row) -> Stored<Payment> {
    let status: String = row.get(6)?;
    Ok(Payment {
        id: row.get(0)?,
        order_id: row.get(1)?,
        customer_id: row.get(2)?,
        amount: minor_units(row, 3)?,
        refunded: minor_units(row, 4)?,
        currency: currency(row, 5)?,
        status: PaymentStatus::from_name(&status).ok_or(Error::not(6, "a payment status"))?,
        provider: row.get(7)?,
        session: SessionSlot {
            number: row.get(8)?,
            requested_expiry: row.get(9)?,
            opened: session(row)?,
        },
        provider_reference: row.get(13)?,
        receipt_url: row.get(14)?,
        reason: row.get(15)?,
        created_at: row.get(16)?,
        updated_at: row.get(17)?,
        version: row.get(18)?,
        failed_refunds: minor_units(row, 19)?,
        refund_failure: row.get(20)?,
        is_processing: row.get(21)?,
        duplicates: minor_units(row, 22)?,
        duplicates_refunded: minor_units(row, 23)?,
        is_disputed: row.get(24)?,
        lost_to_disputes: minor_units(row, 25)?,
    })
}

fn session(row: &Row) -> Stored<Option<CheckoutSession>> {
    let Some(id) = row.get::<Option<String>>(10)? else {
        return Ok(None);
    };
    Ok(Some(CheckoutSession {
        id,
        url: row.get(11)?,
        expires_at: row.get(12)?,
    }))
}
