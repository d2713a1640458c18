//! What changes payments: one file for each command, and `handle` in it.

pub mod acknowledge_event;
pub mod cancel_payment;
pub mod create_session;
mod duplicate_charges;
mod end_sessions;
mod ensure_session;
mod finish_refund;
pub mod handle_webhook;
pub mod open_session;
mod provider_error;
mod provider_sessions;
mod publish_events;
mod purge;
pub mod record_refund_answer;
pub mod refund_payment;
pub mod relay_outbox;
pub mod report_failure;
pub mod retry_event;
mod settle_disputes;
mod settle_refunds;
pub mod simulate_checkout;
mod take_payment;
mod wording;

pub use acknowledge_event::ACKNOWLEDGEMENTS_MAX;
pub use cancel_payment::{CANCELLATIONS_MAX, Cancellation};
pub use handle_webhook::WebhookOutcome;
pub use provider_sessions::SESSION_LIFE_LONGEST_MS;
pub use publish_events::RELAY_BATCH;
pub use purge::{EXCHANGED_KEPT_MS, OUTLIVES_ORDER_MS, PURGED_PER_RUN};
pub use refund_payment::{IDEMPOTENCY_KEY_TTL_MS, RefundOutcome};
pub use relay_outbox::RelayReport;
