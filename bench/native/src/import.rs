//! `POST /products/import`: products from CSV, keyed by their number.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    accounts::Caller,
    database::statement,
    problem::Problem,
    values::{Money, Time, new_id},
};

/// Rows in one transaction: whoever buys meanwhile waits for one batch at most.
const BATCH_ROWS: usize = 500;

const SELECT_BY_SKU: &str = "SELECT number, name, description, price, stock
FROM products
WHERE sku = ?";

const INSERT: &str =
    "INSERT INTO products (id, name, description, sku, price, stock, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE: &str = "UPDATE products
SET name = ?, description = ?, price = ?, stock = ?, updated_at = ?, version = version + 1
WHERE number = ?";

/// A row as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    description: String,
    sku: String,
    price: String,
    stock: i64,
}

/// A row that can be taken.
#[derive(Debug)]
struct Product {
    name: String,
    description: String,
    sku: String,
    price: Money,
    stock: i64,
}

/// What has become of the rows.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    failed: Vec<Failure>,
    failed_total: u64,
}

#[derive(Debug, Serialize)]
struct Failure {
    line: u64,
    error: String,
}

/// Takes the rows that can be taken and names the others.
pub async fn import(
    State(shop): Shared,
    caller: Caller,
    body: Bytes,
) -> Result<Json<Report>, Problem> {
    caller.must_be_admin()?;
    let mut reader = csv::Reader::from_reader(&body[..]);
    let mut report = Report::default();
    let headers = reader.headers().cloned();
    let headers =
        headers.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut rows = reader.records();
    loop {
        let row = rows.next();
        let is_end = row.is_none();
        if let Some(row) = row {
            let line = row
                .as_ref()
                .ok()
                .and_then(|row| row.position().map(csv::Position::line));
            let row = row.and_then(|row| row.deserialize::<Row>(Some(&headers)));
            match row.map_err(|error| error.to_string()).and_then(checked) {
                Ok(product) => batch.push(product),
                Err(error) => {
                    let line = line.unwrap_or_default();
                    report.failed.push(Failure { line, error });
                    report.failed_total += 1;
                }
            }
        }
        if batch.len() == BATCH_ROWS || (is_end && !batch.is_empty()) {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
            let write = move |connection: &Connection| save(connection, &full);
            let [created, updated, unchanged] = shop.database.write(write).await?;
            report.created += created;
            report.updated += updated;
            report.unchanged += unchanged;
        }
        if is_end {
            return Ok(Json(report));
        }
    }
}

fn checked(row: Row) -> Result<Product, String> {
    let price = Money::parse(&row.price).ok_or("price must be an amount that is not negative")?;
    if row.name.is_empty() || row.sku.is_empty() || row.stock < 0 {
        return Err("name and sku must not be empty, stock not less than 0".to_owned());
    }
    Ok(Product {
        name: row.name,
        description: row.description,
        sku: row.sku,
        price,
        stock: row.stock,
    })
}

/// How many products are new, changed, and as they were.
fn save(connection: &Connection, products: &[Product]) -> Result<[u64; 3], Problem> {
    let mut counts = [0; 3];
    let now = Time::now().0;
    for Product {
        name,
        description,
        sku,
        price: Money(price),
        stock,
    } in products
    {
        let read = |row: &rusqlite::Row<'_>| {
            let is_same = row.get_ref(1)?.as_str()? == name
                && row.get_ref(2)?.as_str()? == description
                && row.get::<_, i64>(3)? == *price
                && row.get::<_, i64>(4)? == *stock;
            Ok((row.get::<_, i64>(0)?, is_same))
        };
        let old = statement(connection, SELECT_BY_SKU)?
            .query_row([sku], read)
            .optional()?;
        let [created, updated, unchanged] = &mut counts;
        match old {
            None => {
                let values = (new_id(), name, description, sku, price, stock, now, now);
                statement(connection, INSERT)?.execute(values)?;
                *created += 1;
            }
            Some((_, true)) => *unchanged += 1,
            Some((number, false)) => {
                let values = (name, description, price, stock, now, number);
                statement(connection, UPDATE)?.execute(values)?;
                *updated += 1;
            }
        }
    }
    Ok(counts)
}
