//! Whether a database file is whole: what can be seen without reading its pages, and what statements found out.
//!
//! SQLite itself does not look: connections that are open go on with a file that was deleted, and a file that was emptied
//! is a new database to the next one. A database that is damaged is closed: its statements are errors until it is whole.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::one_line;
use crate::limits::{BUSY_TIME, FILE_LOOK_TIME, SHORT_LOOKS_MAX};
use crate::shutdown::Activity;

/// What every database begins with: <https://sqlite.org/fileformat2.html#the_database_header>.
const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// What makes a file the same one as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }

    /// Elsewhere a file that is open cannot be replaced.
    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {
            device: 0,
            number: 0,
        }
    }
}

/// Why a database is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Damage {
    /// There is no file.
    Missing,
    /// There is nothing in the file.
    Empty,
    /// The file is not the one that was opened.
    Replaced,
    /// The file is no database.
    NoDatabase,
    /// The file ends before its last page.
    Short,
    /// Its tables are gone.
    NoTables,
    /// SQLite found something that cannot be, with these words.
    Corrupt(String),
    /// The file cannot be looked at.
    Unreadable(io::ErrorKind),
}

impl Damage {
    fn text(&self) -> String {
        match self {
            Self::Missing => "the file is missing".into(),
            Self::Empty => "the file is empty".into(),
            Self::Replaced => {
                "the file was replaced while the shop runs; start the shop again".into()
            }
            Self::NoDatabase => "the file is not a SQLite database".into(),
            Self::Short => "the file is shorter than the database".into(),
            Self::NoTables => "the tables are gone".into(),
            Self::Corrupt(words) => format!("SQLite says: {words}"),
            Self::Unreadable(kind) => format!("the file cannot be read: {kind}"),
        }
    }

    /// Whether only SQLite can tell that it is over.
    fn needs_check(&self) -> bool {
        !matches!(self, Self::Missing)
    }
}

/// What is known about a database's file. One in memory is always whole.
pub(crate) struct Health {
    label: String,
    path: Option<PathBuf>,
    /// Read before every statement.
    is_closed: AtomicBool,
    /// Grows whenever the database opens again: connections from before are not used any more.
    generation: AtomicU64,
    /// There were tables once.
    has_tables: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    identity: Option<Identity>,
    damage: Option<Damage>,
    /// How often in a row the file was found to be too short.
    short_looks: u32,
    /// When the file was last changed, and its size, when SQLite last found it damaged.
    checked: Option<(SystemTime, u64)>,
}

impl Health {
    pub(crate) fn new(label: &str, path: Option<&Path>) -> Self {
        Self {
            label: label.to_owned(),
            path: path.map(Path::to_owned),
            is_closed: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            has_tables: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// The file as it is now is the database.
    pub(crate) fn begin(&self) {
        let metadata = self.path.as_ref().and_then(|path| path.metadata().ok());
        self.state().identity = metadata.as_ref().map(Identity::of);
    }

    /// What a new connection is marked with.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Whether a connection of that mark may be used on.
    pub(crate) fn is_current(&self, generation: u64) -> bool {
        generation == self.generation()
    }

    /// Whether the database is open; cheap enough for every statement.
    ///
    /// # Errors
    /// Why it is closed.
    pub(crate) fn check(&self) -> Result<(), rusqlite::Error> {
        if !self.is_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        match &self.state().damage {
            Some(damage) => Err(self.error(damage)),
            None => Ok(()),
        }
    }

    /// A new connection has counted the tables, and whatever else the schema has.
    ///
    /// # Errors
    /// When there were some and are none any more.
    pub(crate) fn note_tables(&self, count: i64) -> Result<(), rusqlite::Error> {
        if count > 0 {
            self.has_tables.store(true, Ordering::Relaxed);
        } else if self.has_tables.load(Ordering::Relaxed) {
            return Err(self.close(Damage::NoTables));
        }
        Ok(())
    }

    /// A statement has failed: when that is because the file is damaged, the database is closed.
    pub(crate) fn note_failure(&self, cause: &rusqlite::Error) {
        if let Some(damage) = damage_of(cause) {
            self.close(damage);
        }
    }

    /// Looks whether what a transaction is about to write would be in the file that the next start finds.
    ///
    /// # Errors
    /// When the file is missing, empty or another one; the database is closed then.
    pub(crate) fn look_briefly(&self) -> Result<(), rusqlite::Error> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        self.find(path).map_err(|damage| self.close(damage))
    }

    /// Looks whether the file is whole; closes the database when it is not, and opens it again when it is.
    fn look(&self) {
        let Some(path) = &self.path else { return };
        if let Err(damage) = self.inspect(path) {
            self.close(damage);
            return;
        }
        let Some(damage) = self.state().damage.clone() else {
            return;
        };
        if !damage.needs_check() || self.is_whole(path) {
            self.open_again();
        }
    }

    /// Reads the whole file: damage that no statement has met yet is found before one does.
    fn read_through(&self) {
        let Some(path) = &self.path else { return };
        match self.quick_check(path) {
            Ok(answer) if answer == "ok" => {}
            Ok(answer) => drop(self.close(Damage::Corrupt(one_line(&answer)))),
            Err(cause) => self.note_failure(&cause),
        }
    }

    /// Lets every statement be an error until the file is whole; gives that error.
    fn close(&self, damage: Damage) -> rusqlite::Error {
        let error = self.error(&damage);
        let mut state = self.state();
        if state.damage.is_none() {
            let path = self.path.as_deref().unwrap_or(Path::new(":memory:"));
            tracing::error!(database = self.label, path = %path.display(), "the database is closed until it is whole: {}", damage.text());
        }
        // What only a check can undo is not forgotten for what comes and goes.
        if state
            .damage
            .as_ref()
            .is_none_or(|known| !known.needs_check())
        {
            state.damage = Some(damage);
        }
        self.is_closed.store(true, Ordering::Relaxed);
        error
    }

    /// Opens the database again, for new connections.
    fn open_again(&self) {
        let mut state = self.state();
        state.damage = None;
        state.short_looks = 0;
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.is_closed.store(false, Ordering::Relaxed);
        tracing::info!(
            database = self.label,
            "the database is whole and open again"
        );
    }

    fn error(&self, damage: &Damage) -> rusqlite::Error {
        let text = format!("the database `{}` is closed: {}", self.label, damage.text());
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(text))
    }

