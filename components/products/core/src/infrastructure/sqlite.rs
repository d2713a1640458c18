//! Products and reservations in SQLite.

use mercato_money::Money;
use mercato_sqlite::{Connection, Database, Error, Migration, Row, Value, migrations, params};

use crate::domain::listing::{
    LOW_STOCK_PRODUCTS_MAX, LOW_STOCK_UNITS, Listing, ProductPage, Stats,
};
use crate::domain::product::Product;
use crate::domain::reservation::{Reservation, ReservationState, ReservedLine, Settlement};
use crate::domain::stock::{Quantity, Stock};
use crate::domain::values::{Description, Name, OrderId, Price, ProductId, Sku};
use crate::ports::{HeldReservations, StockEntry, Store, StoreError, Transaction};

mod listing;
#[cfg(test)]
mod tests;

/// Label of the database in the manifest.
pub const DATABASE_LABEL: &str = "products";

/// The steps of its schema.
pub const MIGRATIONS: &[Migration] = migrations![
    "0001_catalogue_and_stock",
    "0002_search",
    "0003_held_reservations",
    "0004_released_reservations",
    "0005_bounded_search"
];

const PRODUCT_BY_ID: &str = "\
SELECT id, name, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at
FROM products
WHERE id = ?";

const STOCK_COUNTS: &str = "\
SELECT
  (SELECT COUNT(*) FROM catalogue_entries),
  (SELECT COUNT(*)
  FROM products INDEXED BY products_sold_out_by_price
  WHERE deleted_at IS NULL AND stock = 0)";

const LOW_STOCK: &str = "\
SELECT id, name, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at
FROM products
WHERE deleted_at IS NULL
  AND stock <= ?
ORDER BY stock, id
LIMIT ?";

const HELD_RESERVATIONS: &str = "\
SELECT COUNT(*), MIN(created_at)
FROM reservations
WHERE state = 'held'";

const PRODUCT_BY_SKU: &str = "\
SELECT id, name, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at
FROM products
WHERE sku = ?
  AND deleted_at IS NULL";

const SKU_OWNER: &str = "\
SELECT id
FROM products
WHERE sku = ?
  AND deleted_at IS NULL";

const INSERT_PRODUCT: &str = "\
INSERT INTO products
  (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

const SAVE_PRODUCT: &str = "\
UPDATE products
SET name = ?2, name_key = ?3, description = ?4, sku = ?5, price = ?6, stock = ?7, reserved = ?8, sold = ?9,
  version = ?10, created_at = ?11, updated_at = ?12, deleted_at = ?13
WHERE id = ?1";

const PRODUCTS_BY_ID: &str = "\
SELECT id, name, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at
FROM products
WHERE id IN (SELECT value FROM json_each(?))";

/// The parameter lists identifiers and units.
const TAKE: &str = "\
UPDATE products
SET stock = stock - taken.units, reserved = reserved + taken.units
FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS units FROM json_each(?)) AS taken
WHERE products.id = taken.id";

/// The units of all lines of some orders are added up by product: a product is written once, however many orders had it.
macro_rules! move_units {
    ($changes:literal) => {
        concat!(
            "\
UPDATE products
SET ",
            $changes,
            "
FROM (
  SELECT product_id, SUM(quantity) AS units
  FROM reservation_lines
  WHERE order_id IN (SELECT value FROM json_each(?))
  GROUP BY product_id) AS moved
WHERE products.id = moved.product_id"
        )
    };
}

const COMMIT_UNITS: &str =
    move_units!("reserved = reserved - moved.units, sold = sold + moved.units");

const RELEASE_UNITS: &str =
    move_units!("stock = stock + moved.units, reserved = reserved - moved.units");

const RESTOCK_UNITS: &str = move_units!("stock = stock + moved.units, sold = sold - moved.units");

const INSERT_STOCK_ENTRY: &str = "\
INSERT INTO stock_book (product_id, version, free_before, free_after, at)
VALUES (?, ?, ?, ?, ?)";

