//! The rules of what somebody wrote of a product, and of its stock.

use mercato_kernel::FieldError;

use crate::domain::category::{CategoryId, PRODUCT_CATEGORIES_MAX};
use crate::domain::error::{ProductError, broken};
use crate::domain::presentation::{Attributes, Medium};
use crate::domain::product::{ProductChanges, ProductView, StockChange};
use crate::domain::stock::{STOCK_UNITS_MAX, Stock, StockError};
use crate::domain::values::Price;

/// What of some changes has been held against its rules.
pub struct Checked {
    /// Price of one unit.
    pub price: Price,
    /// Where its units are then.
    pub stock: Stock,
    /// All media, where they are to change.
    pub media: Option<Vec<Medium>>,
    /// All attributes, where they are to change.
    pub attributes: Option<Attributes>,
    /// All categories, where they are to change.
    pub categories: Option<Vec<CategoryId>>,
}

impl Checked {
    /// What changes make of a product, or all that is wrong with them. What this stock does not allow is not a fault of the form:
    /// what is wrong with the form comes first.
    ///
    /// # Errors
    /// [`ProductError::Invalid`], [`ProductError::InsufficientStock`], [`ProductError::TooMuchStock`].
    pub fn of(changes: &ProductChanges, view: &ProductView) -> Result<Self, ProductError> {
        let mut errors = Vec::new();
        let price = changes.price.map(|price| Price::parse("price", price));
        let price = price.unwrap_or(Ok(view.price));
        let price = price.map_err(|error| errors.push(error));
        let media = changes.media.as_deref().map(Medium::parse_all).transpose();
        let media = media.map_err(|broken| errors.extend(broken));
        let attributes = changes.attributes.as_deref();
        let attributes = attributes.map(Attributes::parse).transpose();
        let attributes = attributes.map_err(|broken| errors.extend(broken));
        let categories = changes.categories.as_deref().map(distinct).transpose();
        let categories = categories.map_err(|broken| errors.push(broken));
        let stock = match changes.stock {
            Some(change) => changed_stock(view.stock, change),
            None => Ok(view.stock),
        };
        match (price, media, attributes, categories, stock) {
            (Ok(price), Ok(media), Ok(attributes), Ok(categories), stock) => Ok(Self {
                price,
                stock: stock?,
                media,
                attributes,
                categories,
            }),
            (.., Err(ProductError::Invalid(more))) => {
                errors.extend(more);
                Err(ProductError::Invalid(errors))
            }
            _ => Err(ProductError::Invalid(errors)),
        }
    }
}

/// Categories in the order of their identifiers, each once.
fn distinct(categories: &[CategoryId]) -> Result<Vec<CategoryId>, FieldError> {
    if categories.len() > PRODUCT_CATEGORIES_MAX {
        let rule = format!("must not have more than {PRODUCT_CATEGORIES_MAX} entries");
        return Err(broken("categories", "max", rule));
    }
    let mut distinct = categories.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    Ok(distinct)
}

/// The stock after a change. A number that no stock can have is a fault of the form; what this stock does not allow is
/// not.
fn changed_stock(stock: Stock, change: StockChange) -> Result<Stock, ProductError> {
    let invalid = |error| ProductError::Invalid(vec![error]);
    match change {
        StockChange::Absolute(units) => {
            stock.set_free(units).map_err(|_| invalid(too_much_stock()))
        }
        StockChange::OnHand(units) => stock.set_on_hand(units).map_err(|error| {
            invalid(match error {
                StockError::Insufficient => fewer_than_reserved(stock),
                StockError::TooMany => too_much_stock(),
            })
        }),
        StockChange::Delta(delta) => {
            check_delta(delta).map_err(invalid)?;
            stock.adjust(delta).map_err(|error| match error {
                StockError::Insufficient => ProductError::InsufficientStock,
                StockError::TooMany => ProductError::TooMuchStock,
            })
        }
    }
}

fn check_delta(delta: i64) -> Result<(), FieldError> {
    if delta.unsigned_abs() <= STOCK_UNITS_MAX {
        return Ok(());
    }
    Err(if delta < 0 {
        let rule = format!("must not be less than -{STOCK_UNITS_MAX}");
        broken("stockDelta", "min", rule)
    } else {
        let rule = format!("must not be more than {STOCK_UNITS_MAX}");
        broken("stockDelta", "max", rule)
    })
}

fn fewer_than_reserved(stock: Stock) -> FieldError {
    let reserved = stock.reserved();
    let rule = format!("must not be less than {reserved}, the units that are reserved for orders");
    broken("stock", "min", rule)
}

fn too_much_stock() -> FieldError {
    let rule = format!("must not be more than {STOCK_UNITS_MAX}");
    broken("stock", "max", rule)
}
