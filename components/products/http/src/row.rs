//! A line of a price list.

use mercato_edge::{Fields, FromJson, Price};
use products::domain::product::{ProductChanges, StockChange};
use utoipa::ToSchema;

use crate::values::{ProductDescription, ProductName, Sku, Units};

/// A line of a price list in JSON; what is absent stays as it is.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(
    as = ImportRow,
    example = json!({"sku": "CUP-90", "name": "Espresso cup", "description": "Porcelain, 90 ml", "price": 12.5, "stock": 20})
)]
pub struct ImportRowBody {
    /// The number of the product that the line is about; when there is none of it, the line makes one.
    pub sku: Sku,
    /// Needed for a new product.
    #[schema(value_type = ProductName, required = false)]
    name: Option<ProductName>,
    /// May have line breaks.
    #[schema(value_type = ProductDescription, required = false)]
    description: Option<ProductDescription>,
    /// Needed for a new product.
    #[schema(value_type = Price, required = false)]
    price: Option<Price>,
    /// The number of free units; 0 for a new product when absent.
    #[schema(value_type = Units, required = false)]
    stock: Option<Units>,
}

impl ImportRowBody {
    /// Reads a row, of whatever format; the row notes what is wrong with it.
    pub fn read(row: &mut impl Row) -> Self {
        Self {
            sku: Sku(row.required_text("sku")),
            name: row.text("name").map(ProductName),
            description: row.text("description").map(ProductDescription),
            price: row.number("price"),
            stock: row.number("stock"),
        }
    }

    /// What the row says of its product, where `count` is what its stock counts.
    pub fn changes(self, count: StockCount) -> ProductChanges {
        ProductChanges {
            sku: Some(Some(self.sku.0)),
            name: self.name.map(Into::into),
            description: self.description.map(Into::into),
            price: self.price.map(|price| price.0),
            stock: self.stock.map(|units| count(units.0)),
        }
    }
}

/// What the stock of a row counts: the free units, or all on hand.
pub type StockCount = fn(u64) -> StockChange;

/// What a row is read from: the members of a JSON object, or the cells of a row of CSV.
pub trait Row {
    /// A text that must be there.
    fn required_text(&mut self, name: &'static str) -> String;

    /// A text that may be absent.
    fn text(&mut self, name: &'static str) -> Option<String>;

    /// A number that may be absent, read as in JSON.
    fn number<T: FromJson>(&mut self, name: &'static str) -> Option<T>;
}

impl Row for Fields {
    fn required_text(&mut self, name: &'static str) -> String {
        self.required(name)
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name)
    }

    fn number<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        self.optional(name)
    }
}
