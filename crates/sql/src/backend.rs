//! The two databases that a context can be kept in.

#[cfg(not(target_family = "wasm"))]
mod plans;
pub mod postgres;
pub mod sqlite;

use crate::{Error, Migrations, Row, Value};

pub use postgres::Backend as Keyed;

/// A connection to a database.
pub enum Backend {
    Sqlite(sqlite::Backend),
    Postgres(postgres::Backend),
}

impl Backend {
    /// The database of that label: PostgreSQL's where the component is given an address, else SQLite's.
    #[cfg(target_family = "wasm")]
    pub fn open(label: &str, migrations: Migrations) -> Result<Self, Error> {
        match postgres::Backend::open(label, migrations)? {
            Some(backend) => Ok(Self::Postgres(backend)),
            None => sqlite::Backend::open(label).map(Self::Sqlite),
        }
    }

    /// A database of a native test: of the server that the environment names, else a SQLite in memory.
    #[cfg(not(target_family = "wasm"))]
    pub fn open(label: &str, migrations: Migrations) -> Result<Self, Error> {
        match postgres::server() {
            Some(server) => {
                postgres::Backend::lend(server, label, migrations.postgres).map(Self::Postgres)
            }
            None => {
                let pool = crate::pool(migrations.sqlite, label)?;
                sqlite::Backend::of(pool).map(Self::Sqlite)
            }
        }
    }

    /// The database, if its transactions take keys.
    pub const fn keyed(&self) -> Option<&Keyed> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(backend) => Some(backend),
        }
    }

    /// Whether the connection is gone, so that another one is needed.
    pub const fn is_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(backend) => backend.is_lost(),
        }
    }

    /// How many statements have run.
    #[cfg(not(target_family = "wasm"))]
    pub const fn statements(&self) -> u64 {
        match self {
            Self::Sqlite(backend) => backend.statements(),
            Self::Postgres(backend) => backend.statements(),
        }
    }

    /// How many steps of SQLite's virtual machine they took; 0 elsewhere.
    #[cfg(not(target_family = "wasm"))]
    pub const fn steps(&self) -> u64 {
        match self {
            Self::Sqlite(backend) => backend.steps(),
            Self::Postgres(_) => 0,
        }
    }

    /// The connection to a SQLite, to begin a pool with.
    #[cfg(not(target_family = "wasm"))]
    pub fn into_sqlite(self) -> Option<rusqlite::Connection> {
        match self {
            Self::Sqlite(backend) => backend.into_connection(),
            Self::Postgres(_) => None,
        }
    }

    /// Runs a statement and gives its rows.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(backend) => backend.query(statement, parameters),
            Self::Postgres(backend) => backend.query(statement, parameters),
        }
    }

    /// Runs a statement.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<(), Error> {
        match self {
            Self::Sqlite(backend) => backend.query(statement, parameters).map(drop),
            Self::Postgres(backend) => backend.execute(statement, parameters).map(drop),
        }
    }

    /// Runs a statement and gives how many rows it has changed, for which SQLite is asked once more.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn execute_counted(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        match self {
            Self::Sqlite(backend) => {
                backend.query(statement, parameters)?;
                backend.changes()
            }
            Self::Postgres(backend) => backend.execute(statement, parameters),
        }
    }
}
