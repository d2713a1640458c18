//! REST adapter of the catalogue.

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
mod categories;
mod category;
#[cfg(not(target_family = "wasm"))]
mod category_examples;
mod choices;
mod create;
mod delete;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod export;
mod find;
mod import;
mod list;
mod metrics;
mod price_list;
mod problems;
mod product;
mod ready;
mod stats;
mod update;

/// The routes of the catalogue.
pub const ROUTES: &[Route] = &[
    list::LIST,
    create::CREATE,
    import::IMPORT,
    export::EXPORT,
    stats::STATS,
    find::FIND,
    update::UPDATE,
    delete::DELETE,
    categories::LIST_ALL,
    categories::CREATE_ONE,
    categories::FIND_ONE,
    categories::UPDATE_ONE,
    categories::DELETE_ONE,
    ready::READY,
    settings::SETTINGS,
    metrics::METRICS,
];

mercato_edge::serve!(ROUTES, after_request::after_request);
