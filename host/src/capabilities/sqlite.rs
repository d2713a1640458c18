//! `spin:sqlite`: databases by label, connections pooled and returned clean, writers in a queue.
//!
//! Statements run on the thread of the request: for the short statements of a shop that is cheaper than handing
//! them over. What must not happen is that a thread waits in SQLite's own busy timeout while the guest it waits for
//! needs that thread; so a writing statement first takes the database's writer lock, an asynchronous one, and keeps
//! it until its connection is back in autocommit. Against other processes the statement is tried again with pauses.
//!
//! A lock that another process holds for longer than [`BUSY_TIME`] is noted: from then on statements wait only for
//! [`BUSY_TIME_KNOWN`], until one has succeeded. Otherwise every request that writes would keep its instance for the
//! whole time, and soon those that only read would find none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, OpenFlags, Statement, ffi};
use tokio::sync::OwnedMutexGuard;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use crate::bindings::spin::sqlite::sqlite::{
    Connection as ConnectionResource, Error, Host, HostConnection, HostConnectionWithStore,
    QueryResult, RowResult, Value,
};
use crate::error;
use crate::faults::{CallKind, Fault, Stopped};
use crate::guest::{ComponentGrants, Guest, Services};
use crate::health::{Damage, Health};
use crate::limits::{
    BUSY_TIME, BUSY_TIME_KNOWN, CONNECTIONS_PER_INSTANCE, FILE_LOOK_TIME, IDLE_CONNECTIONS,
    RESULT_BYTES, STATEMENTS_PER_CONNECTION,
};
use crate::private;
use crate::runtime_config::DatabaseConfig;
use crate::shutdown::Activity;

/// Pauses between tries while another process holds the database, in milliseconds; the last one repeats.
const BUSY_PAUSES_MS: [u64; 6] = [1, 2, 5, 10, 15, 25];

/// One database file and its idle connections.
pub(crate) struct Database {
    label: String,
    config: DatabaseConfig,
    idle: Mutex<Vec<PooledConnection>>,
    writer: Arc<tokio::sync::Mutex<()>>,
    /// Until then it is known that another process does not let go of the database.
    stuck_until: Mutex<Option<Instant>>,
    health: Health,
    /// When the file was last changed, and its size, when SQLite last found it damaged.
    checked: Mutex<Option<(SystemTime, u64)>>,
}

/// The databases of a shop. Labels of the same file share a [`Database`], and with it the writer lock.
#[derive(Default)]
pub(crate) struct Databases(BTreeMap<PathBuf, Arc<Database>>);

struct PooledConnection {
    sqlite: Connection,
    /// Set by the authorizer when a guest makes something that would outlive it on this connection.
    stained: Arc<AtomicBool>,
    /// See [`Health::generation`].
    generation: u64,
}

