//! Whether a database file is whole: what can be seen without reading its pages, and what statements found out.
//!
//! SQLite itself does not look: connections that are open go on with a file that was deleted, and a file that was emptied
//! is a new database to the next one. A database that is damaged is closed: its statements are errors until it is whole.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::one_line;
use crate::limits::{BUSY_TIME, SHORT_LOOKS_MAX};
use crate::sync::lock;

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
pub(crate) enum Damage {
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
    pub(crate) fn text(&self) -> String {
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

    /// Whether only a check by SQLite can end it.
    pub(crate) fn needs_check(&self) -> bool {
        !matches!(self, Self::Missing)
    }
}

/// What is known about a database's file.
#[derive(Default)]
pub(crate) struct Health {
    /// Read before every statement.
    is_closed: AtomicBool,
    /// Grows whenever the database opens again: connections from before are not used any more.
    generation: AtomicU64,
    /// There were tables once.
    has_tables: AtomicBool,
    state: Mutex<State>,
    /// The file, open for looking at it. It stays open: a process that closes a file loses all locks that it has on it, those of
    /// SQLite's connections too (<https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>),
    /// and another program would take the database for one that nobody uses.
    file: Mutex<Option<(Identity, Arc<File>)>>,
}

#[derive(Default)]
struct State {
    identity: Option<Identity>,
    damage: Option<Damage>,
    /// How often in a row the file was found to be too short.
    short_looks: u32,
    /// The whole file was read once.
    was_read: bool,
}

impl Health {
    /// The file as it is now is the database.
    pub(crate) fn begin(&self, path: &Path) {
        self.state().identity = path.metadata().ok().as_ref().map(Identity::of);
    }

    /// Nothing is known of the file any more but that it is the database, as after a start.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        *state = State {
            identity: state.identity,
            ..State::default()
        };
        drop(state);
        self.has_tables.store(false, Ordering::Relaxed);
        self.is_closed.store(false, Ordering::Relaxed);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Why the database is closed, if it is.
    pub(crate) fn damage(&self) -> Option<Damage> {
        if !self.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        self.state().damage.clone()
    }

    /// A new connection has counted the tables, or whatever else the schema has. Gives the damage when all are gone.
    pub(crate) fn note_tables(&self, count: i64) -> Result<(), Damage> {
        if count > 0 {
            self.has_tables.store(true, Ordering::Relaxed);
        } else if self.has_tables.load(Ordering::Relaxed) {
            return Err(Damage::NoTables);
        }
        Ok(())
    }

    /// Closes the database; false when it was closed before.
    pub(crate) fn close(&self, damage: Damage) -> bool {
        let mut state = self.state();
        let was_whole = state.damage.is_none();
        // What only a check can undo is not forgotten for what comes and goes.
        if state
            .damage
            .as_ref()
            .is_none_or(|known| !known.needs_check())
        {
            state.damage = Some(damage);
        }
        self.is_closed.store(true, Ordering::Relaxed);
        was_whole
    }

    /// Opens the database again, for new connections.
    pub(crate) fn open_again(&self) {
        let mut state = self.state();
        state.damage = None;
        state.short_looks = 0;
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.is_closed.store(false, Ordering::Relaxed);
    }

    /// Looks whether the file is there and the same as before; cheap enough for every transaction.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn look_briefly(&self, path: &Path) -> Result<(), Damage> {
        let metadata = metadata(path)?;
        match self.state().identity {
            Some(identity) if identity != Identity::of(&metadata) => Err(Damage::Replaced),
            _ if metadata.len() == 0 => Err(Damage::Empty),
            _ => Ok(()),
        }
    }

    /// Looks at the file's header too, and the first time reads the whole file: damage that no statement has met yet is found
    /// before one does. A file that is too short may be one that is just being written: only several looks in a row count.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn look(&self, path: &Path) -> Result<(), Damage> {
        self.look_briefly(path)?;
        let file = self.file(path)?;
        let is_short = is_short(&file)?;
        let mut state = self.state();
        state.short_looks = if is_short { state.short_looks + 1 } else { 0 };
        if state.short_looks >= SHORT_LOOKS_MAX {
            return Err(Damage::Short);
        }
        let was_read = std::mem::replace(&mut state.was_read, true);
        drop(state);
        if was_read {
            return Ok(());
        }
        read_through(path)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The file, opened at the first look.
    fn file(&self, path: &Path) -> Result<Arc<File>, Damage> {
        let identity = Identity::of(&metadata(path)?);
        let mut kept = lock(&self.file);
        if let Some((known, file)) = &*kept
            && *known == identity
        {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(path).map_err(|cause| unreadable(&cause))?);
        *kept = Some((identity, Arc::clone(&file)));
        Ok(file)
    }
}

fn metadata(path: &Path) -> Result<Metadata, Damage> {
    path.metadata().map_err(|cause| unreadable(&cause))
}

