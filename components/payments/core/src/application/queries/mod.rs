//! What reads payments and the outbox.

mod find_checkout;
mod find_payment;
mod list_disputes;
mod list_payments;
mod list_refunds;
mod metrics_snapshot;
mod money_received;
mod outbox;
mod ready;
mod webhook_secret;

pub use find_checkout::{Checkout, find_checkout, find_simulated_payment};
pub use find_payment::{find_payment, find_payment_of_order};
pub use list_disputes::list_disputes;
pub use list_payments::list_payments;
pub use list_refunds::list_refunds;
pub use metrics_snapshot::{MetricsSnapshot, metrics_snapshot};
pub use money_received::{MoneyReceived, money_received};
pub use outbox::{Lag, lag, list_entries, overdue_events, pending_event, pending_events_of_order};
pub use ready::ready;
pub use webhook_secret::webhook_secret;
