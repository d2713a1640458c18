//! Entities and rules of payments. No I/O and no wire formats.

mod amount;
mod dispute;
mod duplicate_charge;
mod error;
mod event;
mod payment;
mod provider_event;
mod provider_refund;
mod refund;

pub use amount::MinorUnits;
pub use dispute::{DISPUTES_MAX, Dispute, DisputeStatus};
pub use duplicate_charge::DuplicateCharge;
pub use error::{FieldError, PaymentError};
pub use event::{EventType, OutboxEntry, PaymentEvent};
pub use payment::{
    CHECKOUT_LINES_MAX, CheckoutLine, CheckoutSession, NewPayment, ORDER_NUMBER_MAX_CHARS, Payment,
    PaymentStatus, SessionSlot, Viewer,
};
pub use provider_event::{Charge, Fact, KeptCharge, ProviderEvent, Subject};
pub use provider_refund::{ProviderRefund, RefundFailure, RefundTotal, failed_sum, refunded_sum};
pub use refund::{RecordedAnswer, Refund, RefundStatus};
