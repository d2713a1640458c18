//! REST adapter of the catalogue.

use mercato_edge::{Access, BodyRule, Route, route, settings};

mod create;
mod delete;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod find;
mod import;
mod list;
mod metrics;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod parameters;
mod price_list;
mod problems;
mod product;
mod ready;
mod schemas;
mod stats;
mod update;

use price_list::{MAX_FILE_BYTES, MEDIA_TYPES};

/// The routes of the catalogue.
pub const ROUTES: &[Route] = &[
    route!(GET "/api/v1/products", Access::Optional, list::list),
    route!(POST "/api/v1/products", Access::Admin, create::create),
    route!(POST "/api/v1/products/import", Access::Admin, import::import, body BodyRule::streamed(&MEDIA_TYPES, MAX_FILE_BYTES)),
    route!(GET "/api/v1/products/stats", Access::Admin, stats::stats),
    route!(GET "/api/v1/products/{id}", Access::Optional, find::find),
    route!(PATCH "/api/v1/products/{id}", Access::Admin, update::update),
    route!(DELETE "/api/v1/products/{id}", Access::Admin, delete::delete),
    route!(GET "/internal/ready", Access::Public, ready::ready),
    route!(GET "/internal/settings", Access::Public, settings::settings),
    route!(GET "/internal/metrics", Access::Public, metrics::metrics),
];

mercato_edge::serve!(ROUTES);
