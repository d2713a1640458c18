//! One SQLite file: a thread that writes, and connections that read.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use rusqlite::{CachedStatement, Connection};
use tokio::sync::oneshot;

use crate::problem::Problem;

/// More than there are statements in this program.
const CACHED_STATEMENTS: usize = 64;

/// Statements run since the start, those that begin and end transactions included.
static STATEMENTS: AtomicU64 = AtomicU64::new(0);

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The database of the shop.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    idle_readers: Mutex<Vec<Connection>>,
    writer: Sender<Job>,
}

impl Database {
    /// Opens the file, which is made when it is missing, and starts the thread that writes.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = connect(path)?;
        connection.execute_batch(include_str!("schema.sql"))?;
        let (writer, jobs) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || jobs.into_iter().for_each(|job| job(&connection)))
            .context("cannot start the thread that writes")?;
        Ok(Self {
            path: path.to_path_buf(),
            idle_readers: Mutex::default(),
            writer,
        })
    }

    /// Reads on this thread: every statement here ends within microseconds.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let idle = || {
            self.idle_readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let reader = idle().pop();
        let reader = reader.map_or_else(|| connect(&self.path), Ok)?;
        let result = work(&reader);
        idle().push(reader);
        result
    }

    /// Runs a transaction on the thread that writes; an error takes it back.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (sender, answer) = oneshot::channel();
        let job = Box::new(move |connection: &Connection| {
            // Whoever asked may have gone.
            let _ = sender.send(transaction(connection, work));
        });
        self.writer
            .send(job)
            .map_err(|_| anyhow!("the writer has ended"))?;
        answer.await.context("the writer has failed")?
    }
}

/// How many statements were run since the start.
pub fn statements() -> u64 {
    STATEMENTS.load(Ordering::Relaxed)
}

/// A statement that is prepared once for each connection.
pub fn statement<'a>(
    connection: &'a Connection,
    sql: &str,
) -> rusqlite::Result<CachedStatement<'a>> {
    STATEMENTS.fetch_add(1, Ordering::Relaxed);
    connection.prepare_cached(sql)
}

fn transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    statement(connection, "BEGIN IMMEDIATE")?.execute([])?;
    let result = work(connection);
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    statement(connection, end)?.execute([])?;
    result
}

fn connect(path: &Path) -> Result<Connection> {
    let connection =
        Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}
