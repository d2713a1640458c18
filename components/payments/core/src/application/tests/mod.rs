//! The use cases over a real database, a provider that remembers what it did, and faults at any step.

mod cancel;
mod checkout;
mod cost;
mod crashes;
mod details;
mod disputes;
mod duplicates;
mod endings;
mod failed_refunds;
mod interleavings;
mod metrics;
mod outbox;
mod publishing;
mod refunds;
mod schedules;
mod sessions;
mod shop;
mod under_way;
mod webhooks;
mod world;
