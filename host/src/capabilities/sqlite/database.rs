//! Database files: opened by label, their connections pooled and returned clean.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags, ffi};

use super::file_health::{Damage, Health};
use super::time_limit::{ProgressCheck, StatementTimer};
use crate::error;
use crate::limits::{
    BUSY_TIME, BUSY_TIME_KNOWN, IDLE_CONNECTIONS, STATEMENT_STEPS, STATEMENTS_PER_CONNECTION,
};
use crate::manifest::runtime_config::DatabaseConfig;
use crate::permissions;
use crate::scheduling::recent::Recent;
use crate::scheduling::semaphore::{FairSemaphore, QueueLimits};
use crate::sync::lock;

/// Pauses between tries while another process holds the database, in milliseconds; the last one repeats.
pub(super) const BUSY_PAUSES_MS: [u64; 6] = [1, 2, 5, 10, 15, 25];

/// One database file and its idle connections.
pub(crate) struct Database {
    pub(super) label: String,
    config: DatabaseConfig,
    pub(super) idle: Mutex<Vec<PooledConnection>>,
    /// One permit, for the connection that writes.
    pub(super) writer: Arc<FairSemaphore>,
    /// Statements that read and do not run where they are begun.
    pub(super) long: Recent,
    /// Statements of transactions that have kept their thread for long.
    pub(super) slow: Recent,
    /// Until then it is known that another process does not let go of the database.
    stuck_until: Mutex<Option<Instant>>,
    pub(super) health: Health,
    /// When the file was last changed, and its size, when SQLite last found it damaged.
    pub(super) checked: Mutex<Option<(SystemTime, u64)>>,
}

/// The databases of a shop. Labels of the same file share a [`Database`], and with it the writer lock.
#[derive(Default)]
pub(crate) struct Databases(BTreeMap<PathBuf, Arc<Database>>);

