//! The rules of what somebody wrote of a product, and of its stock.

use mercato_kernel::FieldError;

use crate::domain::category::{CategoryId, PRODUCT_CATEGORIES_MAX};
use crate::domain::error::{ProductError, broken};
use crate::domain::presentation::{Attributes, Medium};
use crate::domain::product::{ProductChanges, ProductView, StockChange};
use crate::domain::stock::{STOCK_UNITS_MAX, Stock, StockError};
use crate::domain::values::Price;
use crate::domain::variant::ProductOption;

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
    /// All options, where they are to change.
    pub options: Option<Vec<ProductOption>>,
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
        let options = changes.options.as_deref().map(ProductOption::parse_all);
        let options = options.transpose();
        let options = options.map_err(|broken| errors.extend(broken));
        let stock = match changes.stock {
            Some(change) => changed_stock("", view.stock, change),
            None => Ok(view.stock),
        };
        match (price, media, attributes, categories, options, stock) {
            (Ok(price), Ok(media), Ok(attributes), Ok(categories), Ok(options), stock) => {
                Ok(Self {
                    price,
                    stock: stock?,
                    media,
                    attributes,
                    categories,
                    options,
                })
            }
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

/// The stock after a change, of what `path` leads to. A number that no stock can have is a fault of the form; what this stock does not
/// allow is not.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::InsufficientStock`], [`ProductError::TooMuchStock`].
pub fn changed_stock(path: &str, stock: Stock, change: StockChange) -> Result<Stock, ProductError> {
    let invalid = |error| ProductError::Invalid(vec![error]);
    match change {
        StockChange::Absolute(units) => stock
            .set_free(units)
            .map_err(|_| invalid(too_much_stock(path))),
        StockChange::OnHand(units) => stock.set_on_hand(units).map_err(|error| {
            invalid(match error {
                StockError::Insufficient => fewer_than_reserved(path, stock),
                StockError::TooMany => too_much_stock(path),
            })
        }),
        StockChange::Delta(delta) => {
            check_delta(path, delta).map_err(invalid)?;
            stock.adjust(delta).map_err(|error| match error {
                StockError::Insufficient => ProductError::InsufficientStock,
                StockError::TooMany => ProductError::TooMuchStock,
            })
        }
    }
}

fn check_delta(path: &str, delta: i64) -> Result<(), FieldError> {
    if delta.unsigned_abs() <= STOCK_UNITS_MAX {
        return Ok(());
    }
    let field = format!("{path}stockDelta");
    Err(if delta < 0 {
        let rule = format!("must not be less than -{STOCK_UNITS_MAX}");
        broken(&field, "min", rule)
    } else {
        let rule = format!("must not be more than {STOCK_UNITS_MAX}");
        broken(&field, "max", rule)
    })
}

fn fewer_than_reserved(path: &str, stock: Stock) -> FieldError {
    let reserved = stock.reserved();
    let rule = format!("must not be less than {reserved}, the units that are reserved for orders");
    broken(&format!("{path}stock"), "min", rule)
}

fn too_much_stock(path: &str) -> FieldError {
    let rule = format!("must not be more than {STOCK_UNITS_MAX}");
    broken(&format!("{path}stock"), "max", rule)
}
