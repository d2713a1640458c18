//! REST adapter of orders.

use mercato_edge::{Route, settings};

#[cfg_attr(
    not(target_family = "wasm"),
    allow(
        dead_code,
        reason = "called by the entry point, which only a component has"
    )
)]
mod after_request;
mod body;
mod change_status;
mod conflict;
mod create;
mod events;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod find;
mod line;
mod list;
mod metrics;
mod payment;
mod problems;
mod quote;
mod ready;
mod resource;
mod stats;
mod sweep;

/// The routes of orders.
pub const ROUTES: &[Route] = &[
    list::LIST,
    create::CREATE,
    stats::STATS,
    list::LIST_BY_STATUS,
    find::FIND,
    change_status::CHANGE_STATUS,
    ready::READY,
    settings::SETTINGS,
    metrics::METRICS,
    sweep::SWEEP,
    events::EVENTS,
];

mercato_edge::serve!(ROUTES, after_request::after_request);