impl Databases {
    /// Opens the database once, to find out now whether it can be used.
    pub(crate) fn open(
        &mut self,
        label: &str,
        config: &DatabaseConfig,
    ) -> error::Result<Arc<Database>> {
        let fail = |message: String| error::Error::Database {
            label: label.to_owned(),
            path: config.path.clone().unwrap_or_else(|| ":memory:".into()),
            message,
        };
        let Some(path) = &config.path else {
            return Ok(Arc::new(Database::new(label, config)));
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            private::create_folder(folder)
                .map_err(|cause| fail(format!("cannot create its folder: {cause}")))?;
        }
        // SQLite makes none: whoever connects later must find this one.
        private::create_file(path)
            .map_err(|cause| fail(format!("{cause}; check the path and its permissions")))?;
        for file in files_of(path) {
            private::tighten(&file);
        }
        let key = path
            .parent()
            .and_then(|folder| folder.canonicalize().ok())
            .map_or_else(
                || path.clone(),
                |folder| folder.join(path.file_name().unwrap_or_default()),
            );
        if let Some(database) = self.0.get(&key) {
            return Ok(Arc::clone(database));
        }
        let database = Arc::new(Database::new(label, config));
        let connection = database
            .connect_patiently()
            .map_err(|cause| fail(unusable(&cause)))?;
        database.give_back(connection);
        database.health.begin(path);
        self.0.insert(key, Arc::clone(&database));
        Ok(database)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Database>> {
        self.0.values().cloned().collect()
    }

    /// Closes the idle connections. The last one of a database moves its write-ahead log into it.
    pub(crate) fn close_idle(&self) {
        for database in self.0.values() {
            let mut idle = database.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let connections = std::mem::take(&mut *idle);
            drop(idle);
            drop(connections);
        }
    }

    /// Moves the write-ahead logs into the databases and closes the idle connections.
    pub(crate) fn checkpoint(&self) {
        for database in self.0.values() {
            if database.is_closed() {
                database.drop_idle();
            }
            let mut idle = database.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let connections = std::mem::take(&mut *idle);
            drop(idle);
            if let Some(connection) = connections.first() {
                let done =
                    connection
                        .sqlite
                        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                if let Err(cause) = done {
                    tracing::warn!(database = %database.label, "checkpoint failed: {cause}");
                }
            }
        }
    }
}

/// A database and the files that SQLite keeps beside it.
fn files_of(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm", "-journal"].into_iter().map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

fn unusable(cause: &rusqlite::Error) -> String {
    match cause.sqlite_error_code() {
        Some(ffi::ErrorCode::NotADatabase | ffi::ErrorCode::DatabaseCorrupt) => {
            format!(
                "not a usable SQLite database ({cause}); restore it from a backup or move it away"
            )
        }
        Some(
            ffi::ErrorCode::CannotOpen
            | ffi::ErrorCode::ReadOnly
            | ffi::ErrorCode::PermissionDenied,
        ) => {
            format!("{cause}; check the path and its permissions")
        }
        Some(ffi::ErrorCode::DiskFull) => format!("{cause}; make room on its disk"),
        Some(ffi::ErrorCode::DatabaseBusy) => {
            format!("{cause}; another program keeps it for itself, end that one first")
        }
        _ => cause.to_string(),
    }
}

impl Database {
    fn new(label: &str, config: &DatabaseConfig) -> Self {
        Self {
            label: label.to_owned(),
            config: config.clone(),
            idle: Mutex::default(),
            writer: Arc::default(),
            stuck_until: Mutex::default(),
            health: Health::default(),
            checked: Mutex::default(),
        }
    }

    /// How long a statement waits for the writer lock now.
    fn patience(&self) -> Duration {
        let until = self
            .stuck_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match *until {
            Some(until) if Instant::now() < until => BUSY_TIME_KNOWN,
            _ => BUSY_TIME,
        }
    }

    /// A statement has waited in vain for another process.
    fn note_stuck(&self) {
        let now = Instant::now();
        let before = self
            .stuck_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(now + BUSY_TIME);
        if before.is_none() {
            tracing::warn!(database = %self.label, "another program has held the write lock for {} s; what writes is refused until it lets go", BUSY_TIME.as_secs());
        }
    }

    fn report_full(&self) {
        let path = self.path().unwrap_or(Path::new(":memory:"));
        tracing::error!(database = %self.label, "the disk of {} is full: make room; until then nothing can be written", path.display());
    }

    /// A statement has written.
    fn note_free(&self) {
        let before = self
            .stuck_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if before.is_some() {
            tracing::info!(database = %self.label, "the write lock is free again");
        }
    }

    fn path(&self) -> Option<&Path> {
        self.config.path.as_deref()
    }

    fn take(&self) -> Result<PooledConnection, rusqlite::Error> {
        if let Some(damage) = self.health.damage() {
            return Err(self.closed(&damage));
        }
        let pooled = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        pooled.map_or_else(|| self.connect(), Ok)
    }

    /// Connects for the first time. Another process that begins at the same moment may hold a new database while it gives
    /// it a write-ahead log, and for that SQLite does not wait by itself.
    fn connect_patiently(&self) -> Result<PooledConnection, rusqlite::Error> {
        let started = Instant::now();
        let longest_ms = BUSY_PAUSES_MS.last().copied().unwrap_or_default();
        loop {
            match self.connect() {
                Err(cause) if is_busy(&cause) && started.elapsed() < BUSY_TIME => {
                    std::thread::sleep(Duration::from_millis(longest_ms));
                }
                done => return done,
            }
        }
    }

    fn connect(&self) -> Result<PooledConnection, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut sqlite = match self.path() {
            Some(path) => Connection::open_with_flags(path, flags)?,
            None => Connection::open_in_memory()?,
        };
        sqlite.set_prepared_statement_cache_capacity(STATEMENTS_PER_CONNECTION);
        sqlite.busy_timeout(BUSY_TIME)?;
        sqlite.pragma_update(None, "journal_mode", "WAL")?;
        sqlite.pragma_update(None, "synchronous", "FULL")?;
        sqlite.pragma_update(None, "foreign_keys", "ON")?;
        // Reads the schema: a corrupt file is found now.
        let count = sqlite.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if let Err(damage) = self.health.note_tables(count) {
            self.close(damage.clone());
            return Err(self.closed(&damage));
        }
        // From now on waiting is done outside of SQLite, without holding the thread.
        sqlite.busy_timeout(Duration::ZERO)?;
        let stained = Arc::new(AtomicBool::new(false));
        sqlite.authorizer(Some(authorizer(
            self.config.allow_attach_file,
            Arc::clone(&stained),
        )))?;
        Ok(PooledConnection {
            sqlite,
            stained,
            generation: self.health.generation(),
        })
    }

    /// Takes a connection back if it is as clean as a new one.
    fn give_back(&self, connection: PooledConnection) {
        if self.is_closed() || connection.generation != self.health.generation() {
            abandon(connection);
            return;
        }
        if self.path().is_none()
            || connection.stained.load(Ordering::Relaxed)
            || !connection.sqlite.is_autocommit()
        {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }
}

impl Database {
    fn is_closed(&self) -> bool {
        self.health.damage().is_some()
    }

    /// What statements get to know while the database is closed.
    fn closed(&self, damage: &Damage) -> rusqlite::Error {
        let text = format!("the database `{}` is closed: {}", self.label, damage.text());
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(text))
    }

    /// Lets every statement be an error until the file is whole.
    fn close(&self, damage: Damage) {
        let text = damage.text();
        if self.health.close(damage) {
            let path = self.path().unwrap_or(Path::new(":memory:"));
            tracing::error!(database = %self.label, path = %path.display(), "the database is closed until it is whole: {text}");
            self.drop_idle();
        }
    }

    fn drop_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = std::mem::take(&mut *idle);
        drop(idle);
        connections.into_iter().for_each(abandon);
    }

