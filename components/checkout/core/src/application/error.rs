use mercato_kernel::FieldError;

use super::CheckoutView;
use crate::domain::quote::{Missing, TooLarge};
use crate::domain::{CodeName, ProductId, Quantity};

/// A line that the catalogue cannot serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnavailableLine {
    /// Of which product.
    pub product_id: ProductId,
    /// Whether there is such a product.
    pub is_known: bool,
    /// Units asked for.
    pub requested: Quantity,
    /// Units there are.
    pub available: u64,
}

/// Why a use case was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fields that break a rule, each named.
    #[error("{} fields are invalid", .0.len())]
    Invalid(Vec<FieldError>),
    /// No such checkout, or somebody else's.
    #[error("no such checkout")]
    NotFound,
    /// No such discount code.
    #[error("no such discount code")]
    CodeNotFound,
    /// There is a discount code of that name.
    #[error("there is a discount code of that name")]
    CodeTaken,
    /// It has changed since the version that the caller named.
    #[error("it has changed")]
    VersionMismatch,
    /// Too many unknown codes, or too many checkouts, of late; holds the seconds until the next attempt, at least 1.
    #[error("too many attempts: wait {0} seconds")]
    TooManyAttempts(u64),
    /// The catalogue cannot serve these lines.
    #[error("{} lines cannot be served", .0.len())]
    LinesUnavailable(Vec<UnavailableLine>),
    /// What would be ordered is not what was shown: here is what it is now.
    #[error("the quote has changed")]
    QuoteChanged(Box<CheckoutView>),
    /// The quote cannot be ordered: this is missing.
    #[error("the quote is incomplete")]
    Incomplete(Vec<Missing>),
    /// These codes cannot be used any more.
    #[error("codes are used up")]
    CodesUsedUp(Vec<CodeName>),
    /// The codes of this order were given back.
    #[error("the codes of the order were released")]
    CodesReleased,
    /// Something is busy or out of reach; holds the cause, for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours; holds the cause, for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<TooLarge> for Error {
    fn from(error: TooLarge) -> Self {
        Self::Invalid(vec![FieldError::new(
            "items",
            "max",
            format!("items must not cost so much: {error}"),
        )])
    }
}
