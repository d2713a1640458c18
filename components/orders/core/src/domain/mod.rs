//! Entities and rules of ordering. No I/O and no wire formats.

mod error;
mod ids;
mod limits;
mod line;
mod number;
mod order;
mod payment;
mod placement;
mod status;

pub use error::{FieldError, LineProblem, OrderError, RejectedLine, TotalChanged};
pub use ids::{Actor, CustomerId, EventId, OrderId, PaymentId, ProductId};
pub use limits::{
    DAY_MS, Holder, HolderKind, Holding, Limit, LimitReached, Limits, MINUTE_MS, Share,
};
pub use line::{LINES_MAX, Line, QUANTITY_MAX, Quantity, RequestedLine, merge_lines};
pub use number::OrderNumber;
pub use order::{Order, OrderItem, Receipt, StatusChange};
pub use payment::{
    EventEffect, EventOutcome, EventType, Payment, PaymentEvent, PaymentSession, PaymentStatus,
    StockMove,
};
pub use placement::{Closing, PAUSE_LONGEST_MS, Rejection, Saga, Step, units_of};
pub use status::{OrderStatus, Transition};
