//! Statements that take long. The runtime has one thread: what kept it would keep everything.

use tokio::runtime::Handle;

use super::*;
use crate::capabilities::sqlite::background::Thread;
use crate::capabilities::sqlite::query::refusal;
use crate::capabilities::sqlite::statement::is_of_a_migration;
use crate::limits::{LONG_READ_TIME, LONG_READS_WAITING, RECENT_EXCEPTIONS};
use crate::scheduling::workers::half_of_the_cores;

/// Counts to its parameter.
const COUNT: &str = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT MAX(n) FROM c";
/// More than anybody waits for.
const ENDLESS: i64 = i64::MAX;
/// Longer than a statement may take where it is begun, shorter than it may take at all.
const LONG: i64 = 1_000_000;
const HANGS: Duration = Duration::from_secs(120);

struct Threads {
    reads: Arc<LongReads>,
    request: CurrentRequest,
}

impl Threads {
    fn start() -> Self {
        Self {
            reads: Arc::new(LongReads::start(&Handle::current()).unwrap()),
            request: CurrentRequest::default(),
        }
    }

    fn context(&self) -> StatementContext<'_> {
        StatementContext {
            reads: Some(&self.reads),
            request: &self.request,
            metrics: &METRICS,
        }
    }

    async fn count(&self, connection: &mut OpenConnection, to: i64) -> Result<i64, String> {
        let counted = connection
            .run(COUNT, &[Value::Integer(to)], &self.context())
            .await;
        match counted {
            Ok(result) => Ok(integer(&result)),
            Err(Error::Io(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.request.abandon();
        self.reads.close();
    }
}

#[tokio::test]
async fn a_long_read_is_answered_from_another_thread() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let mut connection = fixture.open();
    assert_eq!(threads.count(&mut connection, 10).await, Ok(10));
    assert!(!fixture.database.long.has(COUNT));
    assert_eq!(threads.count(&mut connection, LONG).await, Ok(LONG));
    assert!(fixture.database.long.has(COUNT));
    let thread = connection.thread_of(COUNT, &threads.context()).unwrap();
    assert_eq!(thread, Thread::Probe);
    assert_eq!(threads.count(&mut connection, LONG).await, Ok(LONG));
    for _ in 0..RECENT_EXCEPTIONS {
        assert!(fixture.database.long.has(COUNT));
        assert_eq!(threads.count(&mut connection, 10).await, Ok(10));
    }
    assert!(!fixture.database.long.has(COUNT));
}

#[tokio::test]
async fn a_read_without_end_is_interrupted_and_keeps_nobody_waiting() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let (mut connection, mut other) = (fixture.open(), fixture.open());
    let mut endless = Box::pin(threads.count(&mut connection, ENDLESS));
    let mut answered = 0;
    let message = loop {
        let context = threads.context();
        let short = other.run("SELECT 1", &[], &context);
        let answer = tokio::select! {
            biased;
            ended = &mut endless => break ended.unwrap_err(),
            answer = short => answer.unwrap(),
        };
        assert_eq!(integer(&answer), 1);
        answered += 1;
        tokio::task::yield_now().await;
    };
    drop(endless);
    let ms = LONG_READ_TIME.as_millis();
    let expected = format!("interrupted: the statement took longer than {ms} ms");
    assert_eq!(message, expected);
    assert!(answered > 100, "{answered} answers meanwhile");
    assert_eq!(threads.count(&mut connection, 10).await, Ok(10));
}

#[tokio::test]
async fn a_short_read_does_not_wait_behind_long_ones() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let mut connections: Vec<OpenConnection> =
        (0..=half_of_the_cores()).map(|_| fixture.open()).collect();
    let mut last = connections.pop().unwrap();
    let endless = connections
        .iter_mut()
        .map(|connection| threads.count(connection, ENDLESS));
    let mut endless = Box::pin(futures::future::select_all(endless.map(Box::pin)));
    let known = async {
        while !fixture.database.long.has(COUNT) {
            tokio::task::yield_now().await;
        }
        threads.count(&mut last, 10).await
    };
    tokio::select! {
        biased;
        counted = known => assert_eq!(counted, Ok(10)),
        (ended, ..) = &mut endless => panic!("{ended:?}"),
    }
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_interrupted() {
    let (fixture, mut threads) = (Fixture::new(), Threads::start());
    let mut connection = fixture.open();
    let counting = threads.count(&mut connection, ENDLESS);
    let leaving = async {
        while !fixture.database.long.has(COUNT) {
            tokio::task::yield_now().await;
        }
        threads.request.abandon();
    };
    let (counted, ()) = tokio::join!(counting, leaving);
    assert_eq!(
        counted.unwrap_err(),
        "interrupted: nobody waits for the rows"
    );
    threads.request = CurrentRequest::default();
    assert_eq!(threads.count(&mut connection, 10).await, Ok(10));
}

