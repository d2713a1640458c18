//! What changes orders.

pub mod apply_payment_event;
pub mod change_status;
pub mod create_order;
pub mod maintain;
pub mod order_checkout;
pub mod record_answer;
mod standing;
pub mod sweep;
