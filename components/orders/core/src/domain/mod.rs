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
pub use line::{LINES_MAX, Line, QUANTITY_MAX, Quantity, merge_lines};
pub use mercato_contracts::payments::types::{
    CheckoutSession, EventType, Payment, PaymentEvent, PaymentStatus,
};
pub use mercato_contracts::products::inventory::{
    Rejection as RejectedLine, RejectionReason as LineProblem,
};
pub use number::{NotANumber, OrderNumber};
pub use order::{Order, OrderItem, OrderView, Receipt, StatusChange};
pub use payment::{EventEffect, EventOutcome, StockMove};
pub use saga::{BACK_OFF, Cancellation, OrderRequest, PAUSE_LONGEST_MS, Rejection, Saga, Step};
pub use status::{OrderStatus, Transition};
