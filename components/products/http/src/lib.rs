//! REST adapter of the catalogue.

use mercato_edge::{Access, BodyRule, Route, route, settings};

mod body;
mod controllers;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod import;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod parameters;
mod problems;
mod resource;
mod schemas;

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../../wit",
        world: "mercato:shop/products-api",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

use controllers::{
    create, delete, find, import as import_list, list, metrics, ready, stats, update,
};
use import::{MAX_FILE_BYTES, MEDIA_TYPES};

/// The routes of the catalogue.
pub const ROUTES: &[Route] = &[
    route!(GET "/api/v1/products", Access::Optional, list::list),
    route!(POST "/api/v1/products", Access::Admin, create::create),
    route!(POST "/api/v1/products/import", Access::Admin, import_list::import, body BodyRule::streamed(&MEDIA_TYPES, MAX_FILE_BYTES)),
    route!(GET "/api/v1/products/stats", Access::Admin, stats::stats),
    route!(GET "/api/v1/products/{id}", Access::Optional, find::find),
    route!(PATCH "/api/v1/products/{id}", Access::Admin, update::update),
    route!(DELETE "/api/v1/products/{id}", Access::Admin, delete::delete),
    route!(GET "/internal/ready", Access::Public, ready::ready),
    route!(GET "/internal/settings", Access::Public, settings::settings),
    route!(GET "/internal/metrics", Access::Public, metrics::metrics),
];

mercato_edge::serve!(ROUTES);