const RESERVATION_BY_ORDER: &str = "\
SELECT state, created_at, updated_at
FROM reservations
WHERE order_id = ?";

const LINES_BY_ORDER: &str = "\
SELECT product_id, name, unit_price, quantity
FROM reservation_lines
WHERE order_id = ?
ORDER BY position";

const INSERT_RESERVATION: &str = "\
INSERT INTO reservations (order_id, state, created_at, updated_at)
VALUES (?, ?, ?, ?)";

/// Name and price are those of the product in this very transaction. The second parameter lists identifiers and units.
const INSERT_LINES: &str = "\
INSERT INTO reservation_lines (order_id, product_id, position, name, unit_price, quantity)
SELECT ?1, products.id, wanted.key, name, price, json_extract(wanted.value, '$[1]')
FROM json_each(?2) AS wanted JOIN products ON products.id = json_extract(wanted.value, '$[0]')";

const STATES_BY_ORDER: &str = "\
SELECT order_id, state
FROM reservations
WHERE order_id IN (SELECT value FROM json_each(?))";

const SET_STATES: &str = "\
UPDATE reservations
SET state = ?2, updated_at = max(updated_at, ?3)
WHERE order_id IN (SELECT value FROM json_each(?1))";

const HAS_RELEASED: &str = "\
SELECT EXISTS (SELECT 1 FROM reservations WHERE state = 'released' AND updated_at <= ?)";

/// Both purges choose the same reservations.
macro_rules! released_before {
    ($table:literal) => {
        concat!(
            "\
DELETE FROM ",
            $table,
            "
WHERE order_id IN (
  SELECT order_id
  FROM reservations
  WHERE state = 'released' AND updated_at <= ?
  ORDER BY updated_at, order_id
  LIMIT ?)"
        )
    };
}

const PURGE_LINES: &str = released_before!("reservation_lines");

const PURGE_RESERVATIONS: &str = released_before!("reservations");

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Interrupted(_)) {
            Self::TooExpensive(error.to_string())
        } else if error.is_transient() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Fault(error.to_string())
        }
    }
}

/// The error of a use case, so that the database's own errors can be turned into it.
struct Outcome<E>(E);

impl<E: From<StoreError>> From<Error> for Outcome<E> {
    fn from(error: Error) -> Self {
        Self(E::from(StoreError::from(error)))
    }
}

/// The store on a database that has [`MIGRATIONS`].
pub struct SqliteStore<'a>(pub &'a Database);

impl Store for SqliteStore<'_> {
    fn ready(&self) -> Result<(), StoreError> {
        self.0.read(|connection| {
            connection.query_one("SELECT 1 FROM products LIMIT 1", params![])?;
            Ok(())
        })
    }

    fn find(&self, id: &ProductId) -> Result<Option<Product>, StoreError> {
        self.0.read(|connection| connection.product(id.as_str()))
    }

    fn list(&self, listing: &Listing) -> Result<Option<ProductPage>, StoreError> {
        self.0
            .read(|connection| Ok(listing::page(connection, listing)?))
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        self.0.read(|connection| {
            let counts = connection.query_one(STOCK_COUNTS, params![])?;
            let low =
                connection.query(LOW_STOCK, params![LOW_STOCK_UNITS, LOW_STOCK_PRODUCTS_MAX])?;
            Ok(Stats {
                products: count(counts.as_ref(), 0)?,
                out_of_stock: count(counts.as_ref(), 1)?,
                low_stock: to_products(&low)?,
            })
        })
    }

    fn held_reservations(&self) -> Result<HeldReservations, StoreError> {
        self.0.read(|connection| {
            let row = connection.query_one(HELD_RESERVATIONS, params![])?;
            Ok(HeldReservations {
                reservations: count(row.as_ref(), 0)?,
                oldest_at: row.as_ref().map_or(Ok(None), |row| row.get(1))?,
            })
        })
    }

    fn has_released(&self, before: u64) -> Result<bool, StoreError> {
        self.0.read(|connection| {
            let row = connection.query_one(HAS_RELEASED, params![before])?;
            Ok(count(row.as_ref(), 0)? > 0)
        })
    }

    fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0
            .write(|connection| work(connection).map_err(Outcome))
            .map_err(|Outcome(error)| error)
    }
}

