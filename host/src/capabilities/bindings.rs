//! Generated from `host/wit`: the interfaces that guests import beside WASI, and the Redis trigger's export.

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
    world: "mercato:host/subscriber",
    imports: {
        // Plain functions to the guest, but here they may wait: for the writer lock of a database, or for a server.
        "spin:sqlite/sqlite@3.1.0.[static]connection.open": async | trappable,
        "spin:sqlite/sqlite@3.1.0.[method]connection.execute": async | trappable,
        "spin:sqlite/sqlite@3.1.0.[method]connection.last-insert-rowid": async | trappable,
        "spin:sqlite/sqlite@3.1.0.[method]connection.changes": async | trappable,
        "spin:postgres/postgres@4.2.0.[method]connection-builder.build": async | trappable,
        "spin:postgres/postgres@4.2.0.[static]connection.open": async | trappable,
        "spin:postgres/postgres@4.2.0.[method]connection.query": async | trappable,
        "spin:postgres/postgres@4.2.0.[method]connection.execute": async | trappable,
        default: trappable,
    },
    exports: { default: async | store },
    require_store_data_send: true,
});
