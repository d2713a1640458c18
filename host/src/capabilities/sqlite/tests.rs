//! Statements as a guest sees them, over a real file.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::background::{LongReads, StatementContext};
use super::connection::OpenConnection;
use super::database::{Database, Databases};
use super::query::{QueryError, StatementLimits, query};
use super::time_limit::TimeLimit;
mod long;

use crate::capabilities::bindings::spin::sqlite::sqlite::{Error, QueryResult, Value};
use crate::limits::BUSY_TIME;
use crate::manifest::runtime_config::DatabaseConfig;
use crate::observe::metrics::Metrics;
use crate::scheduling::request::CurrentRequest;

const READ_ONLY: StatementLimits = StatementLimits {
    may_write: false,
    reads: TimeLimit::None,
    writes: TimeLimit::None,
};

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

    fn open(&self) -> OpenConnection {
        OpenConnection::new(&self.database, false).unwrap()
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

/// The request of a client that stays, in a shop without threads for what is long.
static REQUEST: LazyLock<CurrentRequest> = LazyLock::new(CurrentRequest::default);
static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

fn context() -> StatementContext<'static> {
    StatementContext {
        reads: None,
        request: &REQUEST,
        metrics: &METRICS,
    }
}

async fn run(connection: &mut OpenConnection, statement: &str) -> QueryResult {
    connection
        .run(statement, &[], &context())
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error:?}"))
}

async fn error(connection: &mut OpenConnection, statement: &str) -> String {
    match connection.run(statement, &[], &context()).await {
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
    let mut connection = fixture.open();
    run(
        &mut connection,
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
            query(
                connection.connection.as_ref().unwrap(),
                statement,
                &[],
                READ_ONLY
            ),
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

/// Who commits has given its permit to the one that waits, and computes on only when that one has begun.
#[tokio::test(flavor = "current_thread")]
async fn who_waits_to_write_goes_before_what_follows_a_commit() {
    let fixture = Fixture::new();
    let (mut first, mut second) = (fixture.open(), fixture.open());
    run(&mut first, "CREATE TABLE t (n INTEGER)").await;
    run(&mut first, "BEGIN IMMEDIATE").await;
    let (begun, mut begins) = tokio::sync::oneshot::channel();
    let waiting = tokio::spawn(async move {
        run(&mut second, "BEGIN IMMEDIATE").await;
        begun.send(()).unwrap();
        run(&mut second, "COMMIT").await;
    });
    while fixture.database.writer.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    run(&mut first, "COMMIT").await;
    assert_eq!(begins.try_recv(), Ok(()));
    waiting.await.unwrap();
}

#[tokio::test]
async fn a_writer_waits_for_another_process() {
    let fixture = Fixture::new();
    let mut connection = fixture.open();
    run(&mut connection, "CREATE TABLE t (n INTEGER)").await;
    let other = Connection::open(fixture.database.path().unwrap()).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        .unwrap();
    let context = context();
    let (inserted, ()) = tokio::join!(
        connection.run("INSERT INTO t VALUES (2)", &[], &context),
        async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            other.execute_batch("COMMIT").unwrap();
        }
    );
    inserted.unwrap();
    assert_eq!(
        integer(&run(&mut connection, "SELECT COUNT(*) FROM t").await),
        2
    );
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
async fn under_a_fault_plan_a_writer_waits_however_long_that_takes() {
    let fixture = Fixture::new();
    let (mut first, mut second) = (fixture.open(), fixture.open());
    second.is_planned = true;
    run(&mut second, "PRAGMA busy_timeout = 0").await;
    run(&mut first, "BEGIN IMMEDIATE").await;
    let context = context();
    let (begun, ()) = tokio::join!(second.run("BEGIN IMMEDIATE", &[], &context), async {
        // Longer than the writer wants to wait, for which the timer needs a moment of its own.
        tokio::time::sleep(Duration::from_millis(20)).await;
        run(&mut first, "COMMIT").await;
    });
    begun.unwrap();
}

#[tokio::test]
async fn an_open_transaction_is_rolled_back_before_reuse() {
    let fixture = Fixture::new();
    let mut connection = fixture.open();
    run(&mut connection, "CREATE TABLE t (n INTEGER)").await;
    run(&mut connection, "BEGIN IMMEDIATE").await;
    run(&mut connection, "INSERT INTO t VALUES (1)").await;
    drop(connection);
    assert_eq!(fixture.idle(), 1);
    let mut connection = fixture.open();
    assert!(connection.sqlite().unwrap().is_autocommit());
    assert_eq!(
        integer(&run(&mut connection, "SELECT COUNT(*) FROM t").await),
        0
    );
    run(&mut connection, "INSERT INTO t VALUES (1)").await;
}

#[tokio::test]
async fn a_connection_that_a_guest_changed_is_not_used_again() {
    for (statement, kept) in [
        ("SELECT 1", 1),
        ("PRAGMA foreign_keys = ON", 1),
        ("PRAGMA synchronous = FULL", 1),
        ("PRAGMA busy_timeout = 1", 1),
        ("PRAGMA secure_delete = ON", 1),
        ("PRAGMA secure_delete = OFF", 0),
        ("PRAGMA foreign_keys = OFF", 0),
        ("PRAGMA query_only = 1", 0),
        ("CREATE TEMP TABLE leak (x)", 0),
        ("ATTACH ':memory:' AS other", 0),
    ] {
        let fixture = Fixture::new();
        let mut connection = fixture.open();
        run(&mut connection, statement).await;
        drop(connection);
        assert_eq!(fixture.idle(), kept, "{statement}");
    }
}

#[tokio::test]
async fn provided_pragmas_are_answered_as_sqlite_would() {
    let fixture = Fixture::new();
    let mut connection = fixture.open();
    let answer = run(&mut connection, "PRAGMA busy_timeout = 5000;").await;
    assert_eq!(
        (answer.columns[0].as_str(), integer(&answer)),
        ("timeout", 5000)
    );
    assert!(
        matches!(&run(&mut connection, "pragma journal_mode=WAL").await.rows[0].values[0], Value::Text(mode) if mode == "wal")
    );
    assert_eq!(
        integer(&run(&mut connection, "PRAGMA foreign_keys").await),
        1
    );
    assert_eq!(
        integer(&run(&mut connection, "PRAGMA synchronous").await),
        2
    );
}

#[tokio::test]
async fn of_several_statements_the_first_one_runs() {
    let fixture = Fixture::new();
    let mut connection = fixture.open();
    run(&mut connection, "CREATE TABLE a (x); CREATE TABLE b (x)").await;
    let tables = run(&mut connection, "SELECT COUNT(*) FROM sqlite_schema").await;
    assert_eq!(integer(&tables), 1);
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    let fixture = Fixture::new();
    let mut connection = fixture.open();
    let values = [
        Value::Integer(-7),
        Value::Real(0.5),
        Value::Text("ä".into()),
        Value::Blob(vec![0, 255]),
        Value::Null,
    ];
    let result = connection
        .run("SELECT ?, ?, ?, ?, ?", &values, &context())
        .await
        .unwrap();
    assert_eq!(
        format!("{:?}", result.rows[0].values),
        format!("{values:?}")
    );
}

#[tokio::test]
async fn other_files_cannot_be_attached() {
    let fixture = Fixture::new();
    let mut connection = fixture.open();
    assert!(
        error(&mut connection, "ATTACH '/tmp/other.db' AS other")
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
