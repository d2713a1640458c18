//! A line of a price list.

use mercato_edge::{Price, body};
use products::domain::product::{ProductChanges, StockChange};

use crate::values::{ProductDescription, ProductName, Sku, Units};

/// A line of a price list in JSON; what is absent stays as it is.
#[body(
    as = ImportRow,
    example = json!({"sku": "CUP-90", "name": "Espresso cup", "description": "Porcelain, 90 ml", "price": 12.5, "stock": 20})
)]
#[derive(Debug)]
pub struct ImportRowBody {
    /// The number of the product that the line is about; when there is none of it, the line makes one.
    sku: Sku,
    /// Needed for a new product.
    name: Option<ProductName>,
    /// May have line breaks.
    description: Option<ProductDescription>,
    /// Needed for a new product.
    price: Option<Price>,
    /// The number of free units; 0 for a new product when absent.
    stock: Option<Units>,
}

impl ImportRowBody {
    /// What the row says of its product, where `count` is what its stock counts.
    pub fn changes(self, count: StockCount) -> ProductChanges {
        ProductChanges {
            sku: Some(Some(self.sku.into())),
            name: self.name.map(Into::into),
            description: self.description.map(Into::into),
            price: self.price.map(|price| price.0),
            stock: self.stock.map(|units| count(units.0)),
        }
    }
}

/// What the stock of a row counts: the free units, or all on hand.
pub type StockCount = fn(u64) -> StockChange;
