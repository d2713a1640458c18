use mercato_kernel::{FieldError, NotAnId, OrderId};
use mercato_money::Money;
use mercato_platform::log;

use super::{Limit, LimitReached, Missing, OrderItem, RejectedLine, ShownQuote, Transition};

/// What an order would cost whose total is not the one that its customer expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalChanged {
    /// What the customer expects.
    pub expected: Money,
    /// What it is.
    pub total: Money,
    /// The lines with names and prices as they are now.
    pub items: Vec<OrderItem>,
}

/// Why a request about orders was refused or could not be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Fields that break a rule, each named.
    #[error("{}", messages(.0))]
    Invalid(Vec<FieldError>),
    /// No such order, or somebody else's.
    #[error("no such order")]
    NotFound,
    /// The order is visible, the change is not this caller's to make.
    #[error("not this caller's change to make")]
    Forbidden,
    /// Nothing was ordered; every line that failed is named.
    #[error("{} lines were rejected", .0.len())]
    LinesRejected(Vec<RejectedLine>),
    /// Nothing was ordered: these lines of the checkout cannot be served.
    #[error("{} lines are unavailable", .0.len())]
    LinesUnavailable(Vec<RejectedLine>),
    /// Nothing was ordered: the total is another one than the customer expects.
    #[error("the total is {} and not {}", .0.total, .0.expected)]
    TotalChanged(TotalChanged),
    /// No such checkout, or somebody else's.
    #[error("no such checkout")]
    CheckoutNotFound,
    /// Nothing was ordered: the checkout costs something else by now, or was shown too long ago. This can be ordered.
    #[error("the quote has changed")]
    QuoteChanged(Box<ShownQuote>),
    /// Nothing was ordered: the stock, a price or a code was not what the quote said when it was to be held.
    #[error("the quote is outdated")]
    QuoteOutdated,
    /// Nothing was ordered: this is missing in the checkout, or lines of it stand in the way.
    #[error("{} parts of the checkout are missing", .0.len())]
    QuoteIncomplete(Vec<Missing>),
    /// Nothing was ordered: the checkout was ordered before, and that order is paid.
    #[error("the checkout was ordered as {0}")]
    AlreadyOrdered(OrderId),
    /// Orders are taken from checkouts alone.
    #[error("a checkout is required")]
    CheckoutRequired,
    /// Nothing was ordered: that other order has taken the place of the older one already.
    #[error("the order was replaced by {0}")]
    AlreadyReplaced(OrderId),
    /// The account or its client has as many orders as it may; nothing was begun.
    #[error("a limit of orders is reached: {0:?}")]
    LimitReached(LimitReached),
    /// The order's status does not allow the change.
    #[error("an order that is {} cannot become {}", .0.from, .0.to)]
    InvalidTransition(Transition),
    /// The order was refunded before and its units are on sale again: they cannot be delivered any more.
    #[error("the units of the order are on sale again")]
    StockReturned,
    /// A customer's bank disputes the payment: nothing is delivered until that is decided.
    #[error("the payment is disputed")]
    PaymentDisputed,
    /// The order has changed since the version the caller named.
    #[error("the order has changed meanwhile")]
    VersionMismatch,
    /// The same key with another body.
    #[error("the idempotency key was used with another request")]
    IdempotencyKeyReused,
    /// The provider does not take this payment, and says why: no order like this can be paid.
    #[error("the payment provider refused: {0}")]
    PaymentRefused(String),
    /// The customer has paid, and the money is on its way: nothing can be decided until it has come or failed.
    #[error("the payment is under way")]
    PaymentUnderWay,
    /// The payment could not be opened or closed; the same request may be tried again.
    #[error("payments did not answer")]
    PaymentUnavailable,
    /// A database is busy or out of reach; try again.
    #[error("a database is busy or out of reach")]
    Unavailable,
    /// A fault of ours; the cause is in the log.
    #[error("internal error")]
    Internal,
}

/// All messages in one sentence: an admin reads it beside an event that could not be applied.
fn messages(errors: &[FieldError]) -> String {
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    format!("not valid: {}", messages.join("; "))
}

/// Another context gave an id that is none.
impl From<NotAnId> for OrderError {
    fn from(error: NotAnId) -> Self {
        log::error(
            "another context gave an id that is no UUID",
            &[("error", &error.to_string())],
        );
        Self::Internal
    }
}

impl OrderError {
    /// The error of one field at fault.
    #[must_use]
    pub fn field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, code, message)])
    }

    /// Whether waiting mends it: something was out of reach.
    #[must_use]
    pub const fn passes_by_itself(&self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::PaymentUnavailable | Self::PaymentUnderWay
        )
    }

    /// Whether paying or cancelling orders mends it.
    #[must_use]
    pub const fn is_for_unpaid_orders(&self) -> bool {
        match self {
            Self::LimitReached(reached) => {
                matches!(reached.limit, Limit::OpenOrders | Limit::HeldUnits)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_request_says_all_that_is_wrong() {
        let error = |message: &str| FieldError::new("amount", "format", message);
        let invalid = OrderError::Invalid(vec![error("one"), error("two")]);
        assert_eq!(invalid.to_string(), "not valid: one; two");
    }
}
