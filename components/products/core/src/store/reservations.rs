//! The tables of reservations and their lines, and the units of products that they move.

use std::collections::BTreeMap;

use mercato_kernel::{CheckoutId, OrderId, ProductId, Uuid};
use mercato_money::Money;
use mercato_sql::{Connection, Error, Row, Value, params};

use super::json;
use super::rows::{self, check_rows, json_of, key};
use super::variants;
use crate::application::locks;
use crate::application::ports::{HeldReservations, Inventory};
use crate::domain::error::StoreError;
use crate::domain::reservation::{
    DrawnUnits, Reservation, ReservationState, ReservedLine, Settlement,
};
use crate::domain::sellable::Sellable;
use crate::domain::stock::Quantity;
use crate::domain::values::{Name, Price};

pub(super) const HELD_RESERVATIONS: &str = "\
SELECT COUNT(*) AS held, MIN(created_at) AS oldest_at
FROM reservations
WHERE state = 'held' -- plan: an index of those that wait for a payment";

/// The parameter lists stock items, each once, and units.
pub(super) const TAKE: &str = "\
UPDATE products
SET stock = stock - taken.units, reserved = reserved + taken.units
FROM (
  SELECT json_extract(value, '$[0]') AS id, CAST(json_extract(value, '$[1]') AS BIGINT) AS units
  FROM json_each(?)) AS taken
WHERE products.id = taken.id";

/// The units of all lines of some orders are added up by stock item: one is written once, however many orders had it.
macro_rules! move_units {
    ($changes:literal) => {
        concat!(
            "\
UPDATE products
SET ",
            $changes,
            "
FROM (
  SELECT coalesce(item_id, product_id) AS item, CAST(SUM(coalesce(units, quantity)) AS BIGINT) AS units
  FROM reservation_lines
  WHERE order_id IN (SELECT value FROM json_each(?))
  GROUP BY coalesce(item_id, product_id)) AS moved
WHERE products.id = moved.item"
        )
    };
}

pub(super) const COMMIT_UNITS: &str =
    move_units!("reserved = reserved - moved.units, sold = sold + moved.units");

pub(super) const RELEASE_UNITS: &str =
    move_units!("stock = stock + moved.units, reserved = reserved - moved.units");

pub(super) const RESTOCK_UNITS: &str =
    move_units!("stock = stock + moved.units, sold = sold - moved.units");

const RESERVATION_BY_ORDER: &str = "\
SELECT state, created_at
FROM reservations
WHERE order_id = ?";

const LINES_BY_ORDER: &str = "\
SELECT product_id, name, unit_price, quantity, choices, item_id, units
FROM reservation_lines
WHERE order_id = ?
ORDER BY position -- plan: the lines of one order";

/// The stock items of orders, and the products that those are variants of.
const PRODUCTS_OF_ORDERS: &str = "\
SELECT DISTINCT p.id, p.variant_of
FROM reservation_lines AS l JOIN products AS p ON p.id = coalesce(l.item_id, l.product_id)
WHERE l.order_id IN (SELECT value FROM json_each(?))";

const INSERT_RESERVATION: &str = "\
INSERT INTO reservations (order_id, state, created_at, updated_at, checkout_id)
VALUES (?, ?, ?, ?, ?)";

pub(super) const HELD_FOR_CHECKOUT: &str = "\
SELECT coalesce(item_id, product_id) AS item, CAST(SUM(coalesce(units, quantity)) AS BIGINT) AS units
FROM reservation_lines
WHERE order_id IN (SELECT order_id FROM reservations WHERE checkout_id = ? AND state = 'held')
GROUP BY coalesce(item_id, product_id) -- plan: the lines of one checkout's orders";

const INSERT_LINES: &str = "\
INSERT INTO reservation_lines (order_id, product_id, position, name, unit_price, quantity, choices, item_id, units)";

pub(super) const STATES_BY_ORDER: &str = "\
SELECT order_id, state
FROM reservations
WHERE order_id IN (SELECT value FROM json_each(?))";

