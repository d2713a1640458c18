//! Databases of the server of the tests that are used again and again.
//!
//! A database belongs to a process as long as that holds the lock of its name, and to one test at a time. Its name tells its schema,
//! so that the next process finds what an earlier one has made. Before it is lent, its content is put back to that of a new one.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use postgres::{Client, Config, NoTls};

use super::failure::Failure;
use super::native::{Connection, Session};
use super::plans::{Plans, REPORT};
use super::{Backend, FUNCTIONS};
use crate::locks::hash;
use crate::{BUSY_TIMEOUT_MS, Error, Migration};

/// A transaction that does nothing for so long keeps its locks from others no longer, in milliseconds.
const IDLE_TIMEOUT_MS: u32 = 10_000;

/// No statement of this shop takes as long, in milliseconds.
const STATEMENT_TIMEOUT_MS: u32 = 30_000;

/// What a new database has beside its schema.
const RESTORE: &str = include_str!("restore.sql");

/// A connection to a database of the pool, where it goes back to.
pub struct Lent {
    /// None once it is gone.
    connection: Option<Connection>,
    /// None while it is not made, or when it is of no pool.
    home: Option<Home>,
}

/// Which databases are alike: a hash of their label and their schema. Not the place of the migrations in memory: a constant may have
/// several.
type Home = u64;

#[derive(Default)]
struct Pool {
    free: BTreeMap<Home, Vec<Connection>>,
    /// How many databases of each kind this process has looked at.
    looked_at: BTreeMap<Home, u32>,
    /// Holds the locks of the databases of this process.
    owner: Option<Client>,
}

fn pool() -> MutexGuard<'static, Pool> {
    static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A database with that schema and the content of a new one.
pub fn lend(server: &str, label: &str, migrations: &[Migration]) -> Result<Lent, Error> {
    let texts = migrations.iter().map(|migration| migration.sql);
    let parts = [label, FUNCTIONS, RESTORE].into_iter().chain(texts);
    let home = hash(parts.flat_map(str::bytes));
    let free = pool().free.get_mut(&home).and_then(Vec::pop);
    let connection = match free {
        Some(connection) => connection,
        None => pool().make(server, label, migrations, home)?,
    };
    let mut lent = Lent {
        connection: Some(connection),
        home: Some(home),
    };
    let connection = lent.connection()?;
    run(&mut connection.client, "ROLLBACK; SELECT first.restore()")?;
    connection.plans.forget();
    Ok(lent)
}

/// Another connection to that database.
pub fn beside(server: &str, database: &str) -> Result<Lent, Error> {
    let mut config: Config = server.parse().map_err(error)?;
    config.dbname(database);
    Ok(Lent {
        connection: Some(connection(&config)?),
        home: None,
    })
}

impl Pool {
    /// A database that no other process has, made if there is none.
    fn make(
        &mut self,
        server: &str,
        label: &str,
        migrations: &[Migration],
        home: Home,
    ) -> Result<Connection, Error> {
        let server: Config = server.parse().map_err(error)?;
        let looked_at = self.looked_at.entry(home).or_default();
        let owner = match &mut self.owner {
            Some(owner) => owner,
            none => none.insert(connect(&server)?),
        };
        let name = loop {
            let name = format!("mercato_test_{label}_{home:016x}_{looked_at}");
            *looked_at += 1;
            let key = hash(name.bytes()).cast_signed();
            let answer = owner.query_one("SELECT pg_try_advisory_lock($1)", &[&key]);
            if answer.and_then(|row| row.try_get(0)).map_err(error)? {
                break name;
            }
        };
        let mut config = server;
        config.dbname(&name);
        if let Ok(mut connection) = connection(&config) {
            let is_whole = "SELECT 1 FROM pg_proc WHERE proname = 'restore'";
            let found = connection.client.query_opt(is_whole, &[]);
            if found.map_err(error)?.is_some() {
                return Ok(connection);
            }
        }
        // Other sorting than that of columns with COLLATE "C" would be noticed.
        run(owner, &format!("DROP DATABASE IF EXISTS {name}"))?;
        run(
            owner,
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
            ),
        )?;
        let lent = Lent {
            connection: Some(connection(&config)?),
            home: None,
        };
        let backend = Backend::of(Session::of(lent));
        super::migrate::run_if_needed(&backend, label, migrations)?;
        let mut lent = backend.session.into_lent();
        run(&mut lent.connection()?.client, RESTORE)?;
        let closed = || Error::Busy("the connection is closed".to_owned());
        lent.connection.take().ok_or_else(closed)
    }
}

/// A connection on which the plans of statements are looked at.
fn connection(config: &Config) -> Result<Connection, Error> {
    let mut config = config.clone();
    let plans = Plans::of(&mut config);
    let mut client = connect(&config)?;
    run(&mut client, REPORT)?;
    Ok(Connection::new(client, plans))
}

fn connect(config: &Config) -> Result<Client, Error> {
    let options = format!(
        "-c lock_timeout={BUSY_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} \
         -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} -c client_min_messages=error"
    );
    let mut config = config.clone();
    config.application_name("mercato").options(&options);
    config.connect(NoTls).map_err(error)
}

fn run(client: &mut Client, statements: &str) -> Result<(), Error> {
    client.batch_execute(statements).map_err(error)
}

fn error(error: postgres::Error) -> Error {
    Failure::from(error).error
}

impl Lent {
    /// The connection.
    pub fn connection(&mut self) -> Result<&mut Connection, Error> {
        let closed = || Error::Busy("the connection is closed".to_owned());
        self.connection.as_mut().ok_or_else(closed)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home)
            && !connection.client.is_closed()
        {
            pool().free.entry(home).or_default().push(connection);
        }
    }
}