fn unreadable(cause: &io::Error) -> Damage {
    match cause.kind() {
        io::ErrorKind::NotFound => Damage::Missing,
        kind => Damage::Unreadable(kind),
    }
}

/// A connection of no guest. Should it be the last one, it leaves the write-ahead log where it is.
pub(super) fn open_to_look(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sqlite = Connection::open_with_flags(path, flags)?;
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    sqlite.busy_timeout(BUSY_TIME)?;
    Ok(sqlite)
}

/// What SQLite says of the pages; `ok` when all is well.
pub(super) fn quick_check(sqlite: &Connection) -> rusqlite::Result<String> {
    sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}

/// Lets SQLite read every page.
fn read_through(path: &Path) -> Result<(), Damage> {
    let answer = open_to_look(path).and_then(|sqlite| quick_check(&sqlite));
    match answer {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(answer) => Err(Damage::Corrupt(one_line(&answer))),
        Err(cause) => match cause.sqlite_error_code() {
            Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase) => {
                Err(Damage::Corrupt(cause.to_string()))
            }
            // Whatever else it is, statements meet it too.
            _ => Ok(()),
        },
    }
}

/// Whether the file is shorter than its header says.
fn is_short(mut file: &File) -> Result<bool, Damage> {
    let size_bytes = file.metadata().map_err(|cause| unreadable(&cause))?.len();
    let mut header = [0; HEADER_BYTES];
    let begun = file.seek(SeekFrom::Start(0));
    match begun.and_then(|_| file.read_exact(&mut header)) {
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

    use super::*;
    use mercato_platform::ids::{Ids, RandomIds};

    struct Fixture {
        path: PathBuf,
        health: Health,
    }

    impl Fixture {
        fn new() -> Self {
            let path =
                std::env::temp_dir().join(format!("mercato-health-{}.db", RandomIds.new_id()));
            let sqlite = Connection::open(&path).unwrap();
            sqlite
                .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))")
                .unwrap();
            let health = Health::default();
            health.begin(&path);
            Self { path, health }
        }

        fn damage(&self) -> Option<Damage> {
            self.health.look(&self.path).err()
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

    /// Locks of a process are seen by others only, here by `/proc/locks`.
    #[cfg(target_os = "linux")]
    #[test]
    fn looking_leaves_the_locks_of_connections_alone() {
        use std::os::unix::fs::MetadataExt as _;
        let fixture = Fixture::new();
        let sqlite = Connection::open(&fixture.path).unwrap();
        sqlite.pragma_update(None, "journal_mode", "WAL").unwrap();
        let _: i64 = sqlite
            .query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0))
            .unwrap();
        let number = fixture.path.metadata().unwrap().ino();
        let is_locked = || {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            let own = format!(":{number} ");
            locks.lines().any(|line| line.contains(&own))
        };
        assert!(is_locked());
        assert_eq!(fixture.damage(), None);
        assert_eq!(fixture.damage(), None);
        assert!(is_locked(), "others would take the database for unused");
    }

    #[test]
    fn a_file_is_cut_off_when_it_stays_short() {
        let fixture = Fixture::new();
        assert_eq!(fixture.damage(), None);
        let file = File::options().write(true).open(&fixture.path).unwrap();
        file.set_len(8_192).unwrap();
        for _ in 1..SHORT_LOOKS_MAX {
            assert_eq!(fixture.damage(), None);
        }
        assert_eq!(fixture.damage(), Some(Damage::Short));
    }

    #[test]
    fn damage_inside_is_found_by_the_first_look() {
        let fixture = Fixture::new();
        let mut bytes = std::fs::read(&fixture.path).unwrap();
        bytes[4_096..8_192].fill(0xa5);
        std::fs::write(&fixture.path, bytes).unwrap();
        assert!(matches!(fixture.damage(), Some(Damage::Corrupt(_))));
        // The whole file is read only once.
        assert_eq!(fixture.damage(), None);
    }

    #[test]
    fn a_database_that_had_tables_does_not_lose_them() {
        let health = Health::default();
        assert_eq!(health.note_tables(0), Ok(()));
        assert_eq!(health.note_tables(7), Ok(()));
        assert_eq!(health.note_tables(0), Err(Damage::NoTables));
    }

    #[test]
    fn a_closed_database_says_why_until_it_opens_again() {
        let health = Health::default();
        assert_eq!(health.damage(), None);
        assert!(health.close(Damage::Missing));
        assert!(!health.close(Damage::Corrupt("malformed".into())));
        // What came last went first; what SQLite found is still there.
        assert!(!health.close(Damage::Missing));
        assert_eq!(health.damage(), Some(Damage::Corrupt("malformed".into())));
        let before = health.generation();
        health.open_again();
        assert_eq!(health.damage(), None);
        assert!(health.generation() > before);
    }
}
