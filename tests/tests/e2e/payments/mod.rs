mod checkout;
mod outbox;
mod read;
mod refund;
mod session;
pub mod webhook;