    /// What failed because the file is damaged closes the database.
    fn note_failure(&self, cause: &rusqlite::Error) {
        if let Some(damage) = damage_of(cause) {
            self.close(damage);
        }
    }

    /// Looks whether what a transaction is about to write would be in the file that the next start finds.
    fn look_briefly(&self) -> Result<(), rusqlite::Error> {
        let Some(path) = self.path() else {
            return Ok(());
        };
        self.health.look_briefly(path).map_err(|damage| {
            self.close(damage.clone());
            self.closed(&damage)
        })
    }

    /// Looks whether the file is whole; closes the database when it is not, and opens it again when it is.
    fn look(&self) {
        let Some(path) = self.path() else { return };
        if let Err(damage) = self.health.look(path) {
            self.close(damage);
            return;
        }
        let Some(damage) = self.health.damage() else {
            return;
        };
        if damage.needs_check() && !self.is_whole(path) {
            return;
        }
        self.health.open_again();
        tracing::info!(database = %self.label, path = %path.display(), "the database is whole and open again");
    }

    /// Asks SQLite, unless the file is the same as when it was last asked.
    fn is_whole(&self, path: &Path) -> bool {
        let changed = path
            .metadata()
            .and_then(|metadata| Ok((metadata.modified()?, metadata.len())))
            .ok();
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if *checked == changed {
            return false;
        }
        let is_whole = self.quick_check(path).is_ok_and(|answer| answer == "ok");
        *checked = changed.filter(|_| !is_whole);
        is_whole
    }

    fn quick_check(&self, path: &Path) -> Result<String, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = Connection::open_with_flags(path, flags)?;
        keep_file_as_it_is(&sqlite);
        sqlite.busy_timeout(BUSY_TIME)?;
        let count = sqlite.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if let Err(damage) = self.health.note_tables(count) {
            return Ok(damage.text());
        }
        sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    }
}

/// Closes a connection to a file that is not whole.
fn abandon(connection: PooledConnection) {
    keep_file_as_it_is(&connection.sqlite);
}

/// The last connection of a database moves its write-ahead log into it: not into a file that is damaged.
fn keep_file_as_it_is(sqlite: &Connection) {
    // A connection that cannot be told so is closed like any other.
    let _ = sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// What SQLite found, when it is the file that is at fault. The index of a search is none: it does not keep anything.
fn damage_of(cause: &rusqlite::Error) -> Option<Damage> {
    let error = cause.sqlite_error()?;
    let is_damage = match error.code {
        ffi::ErrorCode::NotADatabase => true,
        ffi::ErrorCode::DatabaseCorrupt => error.extended_code != ffi::SQLITE_CORRUPT_VTAB,
        _ => matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS
        ),
    };
    is_damage.then(|| Damage::Corrupt(cause.to_string()))
}

/// Looks after the files of databases until the shop closes.
pub(crate) async fn look_after(databases: Vec<Arc<Database>>, activity: Activity) {
    let closing = activity.closing();
    tokio::pin!(closing);
    loop {
        tokio::select! {
            () = tokio::time::sleep(FILE_LOOK_TIME) => {}
            () = &mut closing => return,
        }
        for database in &databases {
            let database = Arc::clone(database);
            // A disk may take its time.
            let look = tokio::task::spawn_blocking(move || database.look());
            if let Err(cause) = look.await {
                tracing::error!("a database was not looked at: {cause}");
            }
        }
    }
}

