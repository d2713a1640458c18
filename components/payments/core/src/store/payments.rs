use mercato_kernel::{FromText, Named as _, OrderId, PageStart, PaymentId, Total};
use mercato_sql::{Error, Row, Value, params};

use super::{Records, Stored, currency, id, minor_units, named};
use crate::application::locks;
use crate::domain::{
    CheckoutDetails, CheckoutLine, CheckoutSession, Payment, PaymentError, PaymentView, SessionSlot,
};

/// What is known of an order that a payment is to be opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per request, and it does not live long"
)]
pub enum OrderPayment {
    /// It has this payment.
    Known(Payment),
    /// It was cancelled before it had one: none may be opened any more.
    Refused,
    /// Nothing.
    None,
}

/// The payment that a webhook about a session names by its order, and whose session that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPayment {
    /// The payment of the order.
    pub payment: Payment,
    /// The payment that the session is known to belong to.
    pub session_of: Option<PaymentId>,
    /// Whether the provider's answer to the opening of one of the payment's sessions is not known.
    pub has_unanswered_session: bool,
}

/// Everything of a payment and one of its sessions.
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

pub(super) use {select_payment, select_payment_and_session};

const FIND_BY_ID: &str = select_payment!("p.id = ?");

const FIND_BY_ORDER: &str = select_payment!("p.order_id = ?");

/// One row, whether or not the order has a payment.
const OF_ORDER: &str = select_payment_and_session!(
    ",
      EXISTS (SELECT 1 FROM refused_orders WHERE order_id = ?1) AS is_refused
    FROM (SELECT 1 AS one) AS asked
    LEFT JOIN payments p ON p.order_id = ?1
    LEFT JOIN sessions s ON s.payment_id = p.id AND s.number = p.session_number"
);

const NAMED_WITH_SESSION: &str = select_payment_and_session!(
    ",
      (SELECT payment_id FROM sessions WHERE provider_id = ?2) AS session_of,
      EXISTS (SELECT 1 FROM sessions WHERE payment_id = p.id AND provider_id IS NULL) AS has_unanswered
    FROM payments p
    JOIN sessions s ON s.payment_id = p.id AND s.number = p.session_number
    WHERE p.order_id = ?1"
);

/// The payment's own charge, or a duplicate one.
pub(super) const FIND_BY_CHARGE: &str = select_payment!(
    "p.id = coalesce(
      (SELECT id FROM payments WHERE provider_reference = ?1 LIMIT 1),
      (SELECT payment_id FROM refunds WHERE duplicate_charge = ?1))"
);

/// What a page begins before when it begins with the newest: greater than every identifier.
const NEWEST: &str = "~";

pub(super) const PAYMENTS: &str = select_payment!(
    "p.id < ?
    ORDER BY p.id DESC
    LIMIT ? OFFSET ?"
);

const COUNT_PAYMENTS: &str = "
    SELECT COUNT(*) AS counted
    FROM (SELECT 1 FROM payments LIMIT ?) AS first -- plan: no further than a total goes";

/// A new payment, if that is so.
macro_rules! insert_payment {
    ($condition:literal) => {
        concat!(
            "
    INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider,
      session_number, provider_reference, receipt_url, reason, created_at, updated_at, version, order_number)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16",
            $condition
        )
    };
}

const INSERT_PAYMENT: &str = insert_payment!("");

/// Nothing when the order has one, or may have none any more.
const INSERT_FIRST_PAYMENT: &str = insert_payment!(
    "
    WHERE NOT EXISTS (SELECT 1 FROM refused_orders WHERE order_id = ?2)
    ON CONFLICT DO NOTHING"
);

const UPDATE_PAYMENT: &str = "
    UPDATE payments
    SET refunded_amount = ?, failed_refunds = ?, refund_failure = ?, duplicates = ?, duplicates_refunded = ?, is_disputed = ?,
      lost_to_disputes = ?, status = ?, session_number = ?, provider_reference = ?, receipt_url = ?, reason = ?,
      is_processing = ?, updated_at = ?, version = ?
    WHERE id = ?";

