//! Helpers of the tests that know Mercato only from outside: as HTTP, as processes and as built artifacts.
//!
//! Run everything with `cargo xtask test`: it builds the components and the runner that these tests start.
//!
//! ```no_run
//! use mercato_tests::{Server, ADMIN_EMAIL, ADMIN_PASSWORD};
//! use serde_json::json;
//!
//! let server = Server::start(); // its own port, databases and variables; ends when dropped
//! let client = server.client();
//! let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
//! let session = client.post("/api/v1/auth/login").json(&login).expect_json(200);
//! let token = session["accessToken"].as_str().unwrap();
//! client.get("/api/v1/orders").bearer(token).expect(200);
//! ```
//!
//! - [`Server::start`] gives a server with defaults, [`Server::builder`] one with other variables or a Redis server.
//! - [`Server::shared`] is one server for all tests of a file that need nothing special. With `MERCATO_BASE_URL` set it
//!   is that server instead, wherever it runs; the admin is then `MERCATO_ADMIN_EMAIL` and `MERCATO_ADMIN_PASSWORD`.
//! - [`shop::Shop`] knows the ways of customers and admins: register, order, pay, wait for a status.
//! - [`metrics::Metrics`] reads the metrics of a server, strictly.
//! - [`Server::kill`] and [`Server::restart`] are for crash tests: the databases stay.
//! - [`wait_until`] waits for a condition with a deadline: tests never sleep for a fixed time.
//! - [`is_quick`] is true under `cargo xtask test --quick`: slow tests then return at once.

pub mod artifacts;
pub mod disk;
mod folder;
pub mod forge;
mod http;
pub mod load;
pub mod metrics;
pub mod moving;
#[cfg(target_os = "linux")]
pub mod network;
mod postgres;
mod problem;
mod process;
pub mod proxy;
pub mod raw;
mod redis;
mod server;
pub mod shop;
pub mod stripe;
pub mod tools;

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub use folder::{Folder, shared_data};
pub use http::{Client, Request, Response};
pub use postgres::{Postgres, postgres_answers};
pub use problem::{assert_members, is_rfc3339_milliseconds};
pub use process::{Guarded, free_port, runner};
pub use redis::Redis;
pub use server::{
    ADMIN_EMAIL, ADMIN_PASSWORD, JWT_SECRET, METRICS_TOKEN, Server, ServerBuilder, WEBHOOK_SECRET,
};

/// How long [`wait_until`] waits. Generous: it only matters when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the repository")
        .to_path_buf()
}

/// Whether slow tests shall be left out; says so.
pub fn is_quick() -> bool {
    let quick = env::var("MERCATO_TEST_QUICK").is_ok_and(|value| value == "1");
    if quick {
        left_out("a slow test, because MERCATO_TEST_QUICK is 1");
    }
    quick
}

/// Says why a test, or a part of one, does nothing: also when it passes, which makes the test program swallow what is
/// printed the ordinary way.
pub fn left_out(why: &str) {
    writeln!(io::stderr(), "left out: {why}").ok();
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none after [`PATIENCE`].
pub fn wait_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{what} did not happen within {PATIENCE:?}"
        );
        thread::sleep(POLL_INTERVAL);
    }
}
