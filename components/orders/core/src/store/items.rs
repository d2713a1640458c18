//! How lines of orders are read, whatever the table.

use mercato_money::Money;
use mercato_sql::{Error, Row};

use super::id;
use crate::domain::{OrderError, OrderItem, Quantity};

/// The line in a row.
pub(super) fn item_of(row: &Row) -> Result<OrderItem, OrderError> {
    Ok(OrderItem {
        product_id: id(row, "product_id")?,
        name: row.get("name")?,
        choices: row.json("choices")?,
        unit_price: Money::from_units(row.get("unit_price")?),
        quantity: quantity(row)?,
    })
}

/// Its quantity.
pub(super) fn quantity(row: &Row) -> Result<Quantity, OrderError> {
    let quantity = Quantity::new(row.get("quantity")?);
    Ok(quantity.ok_or_else(|| Error::not("quantity", "a quantity"))?)
}
