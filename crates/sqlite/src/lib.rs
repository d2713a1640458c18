//! Transactions and migrations over Spin's SQLite.
//!
//! A domain owns one [`Database`]. Everything happens inside closures that are not `async`: a transaction can never
//! wait for anything but SQLite, so tasks that share an instance cannot interleave inside one.
//!
//! On `wasm32` statements go to the host through `spin:sqlite`; natively, for tests, to a real SQLite in memory.

use std::cell::RefCell;
use std::rc::Rc;

mod backend;
mod busy;
mod locks;
mod migrate;
mod value;
mod violation;

pub use locks::Locks;
pub use migrate::Migration;
pub use value::{Column, FromValue, Row, Value};
pub use violation::{Rule, Violation};

use backend::Backend;
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
        matches!(self, Self::Busy(_) | Self::Interrupted(_) | Self::Full)
    }
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
        self.0.query(statement, parameters).map(drop)
    }

    /// Runs a statement that changes something; gives the number of changed rows, for which the host is asked once more.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg_attr(not(target_family = "wasm"), track_caller)]
    pub fn execute_counted(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.0.query(statement, parameters)?;
        self.0.changes()
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

    /// Takes further keys, which only what was read can name. True when others may have changed that meanwhile, so that it has to
    /// be read again. With SQLite there is nothing to take and nothing changes: the closure is not even called.
    ///
    /// # Errors
    /// What the closure returns, or why the keys could not be taken.
    pub fn lock<E: From<Error>>(&self, _: impl FnOnce() -> Result<Locks, E>) -> Result<bool, E> {
        Ok(false)
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
    migrations: &'static [Migration],
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
        let queue = configure(&connection)?;
        let connection = Rc::new(connection);
        Ok(Self { connection, queue })
    }
}

impl Database {
    /// The database of that label, not opened yet.
    #[must_use]
    pub const fn new(label: &'static str, migrations: &'static [Migration]) -> Self {
        Self {
            label,
            migrations,
            connection: RefCell::new(None),
            #[cfg(not(target_family = "wasm"))]
            runs_twice: std::cell::Cell::new(false),
        }
    }

    /// A fresh database in memory, migrated, for native tests.
    ///
    /// # Errors
    /// When a migration fails.
    #[cfg(not(target_family = "wasm"))]
    pub fn in_memory(label: &'static str, migrations: &'static [Migration]) -> Result<Self, Error> {
        let database = Self::new(label, migrations);
        let connection = Connection(Backend::of(pool(label, migrations)?)?);
        database.connection.replace(Some(Open::new(connection)?));
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
    /// the transaction reads in order to change something must be among the keys that it is given. The closure may be run
    /// again after what it did was taken back.
    ///
    /// # Errors
    /// What the closure returns, or why the transaction could not be opened or committed.
    pub fn write<T, E: From<Error>>(
        &self,
        _: Locks,
        work: impl Fn(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let Open { connection, queue } = self.open()?;
        self.watch(busy::begin(&connection, queue))?;
        self.finish(&connection, work)
    }

    /// Like [`Self::write`], but when another writer does not let go soon, does nothing and gives `None`: for work that
    /// can as well be done later.
    ///
    /// # Errors
    /// What the closure returns, or why the transaction could not be opened or committed.
    pub fn write_if_free<T, E: From<Error>>(
        &self,
        _: Locks,
        work: impl Fn(&Connection) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Open { connection, queue } = self.open()?;
        let begun = match queue {
            Queue::Host => self.begin_soon(&connection)?,
            Queue::Sqlite => busy::begin_at_once(&connection),
        };
        if matches!(begun, Err(Error::Busy(_))) {
            return Ok(None);
        }
        self.watch(begun)?;
        self.finish(&connection, work).map(Some)
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

    fn finish<T, E: From<Error>>(
        &self,
        connection: &Connection,
        work: impl Fn(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        #[cfg(not(target_family = "wasm"))]
        if self.runs_twice.get() {
            drop(work(connection));
            connection.execute("ROLLBACK", &[])?;
            busy::begin_at_once(connection)?;
        }
        match work(connection) {
            Ok(value) => match connection.execute("COMMIT", &[]) {
                Ok(_) => Ok(value),
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
        if connection.execute("ROLLBACK", &[]).is_err() {
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
        {
            return Ok(open.clone());
        }
        let open = Open::new(Connection(Backend::open(self.label)?))?;
        migrate::run(&open.connection, open.queue, self.label, self.migrations)?;
        if let Ok(mut slot) = self.connection.try_borrow_mut() {
            *slot = Some(open.clone());
        }
        Ok(open)
    }
}

/// The databases in memory with that schema.
#[cfg(not(target_family = "wasm"))]
fn pool(
    label: &str,
    migrations: &'static [Migration],
) -> Result<&'static backend::pool::Pool, Error> {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    use backend::pool::Pool;

    type Pools = BTreeMap<(usize, usize), &'static Pool>;
    static POOLS: Mutex<Pools> = Mutex::new(Pools::new());

    let key = (migrations.as_ptr().addr(), migrations.len());
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&key) {
        return Ok(pool);
    }
    let first = Connection(Backend::open(label)?);
    let queue = configure(&first)?;
    migrate::run(&first, queue, label, migrations)?;
    let closed = || Error::Storage("the connection is closed".to_owned());
    let first = first.0.into_connection().ok_or_else(closed)?;
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

/// The migrations of a database, each a [`Migration`] that the caller has in scope: the files in `src/store/migrations` in the order of
/// their names. The crate's build script lists them: `build = "../../../crates/sqlite/build/migrations.rs"`.
#[macro_export]
macro_rules! migrations {
    () => {
        include!(concat!(env!("OUT_DIR"), "/migrations.rs"))
    };
}

#[cfg(test)]
mod tests;