/// Refuses files to ATTACH, as Spin does, and notices what would stay behind on a pooled connection.
fn authorizer(
    attach_files: bool,
    stained: Arc<AtomicBool>,
) -> impl for<'c> FnMut(AuthContext<'c>) -> Authorization + Send + 'static {
    move |context| {
        match context.action {
            AuthAction::Attach { filename } => {
                stained.store(true, Ordering::Relaxed);
                if !attach_files && !matches!(filename, "" | ":memory:") {
                    return Authorization::Deny;
                }
            }
            AuthAction::CreateTempTable { .. }
            | AuthAction::CreateTempIndex { .. }
            | AuthAction::CreateTempTrigger { .. }
            | AuthAction::CreateTempView { .. } => stained.store(true, Ordering::Relaxed),
            AuthAction::Pragma {
                pragma_name,
                pragma_value,
            } if !harmless(pragma_name, pragma_value) => {
                stained.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        Authorization::Allow
    }
}

/// Whether a connection is as good as new after a pragma: it only reads, it changes the database and not the
/// connection, or it asks for what is set anyway.
fn harmless(name: &str, value: Option<&str>) -> bool {
    let name = name.to_ascii_lowercase();
    let Some(value) = value else {
        return name != "case_sensitive_like";
    };
    let value = value.to_ascii_lowercase();
    match name.as_str() {
        "journal_mode" => value == "wal",
        "synchronous" => matches!(value.as_str(), "full" | "2"),
        "foreign_keys" => matches!(value.as_str(), "on" | "1" | "true" | "yes"),
        "user_version" | "application_id" | "table_info" | "table_xinfo" | "table_list"
        | "index_list" | "index_info" | "index_xinfo" | "foreign_key_list"
        | "foreign_key_check" | "integrity_check" | "quick_check" | "wal_checkpoint"
        | "optimize" => true,
        _ => false,
    }
}

/// A pragma whose effect the runner already provides, with the row that SQLite would answer.
fn answered_here(statement: &str) -> Option<(&'static str, Value)> {
    const PRAGMA: &str = "pragma";
    let statement = statement.trim();
    if !statement.get(..PRAGMA.len())?.eq_ignore_ascii_case(PRAGMA) {
        return None;
    }
    let statement = statement.trim_end_matches(';').to_ascii_lowercase();
    let (name, value) = statement.get(PRAGMA.len()..)?.split_once(['=', '('])?;
    let value = value.trim().trim_end_matches(')').trim().trim_matches('\'');
    match name.trim() {
        "busy_timeout" => Some(("timeout", Value::Integer(value.parse().ok()?))),
        "journal_mode" if value == "wal" => Some(("journal_mode", Value::Text("wal".into()))),
        _ => None,
    }
}

/// A guest's connection.
pub struct GuestConnection(Arc<tokio::sync::Mutex<Held>>);

/// A connection while a guest holds it.
struct Held {
    database: Arc<Database>,
    connection: Option<PooledConnection>,
    /// Present from the first writing statement to the end of its transaction.
    writing: Option<OwnedMutexGuard<()>>,
    /// How long the guest wants its statements to wait for other writers, if it has said so.
    busy_time: Option<Duration>,
    /// Under a fault plan nothing depends on how long things take: the plan says which statement finds a writer in its way.
    is_planned: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.roll_back();
        if let Some(connection) = self.connection.take() {
            self.database.give_back(connection);
        }
    }
}

/// Connections of an instance that are inside a transaction.
#[derive(Default)]
pub(crate) struct OpenTransactions(Vec<Arc<tokio::sync::Mutex<Held>>>);

impl OpenTransactions {
    fn note(&mut self, connection: &Arc<tokio::sync::Mutex<Held>>, open: bool) {
        let known = self
            .0
            .iter()
            .position(|other| Arc::ptr_eq(other, connection));
        match (open, known) {
            (true, None) => self.0.push(Arc::clone(connection)),
            (false, Some(index)) => {
                self.0.swap_remove(index);
            }
            _ => {}
        }
    }

    /// Rolls back what a request left open; says whether there was anything.
    pub(crate) fn roll_back(&mut self) -> bool {
        let mut any = false;
        for connection in self.0.drain(..) {
            if let Ok(mut held) = connection.try_lock() {
                held.roll_back();
                any = true;
            }
        }
        any
    }
}

impl Held {
    fn roll_back(&mut self) {
        if let Some(connection) = &self.connection
            && !connection.sqlite.is_autocommit()
            && let Err(cause) = connection.sqlite.execute_batch("ROLLBACK")
        {
            tracing::error!(database = %self.database.label, "rollback failed: {cause}");
        }
        self.writing = None;
    }

    fn sqlite(&self) -> Result<&Connection, Error> {
        self.connection
            .as_ref()
            .map(|connection| &connection.sqlite)
            .ok_or(Error::InvalidConnection)
    }

    /// Runs the first statement of the text.
    async fn run(&mut self, statement: &str, parameters: &[Value]) -> Result<QueryResult, Error> {
        if let Some((column, value)) = answered_here(statement) {
            if let ("timeout", Value::Integer(ms)) = (column, &value) {
                self.busy_time = Some(Duration::from_millis(u64::try_from(*ms).unwrap_or(0)));
            }
            return Ok(QueryResult {
                columns: vec![column.into()],
                rows: vec![RowResult {
                    values: vec![value],
                }],
            });
        }
        self.renew().map_err(io)?;
        let result = self.try_until_free(statement, parameters).await;
        if self.sqlite()?.is_autocommit() {
            self.writing = None;
        }
        result
    }

