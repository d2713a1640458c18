//! A PostgreSQL of the tests, over the crate `postgres`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::rc::Rc;
use std::sync::LazyLock;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::{Client, Statement};

use super::failure::{Answer, Failure};
use super::plans::{self, Plans};
use super::pool::{self, Lent};
use super::{Backend, STATEMENTS_KEPT, values};
use crate::{Error, Migration, Row, Value};

/// The variable that names the server, as in `postgres://postgres@127.0.0.1:5432/postgres`.
pub const SERVER: &str = "MERCATO_TEST_POSTGRES";

/// The server of the tests, if there is one.
pub fn server() -> Option<&'static str> {
    static ADDRESS: LazyLock<Option<String>> = LazyLock::new(|| env::var(SERVER).ok());
    ADDRESS.as_deref().filter(|address| !address.is_empty())
}

impl Backend {
    /// A database with that schema, of that server. Its content is that of a new one.
    pub fn lend(
        server: &'static str,
        label: &str,
        migrations: &'static [Migration],
    ) -> Result<Self, Error> {
        Ok(Self::of(Session::of(pool::lend(
            server, label, migrations,
        )?)))
    }

    /// Another connection to the database of that name, of the server of the tests.
    pub fn beside(database: &str) -> Result<Self, Error> {
        let none = || Error::Storage(format!("{SERVER} names no server"));
        let server = server().ok_or_else(none)?;
        Ok(Self::of(Session::of(pool::beside(server, database)?)))
    }
}

/// A lent connection.
pub struct Session(RefCell<Lent>);

impl Session {
    pub const fn of(lent: Lent) -> Self {
        Self(RefCell::new(lent))
    }

    pub fn into_lent(self) -> Lent {
        self.0.into_inner()
    }

    /// Runs a statement and gives its rows.
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        self.run(statement, parameters, |names, row| {
            let values = (0..row.len()).map(|column| values::value(row, column));
            rows.push(Row {
                names: Rc::clone(names),
                values: values.collect::<Result<_, _>>()?,
            });
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs a statement and gives how many rows it has changed.
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Failure> {
        self.run(statement, parameters, |_, _| Ok(()))
    }

    /// Has the plan of a statement reported that is to be run, if it is to be looked at.
    #[track_caller]
    pub fn watch_plans(&self, statement: &str) {
        if let Ok(connection) = self.0.borrow_mut().connection() {
            plans::watch(connection, statement);
        }
    }

    /// Looks at the plans that have been reported.
    #[track_caller]
    pub fn check_plans(&self) {
        if let Ok(connection) = self.0.borrow_mut().connection() {
            plans::check(connection);
        }
    }

    /// Looks at none of them: they are of a migration.
    pub fn forget_plans(&self) {
        if let Ok(connection) = self.0.borrow_mut().connection() {
            connection.plans.forget();
        }
    }

    fn run(
        &self,
        statement: &str,
        parameters: &[Value],
        mut take: impl FnMut(&Rc<[String]>, &postgres::Row) -> Result<(), Error>,
    ) -> Result<u64, Failure> {
        let mut lent = self.0.borrow_mut();
        let connection = lent.connection().map_err(Failure::fault)?;
        let prepared = connection.prepare(statement)?;
        let columns = prepared.columns().iter();
        let names: Rc<[String]> = columns.map(|column| column.name().to_owned()).collect();
        let mut found = connection.client.query_raw(&prepared, parameters)?;
        while let Some(row) = found.next()? {
            take(&names, &row).map_err(Failure::fault)?;
        }
        Ok(found.rows_affected().unwrap_or_default())
    }
}

/// A connection with what was prepared on it.
pub struct Connection {
    pub client: Client,
    prepared: BTreeMap<String, Statement>,
    /// The plans of its statements.
    pub plans: Plans,
}

impl Connection {
    pub const fn new(client: Client, plans: Plans) -> Self {
        Self {
            client,
            prepared: BTreeMap::new(),
            plans,
        }
    }

    fn prepare(&mut self, statement: &str) -> Result<Statement, Failure> {
        if let Some(prepared) = self.prepared.get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(statement)?;
        if self.prepared.len() >= STATEMENTS_KEPT {
            self.prepared.clear();
        }
        self.prepared.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            return Self::answered(Answer {
                code: said.code().code(),
                message: said.message(),
                table: said.table().unwrap_or_default(),
                column: said.column().unwrap_or_default(),
                constraint: said.constraint().unwrap_or_default(),
            });
        }
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let message = format!("{error}: {}", cause.unwrap_or_default());
        if error.is_closed() || message.contains("connect") {
            Self::lost(message)
        } else {
            Self::fault(Error::Storage(message))
        }
    }
}
