//! REST adapter of orders.

use mercato_edge::{Access, BodyRule, Route, route, settings};

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
mod create;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod find;
mod list;
mod metrics;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod parameters;
mod problems;
mod ready;
mod request;
mod resource;
mod schemas;
mod stats;
mod status;
mod sweep;

/// The routes of orders.
pub const ROUTES: &[Route] = &[
    route!(GET "/api/v1/orders", Access::Bearer, list::list),
    route!(POST "/api/v1/orders", Access::Session, create::create),
    route!(GET "/api/v1/orders/stats", Access::Admin, stats::stats),
    route!(GET "/api/v1/orders/{statusOrId}", Access::Bearer, list::list_by_status),
    route!(GET "/api/v1/orders/id/{id}", Access::Bearer, find::find),
    route!(PATCH "/api/v1/orders/{statusOrId}", Access::Session, change_status::change_status),
    route!(GET "/internal/ready", Access::Public, ready::ready),
    route!(GET "/internal/settings", Access::Public, settings::settings),
    route!(GET "/internal/metrics", Access::Public, metrics::metrics),
    route!(POST "/internal/sweep", Access::Public, sweep::sweep, body BodyRule::IGNORED),
];

mercato_edge::serve!(ROUTES, after_request::after_request);
