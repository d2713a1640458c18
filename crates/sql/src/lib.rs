//! Transactions and migrations: one SQL for SQLite and PostgreSQL.
//!
//! A domain owns one [`Database`]. Everything happens inside closures that are not `async`: a transaction can never
//! wait for anything but the database, so tasks that share an instance cannot interleave inside one.
//!
//! On `wasm32` statements go to the host: through `spin:postgres` where the component is given the address of its database in the
//! variable `<label>_database_url`, else through `spin:sqlite`. Natively, for tests, they go to a real SQLite in memory, or to the real
//! PostgreSQL that `MERCATO_TEST_POSTGRES` names. Statements are SQLite's, and written so that PostgreSQL understands them, too; what
//! is left is translated. Only migrations, and what a search looks for, are written for each.

use std::cell::RefCell;
use std::rc::Rc;

mod backend;
#[cfg(not(target_family = "wasm"))]
mod beside;
mod busy;
mod conflict;
mod locks;
mod migrate;
mod value;
mod violation;
pub mod words;

#[cfg(not(target_family = "wasm"))]
pub use beside::Beside;
pub use locks::Locks;
pub use migrate::{Migration, Migrations};
pub use value::{Column, FromValue, Row, Value};
pub use violation::{Rule, Violation};

use backend::{Backend, Keyed};
use busy::Queue;

/// How long a writer waits for another one before it gives up, in milliseconds.
pub const BUSY_TIMEOUT_MS: u32 = 5_000;

/// Rows that one statement inserts at the most. While it runs nobody else writes.
const ROWS_PER_STATEMENT: usize = 100;

/// So many question marks, with commas between them.
#[must_use]
pub fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Why a statement or a transaction failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another writer held the database for longer than [`BUSY_TIMEOUT_MS`]; the same call may be tried again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A rule of the schema was broken.
    #[error("{0}")]
    Constraint(Violation),
    /// The component was not granted the database.
    #[error(
        "access-denied: this component was not granted the database {0:?}; grant it with sqlite_databases in spin.toml"
    )]
    Denied(String),
    /// The host does not know the database.
    #[error("no-such-database: add [sqlite_database.{0}] to the runtime configuration")]
    Unknown(String),
    /// The file was written by a newer version of this shop.
    #[error(
        "the database {label:?} has schema version {found}, this program knows {known}: run a newer version of mercato"
    )]
    NewerSchema {
        /// The database's label.
        label: String,
        /// Version in the file.
        found: u32,
        /// Newest version this code has a migration for.
        known: u32,
    },
    /// The file is another program's, or another database of this shop.
    #[error("the file of the database {0:?} is not that database: put the right file in its place")]
    Foreign(String),
    /// The host ended a statement that took too long, or did not begin it because too many such statements wait.
    #[error("{0}")]
    Interrupted(String),
    /// The disk is full.
    #[error("the database is full")]
    Full,
    /// Anything else SQLite or the host says.
    #[error("{0}")]
    Storage(String),
    /// A column does not hold what the code expects.
    #[error("column {column} does not hold {expected}")]
    Type {
        /// Its name, or its position from 0.
        column: String,
        /// What was asked for.
        expected: &'static str,
    },
}

impl Error {
    /// Sorts the message of a failed statement into its class.
    fn from_message(message: String) -> Self {
        if let Some(violation) = Violation::from_message(&message) {
            return Self::Constraint(violation);
        }
        let lower = message.to_ascii_lowercase();
        if lower.contains("database is locked") || lower.contains("database table is locked") {
            Self::Busy(message)
        } else if lower.contains("database or disk is full") {
            Self::Full
        } else if lower.starts_with("interrupted") {
            Self::Interrupted(message)
        } else {
            Self::Storage(message)
        }
    }

    /// The column does not hold what is expected, as in "column amount does not hold an amount".
    pub fn not(column: impl Column, expected: &'static str) -> Self {
        Self::Type {
            column: column.name(),
            expected,
        }
    }

    /// Whether the connection may be unusable after this error.
    fn taints_connection(&self) -> bool {
        !matches!(
            self,
            Self::Constraint(_) | Self::Interrupted(_) | Self::Type { .. }
        )
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Interrupted(_) | Self::Full => true,
            Self::Constraint(violation) => violation.may_pass,
            _ => false,
        }
    }
}

