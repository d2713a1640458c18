//! Products and reservations in SQLite.

use mercato_money::Money;
use mercato_sqlite::{Connection, Database, Error, Migration, Row, Value, migrations, params};

use crate::domain::listing::{
    LOW_STOCK_PRODUCTS_MAX, LOW_STOCK_UNITS, Listing, ProductPage, Stats,
};
use crate::domain::product::Product;
use crate::domain::reservation::{Reservation, ReservationState, ReservedLine};
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
    "0003_held_reservations"
];

const PRODUCT_BY_ID: &str = "\
SELECT id, name, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at
FROM products
WHERE id = ?";

const STOCK_COUNTS: &str = "\
SELECT COUNT(*), COUNT(*) FILTER (WHERE stock = 0)
FROM products
WHERE deleted_at IS NULL";

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

const SAVE_STOCK: &str = "\
UPDATE products
SET stock = ?2, reserved = ?3, sold = ?4
WHERE id = ?1";

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

const INSERT_LINE: &str = "\
INSERT INTO reservation_lines (order_id, product_id, position, name, unit_price, quantity)
VALUES (?, ?, ?, ?, ?, ?)";

const SET_RESERVATION_STATE: &str = "\
UPDATE reservations
SET state = ?2, updated_at = ?3
WHERE order_id = ?1";

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if error.is_transient() {
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

    fn list(&self, listing: &Listing) -> Result<ProductPage, StoreError> {
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

    fn save_stock(&self, id: &ProductId, stock: Stock) -> Result<(), StoreError> {
        let parameters = params![id.as_str(), stock.free(), stock.reserved(), stock.sold()];
        one_row(self.execute(SAVE_STOCK, parameters)?, "product")
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
        let unknown =
            || StoreError::Fault(format!("a reservation is in the unknown state {name:?}"));
        let lines = self.query(LINES_BY_ORDER, params![order_id.as_str()])?;
        Ok(Some(Reservation {
            order_id: order_id.clone(),
            state: ReservationState::parse(&name).ok_or_else(unknown)?,
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
        for (position, line) in (0_u32..).zip(&reservation.lines) {
            let (id, name) = (line.product_id.as_str(), line.name.as_str());
            let (price, quantity) = (line.unit_price.amount().units(), line.quantity.units());
            self.execute(
                INSERT_LINE,
                params![order_id, id, position, name, price, quantity],
            )?;
        }
        Ok(())
    }

    fn set_reservation_state(
        &self,
        order_id: &OrderId,
        state: ReservationState,
        at: u64,
    ) -> Result<(), StoreError> {
        let parameters = params![order_id.as_str(), state.as_str(), at];
        one_row(
            self.execute(SET_RESERVATION_STATE, parameters)?,
            "reservation",
        )
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
    let no_quantity = Error::Type {
        column: 3,
        expected: "a quantity",
    };
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
