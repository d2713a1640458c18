//! Orders: placed in one transaction, with stock, payment and idempotency key.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    Shared, Shop,
    accounts::Caller,
    database::statement,
    payments::{Payment, Session},
    problem::Problem,
    values::{CURRENCY, Money, Time, new_id},
};

/// How long an order may wait for its payment.
const RESERVATION_SECONDS: i64 = 900;

const LINES_MAX: usize = 100;
const QUANTITY_MAX: i64 = 10_000;
const KEY_MAX_BYTES: usize = 255;

/// Letters and digits that do not look alike.
const NUMBER_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const NUMBER_LENGTH: usize = 8;

const SELECT_KEY: &str = "SELECT fingerprint, order_id
FROM idempotency_keys
WHERE customer_id = ? AND key = ?";

const INSERT_KEY: &str =
    "INSERT INTO idempotency_keys (customer_id, key, fingerprint, order_id, created_at)
VALUES (?, ?, ?, ?, ?)";

const TAKE_STOCK: &str = "UPDATE products
SET stock = stock - ?1, reserved = reserved + ?1
WHERE id = ?2 AND stock >= ?1
RETURNING name, price";

const INSERT_ORDER: &str = "INSERT INTO orders
  (id, number, customer_id, status, total_amount, total_items, created_at, updated_at, version)
VALUES (?, ?, ?, 'PENDING', ?, ?, ?, ?, 1)";

const INSERT_ITEM: &str =
    "INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
VALUES (?, ?, ?, ?, ?, ?)";

const INSERT_HISTORY: &str =
    "INSERT INTO order_status_history (order_id, position, to_status, actor, reason, at)
VALUES (?, 1, 'PENDING', ?, 'Order placed', ?)";

const SELECT_ORDER: &str =
    "SELECT id, number, customer_id, status, total_amount, total_items, receipt_id,
  paid_at, created_at, updated_at, version
FROM orders
WHERE id = ?";

const SELECT_ITEMS: &str = "SELECT product_id, name, unit_price, quantity
FROM order_items
WHERE order_id = ?
ORDER BY position";

const SELECT_HISTORY: &str = "SELECT from_status, to_status, actor, reason, at
FROM order_status_history
WHERE order_id = ?
ORDER BY position";

/// A basket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    items: Vec<Line>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Line {
    product_id: Uuid,
    quantity: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: Uuid,
    number: String,
    user_id: Uuid,
    status: String,
    total_amount: Money,
    total_items: i64,
    currency: &'static str,
    items: Vec<Item>,
    paid: bool,
    paid_at: Option<Time>,
    receipt: Option<Receipt>,
    created_at: Time,
    updated_at: Time,
    version: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    product_id: Uuid,
    name: String,
    price: Money,
    quantity: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    id: Uuid,
    issued_at: Option<Time>,
}

#[derive(Debug, Serialize)]
struct Change {
    from: Option<String>,
    to: String,
    actor: String,
    reason: String,
    at: Time,
}

/// What is answered to a new order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    id: Uuid,
    number: String,
    order: Order,
    payment_session: Option<Session>,
}

/// An order with all that belongs to it.
#[derive(Debug, Serialize)]
struct Details {
    #[serde(flatten)]
    order: Order,
    history: Vec<Change>,
    payment: Payment,
}

/// `GET /orders/id/{id}`
pub async fn find(
    State(shop): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    let details = shop.database.read(|connection| {
        let order = select(connection, id)?.filter(|order| order.user_id == caller.id);
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Change {
                from: row.get(0)?,
                to: row.get(1)?,
                actor: row.get(2)?,
                reason: row.get(3)?,
                at: Time(row.get(4)?),
            })
        };
        Ok(Details {
            order: order.ok_or_else(|| Problem::not_found("order"))?,
            history: statement(connection, SELECT_HISTORY)?
                .query_map([id], read)?
                .collect::<rusqlite::Result<_>>()?,
            payment: Payment::of_order(connection, id, &shop.public_url)?,
        })
    })?;
    let tag = format!(
        "\"{}-{}\"",
        details.order.version,
        details.payment.version()
    );
    Ok(([(header::ETAG, tag)], Json(details)))
}

/// `POST /orders`
pub async fn create(
    State(shop): Shared,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let basket: NewOrder = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let in_range = |line: &Line| (1..=QUANTITY_MAX).contains(&line.quantity);
    if !(1..=LINES_MAX).contains(&basket.items.len()) || !basket.items.iter().all(in_range) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "The basket breaks a rule.",
        ));
    }
    let key = key.map(|key| (key, Sha256::digest(&body).into()));
    let customer = caller.id;
    let place = {
        let shop = Arc::clone(&shop);
        move |connection: &Connection| place(connection, &shop, customer, key, &basket.items)
    };
    let placed = shop.database.write(place).await?;
    let location = HeaderValue::try_from(format!("/api/v1/orders/id/{}", placed.id));
    let location = location.map_err(anyhow::Error::new)?;
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(placed),
    )
        .into_response())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let problem = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "The Idempotency-Key cannot be read.",
        )
    };
    let Some(key) = headers.get("Idempotency-Key") else {
        return Ok(None);
    };
    let key = key.to_str().map_err(|_| problem())?;
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        return Err(problem());
    }
    Ok(Some(key.to_owned()))
}