    /// Takes another connection after the database was closed for a while; fails while it is.
    fn renew(&mut self) -> Result<(), rusqlite::Error> {
        let health = &self.database.health;
        if let Some(damage) = health.damage() {
            return Err(self.database.closed(&damage));
        }
        let is_old = |connection: &PooledConnection| connection.generation != health.generation();
        if self.connection.as_ref().is_some_and(is_old) {
            self.roll_back();
            if let Some(old) = self.connection.take() {
                abandon(old);
            }
            self.connection = Some(self.database.take()?);
        }
        Ok(())
    }

    /// How long a statement waits for other writers now: never longer than [`BUSY_TIME`].
    fn patience(&self) -> Duration {
        let patience = self.database.patience();
        self.busy_time.map_or(patience, |time| time.min(patience))
    }

    async fn wait_for_writer(&mut self) -> Result<OwnedMutexGuard<()>, Error> {
        let lock = Arc::clone(&self.database.writer);
        if self.is_planned {
            return Ok(lock.lock_owned().await);
        }
        tokio::time::timeout(self.patience(), lock.lock_owned())
            .await
            .map_err(|_| Error::Io("database is locked".into()))
    }

    /// While another process holds the database, tries again until [`BUSY_TIME`] is over. A statement that SQLite
    /// refused as busy has changed nothing.
    async fn try_until_free(
        &mut self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<QueryResult, Error> {
        let started = Instant::now();
        let mut pauses = BUSY_PAUSES_MS.iter();
        let mut pause = Duration::ZERO;
        loop {
            let attempt = query(
                self.sqlite()?,
                statement,
                parameters,
                self.writing.is_some(),
            );
            match attempt {
                Err(QueryError::Writes) => {
                    self.writing = Some(self.wait_for_writer().await?);
                    self.database.look_briefly().map_err(io)?;
                    continue;
                }
                Err(QueryError::Sqlite(cause)) if is_busy(&cause) => {
                    let waited = started.elapsed();
                    if waited >= self.patience() {
                        if waited >= self.database.patience() {
                            self.database.note_stuck();
                        }
                        return Err(io(cause));
                    }
                    pause = pauses.next().map_or(pause, |ms| Duration::from_millis(*ms));
                }
                Err(QueryError::Sqlite(cause)) => {
                    if is_full(&cause) {
                        self.database.report_full();
                    }
                    self.database.note_failure(&cause);
                    return Err(io(cause));
                }
                Err(QueryError::TooBig) => {
                    return Err(Error::Io(format!(
                        "query result exceeds limit of {RESULT_BYTES} bytes"
                    )));
                }
                Ok(result) => {
                    if self.writing.is_some() {
                        self.database.note_free();
                    }
                    return Ok(result);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Busy, but not because the transaction reads a snapshot that is out of date: that never gets better.
fn is_busy(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error().is_some_and(|error| {
        error.code == ffi::ErrorCode::DatabaseBusy
            && error.extended_code != ffi::SQLITE_BUSY_SNAPSHOT
    })
}

/// Whether there was no room for what was to be written.
fn is_full(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error_code() == Some(ffi::ErrorCode::DiskFull)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
fn io(cause: rusqlite::Error) -> Error {
    Error::Io(cause.to_string())
}

/// Hands over the first statement of the text, prepared; a text of one statement is prepared once per connection.
fn with_statement<R>(
    sqlite: &Connection,
    text: &str,
    use_it: impl FnOnce(&mut Statement<'_>) -> Result<R, QueryError>,
) -> Result<R, QueryError> {
    match sqlite.prepare_cached(text) {
        Ok(mut prepared) => use_it(&mut prepared),
        Err(rusqlite::Error::MultipleStatement) => match Batch::new(sqlite, text).next()? {
            Some(mut first) => use_it(&mut first),
            None => Err(rusqlite::Error::InvalidQuery.into()),
        },
        Err(cause) => Err(cause.into()),
    }
}

enum QueryError {
    /// The statement writes, and the writer lock is not held. It has not run.
    Writes,
    Sqlite(rusqlite::Error),
    TooBig,
}

impl From<rusqlite::Error> for QueryError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

fn query(
    sqlite: &Connection,
    text: &str,
    parameters: &[Value],
    may_write: bool,
) -> Result<QueryResult, QueryError> {
    with_statement(sqlite, text, |prepared| {
        if !may_write && !prepared.readonly() {
            return Err(QueryError::Writes);
        }
        let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
        let mut rows =
            prepared.query(rusqlite::params_from_iter(parameters.iter().map(Parameter)))?;
        let mut found = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(columns.len());
            for column in 0..columns.len() {
                let value = to_value(row.get_ref(column)?);
                bytes += size_of(&value);
                values.push(value);
            }
            if bytes > RESULT_BYTES {
                return Err(QueryError::TooBig);
            }
            found.push(RowResult { values });
        }
        drop(rows);
        Ok(QueryResult {
            columns,
            rows: found,
        })
    })
}

struct Parameter<'a>(&'a Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self.0 {
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
            Value::Null => ValueRef::Null,
        }))
    }
}

fn to_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

fn size_of(value: &Value) -> usize {
    std::mem::size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
            Value::Integer(_) | Value::Real(_) | Value::Null => 0,
        }
}

/// Opens a connection for a component, if its grants have the label.
fn open(
    services: &Services,
    component: &ComponentGrants,
    label: &str,
) -> Result<GuestConnection, Error> {
    let is_planned = services.faults.are_planned();
    let database = component.databases.get(label).ok_or(Error::AccessDenied)?;
    let connection = database.take().map_err(io)?;
    let held = Held {
        database: Arc::clone(database),
        connection: Some(connection),
        writing: None,
        busy_time: None,
        is_planned,
    };
    Ok(GuestConnection(Arc::new(tokio::sync::Mutex::new(held))))
}

/// Runs a statement under the fault plan. The outer error stops the guest.
async fn execute(
    services: &Services,
    component: &ComponentGrants,
    connection: &Arc<tokio::sync::Mutex<Held>>,
    statement: &str,
    parameters: &[Value],
) -> wasmtime::Result<(Result<QueryResult, Error>, bool)> {
    services.metrics.sqlite_statement();
    let fault = services
        .faults
        .ask(&component.id, CallKind::Sqlite, statement, &[])
        .await;
    let mut held = connection.lock().await;
    let result = match &fault {
        Fault::Pass | Fault::Pretend | Fault::StopAfter | Fault::Then(_) => {
            held.run(statement, parameters).await
        }
        Fault::Fail(reason) => Err(Error::Io(reason.clone())),
        Fault::Stop => return Err(Stopped.into()),
    };
    match fault {
        Fault::StopAfter => return Err(Stopped.into()),
        Fault::Then(batch) => {
            if let Ok(sqlite) = held.sqlite() {
                sqlite.execute_batch(&batch).map_err(|cause| {
                    wasmtime::Error::msg(format!("the fault plan's statements failed: {cause}"))
                })?;
            }
        }
        _ => {}
    }
    let open = held.sqlite().is_ok_and(|sqlite| !sqlite.is_autocommit());
    Ok((result, open))
}

impl Guest {
    fn connection(
        &self,
        handle: &Resource<ConnectionResource>,
    ) -> Option<Arc<tokio::sync::Mutex<Held>>> {
        self.table
            .get(handle)
            .ok()
            .map(|connection| Arc::clone(&connection.0))
    }

    fn keep(
        &mut self,
        opened: Result<GuestConnection, Error>,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        Ok(match opened {
            Err(error) => Err(error),
            Ok(_) if self.handles >= CONNECTIONS_PER_INSTANCE => {
                Err(Error::Io("too many connections opened".into()))
            }
            Ok(connection) => {
                self.handles += 1;
                Ok(self.table.push(connection)?)
            }
        })
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        let opened = open(&self.services, &self.component, &database);
        self.keep(opened)
    }

    async fn execute(
        &mut self,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        self.stop().check()?;
        let Some(held) = self.connection(&connection) else {
            return Ok(Err(Error::InvalidConnection));
        };
        let (result, open) = execute(
            &self.services,
            &self.component,
            &held,
            &statement,
            &parameters,
        )
        .await?;
        self.transactions.note(&held, open);
        Ok(result)
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        last_insert_rowid(self.connection(&connection)).await
    }

    async fn changes(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<u64> {
        changes(self.connection(&connection)).await
    }

    fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        let connection = self.table.delete(connection)?;
        self.handles = self.handles.saturating_sub(1);
        self.transactions.note(&connection.0, false);
        Ok(())
    }
}

async fn last_insert_rowid(
    connection: Option<Arc<tokio::sync::Mutex<Held>>>,
) -> wasmtime::Result<i64> {
    let connection = connection.ok_or_else(|| wasmtime::Error::msg("not a connection"))?;
    let held = connection.lock().await;
    Ok(held
        .sqlite()
        .map(Connection::last_insert_rowid)
        .unwrap_or_default())
}

async fn changes(connection: Option<Arc<tokio::sync::Mutex<Held>>>) -> wasmtime::Result<u64> {
    let connection = connection.ok_or_else(|| wasmtime::Error::msg("not a connection"))?;
    let held = connection.lock().await;
    Ok(held.sqlite().map(Connection::changes).unwrap_or_default())
}

/// Columns, rows and the end of a statement.
type Streamed = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl HostConnectionWithStore<Guest> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<Guest, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut access| {
            let guest = access.get();
            let opened = open(&guest.services, &guest.component, &database);
            guest.keep(opened)
        })
    }

    async fn execute_async(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let (stop, held, services, component) = accessor.with(|mut access| {
            let guest = access.get();
            (
                guest.stop(),
                guest.connection(&connection),
                Arc::clone(&guest.services),
                Arc::clone(&guest.component),
            )
        });
        stop.check()?;
        let Some(held) = held else {
            return Ok(Err(Error::InvalidConnection));
        };
        let (result, open) = execute(&services, &component, &held, &statement, &parameters).await?;
        accessor.with(|mut access| {
            access.get().transactions.note(&held, open);
            // As under Spin, an error of the statement arrives in the future, after a stream without rows.
            let (columns, rows, end) = match result {
                Ok(result) => (result.columns, result.rows, Ok(())),
                Err(error) => (Vec::new(), Vec::new(), Err(error)),
            };
            let rows = StreamReader::new(&mut access, rows)?;
            let end = FutureReader::new(&mut access, async move { wasmtime::error::Ok(end) })?;
            Ok(Ok((columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        let held = accessor.with(|mut access| access.get().connection(&connection));
        last_insert_rowid(held).await
    }

    async fn changes_async(
        accessor: &Accessor<Guest, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<u64> {
        let held = accessor.with(|mut access| access.get().connection(&connection));
        changes(held).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        folder: PathBuf,
        database: Arc<Database>,
    }

    impl Fixture {
        fn new() -> Self {
            let id = mercato_platform::ids::Ids::new_id(&mercato_platform::ids::RandomIds);
            let folder = std::env::temp_dir().join(format!("mercato-sqlite-{id}"));
            let config = DatabaseConfig {
                path: Some(folder.join("test.db")),
                allow_attach_file: false,
            };
            let database = Databases::default().open("test", &config).unwrap();
            Self { folder, database }
        }

        fn open(&self) -> Held {
            Held {
                database: Arc::clone(&self.database),
                connection: Some(self.database.take().unwrap()),
                writing: None,
                busy_time: None,
                is_planned: false,
            }
        }

        fn idle(&self) -> usize {
            self.database.idle.lock().unwrap().len()
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    async fn run(held: &mut Held, statement: &str) -> QueryResult {
        held.run(statement, &[])
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    async fn error(held: &mut Held, statement: &str) -> String {
        match held.run(statement, &[]).await {
            Err(Error::Io(message)) => message,
            other => panic!("{statement}: {other:?}"),
        }
    }

    fn integer(result: &QueryResult) -> i64 {
        match result.rows[0].values[0] {
            Value::Integer(integer) => integer,
            ref other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn only_writing_statements_take_the_writer_lock() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        run(
            &mut held,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)",
        )
        .await;
        let cases = [
            ("SELECT * FROM t", false),
            ("BEGIN", false),
            ("COMMIT", false),
            ("PRAGMA user_version", false),
            ("VALUES (1), (2)", false),
            ("BEGIN IMMEDIATE", true),
            ("begin exclusive transaction", true),
            ("INSERT INTO t (n) VALUES (1)", true),
            ("WITH x AS (SELECT 1) UPDATE t SET n = 2", true),
            ("DELETE FROM t RETURNING id", true),
            ("CREATE TABLE u (id)", true),
        ];
        for (statement, writes) in cases {
            let refused = matches!(
                query(held.sqlite().unwrap(), statement, &[], false),
                Err(QueryError::Writes)
            );
            assert_eq!(refused, writes, "{statement}");
        }
    }

    #[tokio::test]
    async fn a_writer_waits_for_the_other_one_to_commit() {
        let fixture = Fixture::new();
        let (mut first, mut second) = (fixture.open(), fixture.open());
        run(&mut first, "CREATE TABLE t (n INTEGER)").await;
        run(&mut first, "BEGIN IMMEDIATE").await;
        run(&mut first, "INSERT INTO t VALUES (1)").await;
        let waiting = tokio::spawn(async move {
            run(&mut second, "BEGIN IMMEDIATE").await;
            let seen = integer(&run(&mut second, "SELECT COUNT(*) FROM t").await);
            run(&mut second, "ROLLBACK").await;
            seen
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        run(&mut first, "COMMIT").await;
        assert!(first.writing.is_none());
        assert_eq!(waiting.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_writer_waits_for_another_process() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        run(&mut held, "CREATE TABLE t (n INTEGER)").await;
        let other = Connection::open(fixture.database.path().unwrap()).unwrap();
        other
            .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
            .unwrap();
        let (inserted, ()) = tokio::join!(held.run("INSERT INTO t VALUES (2)", &[]), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            other.execute_batch("COMMIT").unwrap();
        });
        inserted.unwrap();
        assert_eq!(integer(&run(&mut held, "SELECT COUNT(*) FROM t").await), 2);
    }

    #[tokio::test]
    async fn a_writer_waits_no_longer_than_it_wants_to() {
        let fixture = Fixture::new();
        let (mut first, mut second) = (fixture.open(), fixture.open());
        let other = Connection::open(fixture.database.path().unwrap()).unwrap();
        run(&mut second, "PRAGMA busy_timeout = 10").await;
        let started = Instant::now();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(
            error(&mut second, "BEGIN IMMEDIATE")
                .await
                .contains("locked")
        );
        other.execute_batch("ROLLBACK").unwrap();
        run(&mut first, "BEGIN IMMEDIATE").await;
        assert!(
            error(&mut second, "BEGIN IMMEDIATE")
                .await
                .contains("locked")
        );
        assert!(started.elapsed() < BUSY_TIME);
        assert_eq!(fixture.database.patience(), BUSY_TIME);
    }

    #[tokio::test]
    async fn under_a_fault_plan_a_writer_waits_for_its_turn_however_long_that_takes() {
        let fixture = Fixture::new();
        let (mut first, mut second) = (fixture.open(), fixture.open());
        second.is_planned = true;
        run(&mut second, "PRAGMA busy_timeout = 0").await;
        run(&mut first, "BEGIN IMMEDIATE").await;
        let (begun, ()) = tokio::join!(second.run("BEGIN IMMEDIATE", &[]), async {
            // Longer than the writer wants to wait, for which the timer needs a moment of its own.
            tokio::time::sleep(Duration::from_millis(20)).await;
            run(&mut first, "COMMIT").await;
        });
        begun.unwrap();
    }

    #[tokio::test]
    async fn an_open_transaction_is_rolled_back_before_the_connection_is_used_again() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        run(&mut held, "CREATE TABLE t (n INTEGER)").await;
        run(&mut held, "BEGIN IMMEDIATE").await;
        run(&mut held, "INSERT INTO t VALUES (1)").await;
        drop(held);
        assert_eq!(fixture.idle(), 1);
        let mut held = fixture.open();
        assert!(held.sqlite().unwrap().is_autocommit());
        assert_eq!(integer(&run(&mut held, "SELECT COUNT(*) FROM t").await), 0);
        run(&mut held, "INSERT INTO t VALUES (1)").await;
    }

    #[tokio::test]
    async fn a_connection_that_a_guest_changed_is_not_used_again() {
        for (statement, kept) in [
            ("SELECT 1", 1),
            ("PRAGMA foreign_keys = ON", 1),
            ("PRAGMA synchronous = FULL", 1),
            ("PRAGMA busy_timeout = 1", 1),
            ("PRAGMA foreign_keys = OFF", 0),
            ("PRAGMA query_only = 1", 0),
            ("CREATE TEMP TABLE leak (x)", 0),
            ("ATTACH ':memory:' AS other", 0),
        ] {
            let fixture = Fixture::new();
            let mut held = fixture.open();
            run(&mut held, statement).await;
            drop(held);
            assert_eq!(fixture.idle(), kept, "{statement}");
        }
    }

    #[tokio::test]
    async fn pragmas_that_the_runner_provides_are_answered_as_sqlite_would() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        let answer = run(&mut held, "PRAGMA busy_timeout = 5000;").await;
        assert_eq!(
            (answer.columns[0].as_str(), integer(&answer)),
            ("timeout", 5000)
        );
        assert!(
            matches!(&run(&mut held, "pragma journal_mode=WAL").await.rows[0].values[0], Value::Text(mode) if mode == "wal")
        );
        assert_eq!(integer(&run(&mut held, "PRAGMA foreign_keys").await), 1);
        assert_eq!(integer(&run(&mut held, "PRAGMA synchronous").await), 2);
    }

    #[tokio::test]
    async fn of_several_statements_the_first_one_runs() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        run(&mut held, "CREATE TABLE a (x); CREATE TABLE b (x)").await;
        let tables = run(&mut held, "SELECT COUNT(*) FROM sqlite_schema").await;
        assert_eq!(integer(&tables), 1);
    }

    #[tokio::test]
    async fn every_kind_of_value_comes_back_as_it_went_in() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        let values = [
            Value::Integer(-7),
            Value::Real(0.5),
            Value::Text("ä".into()),
            Value::Blob(vec![0, 255]),
            Value::Null,
        ];
        let result = held.run("SELECT ?, ?, ?, ?, ?", &values).await.unwrap();
        assert_eq!(
            format!("{:?}", result.rows[0].values),
            format!("{values:?}")
        );
    }

    #[tokio::test]
    async fn other_files_cannot_be_attached() {
        let fixture = Fixture::new();
        let mut held = fixture.open();
        assert!(
            error(&mut held, "ATTACH '/tmp/other.db' AS other")
                .await
                .contains("not authorized")
        );
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error_that_says_so() {
        let fixture = Fixture::new();
        let path = fixture.folder.join("broken.db");
        std::fs::write(&path, [b'x'; 8192]).unwrap();
        let config = DatabaseConfig {
            path: Some(path),
            allow_attach_file: false,
        };
        let message = Databases::default()
            .open("broken", &config)
            .err()
            .unwrap()
            .to_string();
        assert!(
            message.starts_with("database `broken` (")
                && message.contains("not a usable SQLite database"),
            "{message}"
        );
    }

    #[test]
    fn two_labels_of_one_file_share_the_writer_lock() {
        let fixture = Fixture::new();
        let config = DatabaseConfig {
            path: Some(fixture.folder.join("test.db")),
            allow_attach_file: false,
        };
        let mut databases = Databases::default();
        let (one, two) = (
            databases.open("one", &config).unwrap(),
            databases.open("two", &config).unwrap(),
        );
        assert!(Arc::ptr_eq(&one, &two));
    }
}
