//! The runner: hosts the application of a `spin.toml` on wasmtime, with everything it needs in one process.
//!
//! It reads the same `spin.toml` and `runtime-config.toml` as Spin 4.1 and offers its components WASI 0.2 and 0.3,
//! `spin:sqlite@3.1.0`, `spin:redis@3.0.0`, `spin:variables@3.0.0`, outbound HTTP and requests between components.
//! What a component was not granted it cannot reach.
//!
//! As a library it starts a shop inside a test, with a clock and a fault plan of the test's choice:
//!
//! ```no_run
//! # async fn run() -> mercato::Result<()> {
//! use mercato::{CallKind, Fault, HostCall, OffsetClock, Shop};
//!
//! let clock = OffsetClock::new();
//! let shop = Shop::builder()
//!     .app("spin.toml")
//!     .data_dir("/tmp/one-test")
//!     .listen("127.0.0.1:0")
//!     .variable("jwt_secret", "0123456789abcdef0123456789abcdef")
//!     .clock(clock.clone())
//!     .faults(|call: &HostCall<'_>| match call.kind {
//!         CallKind::Sqlite if call.component == "orders-api" && call.number == 7 => Fault::Stop,
//!         _ => Fault::Pass,
//!     })
//!     .start()
//!     .await?;
//! let address = shop.addr();
//! clock.advance(std::time::Duration::from_secs(900));
//! shop.kill().await; // or shop.stop().await
//! # let _ = address;
//! # Ok(())
//! # }
//! ```

mod capabilities;
mod check;
pub mod cli;
mod client;
mod engine;
mod error;
mod http;
pub mod limits;
pub mod manifest;
mod moving;
mod observe;
mod permissions;
mod scheduling;
mod shop;
mod shutdown;
mod sync;
mod triggers;

pub use capabilities::clock::{Clock, OffsetClock, SystemClock};
pub use capabilities::faults::{CallKind, Fault, FaultPlan, HostCall, Turn};
pub use capabilities::http::{Network, NetworkAnswer};
pub use error::{Error, Result};
pub use limits::Limits;
pub use observe::log_queue::LogLosses;
pub use shop::builder::{Builder, Shop};
pub use shop::running::Running;
