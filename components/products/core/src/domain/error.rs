//! Why a request to the catalogue or to the inventory was refused.

use crate::domain::reservation::{Rejection, ReservationState};
use crate::ports::StoreError;

/// The rule that a field broke; the stable code of the public API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldCode {
    /// Nothing is there.
    Required,
    /// Too small.
    Min,
    /// Too long or too large.
    Max,
    /// Not of the expected form.
    Format,
    /// Holds control characters.
    ControlCharacters,
}

impl FieldCode {
    /// The code as the API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Min => "min",
            Self::Max => "max",
            Self::Format => "format",
            Self::ControlCharacters => "control-characters",
        }
    }
}

/// One field that broke one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Name as in the API, camelCase.
    pub field: &'static str,
    /// The rule.
    pub code: FieldCode,
    /// A sentence for people.
    pub message: String,
}

impl FieldError {
    /// `field` broke the rule `code`; `rule` ends the sentence that begins with the field's name.
    pub fn new(field: &'static str, code: FieldCode, rule: impl AsRef<str>) -> Self {
        Self {
            field,
            code,
            message: format!("{field} {}", rule.as_ref()),
        }
    }
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
    /// The product has changed since the version that the caller named.
    #[error("the product has changed")]
    VersionMismatch,
    /// The change would make the stock negative.
    #[error("the stock would be negative")]
    InsufficientStock,
    /// The change would make the stock larger than it may be.
    #[error("the stock would be too large")]
    TooMuchStock,
    /// What keeps the products failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the inventory refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Nothing was reserved; every line that failed is named.
    #[error("{} lines cannot be reserved", .0.len())]
    Rejected(Vec<Rejection>),
    /// The reservation of this order is in a state that does not allow it.
    #[error("the reservation is {}", .0.as_str())]
    Conflict(ReservationState),
    /// Nothing was ever reserved for this order.
    #[error("no reservation for this order")]
    NotFound,
    /// The caller broke the contract: its fault, not a customer's.
    #[error("the caller broke the contract of the inventory: {0}")]
    Contract(String),
    /// What keeps the stock failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