/// The whole of an order, inside one transaction.
fn place(
    connection: &Connection,
    shop: &Shop,
    customer: Uuid,
    key: Option<(String, [u8; 32])>,
    lines: &[Line],
) -> Result<Placed, Problem> {
    let (id, now) = (new_id(), Time::now());
    if let Some((key, fingerprint)) = &key {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?, row.get(1)?));
        let known = statement(connection, SELECT_KEY)?
            .query_row((customer, key), read)
            .optional()?;
        if let Some((old, order)) = known {
            return repeat(connection, shop, old == *fingerprint, order);
        }
        statement(connection, INSERT_KEY)?.execute((customer, key, fingerprint, id, now.0))?;
    }
    let items = lines
        .iter()
        .map(|line| take(connection, line))
        .collect::<Result<Vec<_>, _>>()?;
    let total = items.iter().try_fold(0_i64, |total, item| {
        total.checked_add(item.price.0.checked_mul(item.quantity)?)
    });
    let too_much = || Problem::new(StatusCode::CONFLICT, "The total is too large.");
    let order = Order {
        id,
        number: number(),
        user_id: customer,
        status: "PENDING".to_owned(),
        total_amount: Money(total.ok_or_else(too_much)?),
        total_items: items.iter().map(|item| item.quantity).sum(),
        currency: CURRENCY,
        items,
        paid: false,
        paid_at: None,
        receipt: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    insert(connection, &order)?;
    let expires_at = now.plus_seconds(RESERVATION_SECONDS);
    let session = Payment::open(
        connection,
        id,
        order.total_amount,
        expires_at,
        &shop.public_url,
    )?;
    Ok(Placed {
        id,
        number: order.number.clone(),
        order,
        payment_session: Some(session),
    })
}

fn repeat(connection: &Connection, shop: &Shop, same: bool, id: Uuid) -> Result<Placed, Problem> {
    if !same {
        let problem = "That key was used for something else.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, problem));
    }
    let order = select(connection, id)?.ok_or_else(|| Problem::not_found("order"))?;
    Ok(Placed {
        id,
        number: order.number.clone(),
        order,
        payment_session: Payment::of_order(connection, id, &shop.public_url)?.into_session(),
    })
}

fn take(connection: &Connection, line: &Line) -> Result<Item, Problem> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Item {
            product_id: line.product_id,
            name: row.get(0)?,
            price: Money(row.get(1)?),
            quantity: line.quantity,
        })
    };
    let item = statement(connection, TAKE_STOCK)?
        .query_row((line.quantity, line.product_id), read)
        .optional()?;
    let missing = || {
        let detail = format!(
            "Of {} there are fewer than {}.",
            line.product_id, line.quantity
        );
        Problem::new(StatusCode::CONFLICT, detail)
    };
    item.ok_or_else(missing)
}

fn insert(connection: &Connection, order: &Order) -> Result<(), Problem> {
    statement(connection, INSERT_ORDER)?.execute((
        order.id,
        &order.number,
        order.user_id,
        order.total_amount.0,
        order.total_items,
        order.created_at.0,
        order.updated_at.0,
    ))?;
    for (item, position) in order.items.iter().zip(1_i64..) {
        let price = item.price.0;
        let values = (
            order.id,
            position,
            item.product_id,
            &item.name,
            price,
            item.quantity,
        );
        statement(connection, INSERT_ITEM)?.execute(values)?;
    }
    let actor = order.user_id.to_string();
    statement(connection, INSERT_HISTORY)?.execute((order.id, actor, order.created_at.0))?;
    Ok(())
}

fn select(connection: &Connection, id: Uuid) -> Result<Option<Order>, Problem> {
    let read = |row: &rusqlite::Row<'_>| {
        let paid_at = row.get::<_, Option<i64>>(7)?.map(Time);
        let receipt: Option<Uuid> = row.get(6)?;
        Ok(Order {
            id: row.get(0)?,
            number: row.get(1)?,
            user_id: row.get(2)?,
            status: row.get(3)?,
            total_amount: Money(row.get(4)?),
            total_items: row.get(5)?,
            currency: CURRENCY,
            items: Vec::new(),
            paid: paid_at.is_some(),
            paid_at,
            receipt: receipt.map(|id| Receipt {
                id,
                issued_at: paid_at,
            }),
            created_at: Time(row.get(8)?),
            updated_at: Time(row.get(9)?),
            version: row.get(10)?,
        })
    };
    let order = statement(connection, SELECT_ORDER)?
        .query_row([id], read)
        .optional()?;
    let Some(mut order) = order else {
        return Ok(None);
    };
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Item {
            product_id: row.get(0)?,
            name: row.get(1)?,
            price: Money(row.get(2)?),
            quantity: row.get(3)?,
        })
    };
    let mut items = statement(connection, SELECT_ITEMS)?;
    order.items = items
        .query_map([id], read)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(order))
}

/// What people call an order by, such as `M-7K3F-29QD`.
fn number() -> String {
    let letters = rand::random::<[u8; NUMBER_LENGTH]>().map(|byte| {
        let index = usize::from(byte) % NUMBER_LETTERS.len();
        NUMBER_LETTERS.get(index).copied().map_or('2', char::from)
    });
    let (first, second) = letters.split_at(NUMBER_LENGTH / 2);
    format!(
        "M-{}-{}",
        String::from_iter(first),
        String::from_iter(second)
    )
}
