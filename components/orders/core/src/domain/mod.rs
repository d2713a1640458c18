//! Entities and rules of ordering. No I/O and no wire formats.
//!
//! What other contexts say (payments of an order, their events, lines that the catalogue rejects, quotes) is read as their contracts
//! define it.

mod actor;
mod customer;
mod error;
mod limits;
mod line;
mod number;
mod order;
mod payment;
mod quote;
mod saga;
mod status;

pub use actor::Actor;
pub use customer::CustomerId;
pub use error::{OrderError, TotalChanged};
pub use limits::{
    DAY_MS, Holder, HolderKind, Holding, Limit, LimitReached, Limits, MINUTE_MS, Share,
};
pub use line::{Demand, LINES_MAX, Line, LineProblem, RejectedLine, merge_lines};
pub use mercato_contracts::payments::types::{
    CheckoutSession, EventType, Payment, PaymentEvent, PaymentStatus,
};
pub use mercato_kernel::{CheckoutToken, QUANTITY_MAX, Quantity, QuoteId};
pub use number::{NotANumber, OrderNumber};
pub use order::{Order, OrderItem, OrderView, Receipt, ReceiptId, StatusChange};
pub use payment::{CodesMove, EventEffect, EventOutcome, StockMove};
#[cfg(test)]
pub(crate) use quote::tests as quote_for_tests;
pub use quote::{
    Address, CheckoutHolder, Choice, Message, Missing, OrderToken, OrderTokenHash, OrderedQuote,
    Prepared, PriceChange, Quote, QuoteDiscount, QuoteLine, QuoteShipping, QuoteTax, QuoteTotals,
    QuotedOrder, ShownQuote, TaxRate,
};
pub use saga::{BACK_OFF, Cancellation, OrderRequest, PAUSE_LONGEST_MS, Rejection, Saga, Step};
pub use status::{OrderStatus, Transition};