impl Transaction for Connection {
    fn product(&self, id: &str) -> Result<Option<Product>, StoreError> {
        Ok(self
            .query_one(PRODUCT_BY_ID, params![id])?
            .as_ref()
            .map(to_product)
            .transpose()?)
    }

    fn products(&self, ids: &[ProductId]) -> Result<Vec<Product>, StoreError> {
        let ids = json_of(ids.iter().map(ProductId::as_str));
        Ok(to_products(&self.query(PRODUCTS_BY_ID, params![ids])?)?)
    }

    fn product_by_sku(&self, sku: &Sku) -> Result<Option<Product>, StoreError> {
        Ok(self
            .query_one(PRODUCT_BY_SKU, params![sku.as_str()])?
            .as_ref()
            .map(to_product)
            .transpose()?)
    }

    fn sku_owner(&self, sku: &Sku) -> Result<Option<ProductId>, StoreError> {
        let row = self.query_one(SKU_OWNER, params![sku.as_str()])?;
        Ok(row
            .map(|row| row.get(0))
            .transpose()?
            .map(ProductId::stored))
    }

    fn insert_product(&self, product: &Product) -> Result<(), StoreError> {
        self.execute(INSERT_PRODUCT, &product_parameters(product))?;
        Ok(())
    }

    fn save_product(&self, product: &Product) -> Result<(), StoreError> {
        one_row(
            self.execute(SAVE_PRODUCT, &product_parameters(product))?,
            "product",
        )
    }

    fn take(&self, lines: &[ReservedLine]) -> Result<(), StoreError> {
        let changed = self.execute(TAKE, params![json_of_lines(lines)])?;
        rows(changed, lines.len(), "products")
    }

    fn record(&self, entry: &StockEntry) -> Result<(), StoreError> {
        let id = entry.product_id.as_str();
        let parameters = params![
            id,
            entry.version,
            entry.free_before,
            entry.free_after,
            entry.at
        ];
        self.execute(INSERT_STOCK_ENTRY, parameters)?;
        Ok(())
    }

    fn reservation(&self, order_id: &OrderId) -> Result<Option<Reservation>, StoreError> {
        let Some(row) = self.query_one(RESERVATION_BY_ORDER, params![order_id.as_str()])? else {
            return Ok(None);
        };
        let name: String = row.get(0)?;
        let lines = self.query(LINES_BY_ORDER, params![order_id.as_str()])?;
        Ok(Some(Reservation {
            order_id: order_id.clone(),
            state: parse_state(&name)?,
            lines: lines.iter().map(to_line).collect::<Result<_, _>>()?,
            created_at: row.get(1)?,
            updated_at: row.get(2)?,
        }))
    }

    fn insert_reservation(&self, reservation: &Reservation) -> Result<(), StoreError> {
        let order_id = reservation.order_id.as_str();
        let (state, created_at, updated_at) = (
            reservation.state.as_str(),
            reservation.created_at,
            reservation.updated_at,
        );
        self.execute(
            INSERT_RESERVATION,
            params![order_id, state, created_at, updated_at],
        )?;
        if reservation.lines.is_empty() {
            return Ok(());
        }
        let lines = json_of_lines(&reservation.lines);
        let inserted = self.execute(INSERT_LINES, params![order_id, lines])?;
        rows(inserted, reservation.lines.len(), "lines")
    }

    fn reservation_states(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, ReservationState)>, StoreError> {
        let ids = json_of(order_ids.iter().map(OrderId::as_str));
        self.query(STATES_BY_ORDER, params![ids])?
            .iter()
            .map(to_state)
            .collect()
    }

