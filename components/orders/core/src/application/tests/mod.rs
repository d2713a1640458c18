//! Use cases against the shop of the module `shop`.

mod apply_payment_event;
mod change_status;
mod checkout_crashes;
mod checkouts;
mod crashes;
mod create_order;
mod limits;
mod metrics_snapshot;
mod queries;
mod replacements;
mod schedules;
mod shop;
mod simulation;
mod sweep;
