//! Payments at the stand-in provider, which always succeed.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Shared,
    database::statement,
    problem::Problem,
    values::{CURRENCY, Money, Time, hex, new_id},
};

const SESSION_ID_BYTES: usize = 16;

macro_rules! columns {
    () => {
        "id, order_id, session_id, session_expires_at, status, amount, created_at, updated_at, version"
    };
}

const INSERT_PAYMENT: &str = "INSERT INTO payments
  (id, order_id, session_id, session_expires_at, status, amount, created_at, updated_at, version)
VALUES (?1, ?2, ?3, ?4, 'PENDING', ?5, ?6, ?6, 1)";

const SELECT_OF_ORDER: &str = concat!("SELECT ", columns!(), "\nFROM payments\nWHERE order_id = ?");

const SELECT_OF_SESSION: &str = concat!(
    "SELECT ",
    columns!(),
    "\nFROM payments\nWHERE session_id = ?"
);

const PAY: &str = concat!(
    "UPDATE payments
SET status = 'SUCCEEDED', updated_at = ?2, version = version + 1
WHERE session_id = ?1 AND status = 'PENDING'
RETURNING ",
    columns!()
);

const PAY_ORDER: &str = "UPDATE orders
SET status = 'PAID', paid_at = ?2, updated_at = ?2, receipt_id = ?3, version = version + 1
WHERE id = ?1";

const SELL: &str = "UPDATE products
SET reserved = reserved - quantity, sold = sold + quantity
FROM order_items
WHERE order_id = ? AND products.id = product_id";

const INSERT_HISTORY: &str =
    "INSERT INTO order_status_history (order_id, position, from_status, to_status, actor, reason, at)
VALUES (?, 2, 'PENDING', 'PAID', 'system', 'Payment succeeded', ?)";

/// A payment, as it is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    id: Uuid,
    order_id: Uuid,
    status: String,
    amount: Money,
    currency: &'static str,
    provider: &'static str,
    session: Option<Session>,
    receipt_url: Option<String>,
    refunded_amount: Money,
    created_at: Time,
    updated_at: Time,
    version: i64,
}

/// Where a customer pays, and until when.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    id: String,
    url: String,
    expires_at: Time,
}

impl Session {
    fn new(id: String, expires_at: Time, public_url: &str) -> Self {
        let url = format!("{public_url}/api/v1/payments/mock/checkout/{id}");
        Self {
            id,
            url,
            expires_at,
        }
    }
}

impl Payment {
    /// Opens a payment of that order and gives its session.
    pub fn open(
        connection: &Connection,
        order: Uuid,
        Money(amount): Money,
        expires_at: Time,
        public_url: &str,
    ) -> Result<Session, Problem> {
        let session_id = format!("cs_test_{}", hex(&rand::random::<[u8; SESSION_ID_BYTES]>()));
        let now = Time::now().0;
        let values = (new_id(), order, &session_id, expires_at.0, amount, now);
        statement(connection, INSERT_PAYMENT)?.execute(values)?;
        Ok(Session::new(session_id, expires_at, public_url))
    }

    /// The payment of that order.
    pub fn of_order(
        connection: &Connection,
        order: Uuid,
        public_url: &str,
    ) -> Result<Self, Problem> {
        let read = |row: &Row<'_>| Self::read(row, public_url);
        Ok(statement(connection, SELECT_OF_ORDER)?.query_row([order], read)?)
    }

    /// The session, while it can be paid.
    pub fn into_session(self) -> Option<Session> {
        self.session
    }

    /// Counts its changes.
    pub fn version(&self) -> i64 {
        self.version
    }

    fn read(row: &Row<'_>, public_url: &str) -> rusqlite::Result<Self> {
        let status: String = row.get(4)?;
        let session = Session::new(row.get(2)?, Time(row.get(3)?), public_url);
        let is_paid = status == "SUCCEEDED";
        let receipt_url = is_paid.then(|| format!("{}?result=succeed", session.url));
        Ok(Self {
            id: row.get(0)?,
            order_id: row.get(1)?,
            status,
            amount: Money(row.get(5)?),
            currency: CURRENCY,
            provider: "stand-in",
            session: (!is_paid).then_some(session),
            receipt_url,
            refunded_amount: Money(0),
            created_at: Time(row.get(6)?),
            updated_at: Time(row.get(7)?),
            version: row.get(8)?,
        })
    }
}

/// What a customer does on the page of the provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    outcome: Outcome,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Succeed,
}

/// `POST /payments/mock/checkout/{session}`
pub async fn pay(
    State(shop): Shared,
    Path(session): Path<String>,
    Json(Simulation {
        outcome: Outcome::Succeed,
    }): Json<Simulation>,
) -> Result<Json<Payment>, Problem> {
    let succeed = {
        let shop = Arc::clone(&shop);
        move |connection: &Connection| succeed(connection, &session, &shop.public_url)
    };
    Ok(Json(shop.database.write(succeed).await?))
}

/// Payment, order and stock, inside one transaction; what is paid already is shown.
fn succeed(connection: &Connection, session: &str, public_url: &str) -> Result<Payment, Problem> {
    let now = Time::now().0;
    let read = |row: &Row<'_>| Payment::read(row, public_url);
    let paid = statement(connection, PAY)?
        .query_row((session, now), read)
        .optional()?;
    let Some(payment) = paid else {
        let known = statement(connection, SELECT_OF_SESSION)?
            .query_row([session], read)
            .optional()?;
        return known.ok_or_else(|| Problem::not_found("session"));
    };
    statement(connection, PAY_ORDER)?.execute((payment.order_id, now, new_id()))?;
    statement(connection, SELL)?.execute([payment.order_id])?;
    statement(connection, INSERT_HISTORY)?.execute((payment.order_id, now))?;
    Ok(payment)
}
