//! What changes payments.

mod acknowledge_event;
mod cancel_payment;
mod create_session;
mod duplicate_charges;
mod end_sessions;
mod ensure_session;
mod handle_webhook;
mod open_session;
mod purge;
mod record_refund_answer;
mod refund_payment;
mod relay_outbox;
mod report_failure;
mod retry_event;
mod settle_disputes;
mod settle_refunds;
mod simulate_checkout;

pub use acknowledge_event::acknowledge_event;
pub use cancel_payment::{
    CANCELLATIONS_MAX, Cancellation, SESSION_LIFE_LONGEST_MS, cancel_payment, cancel_payments,
};
pub use create_session::create_session;
pub use handle_webhook::{WebhookOutcome, handle_webhook};
pub use open_session::open_session;
pub use purge::{EXCHANGED_KEPT_MS, OUTLIVES_ORDER_MS, PURGED_PER_RUN};
pub use record_refund_answer::record_refund_answer;
pub use refund_payment::{
    IDEMPOTENCY_KEY_TTL_MS, REASON_MAX_CHARS, RefundCommand, RefundOutcome, refund_payment,
};
pub use relay_outbox::{RELAY_BATCH, RelayReport, relay_outbox};
pub use report_failure::{FAILURES_MAX, report_failure};
pub use retry_event::retry_event;
pub use simulate_checkout::simulate_checkout;
