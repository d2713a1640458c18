//! The yardstick: what the shop does on the paths that are measured, in axum and rusqlite, as one does it without
//! WebAssembly, in one process on one SQLite database. It keeps what the shop promises of an order: it is durable when
//! it is answered (WAL, `synchronous = FULL`), sells no unit twice, and is made once for each idempotency key.

mod accounts;
mod database;
mod import;
mod orders;
mod payments;
mod problem;
mod products;
#[cfg(test)]
mod tests;
mod values;

use std::{num::NonZero, path::PathBuf, sync::Arc, thread};

use anyhow::Result;
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    routing::{get, post},
};
use tokio::sync::Semaphore;

use accounts::Keys;
pub use accounts::ensure_admin;
use database::Database;

/// Most bytes of a file of products; other bodies may have the usual 2 MB.
const IMPORT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// What it is started with.
#[derive(Debug)]
pub struct Settings {
    /// The SQLite file.
    pub database: PathBuf,
    /// What signs access tokens.
    pub jwt_secret: String,
    /// Where customers reach it.
    pub public_url: String,
}

/// What every request may need.
pub struct Shop {
    database: Database,
    keys: Keys,
    /// As many passwords are hashed at a time as there are cores.
    hashing: Semaphore,
    public_url: String,
}

impl Shop {
    /// Opens the database.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(settings: &Settings) -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            database: Database::open(&settings.database)?,
            keys: Keys::new(&settings.jwt_secret),
            hashing: Semaphore::new(cores),
            public_url: settings.public_url.clone(),
        })
    }
}

type Shared = State<Arc<Shop>>;

/// All paths.
pub fn router(shop: Arc<Shop>) -> Router {
    let import = post(import::import).layer(DefaultBodyLimit::max(IMPORT_MAX_BYTES));
    Router::new()
        .route("/", get(greet))
        .route("/metrics", get(metrics))
        .route("/api/v1/auth/register", post(accounts::register))
        .route("/api/v1/auth/login", post(accounts::log_in))
        .route("/api/v1/products", get(products::list))
        .route("/api/v1/products/import", import)
        .route("/api/v1/products/{id}", get(products::find))
        .route("/api/v1/orders", post(orders::create))
        .route("/api/v1/orders/id/{id}", get(orders::find))
        .route(
            "/api/v1/payments/mock/checkout/{session}",
            post(payments::pay),
        )
        .with_state(shop)
}

async fn greet() -> &'static str {
    "API Gateway is up and running!"
}

async fn metrics() -> String {
    format!(
        "native_sqlite_statements_total {}\n",
        database::statements()
    )
}
