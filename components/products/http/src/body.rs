//! What admins send of a product. The rules are the domain's.

use mercato_edge::{Price, body};
use products::domain::product::{ProductChanges, StockChange};

use crate::values::{ProductDescription, ProductName, Sku, Units};

/// A product to be.
#[body(
    as = NewProduct,
    example = json!({"name": "Espresso cup", "description": "Porcelain, 90 ml", "sku": "CUP-90", "price": 12.5, "stock": 20})
)]
#[derive(Debug)]
pub struct NewProductBody {
    /// One line; blanks at its ends are taken off.
    name: ProductName,
    /// May have line breaks; empty when absent.
    description: Option<ProductDescription>,
    /// Stock keeping unit: the shop's own number, unique among products that are not deleted.
    #[field(null)]
    sku: Option<Sku>,
    /// Price of one unit, in the shop's currency.
    price: Price,
    /// Units free to sell at first; 0 when absent.
    stock: Option<Units>,
}

impl From<&NewProductBody> for ProductChanges {
    fn from(body: &NewProductBody) -> Self {
        Self {
            name: Some(body.name.clone().into()),
            description: body.description.clone().map(Into::into),
            sku: body.sku.clone().map(|sku| Some(sku.into())),
            price: Some(body.price.0),
            stock: body.stock.map(|units| StockChange::Absolute(units.0)),
        }
    }
}

/// What to change of a product; what is absent stays.
#[body(
    as = ProductChanges,
    exclusive(stock, stock_delta),
    example = json!({"price": 11.9, "stockDelta": 12})
)]
#[derive(Debug)]
pub struct ChangesBody {
    /// One line; blanks at its ends are taken off.
    name: Option<ProductName>,
    /// May have line breaks.
    description: Option<ProductDescription>,
    /// The shop's own number; `null` takes it away.
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    sku: Option<Option<Sku>>,
    /// Price of one unit, in the shop's currency.
    price: Option<Price>,
    /// The new number of free units, whatever orders did meanwhile. Not together with `stockDelta`.
    stock: Option<Units>,
    /// Added to the free units; two of them at the same time both count. Not together with `stock`.
    #[schema(value_type = i64, required = false, minimum = -1_000_000_000, maximum = 1_000_000_000)]
    stock_delta: Option<i64>,
}

impl From<&ChangesBody> for ProductChanges {
    fn from(body: &ChangesBody) -> Self {
        let delta = body.stock_delta.map(StockChange::Delta);
        let stock = body.stock.map(|units| StockChange::Absolute(units.0));
        Self {
            name: body.name.clone().map(Into::into),
            description: body.description.clone().map(Into::into),
            sku: body.sku.clone().map(|sku| sku.map(Into::into)),
            price: body.price.map(|price| price.0),
            stock: stock.or(delta),
        }
    }
}
