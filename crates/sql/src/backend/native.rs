use super::{postgres, sqlite};
use crate::{Error, Migrations, Row, Value};

pub use super::postgres::Backend as Keyed;

/// A database of a native test: a SQLite in memory, or a database of the PostgreSQL that the environment names.
pub enum Backend {
    Sqlite(sqlite::Backend),
    Postgres(postgres::Backend),
}

impl Backend {
    pub fn open(label: &str, migrations: Migrations) -> Result<Self, Error> {
        match postgres::server() {
            Some(server) => {
                postgres::Backend::lend(server, label, migrations.postgres).map(Self::Postgres)
            }
            None => sqlite::Backend::open().map(Self::Sqlite),
        }
    }

    /// The database, if its transactions take keys.
    pub const fn keyed(&self) -> Option<&Keyed> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(backend) => Some(backend),
        }
    }

    /// How many statements have run.
    pub const fn statements(&self) -> u64 {
        match self {
            Self::Sqlite(backend) => backend.statements(),
            Self::Postgres(backend) => backend.statements(),
        }
    }

    /// The connection to a SQLite, to begin a pool with.
    pub fn into_sqlite(self) -> Option<rusqlite::Connection> {
        match self {
            Self::Sqlite(backend) => backend.into_connection(),
            Self::Postgres(_) => None,
        }
    }

    /// Rows that the last statement has changed.
    pub fn changes(&self) -> Result<u64, Error> {
        match self {
            Self::Sqlite(backend) => backend.changes(),
            Self::Postgres(backend) => Ok(backend.changes()),
        }
    }

    #[track_caller]
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(backend) => backend.query(statement, parameters),
            Self::Postgres(backend) => backend.query(statement, parameters),
        }
    }
}