    fn settle(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
        at: u64,
    ) -> Result<(), StoreError> {
        let ids = json_of(order_ids.iter().map(OrderId::as_str));
        let statement = match settlement {
            Settlement::Commit => COMMIT_UNITS,
            Settlement::Release => RELEASE_UNITS,
            Settlement::Restock => RESTOCK_UNITS,
        };
        self.execute(statement, params![ids.as_str()])?;
        let state = settlement.target().as_str();
        let changed = self.execute(SET_STATES, params![ids, state, at])?;
        rows(changed, order_ids.len(), "reservations")
    }

    fn purge_released(&self, before: u64, limit: u32) -> Result<u64, StoreError> {
        self.execute(PURGE_LINES, params![before, limit])?;
        Ok(self.execute(PURGE_RESERVATIONS, params![before, limit])?)
    }
}

/// A JSON array of identifiers. They hold nothing that JSON would have to escape.
fn json_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(","))
}

/// A JSON array with the product and the units of every line.
fn json_of_lines(lines: &[ReservedLine]) -> String {
    let pair = |line: &ReservedLine| {
        let (id, units) = (line.product_id.as_str(), line.quantity.units());
        format!("[\"{id}\",{units}]")
    };
    let lines: Vec<String> = lines.iter().map(pair).collect();
    format!("[{}]", lines.join(","))
}

fn to_state(row: &Row) -> Result<(OrderId, ReservationState), StoreError> {
    let (id, name): (String, String) = (row.get(0)?, row.get(1)?);
    let order_id = OrderId::parse(&id)
        .ok_or_else(|| StoreError::Fault(format!("a reservation of the order {id:?}")))?;
    Ok((order_id, parse_state(&name)?))
}

fn parse_state(name: &str) -> Result<ReservationState, StoreError> {
    ReservationState::parse(name)
        .ok_or_else(|| StoreError::Fault(format!("a reservation is in the unknown state {name:?}")))
}

/// Reservations, lines and products are written together, so another number can only be damage from outside.
fn rows(changed: u64, expected: usize, what: &str) -> Result<(), StoreError> {
    if u64::try_from(expected) == Ok(changed) {
        Ok(())
    } else {
        Err(StoreError::Fault(format!(
            "{changed} {what} written, expected {expected}"
        )))
    }
}

fn one_row(changed: u64, what: &str) -> Result<(), StoreError> {
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Fault(format!(
            "{changed} rows changed for one {what}"
        )))
    }
}

fn product_parameters(product: &Product) -> [Value; 13] {
    [
        product.id.as_str().into(),
        product.name.as_str().into(),
        product.name.sort_key().into(),
        product.description.as_str().into(),
        product.sku.as_ref().map(Sku::as_str).into(),
        product.price.amount().units().into(),
        product.stock.free().into(),
        product.stock.reserved().into(),
        product.stock.sold().into(),
        product.version.into(),
        product.created_at.into(),
        product.updated_at.into(),
        product.deleted_at.into(),
    ]
}

fn to_products(rows: &[Row]) -> Result<Vec<Product>, Error> {
    rows.iter().map(to_product).collect()
}

fn to_product(row: &Row) -> Result<Product, Error> {
    Ok(Product {
        id: ProductId::stored(row.get(0)?),
        name: Name::stored(row.get(1)?),
        description: Description::stored(row.get(2)?),
        sku: row.get::<Option<String>>(3)?.map(Sku::stored),
        price: Price::stored(Money::from_units(row.get(4)?)),
        stock: Stock::restore(row.get(5)?, row.get(6)?, row.get(7)?),
        version: row.get(8)?,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
        deleted_at: row.get(11)?,
    })
}

fn to_line(row: &Row) -> Result<ReservedLine, Error> {
    let no_quantity = Error::not(3, "a quantity");
    Ok(ReservedLine {
        product_id: ProductId::stored(row.get(0)?),
        name: Name::stored(row.get(1)?),
        unit_price: Price::stored(Money::from_units(row.get(2)?)),
        quantity: Quantity::new(row.get(3)?).ok_or(no_quantity)?,
    })
}

fn count(row: Option<&Row>, column: usize) -> Result<u64, Error> {
    row.map_or(Ok(0), |row| row.get(column))
}
