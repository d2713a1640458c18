//! Generated from `host/wit`: `spin:variables`.

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
    world: "mercato:host/variables",
    imports: { default: trappable },
    require_store_data_send: true,
});
