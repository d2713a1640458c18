//! Entities and rules of payments. No I/O and no wire formats.

mod amount;
mod checkout;
mod dispute;
mod duplicate_charge;
mod error;
mod event;
mod order_payment;
mod outbox_entry;
mod payment;
mod payment_status;
mod payment_view;
mod provider_event;
mod provider_refund;
mod refund;

pub use amount::MinorUnits;
pub use checkout::{
    ADDRESS_PART_MAX_CHARS, ADJUSTMENTS_MAX, Address, Adjustment, AdjustmentKind,
    CHECKOUT_LINES_MAX, CheckoutDetails, CheckoutLine, CheckoutOutcome, CheckoutSession,
    EMAIL_MAX_CHARS, LineAmount, NewPayment, ORDER_NUMBER_MAX_CHARS, PaymentContent, SessionSlot,
};
pub use dispute::{DISPUTES_MAX, Dispute, DisputeStatus};
pub use duplicate_charge::DuplicateCharge;
pub use error::PaymentError;
pub use event::{EventType, PaymentEvent};
pub use order_payment::payment_id_of;
pub use outbox_entry::{BACK_OFF, FAILURES_MAX, OutboxEntry, OutboxEntryView, PAUSE_LONGEST_MS};
pub use payment::Payment;
pub use payment_status::PaymentStatus;
pub use payment_view::PaymentView;
pub use provider_event::{Charge, Fact, KeptCharge, ProviderEvent, Subject};
pub use provider_refund::{ProviderRefund, RefundFailure, RefundTotal, failed_sum, refunded_sum};
pub use refund::{REASON_MAX_CHARS, Refund, RefundId, RefundState, RefundStatus};
