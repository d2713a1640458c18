//! Generated from `host/wit`: `spin:redis`, and the export of its trigger.

#![allow(
    missing_docs,
    unsafe_code,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "mercato:host/redis",
    imports: { default: trappable },
    exports: { default: async | store },
    require_store_data_send: true,
});
