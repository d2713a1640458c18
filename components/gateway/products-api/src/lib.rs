//! REST adapter of the catalogue.

use mercato_edge::{Access, Route, route};

mod body;
mod controllers;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod problems;
mod resource;

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

use controllers::{create, delete, find, list, ready, stats, update};

/// The routes of the catalogue.
pub const ROUTES: &[Route] = &[
    route!(GET "/api/v1/products", Access::Optional, list::list),
    route!(POST "/api/v1/products", Access::Admin, create::create),
    route!(GET "/api/v1/products/stats", Access::Admin, stats::stats),
    route!(GET "/api/v1/products/{id}", Access::Optional, find::find),
    route!(PATCH "/api/v1/products/{id}", Access::Admin, update::update),
    route!(DELETE "/api/v1/products/{id}", Access::Admin, delete::delete),
    route!(GET "/internal/ready", Access::Public, ready::ready),
];

mercato_edge::serve!(ROUTES);