/// An order that is released before anything was reserved for it gets a reservation without lines: a late request cannot take
/// stock for it any more.
pub(super) const SET_STATES: &str = "\
INSERT INTO reservations (order_id, state, created_at, updated_at)
SELECT value, ?2, ?3, ?3
FROM json_each(?1)
WHERE ?2 = 'released' OR EXISTS (SELECT 1 FROM reservations WHERE order_id = value)
ON CONFLICT (order_id) DO UPDATE
SET state = excluded.state,
  updated_at = CASE
    WHEN excluded.updated_at > reservations.updated_at THEN excluded.updated_at
    ELSE reservations.updated_at
  END";

/// Nothing happens unless all of the orders, so many, have reservations in one and the same state.
pub(super) const SET_STATES_FROM: &str = "\
UPDATE reservations
SET state = ?2, updated_at = CASE WHEN updated_at > ?3 THEN updated_at ELSE ?3 END
WHERE order_id IN (SELECT value FROM json_each(?1))
  AND ?5 = (
    SELECT COUNT(*)
    FROM json_each(?1) JOIN reservations AS own ON own.order_id = value
    WHERE own.state = ?4)";

pub(super) const HAS_RELEASED: &str = "\
SELECT EXISTS (SELECT 1 FROM reservations WHERE state = 'released' AND updated_at <= ?) AS has_released";

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

pub(super) const PURGE_LINES: &str = released_before!("reservation_lines");

pub(super) const PURGE_RESERVATIONS: &str = released_before!("reservations");

/// The reservations that wait for a payment.
pub fn held(connection: &Connection) -> Result<HeldReservations, StoreError> {
    let Some(row) = connection.query_one(HELD_RESERVATIONS, params![])? else {
        return Ok(HeldReservations::default());
    };
    Ok(HeldReservations {
        reservations: row.get("held")?,
        oldest_at: row.get("oldest_at")?,
    })
}

/// The units of stock items that are held for orders of a checkout.
pub fn held_for(
    connection: &Connection,
    checkout_id: CheckoutId,
) -> Result<BTreeMap<ProductId, u64>, StoreError> {
    let rows = connection.query(HELD_FOR_CHECKOUT, params![Uuid::from(checkout_id)])?;
    let of_item = |row: &Row| Ok((rows::id(row, "item")?, row.get("units")?));
    rows.iter().map(of_item).collect()
}

/// Whether a reservation was given back before that time, in milliseconds since the Unix epoch.
pub fn has_released(connection: &Connection, before: u64) -> Result<bool, StoreError> {
    let row = connection.query_one(HAS_RELEASED, params![before])?;
    Ok(row.map_or(Ok(false), |row| row.get("has_released"))?)
}

/// Where the stock of those of these orders is that have a reservation.
pub fn states(
    connection: &Connection,
    order_ids: &[OrderId],
) -> Result<Vec<(OrderId, ReservationState)>, StoreError> {
    let rows = connection.query(STATES_BY_ORDER, params![json_of(order_ids)])?;
    let of_order = |row: &Row| Ok((rows::id(row, "order_id")?, state(row)?));
    rows.iter().map(of_order).collect()
}

impl Inventory for Connection {
    fn sellables(&self, ids: &[ProductId]) -> Result<Vec<Sellable>, StoreError> {
        variants::locked_sellables(self, ids)
    }

    fn take(&self, lines: &[ReservedLine]) -> Result<(), StoreError> {
        let mut taken = BTreeMap::new();
        for (item, units) in lines.iter().map(ReservedLine::item_units) {
            *taken.entry(item).or_insert(0_u64) += units;
        }
        let pairs: Vec<_> = taken
            .iter()
            .map(|(item, units)| (item.to_string(), units))
            .collect();
        let changed = self.execute_counted(TAKE, params![Value::json(&pairs)])?;
        check_rows(changed, taken.len(), "products")
    }

    fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, StoreError> {
        let id = Uuid::from(order_id);
        let Some(row) = self.query_one(RESERVATION_BY_ORDER, params![id])? else {
            return Ok(None);
        };
        let lines = self.query(LINES_BY_ORDER, params![id])?;
        let lines = lines.iter().map(to_line).collect::<Result<_, _>>()?;
        let made_at = row.get("created_at")?;
        let reservation = Reservation::restore(order_id, state(&row)?, lines, made_at);
        Ok(Some(reservation))
    }

