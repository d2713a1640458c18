//! Orders: the saga over catalogue and payments.
//!
//! `domain` has the rules, `application` the use cases over the traits of `ports`, `infrastructure` the adapters:
//! SQLite, stock and payments behind them, and in front the WIT world `orders`.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod ports;

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
        world: "mercato:shop/orders",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });

    // Only a component has these exports: no native linker takes their names.
    #[cfg(target_family = "wasm")]
    export!(Component);
    #[cfg(target_family = "wasm")]
    use super::Component;
}

/// What the world `orders` exports.
pub struct Component;