    /// Whether the file is there and the same as before.
    fn find(&self, path: &Path) -> Result<(), Damage> {
        let metadata = path.metadata().map_err(|cause| unreadable(&cause))?;
        match self.state().identity {
            Some(identity) if identity != Identity::of(&metadata) => Err(Damage::Replaced),
            _ if metadata.len() == 0 => Err(Damage::Empty),
            _ => Ok(()),
        }
    }

    /// Reads the file's header too. A file that is too short may be one that is just being written: only several looks in a
    /// row tell.
    fn inspect(&self, path: &Path) -> Result<(), Damage> {
        self.find(path)?;
        let is_short = is_short(path)?;
        let mut state = self.state();
        state.short_looks = if is_short { state.short_looks + 1 } else { 0 };
        if state.short_looks >= SHORT_LOOKS_MAX {
            return Err(Damage::Short);
        }
        Ok(())
    }

    /// Asks SQLite, unless the file is the same as when it was last asked.
    fn is_whole(&self, path: &Path) -> bool {
        let changed = path
            .metadata()
            .and_then(|metadata| Ok((metadata.modified()?, metadata.len())))
            .ok();
        if self.state().checked == changed {
            return false;
        }
        let is_whole = self.quick_check(path).is_ok_and(|answer| answer == "ok");
        self.state().checked = changed.filter(|_| !is_whole);
        is_whole
    }

    fn quick_check(&self, path: &Path) -> Result<String, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = Connection::open_with_flags(path, flags)?;
        keep_file_as_it_is(&sqlite);
        sqlite.busy_timeout(BUSY_TIME)?;
        let count = sqlite.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
        self.note_tables(count)?;
        sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after the files of databases until the shop closes: reads through each once, and then looks again and again.
pub(crate) async fn look_after(databases: Vec<Arc<Health>>, activity: Activity) {
    let closing = activity.closing();
    tokio::pin!(closing);
    for_each(&databases, Health::read_through).await;
    loop {
        tokio::select! {
            () = tokio::time::sleep(FILE_LOOK_TIME) => {}
            () = &mut closing => return,
        }
        for_each(&databases, Health::look).await;
    }
}

/// A disk may take its time, and no thread that answers requests waits for it.
async fn for_each(databases: &[Arc<Health>], act: fn(&Health)) {
    for health in databases {
        let health = Arc::clone(health);
        if let Err(cause) = tokio::task::spawn_blocking(move || act(&health)).await {
            tracing::error!("a database was not looked at: {cause}");
        }
    }
}

/// The last connection of a database moves its write-ahead log into it when it is closed; this one will not.
pub(crate) fn keep_file_as_it_is(sqlite: &Connection) {
    // A connection that cannot be told so is closed like any other.
    let _ = sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// What SQLite found, when it is the file that is at fault. The index of a search is none: it can be made again.
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

fn unreadable(cause: &io::Error) -> Damage {
    match cause.kind() {
        io::ErrorKind::NotFound => Damage::Missing,
        kind => Damage::Unreadable(kind),
    }
}

/// Whether the file is shorter than its header says.
fn is_short(path: &Path) -> Result<bool, Damage> {
    let mut file = File::open(path).map_err(|cause| unreadable(&cause))?;
    let size_bytes = file.metadata().map_err(|cause| unreadable(&cause))?.len();
    let mut header = [0; HEADER_BYTES];
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(Damage::NoDatabase);
        }
        Err(cause) => return Err(unreadable(&cause)),
    }
    if !header.starts_with(MAGIC) {
        return Err(Damage::NoDatabase);
    }
    let number = |at: usize, bytes: usize| {
        let field = header.get(at..at + bytes).unwrap_or_default();
        field
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let page_bytes = match number(16, 2) {
        1 => 1 << 16,
        bytes => bytes,
    };
    // The number of pages counts only if the version that wrote it also wrote the last change.
    let pages = if number(24, 4) == number(92, 4) {
        number(28, 4)
    } else {
        0
    };
    Ok(size_bytes < pages.saturating_mul(page_bytes))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mercato_platform::ids::{Ids, RandomIds};
    use rusqlite::Connection;

    use super::*;

    struct Fixture {
        path: PathBuf,
        health: Health,
    }

    impl Fixture {
        fn new() -> Self {
            let name = format!("mercato-health-{}.db", RandomIds.new_id());
            let path = std::env::temp_dir().join(name);
            let sqlite = Connection::open(&path).unwrap();
            sqlite
                .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))")
                .unwrap();
            let health = Health::new("test", Some(&path));
            health.begin();
            Self { path, health }
        }

