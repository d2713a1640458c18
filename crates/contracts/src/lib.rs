//! The contracts between contexts, as whoever calls them sees them: the types and functions of the WIT packages `mercato:*`;
//! and what contexts ask of the host: variables, Redis, time.
//!
//! A component imports only those functions that it calls, whatever else stands here. What a component exports it generates
//! itself, with [`component!`].

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated"
)]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "mercato:shop/contracts",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        additional_derives: [PartialEq, Eq, serde::Serialize, serde::Deserialize],
        generate_all,
    });
}

pub use bindings::mercato::{auth, checkout, orders, payments, products};
pub use bindings::spin::{redis, variables};

pub mod time;

#[doc(hidden)]
pub use spin_sdk::wit_bindgen;

/// Exports a world: `component!(Component, "mercato:shop/products-inventory", "../../../wit")` makes the module `bindings` with
/// what `Component` has to implement, and exports it where that is possible: natively, for tests, no linker takes such names.
/// Interfaces that are imported and exported both share their types with this crate by `with`.
#[macro_export]
macro_rules! component {
    ($component:ident, $world:literal, $path:literal $(, with: { $($interface:literal: $module:path),* $(,)? })?) => {
        #[allow(
            unsafe_code,
            missing_docs,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::restriction,
            reason = "generated"
        )]
        mod bindings {
            $crate::wit_bindgen::generate!({
                path: $path,
                world: $world,
                runtime_path: "::mercato_contracts::wit_bindgen::rt",
                with: { $($($interface: $module),*)? },
                generate_all,
            });
            #[cfg(target_family = "wasm")]
            use super::$component;
            #[cfg(target_family = "wasm")]
            export!($component);
        }
    };
}