/// Which database statements go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// One open connection, handed to the closures of [`Database`].
pub struct Connection(Backend);

impl Connection {
    /// Runs a statement that changes something.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<(), Error> {
        self.0.execute(statement, parameters)
    }

    /// Runs a statement that changes something; gives the number of changed rows, for which SQLite's host is asked once more.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn execute_counted(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.0.execute_counted(statement, parameters)
    }

    /// Inserts rows, many with one statement. `insert` is what stands before their values, as in
    /// `INSERT INTO things (id, name)`.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn insert_rows<const COLUMNS: usize>(
        &self,
        insert: &str,
        rows: impl IntoIterator<Item = [Value; COLUMNS]>,
    ) -> Result<(), Error> {
        self.insert_or_update_rows(insert, "", rows)
    }

    /// Like [`Self::insert_rows`]; `on_conflict` is what stands after the values, as in `ON CONFLICT (id) DO UPDATE SET …`.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn insert_or_update_rows<const COLUMNS: usize>(
        &self,
        insert: &str,
        on_conflict: &str,
        rows: impl IntoIterator<Item = [Value; COLUMNS]>,
    ) -> Result<(), Error> {
        let row = format!("({})", placeholders(COLUMNS));
        let rows: Vec<_> = rows.into_iter().collect();
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let values = vec![row.as_str(); rows.len()].join(", ");
            let statement = format!("{insert}\nVALUES {values}{on_conflict}");
            self.execute(&statement, &rows.concat())?;
        }
        Ok(())
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        self.0.query(statement, parameters)
    }

    /// Which database this is.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self.0.keyed() {
            None => Dialect::Sqlite,
            Some(_) => Dialect::Postgres,
        }
    }

    /// Takes further keys, which only what was read can name. True when others may have changed that meanwhile, so that it has to
    /// be read again. With SQLite there is nothing to take and nothing changes: the closure is not even called.
    ///
    /// # Errors
    /// What the closure returns, or why the keys could not be taken.
    pub fn lock<E: From<Error>>(&self, keys: impl FnOnce() -> Result<Locks, E>) -> Result<bool, E> {
        let Some(keyed) = self.0.keyed() else {
            return Ok(false);
        };
        let locks = keys()?;
        if locks.keys().is_empty() {
            return Ok(false);
        }
        keyed.lock(&locks)?;
        Ok(true)
    }

    fn commit(&self) -> Result<(), Error> {
        match self.0.keyed() {
            Some(keyed) => keyed.commit(),
            None => self.execute("COMMIT", &[]),
        }
    }

    /// Runs a statement and gives its first row.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn query_one(&self, statement: &str, parameters: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(statement, parameters)?.into_iter().next())
    }
}

/// A domain's database: opened and migrated at first use, the connection kept for the instance's next requests.
pub struct Database {
    label: &'static str,
    migrations: Migrations,
    connection: RefCell<Option<Open>>,
    #[cfg(not(target_family = "wasm"))]
    runs_twice: std::cell::Cell<bool>,
}

/// A connection that is configured.
#[derive(Clone)]
struct Open {
    connection: Rc<Connection>,
    queue: Queue,
}

impl Open {
    fn new(connection: Connection) -> Result<Self, Error> {
        let queue = match connection.dialect() {
            Dialect::Sqlite => configure(&connection)?,
            // Whoever has a key in common waits at the server.
            Dialect::Postgres => Queue::Host,
        };
        let connection = Rc::new(connection);
        Ok(Self { connection, queue })
    }

    fn keyed(&self) -> Option<&Keyed> {
        self.connection.0.keyed()
    }
}

impl Database {
    /// The database of that label, not opened yet.
    #[must_use]
    pub const fn new(label: &'static str, migrations: Migrations) -> Self {
        Self {
            label,
            migrations,
            connection: RefCell::new(None),
            #[cfg(not(target_family = "wasm"))]
            runs_twice: std::cell::Cell::new(false),
        }
    }

    /// A fresh SQLite in memory, migrated, for native tests.
    ///
    /// # Errors
    /// When a migration fails.
    #[cfg(not(target_family = "wasm"))]
    pub fn in_memory(label: &'static str, migrations: &'static [Migration]) -> Result<Self, Error> {
        let sqlite = backend::sqlite::Backend::of(pool(migrations, label)?)?;
        let only_sqlite = Migrations {
            sqlite: migrations,
            postgres: &[],
        };
        let database = Self::new(label, only_sqlite);
        let connection = Connection(Backend::Sqlite(sqlite));
        database.connection.replace(Some(Open::new(connection)?));
        Ok(database)
    }