    fn insert_reservation(
        &self,
        reservation: &Reservation,
        checkout_id: Option<CheckoutId>,
    ) -> Result<(), StoreError> {
        let id = Uuid::from(reservation.order_id());
        let (state, made_at) = (reservation.state().as_str(), reservation.made_at());
        let checkout_id = checkout_id.map(Uuid::from);
        let values = params![id, state, made_at, made_at, checkout_id];
        self.execute(INSERT_RESERVATION, values)?;
        let lines = reservation.lines().iter().zip(0_u64..);
        let rows = lines.map(|(line, position)| line_parameters(id, position, line));
        Ok(self.insert_rows(INSERT_LINES, rows)?)
    }

    fn reservation_states(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, ReservationState)>, StoreError> {
        states(self, order_ids)
    }

    fn settle_from(
        &self,
        state: ReservationState,
        order_ids: &[OrderId],
        settlement: Settlement,
        at: u64,
    ) -> Result<bool, StoreError> {
        lock_products(self, order_ids)?;
        let ids = json_of(order_ids);
        let count = u64::try_from(order_ids.len()).unwrap_or(u64::MAX);
        let target = settlement.target().as_str();
        let values = params![ids.as_str(), target, at, state.as_str(), count];
        if self.execute_counted(SET_STATES_FROM, values)? != count {
            return Ok(false);
        }
        self.execute(units_of(settlement), params![ids])?;
        Ok(true)
    }

    fn settle(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
        at: u64,
    ) -> Result<(), StoreError> {
        lock_products(self, order_ids)?;
        let ids = json_of(order_ids);
        self.execute(units_of(settlement), params![ids.as_str()])?;
        let state = settlement.target().as_str();
        let changed = self.execute_counted(SET_STATES, params![ids, state, at])?;
        check_rows(changed, order_ids.len(), "reservations")
    }

    fn purge_released(&self, before: u64, limit: u32) -> Result<u64, StoreError> {
        self.execute(PURGE_LINES, params![before, limit])?;
        Ok(self.execute_counted(PURGE_RESERVATIONS, params![before, limit])?)
    }
}

/// The statement that moves the units of orders.
/// Nobody else changes the products of those orders from now on: what is to change of them is computed by the statement itself.
fn lock_products(connection: &Connection, order_ids: &[OrderId]) -> Result<(), StoreError> {
    let keys = || {
        let rows = connection.query(PRODUCTS_OF_ORDERS, params![json_of(order_ids)])?;
        let items = rows.iter().map(|row| rows::id(row, "id"));
        let mut ids = items.collect::<Result<Vec<_>, _>>()?;
        for row in &rows {
            ids.extend(rows::optional_id::<ProductId>(row, "variant_of")?);
        }
        Ok::<_, Error>(locks::products(ids))
    };
    connection.lock(keys)?;
    Ok(())
}

const fn units_of(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement::Commit => COMMIT_UNITS,
        Settlement::Release => RELEASE_UNITS,
        Settlement::Restock => RESTOCK_UNITS,
    }
}

fn line_parameters(order_id: Uuid, position: u64, line: &ReservedLine) -> [Value; 9] {
    [
        order_id.into(),
        key(line.product_id),
        position.into(),
        line.name.as_str().into(),
        line.unit_price.amount().units().into(),
        line.quantity.units().into(),
        Value::json(&json::pairs_of(&line.choices)),
        line.drawn.map(|drawn| Uuid::from(drawn.item)).into(),
        line.drawn.map(|drawn| drawn.units).into(),
    ]
}

fn state(row: &Row) -> Result<ReservationState, Error> {
    let name: String = row.get("state")?;
    ReservationState::parse(&name).ok_or(Error::not("state", "the state of a reservation"))
}

fn to_line(row: &Row) -> Result<ReservedLine, Error> {
    let no_quantity = Error::not("quantity", "a quantity");
    Ok(ReservedLine {
        product_id: rows::id(row, "product_id")?,
        name: Name::stored(row.get("name")?),
        unit_price: Price::stored(Money::from_units(row.get("unit_price")?)),
        quantity: Quantity::new(row.get("quantity")?).ok_or(no_quantity)?,
        choices: json::choices(row)?,
        drawn: drawn(row)?,
    })
}

fn drawn(row: &Row) -> Result<Option<DrawnUnits>, Error> {
    let item: Option<ProductId> = rows::optional_id(row, "item_id")?;
    let units: Option<u64> = row.get("units")?;
    let drawn = item.zip(units);
    Ok(drawn.map(|(item, units)| DrawnUnits { item, units }))
}