pub(super) struct PooledConnection {
    pub(super) sqlite: Connection,
    /// How long its statements take.
    pub(super) timer: Arc<StatementTimer>,
    /// Set by the authorizer when a guest makes something that would outlive it on this connection.
    poisoned: Arc<AtomicBool>,
    /// See [`Health::generation`].
    pub(super) generation: u64,
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
            permissions::create_folder(folder)
                .map_err(|cause| fail(format!("cannot create its folder: {cause}")))?;
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
        // SQLite makes none: later connections must find this one. Nobody has it open yet: closing it again would take the locks of
        // connections with it.
        permissions::create_file(path)
            .map_err(|cause| fail(format!("{cause}; check the path and its permissions")))?;
        for file in files_of(path) {
            permissions::tighten(&file);
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

    /// Closes the idle connections, and forgets what is known of the files. The last connection of a database moves its
    /// write-ahead log into it.
    pub(crate) fn close_idle(&self) {
        for database in self.0.values() {
            let mut idle = lock(&database.idle);
            let connections = std::mem::take(&mut *idle);
            drop(idle);
            drop(connections);
            database.health.forget();
        }
    }

    /// Moves the write-ahead logs into the databases and closes the idle connections.
    pub(crate) fn checkpoint(&self) {
        for database in self.0.values() {
            if database.is_closed() {
                database.drop_idle();
            }
            let mut idle = lock(&database.idle);
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
            writer: FairSemaphore::new(1, QueueLimits::NONE),
            long: Recent::default(),
            slow: Recent::default(),
            stuck_until: Mutex::default(),
            health: Health::default(),
            checked: Mutex::default(),
        }
    }

    /// How long a statement waits for the writer lock now.
    pub(super) fn patience(&self) -> Duration {
        let until = lock(&self.stuck_until);
        match *until {
            Some(until) if Instant::now() < until => BUSY_TIME_KNOWN,
            _ => BUSY_TIME,
        }
    }

    /// Notes that a statement has waited for another process without success.
    pub(super) fn note_stuck(&self) {
        let now = Instant::now();
        let before = lock(&self.stuck_until).replace(now + BUSY_TIME);
        if before.is_none() {
            tracing::warn!(database = %self.label, "another program has held the write lock for {} s; what writes is refused until it lets go", BUSY_TIME.as_secs());
        }
    }

    pub(super) fn report_full(&self) {
        let path = self.path().unwrap_or(Path::new(":memory:"));
        tracing::error!(database = %self.label, "the disk of {} is full: make room; until then nothing can be written", path.display());
    }

    /// A statement has written.
    pub(super) fn note_free(&self) {
        let before = lock(&self.stuck_until).take();
        if before.is_some() {
            tracing::info!(database = %self.label, "the write lock is free again");
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.health.damage().is_some()
    }

    /// What statements get to know while the database is closed.
    pub(super) fn closed(&self, damage: &Damage) -> rusqlite::Error {
        let text = format!("the database `{}` is closed: {}", self.label, damage.text());
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(text))
    }

    /// Lets every statement be an error until the file is whole.
    pub(super) fn close(&self, damage: Damage) {
        let text = damage.text();
        if self.health.close(damage) {
            let path = self.path().unwrap_or(Path::new(":memory:"));
            tracing::error!(database = %self.label, path = %path.display(), "the database is closed until it is whole: {text}");
            self.drop_idle();
        }
    }

    pub(super) fn drop_idle(&self) {
        let mut idle = lock(&self.idle);
        let connections = std::mem::take(&mut *idle);
        drop(idle);
        connections.into_iter().for_each(abandon);
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.config.path.as_deref()
    }

    pub(super) fn take(&self) -> Result<PooledConnection, rusqlite::Error> {
        if let Some(damage) = self.health.damage() {
            return Err(self.closed(&damage));
        }
        let pooled = lock(&self.idle).pop();
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
        let poisoned = Arc::new(AtomicBool::new(false));
        sqlite.authorizer(Some(authorizer(
            self.config.allow_attach_file,
            Arc::clone(&poisoned),
        )))?;
        let timer = Arc::new(StatementTimer::default());
        let (watched, mut stopwatch) = (Arc::clone(&timer), ProgressCheck::new());
        let is_over = move || stopwatch.is_over(&watched);
        sqlite.progress_handler(STATEMENT_STEPS, Some(is_over))?;
        Ok(PooledConnection {
            sqlite,
            timer,
            poisoned,
            generation: self.health.generation(),
        })
    }

    /// Takes a connection back if it is as clean as a new one.
    pub(super) fn give_back(&self, connection: PooledConnection) {
        if self.is_closed() || connection.generation != self.health.generation() {
            abandon(connection);
            return;
        }
        if self.path().is_none()
            || connection.poisoned.load(Ordering::Relaxed)
            || !connection.sqlite.is_autocommit()
        {
            return;
        }
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }
}

/// Closes a connection to a file that is not whole. The last connection of a database moves its write-ahead log into it: not
/// into a file that is damaged.
pub(super) fn abandon(connection: PooledConnection) {
    // A connection that does not take the setting is closed like any other.
    let _ = connection
        .sqlite
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Busy, but not because the transaction reads a snapshot that is out of date: that never gets better.
pub(super) fn is_busy(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error().is_some_and(|error| {
        error.code == ffi::ErrorCode::DatabaseBusy
            && error.extended_code != ffi::SQLITE_BUSY_SNAPSHOT
    })
}

/// Whether there was no room for what was to be written.
pub(super) fn is_full(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error_code() == Some(ffi::ErrorCode::DiskFull)
}

/// Refuses files to ATTACH, as Spin does, and notices what would stay behind on a pooled connection.
fn authorizer(
    attach_files: bool,
    poisoned: Arc<AtomicBool>,
) -> impl for<'c> FnMut(AuthContext<'c>) -> Authorization + Send + 'static {
    move |context| {
        match context.action {
            AuthAction::Attach { filename } => {
                poisoned.store(true, Ordering::Relaxed);
                if !attach_files && !matches!(filename, "" | ":memory:") {
                    return Authorization::Deny;
                }
            }
            AuthAction::CreateTempTable { .. }
            | AuthAction::CreateTempIndex { .. }
            | AuthAction::CreateTempTrigger { .. }
            | AuthAction::CreateTempView { .. } => poisoned.store(true, Ordering::Relaxed),
            AuthAction::Pragma {
                pragma_name,
                pragma_value,
            } if !harmless(pragma_name, pragma_value) => {
                poisoned.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        Authorization::Allow
    }
}

/// Whether a connection is as good as new after a pragma: it only reads, it changes the database and not the
/// connection, it asks for what is set anyway, or it only has more of what is deleted overwritten.
fn harmless(name: &str, value: Option<&str>) -> bool {
    let name = name.to_ascii_lowercase();
    let Some(value) = value else {
        return name != "case_sensitive_like";
    };
    let value = value.to_ascii_lowercase();
    match name.as_str() {
        "journal_mode" => value == "wal",
        "synchronous" => matches!(value.as_str(), "full" | "2"),
        "foreign_keys" | "secure_delete" => matches!(value.as_str(), "on" | "1" | "true" | "yes"),
        "user_version" | "application_id" | "table_info" | "table_xinfo" | "table_list"
        | "index_list" | "index_info" | "index_xinfo" | "foreign_key_list"
        | "foreign_key_check" | "integrity_check" | "quick_check" | "wal_checkpoint"
        | "optimize" => true,
        _ => false,
    }
}