    /// A fresh database, migrated, for native tests: of the PostgreSQL that `MERCATO_TEST_POSTGRES` names, else a SQLite in memory.
    ///
    /// # Errors
    /// When a migration fails, or the server cannot be used.
    #[cfg(not(target_family = "wasm"))]
    pub fn for_test(label: &'static str, migrations: Migrations) -> Result<Self, Error> {
        if !is_tested_on_postgres() {
            return Self::in_memory(label, migrations.sqlite);
        }
        let database = Self::new(label, migrations);
        database.open()?;
        Ok(database)
    }

    /// How many statements have run on the connection so far, those that begin and end transactions included, for native tests.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn statements(&self) -> u64 {
        let slot = self.connection.borrow();
        slot.as_ref()
            .map_or(0, |open| open.connection.0.statements())
    }

    /// What statements have taken on the connection so far, in steps of SQLite's virtual machine, for native tests: the same each time, on
    /// any machine. What an index of words does by itself is not counted; 0 on PostgreSQL.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn steps(&self) -> u64 {
        let slot = self.connection.borrow();
        slot.as_ref().map_or(0, |open| open.connection.0.steps())
    }

    /// From now on what each transaction does is done twice: once and taken back, and then again. For native tests: a database may
    /// ask for that.
    #[cfg(not(target_family = "wasm"))]
    pub fn run_writes_twice(&self) {
        self.runs_twice.set(true);
    }

    /// Reads. What the closure sees is each statement's own snapshot.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be opened.
    pub fn read<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        work(&self.open()?.connection)
    }

    /// Reads and writes in one transaction: committed when the closure returns `Ok`, taken back when it returns `Err`. Whatever
    /// the transaction reads in order to change something must be among the keys that it is given. The closure is run again, after
    /// what it did was taken back, when others were in its way.
    ///
    /// # Errors
    /// What the closure returns, or why the transaction could not be opened or committed.
    pub fn write<T, E: From<Error>>(
        &self,
        locks: Locks,
        work: impl Fn(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let open = self.open()?;
        let attempt = || {
            self.begin(&open, &locks)?;
            self.finish(&open, &locks, &work)
        };
        let has_conflict = || open.keyed().is_some_and(Keyed::has_conflict);
        conflict::run(attempt, has_conflict, std::thread::sleep)
    }

    /// Like [`Self::write`], but when another writer does not let go soon, does nothing and gives `None`: for work that
    /// can as well be done later.
    ///
    /// # Errors
    /// What the closure returns, or why the transaction could not be opened or committed.
    pub fn write_if_free<T, E: From<Error>>(
        &self,
        locks: Locks,
        work: impl Fn(&Connection) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let open = self.open()?;
        let begun = match open.keyed() {
            Some(keyed) if !keyed.try_begin(&locks)? => return Ok(None),
            Some(_) => Ok(()),
            None if open.queue == Queue::Host => self.begin_soon(&open.connection)?,
            None => busy::begin_at_once(&open.connection),
        };
        if matches!(begun, Err(Error::Busy(_))) {
            return Ok(None);
        }
        self.watch(begun)?;
        self.finish(&open, &locks, work).map(Some)
    }

    fn begin(&self, open: &Open, locks: &Locks) -> Result<(), Error> {
        match open.keyed() {
            Some(keyed) => keyed.begin(locks),
            None => self.watch(busy::begin(&open.connection, open.queue)),
        }
    }

    /// Begins a transaction, unless it would have to wait for long in the host's queue.
    fn begin_soon(&self, connection: &Connection) -> Result<Result<(), Error>, Error> {
        self.watch(busy::set_timeout(connection, busy::TRY_MS))?;
        let begun = busy::begin_at_once(connection);
        if let Err(error) = busy::set_timeout(connection, BUSY_TIMEOUT_MS) {
            // A connection that stays impatient is not kept, and nothing is left begun.
            self.roll_back(connection);
            self.forget();
            return Err(error);
        }
        Ok(begun)
    }

    #[cfg_attr(
        target_family = "wasm",
        expect(unused_variables, reason = "only tests begin anew")
    )]
    fn finish<T, E: From<Error>>(
        &self,
        open: &Open,
        locks: &Locks,
        work: impl Fn(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = &*open.connection;
        #[cfg(not(target_family = "wasm"))]
        if self.runs_twice.get() {
            drop(work(connection));
            self.roll_back(connection);
            self.begin(open, locks)?;
        }
        match work(connection) {
            Ok(value) => match connection.commit() {
                Ok(()) => Ok(value),
                Err(error) => {
                    self.roll_back(connection);
                    Err(error.into())
                }
            },
            Err(error) => {
                self.roll_back(connection);
                Err(error)
            }
        }
    }

    fn roll_back(&self, connection: &Connection) {
        let rolled_back = match connection.0.keyed() {
            Some(keyed) => keyed.roll_back(),
            None => connection.execute("ROLLBACK", &[]),
        };
        if rolled_back.is_err() {
            // A connection that cannot even roll back is closed, which rolls back.
            self.forget();
        }
    }

    fn watch<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(Error::taints_connection) {
            self.forget();
        }
        result
    }

    fn forget(&self) {
        if let Ok(mut slot) = self.connection.try_borrow_mut() {
            *slot = None;
        }
    }

    fn open(&self) -> Result<Open, Error> {
        if let Ok(slot) = self.connection.try_borrow()
            && let Some(open) = slot.as_ref()
            && !open.connection.0.is_lost()
        {
            return Ok(open.clone());
        }
        let backend = Backend::open(self.label, self.migrations)?;
        let open = Open::new(Connection(backend))?;
        if open.keyed().is_none() {
            let sqlite = self.migrations.sqlite;
            migrate::run(&open.connection, open.queue, self.label, sqlite)?;
        }
        if let Ok(mut slot) = self.connection.try_borrow_mut() {
            *slot = Some(open.clone());
        }
        Ok(open)
    }
}