        fn damage(&self) -> Option<Damage> {
            self.health.inspect(&self.path).err()
        }

        /// What a statement is told after a look.
        fn look(&self) -> Option<String> {
            self.health.look();
            self.health.check().err().map(|error| error.to_string())
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    #[test]
    fn a_file_that_is_gone_replaced_or_emptied_is_noticed() {
        let fixture = Fixture::new();
        assert_eq!(fixture.damage(), None);
        let aside = fixture.path.with_extension("aside");
        std::fs::rename(&fixture.path, &aside).unwrap();
        assert_eq!(fixture.damage(), Some(Damage::Missing));
        std::fs::copy(&aside, &fixture.path).unwrap();
        assert_eq!(fixture.damage(), Some(Damage::Replaced));
        std::fs::rename(&aside, &fixture.path).unwrap();
        assert_eq!(fixture.damage(), None);
        std::fs::write(&fixture.path, "").unwrap();
        assert_eq!(fixture.damage(), Some(Damage::Empty));
        std::fs::write(&fixture.path, "x".repeat(5_000)).unwrap();
        assert_eq!(fixture.damage(), Some(Damage::NoDatabase));
    }

    #[test]
    fn a_file_is_cut_off_when_it_stays_short() {
        let fixture = Fixture::new();
        let file = File::options().write(true).open(&fixture.path).unwrap();
        file.set_len(8_192).unwrap();
        for _ in 1..SHORT_LOOKS_MAX {
            assert_eq!(fixture.damage(), None);
        }
        assert_eq!(fixture.damage(), Some(Damage::Short));
    }

    #[test]
    fn a_database_that_had_tables_does_not_lose_them() {
        let health = Health::new("test", None);
        health.note_tables(0).unwrap();
        health.note_tables(7).unwrap();
        let message = health.note_tables(0).unwrap_err().to_string();
        assert!(message.contains("the tables are gone"), "{message}");
        assert!(health.check().is_err());
    }

    #[test]
    fn a_closed_database_says_why_until_it_is_whole() {
        let fixture = Fixture::new();
        let whole = std::fs::read(&fixture.path).unwrap();
        let generation = fixture.health.generation();
        assert_eq!(fixture.look(), None);
        std::fs::write(&fixture.path, "x".repeat(5_000)).unwrap();
        let message = fixture.look().unwrap();
        assert!(message.contains("`test` is closed"), "{message}");
        assert!(fixture.health.look_briefly().is_ok());
        std::fs::write(&fixture.path, &whole).unwrap();
        assert_eq!(fixture.look(), None);
        assert!(!fixture.health.is_current(generation));
    }

    #[test]
    fn damage_inside_is_found_by_reading_through() {
        let fixture = Fixture::new();
        fixture.health.read_through();
        assert_eq!(fixture.look(), None);
        let mut bytes = std::fs::read(&fixture.path).unwrap();
        bytes[4_096..8_192].fill(0xa5);
        std::fs::write(&fixture.path, bytes).unwrap();
        assert_eq!(fixture.look(), None);
        fixture.health.read_through();
        assert!(fixture.look().is_some());
    }

    #[test]
    fn damage_that_sqlite_found_lasts_until_sqlite_finds_none() {
        let fixture = Fixture::new();
        let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
        let corrupt = rusqlite::Error::SqliteFailure(corrupt, Some("malformed".into()));
        fixture.health.note_failure(&corrupt);
        fixture.health.close(Damage::Missing);
        let message = fixture.health.check().unwrap_err().to_string();
        assert!(message.contains("malformed"), "{message}");
        assert_eq!(fixture.look(), None);
        let busy = ffi::Error::new(ffi::SQLITE_BUSY);
        let busy = rusqlite::Error::SqliteFailure(busy, None);
        fixture.health.note_failure(&busy);
        assert!(fixture.health.check().is_ok());
    }
}