const REFUSE_ORDER: &str = "
    INSERT INTO refused_orders (order_id, at)
    VALUES (?, ?)
    ON CONFLICT (order_id) DO NOTHING";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    FIND_BY_ID,
    FIND_BY_ORDER,
    OF_ORDER,
    NAMED_WITH_SESSION,
    FIND_BY_CHARGE,
    INSERT_FIRST_PAYMENT,
    UPDATE_PAYMENT,
];

/// Payments with what is paid for, and orders of which no payment may be opened any more.
impl Records<'_> {
    /// The payment of that id.
    pub fn find_payment(&self, id: PaymentId) -> Stored<Option<Payment>> {
        self.one(FIND_BY_ID, params![&*id.text()], payment)
    }

    /// The payment of that id, while nobody else changes it.
    pub fn find_payment_alone(&self, id: PaymentId) -> Stored<Option<Payment>> {
        self.alone(|| self.find_payment(id))
    }

    /// The payment of that charge, while nobody else changes it.
    pub fn find_payment_of_charge_alone(&self, reference: &str) -> Stored<Option<Payment>> {
        self.alone(|| self.find_payment_of_charge(reference))
    }

    fn alone(&self, find: impl Fn() -> Stored<Option<Payment>>) -> Stored<Option<Payment>> {
        let found = find()?;
        let Some(payment) = &found else {
            return Ok(None);
        };
        let keys = || Ok::<_, PaymentError>(locks::order(payment.order_id));
        if self.0.lock(keys)? {
            find()
        } else {
            Ok(found)
        }
    }

    /// The payment of that order.
    pub fn find_payment_of_order(&self, order_id: OrderId) -> Stored<Option<Payment>> {
        self.one(FIND_BY_ORDER, params![&*order_id.text()], payment)
    }

    /// What is known of an order that a payment is to be opened for.
    pub fn order_payment(&self, order_id: OrderId) -> Stored<OrderPayment> {
        let found = self.one(OF_ORDER, params![&*order_id.text()], |row| {
            if row.get::<Option<String>>("id")?.is_some() {
                return Ok(OrderPayment::Known(payment(row)?));
            }
            let is_refused: bool = row.get("is_refused")?;
            Ok(if is_refused {
                OrderPayment::Refused
            } else {
                OrderPayment::None
            })
        })?;
        Ok(found.unwrap_or(OrderPayment::None))
    }

    /// The payment of that order, and whose the session of that id is.
    pub fn named_payment(
        &self,
        order_id: OrderId,
        session_id: &str,
    ) -> Stored<Option<NamedPayment>> {
        let values = params![&*order_id.text(), session_id];
        self.one(NAMED_WITH_SESSION, values, |row| {
            Ok(NamedPayment {
                payment: payment(row)?,
                session_of: optional_id(row, "session_of")?,
                has_unanswered_session: row.get("has_unanswered")?,
            })
        })
    }

    /// The payment of that charge, be it its own or a duplicate one.
    pub fn find_payment_of_charge(&self, reference: &str) -> Stored<Option<Payment>> {
        self.one(FIND_BY_CHARGE, params![reference], payment)
    }

    /// Payments from there on, newest first.
    pub fn payments(&self, start: &PageStart<PaymentId>, limit: u32) -> Stored<Vec<PaymentView>> {
        let (before, offset) = match start {
            PageStart::Offset(offset) => (NEWEST.to_owned(), *offset),
            PageStart::After(id) => (id.to_string(), 0),
        };
        self.all(PAYMENTS, params![before, limit, offset], view)
    }

    /// Number of payments, as far as they are counted.
    pub fn count_payments(&self) -> Stored<Total> {
        self.total(COUNT_PAYMENTS, params![Total::LIMIT_ROWS])
    }

    /// A new payment with what is paid for, and what people call the order by.
    pub fn insert_payment(
        &self,
        payment: &Payment,
        order_number: Option<&str>,
        lines: &[CheckoutLine],
        details: Option<&CheckoutDetails>,
    ) -> Stored<()> {
        self.execute(INSERT_PAYMENT, &columns(payment, order_number))?;
        self.save_session(payment.id, &payment.session)?;
        self.insert_content(payment, lines, details)
    }

    /// The same, unless the order has a payment, or may have none any more: then nothing is done and the answer is false.
    pub fn insert_first_payment(
        &self,
        payment: &Payment,
        order_number: &str,
        lines: &[CheckoutLine],
        details: Option<&CheckoutDetails>,
    ) -> Stored<bool> {
        let values = columns(payment, Some(order_number));
        if self.execute_counted(INSERT_FIRST_PAYMENT, &values)? == 0 {
            return Ok(false);
        }
        self.save_session(payment.id, &payment.session)?;
        self.insert_content(payment, lines, details)?;
        Ok(true)
    }

    /// A payment that has changed, and its newest session with it.
    pub fn save_payment_and_session(&self, payment: &Payment) -> Stored<()> {
        self.save_session(payment.id, &payment.session)?;
        self.save_payment(payment)
    }

    /// A payment that has changed, its newest session left out.
    pub fn save_payment(&self, payment: &Payment) -> Stored<()> {
        self.execute(
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
                &*payment.id.text(),
            ],
        )?;
        Ok(())
    }

    /// Remembers that no payment of this order may be opened any more.
    pub fn refuse_order(&self, order_id: OrderId, now: u64) -> Stored<()> {
        self.execute(REFUSE_ORDER, params![&*order_id.text(), now])
    }
}

