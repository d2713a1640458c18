//! Entities and rules of ordering. No I/O and no wire formats.
//!
//! What other contexts say (payments of an order, their events, lines that the catalogue rejects) is read as their contracts
//! define it.

mod actor;
mod error;
mod limits;
mod line;
mod number;
mod order;
mod payment;
mod saga;
mod status;

pub use actor::Actor;
pub use error::{OrderError, TotalChanged};
pub use limits::{
    DAY_MS, Holder, HolderKind, Holding, Limit, LimitReached, Limits, MINUTE_MS, Share,
};
pub use line::{LINES_MAX, Line, LineProblem, QUANTITY_MAX, Quantity, RejectedLine, merge_lines};
pub use mercato_contracts::payments::types::{
    CheckoutSession, EventType, Payment, PaymentEvent, PaymentStatus,
};
pub use number::{NotANumber, OrderNumber};
pub use order::{Order, OrderItem, OrderView, Receipt, ReceiptId, StatusChange};
pub use payment::{EventEffect, EventOutcome, StockMove};
pub use saga::{BACK_OFF, Cancellation, OrderRequest, PAUSE_LONGEST_MS, Rejection, Saga, Step};
pub use status::{OrderStatus, Transition};
