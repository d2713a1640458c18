//! Accounts: registration, login, sessions, and their administration. The only component that reaches password hashes.

pub mod application;
pub mod domain;
mod infrastructure;
pub mod ports;

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
        path: "../../../wit",
        world: "mercato:shop/auth",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
    // Natively, for tests, there is nobody to export to (and no linker takes such symbol names).
    #[cfg(target_family = "wasm")]
    use crate::infrastructure::Component;
    #[cfg(target_family = "wasm")]
    export!(Component);
}