/// Whether [`Database::for_test`] gives databases of a PostgreSQL.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn is_tested_on_postgres() -> bool {
    backend::postgres::server().is_some()
}

/// The databases in memory with that schema.
#[cfg(not(target_family = "wasm"))]
fn pool(
    migrations: &'static [Migration],
    label: &str,
) -> Result<&'static backend::sqlite::pool::Pool, Error> {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    use backend::sqlite::pool::Pool;

    type Pools = BTreeMap<(usize, usize), &'static Pool>;
    static POOLS: Mutex<Pools> = Mutex::new(Pools::new());

    let key = (migrations.as_ptr().addr(), migrations.len());
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&key) {
        return Ok(pool);
    }
    let first = Connection(Backend::Sqlite(backend::sqlite::Backend::open()?));
    let queue = configure(&first)?;
    migrate::run(&first, queue, label, migrations)?;
    let closed = || Error::Storage("the connection is closed".to_owned());
    let first = first.0.into_sqlite().ok_or_else(closed)?;
    // There are as many as schemas, and they are kept to the end.
    let pool: &'static Pool = Box::leak(Box::new(Pool::new(first)?));
    pools.insert(key, pool);
    Ok(pool)
}

/// Spin sets no pragma, so the component does: the same durability everywhere.
fn configure(connection: &Connection) -> Result<Queue, Error> {
    busy::set_timeout(connection, BUSY_TIMEOUT_MS)?;
    connection.query("PRAGMA journal_mode = WAL", &[])?;
    connection.query("PRAGMA synchronous = FULL", &[])?;
    connection.query("PRAGMA foreign_keys = ON", &[])?;
    busy::configure(connection)
}

/// Parameters of a statement: `params![id, price, name]`.
#[macro_export]
macro_rules! params {
    () => { &[] };
    ($($value:expr),+ $(,)?) => { &[$($crate::Value::from($value)),+] };
}

/// The [`Migrations`] of a database, a type that the caller has in scope: the files in `src/store/migrations` in the order of their names, and those for PostgreSQL in the
/// folder `postgres` there. The crate's build script lists them: `build = "../../../crates/sql/build/migrations.rs"`.
#[macro_export]
macro_rules! migrations {
    () => {
        include!(concat!(env!("OUT_DIR"), "/migrations.rs"))
    };
}

#[cfg(test)]
mod tests;
