//! Why a request to the catalogue was refused.

use std::fmt::Display;

use mercato_kernel::FieldError;

use crate::domain::category::TreeError;

/// The field breaks a rule; `rule` ends the sentence that begins with the field's name.
pub fn broken(field: &str, code: &'static str, rule: impl Display) -> FieldError {
    FieldError::new(field, code, format!("{field} {rule}"))
}

/// Why products or reservations could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Busy or full; the same call may be tried again later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Reading took longer than it may, or too many long readings wait; another question, or the same one later, may be
    /// answered.
    #[error("too expensive: {0}")]
    TooExpensive(String),
    /// A fault that trying again does not cure.
    #[error("{0}")]
    Fault(String),
}

/// Why the tree of categories refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CategoryError {
    /// The tree has no place for it.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The category has changed since the version that the caller named.
    #[error("the category has changed")]
    VersionMismatch,
    /// Products or other categories are in it.
    #[error("the category holds something")]
    NotEmpty,
    /// It has too many products to be put elsewhere at once.
    #[error("the category has too many products")]
    TooManyProducts,
    /// What keeps the categories failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the catalogue refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// Fields that break a rule, each named.
    #[error("{} fields are invalid", .0.len())]
    Invalid(Vec<FieldError>),
    /// No such product, or deleted.
    #[error("no such product")]
    NotFound,
    /// Another product that is not deleted has this number.
    #[error("another product has this sku")]
    SkuTaken,
    /// Another product that is not deleted has this slug.
    #[error("another product has this slug")]
    SlugTaken,
    /// The product has changed since the version that the caller named.
    #[error("the product has changed")]
    VersionMismatch,
    /// The change would make the stock negative.
    #[error("the stock would be negative")]
    InsufficientStock,
    /// Variants draw on the stock of what would be deleted, or would draw on another one itself.
    #[error("variants draw on this stock")]
    StockIsDrawn,
    /// What is published and has options would have no variant left.
    #[error("the last variant of what is published")]
    LastVariant,
    /// The change would make the stock larger than it may be.
    #[error("the stock would be too large")]
    TooMuchStock,
    /// What keeps the products failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