#[tokio::test]
async fn the_connection_of_a_read_that_is_dropped_comes_back() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let mut connection = fixture.open();
    let mut counting = Box::pin(threads.count(&mut connection, ENDLESS));
    while !fixture.database.long.has(COUNT) {
        tokio::select! {
            biased;
            ended = &mut counting => panic!("{ended:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    // Its permit is there, so it is on the other thread after this.
    tokio::select! {
        biased;
        ended = &mut counting => panic!("{ended:?}"),
        () = tokio::task::yield_now() => {}
    }
    drop(counting);
    drop(connection);
    let back = async {
        while fixture.idle() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANGS, back).await.unwrap();
    let mut connection = fixture.open();
    assert_eq!(threads.count(&mut connection, 10).await, Ok(10));
}

#[tokio::test]
async fn only_so_many_long_reads_wait() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let (_, per_client) = LONG_READS_WAITING;
    let too_many = half_of_the_cores() + per_client + 1;
    let mut connections: Vec<OpenConnection> = (0..too_many).map(|_| fixture.open()).collect();
    let reads = connections.iter_mut().map(|connection| {
        let threads = &threads;
        async move {
            let context = threads.context();
            let read = connection.read_in_background(
                Thread::Long,
                COUNT,
                &[Value::Integer(ENDLESS)],
                &context,
            );
            let message = read.await.map(drop).map_err(|error| refusal(&error));
            if matches!(&message, Err(Error::Io(text)) if text.contains("too many")) {
                threads.request.abandon();
            }
            message
        }
    });
    let ended = futures::future::join_all(reads).await;
    let refused = ended
        .iter()
        .filter(|end| matches!(end, Err(Error::Io(text)) if text.contains("too many long")));
    assert_eq!(refused.count(), 1, "{ended:?}");
    let deserted = ended
        .iter()
        .filter(|end| matches!(end, Err(Error::Io(text)) if text.contains("nobody waits")));
    assert_eq!(deserted.count(), too_many - 1, "{ended:?}");
}

#[tokio::test]
async fn inside_a_transaction_nothing_begins_again() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let mut connection = fixture.open();
    connection
        .run("CREATE TABLE t (n INTEGER)", &[], &threads.context())
        .await
        .unwrap();
    for place in [Thread::Request, Thread::Own] {
        for statement in ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"] {
            connection
                .run(statement, &[], &threads.context())
                .await
                .unwrap();
        }
        assert_eq!(
            connection.thread_of(COUNT, &threads.context()).unwrap(),
            place
        );
        assert_eq!(threads.count(&mut connection, 4 * LONG).await, Ok(4 * LONG));
        assert!(connection.writing.is_some());
        connection
            .run("COMMIT", &[], &threads.context())
            .await
            .unwrap();
        // It has kept the thread for long, which is remembered.
        assert!(fixture.database.slow.has(COUNT));
        assert!(!fixture.database.long.has(COUNT));
    }
    let count = connection
        .run("SELECT COUNT(*) FROM t", &[], &threads.context())
        .await;
    assert_eq!(integer(&count.unwrap()), 2);
}

#[tokio::test]
async fn a_migration_has_a_thread_of_its_own_and_no_bound() {
    let (fixture, threads) = (Fixture::new(), Threads::start());
    let mut connection = fixture.open();
    let fill = "INSERT INTO t VALUES (1)";
    for statement in [
        "BEGIN IMMEDIATE",
        "PRAGMA user_version",
        "CREATE TABLE t (n INTEGER)",
        fill,
    ] {
        connection
            .run(statement, &[], &threads.context())
            .await
            .unwrap();
        let is_begun = statement != "BEGIN IMMEDIATE";
        assert_eq!(connection.migrates, is_begun, "{statement}");
    }
    assert_eq!(
        connection.thread_of(fill, &threads.context()).unwrap(),
        Thread::Own
    );
    assert_eq!(
        connection.limits(&threads.context()).writes,
        TimeLimit::None
    );
    connection
        .run("COMMIT", &[], &threads.context())
        .await
        .unwrap();
    assert!(!connection.migrates);
    assert_eq!(
        connection.limits(&threads.context()).writes,
        TimeLimit::Write
    );
}

#[test]
fn migrations_are_recognised_by_their_statements() {
    for statement in [
        "CREATE TABLE t (n)",
        "  create index i ON t (n)",
        "ALTER TABLE t ADD COLUMN m",
        "DROP TABLE t",
        "PRAGMA user_version = 3",
    ] {
        assert!(is_of_a_migration(statement), "{statement}");
    }
    for statement in [
        "INSERT INTO t VALUES (1)",
        "PRAGMA foreign_keys",
        "COMMIT",
        "ä",
    ] {
        assert!(!is_of_a_migration(statement), "{statement}");
    }
}