fn columns(payment: &Payment, order_number: Option<&str>) -> [Value; 16] {
    [
        Value::from(&*payment.id.text()),
        Value::from(&*payment.order_id.text()),
        Value::from(&*payment.customer_id.text()),
        Value::from(payment.amount.get()),
        Value::from(payment.refunded.get()),
        Value::from(payment.currency.code()),
        Value::from(payment.status.name()),
        Value::from(&payment.provider),
        Value::from(payment.session.number),
        Value::from(payment.provider_reference.as_deref()),
        Value::from(payment.receipt_url.as_deref()),
        Value::from(payment.reason.as_deref()),
        Value::from(payment.created_at),
        Value::from(payment.updated_at),
        Value::from(payment.version),
        Value::from(order_number),
    ]
}

fn optional_id<T: FromText>(row: &Row, column: &'static str) -> Stored<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| T::from_text(&text))
        .transpose()
        .map_err(|_| PaymentError::from(Error::not(column, "an id")))
}

pub(super) fn payment(row: &Row) -> Stored<Payment> {
    view(row).map(Payment::restore)
}

fn view(row: &Row) -> Stored<PaymentView> {
    Ok(PaymentView {
        id: id(row, "id")?,
        order_id: id(row, "order_id")?,
        customer_id: id(row, "customer_id")?,
        amount: minor_units(row, "amount")?,
        refunded: minor_units(row, "refunded_amount")?,
        failed_refunds: minor_units(row, "failed_refunds")?,
        refund_failure: row.get("refund_failure")?,
        duplicates: minor_units(row, "duplicates")?,
        duplicates_refunded: minor_units(row, "duplicates_refunded")?,
        is_disputed: row.get("is_disputed")?,
        lost_to_disputes: minor_units(row, "lost_to_disputes")?,
        currency: currency(row)?,
        status: named(row, "status")?,
        is_processing: row.get("is_processing")?,
        provider: row.get("provider")?,
        session: SessionSlot {
            number: row.get("number")?,
            requested_expiry: row.get("requested_expiry")?,
            opened: session(row)?,
        },
        provider_reference: row.get("provider_reference")?,
        receipt_url: row.get("receipt_url")?,
        reason: row.get("reason")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
    })
}

fn session(row: &Row) -> Stored<Option<CheckoutSession>> {
    let Some(id) = row.get("provider_id")? else {
        return Ok(None);
    };
    Ok(Some(CheckoutSession {
        id,
        url: row.get("url")?,
        expires_at: row.get("expires_at")?,
    }))
}
