//! On a real PostgreSQL, if there is one; left out where there is none.

use std::thread;

use super::native::{SERVER, server};
use super::*;
use crate::{Migration, Migrations, Rule, params};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_things",
    sql: "
        CREATE TABLE things (
          id BIGINT PRIMARY KEY CHECK (id > 0),
          name TEXT COLLATE \"C\" NOT NULL UNIQUE,
          data BYTEA
        );

        INSERT INTO things (id, name)
        VALUES (1, 'first');",
}];

/// After the second step, programs that know the first one alone cannot go on.
const CONTRACTED: &[Migration] = &[
    MIGRATIONS[0],
    Migration {
        name: "0002_nothing",
        sql: "-- oldest-program: 2\nSELECT 1;",
    },
];

/// A database of the tests; none where there is no server, which is said.
fn database() -> Option<Backend> {
    let Some(server) = server() else {
        println!("left out: {SERVER} names no server");
        return None;
    };
    Some(Backend::lend(server, "things", MIGRATIONS).unwrap())
}

/// Another connection to that database.
fn beside(backend: &Backend) -> Backend {
    let name = backend.query("SELECT current_database()", &[]).unwrap();
    let name: String = name[0].get(0).unwrap();
    Backend::beside(&name).unwrap()
}

fn key(name: &str) -> Locks {
    Locks::name("test", name)
}

fn count(backend: &Backend) -> u64 {
    let rows = backend.query("SELECT COUNT(*) FROM things", &[]).unwrap();
    rows[0].get(0).unwrap()
}

#[test]
fn values_come_back_as_they_went_in() {
    let Some(database) = database() else { return };
    let insert = "INSERT INTO things (id, name, data) VALUES (?2, ?1, ?3)";
    let values = params!["a 'name'", 2, vec![0_u8, 255]];
    assert_eq!(database.execute(insert, values), Ok(1));
    let select =
        "SELECT id, name, data, id > 1 AS is_late, NULL AS nothing FROM things WHERE id = ?";
    let row = database.query(select, params![2]).unwrap().remove(0);
    assert_eq!(row.get("id"), Ok(2_u64));
    assert_eq!(row.get("name"), Ok("a 'name'".to_owned()));
    assert_eq!(row.get("data"), Ok(vec![0_u8, 255]));
    assert_eq!(row.get("is_late"), Ok(true));
    assert_eq!(row.get("nothing"), Ok(None::<String>));
    let unfit = database.query(select, params!["2"]);
    assert!(unfit.is_err(), "{unfit:?}");
}

#[test]
fn every_database_begins_alike() {
    let Some(one) = database() else { return };
    one.query("INSERT INTO things (id, name) VALUES (2, 'a')", &[])
        .unwrap();
    one.begin(&key("a")).unwrap();
    one.query("DELETE FROM things WHERE id = 1", &[]).unwrap();
    let other = database().unwrap();
    assert_eq!((count(&one), count(&other)), (1, 1));
    drop(one);
    let third = database().unwrap();
    assert_eq!((count(&other), count(&third)), (1, 1));
}

#[test]
fn a_broken_rule_is_known_by_what_it_is_on() {
    let Some(database) = database() else { return };
    for (statement, rule, on) in [
        (
            "INSERT INTO things (id, name) VALUES (2, 'first')",
            Rule::Unique,
            "things.name",
        ),
        (
            "INSERT INTO things (id, name) VALUES (0, 'a')",
            Rule::Check,
            "things_id_check",
        ),
        (
            "INSERT INTO things (id) VALUES (3)",
            Rule::NotNull,
            "things.name",
        ),
    ] {
        match database.query(statement, &[]) {
            Err(Error::Constraint(broken)) => {
                assert_eq!((broken.rule, &*broken.on), (rule, on));
                assert_eq!(broken.may_pass, rule == Rule::Unique);
            }
            other => panic!("{statement}: {other:?}"),
        }
    }
}

#[test]
fn whoever_has_a_key_in_common_waits() {
    let Some(one) = database() else { return };
    let other = beside(&one);
    one.begin(&key("a").and(key("b"))).unwrap();
    assert_eq!(other.try_begin(&key("b")), Ok(false));
    assert_eq!(other.try_begin(&key("c")), Ok(true));
    other.roll_back().unwrap();
    let waiting = thread::spawn(move || {
        other.begin(&key("b")).unwrap();
        let seen = count(&other);
        other.commit().unwrap();
        seen
    });
    one.query("INSERT INTO things (id, name) VALUES (2, 'a')", &[])
        .unwrap();
    one.commit().unwrap();
    assert_eq!(waiting.join().unwrap(), 2, "it sees what was committed");
}

#[test]
fn of_two_that_wait_for_each_other_one_is_run_again() {
    let Some(one) = database() else { return };
    one.query("INSERT INTO things (id, name) VALUES (2, 'a')", &[])
        .unwrap();
    let other = beside(&one);
    let change = |backend: &Backend, id: u32| {
        let changed = "UPDATE things SET data = NULL WHERE id = ?";
        backend.query(changed, params![id]).map(drop)
    };
    one.begin(&key("a")).unwrap();
    other.begin(&key("b")).unwrap();
    change(&one, 1).unwrap();
    change(&other, 2).unwrap();
    let theirs = thread::spawn(move || {
        let done = change(&other, 1);
        let conflict = other.has_conflict();
        drop(other.roll_back());
        (done, conflict)
    });
    let ours = change(&one, 2);
    let our_conflict = one.has_conflict();
    one.roll_back().unwrap();
    let (theirs, their_conflict) = theirs.join().unwrap();
    assert_eq!(
        (ours.is_err(), theirs.is_err()),
        (our_conflict, their_conflict)
    );
    assert_ne!(our_conflict, their_conflict);
    let failed = ours.and(theirs);
    assert!(matches!(failed, Err(Error::Busy(_))), "{failed:?}");
}

#[test]
fn nothing_is_committed_after_a_statement_has_failed() {
    let Some(database) = database() else { return };
    database.begin(&key("a")).unwrap();
    database
        .query("INSERT INTO things (id, name) VALUES (2, 'a')", &[])
        .unwrap();
    assert!(database.query("SELECT nothing", &[]).is_err());
    assert!(database.commit().is_err());
    database.roll_back().unwrap();
    assert_eq!(count(&database), 1);
}

#[test]
fn a_newer_schema_and_a_database_of_others_are_refused() {
    let Some(database) = database() else { return };
    migrate::run(&database, "things", MIGRATIONS).unwrap();
    assert_eq!(migrate::run_if_needed(&database, "things", &[]), Ok(()));
    assert_eq!(migrate::run(&database, "things", CONTRACTED), Ok(()));
    for run in [migrate::run, migrate::run_if_needed] {
        assert_eq!(
            run(&database, "things", MIGRATIONS),
            Err(Error::NewerSchema {
                label: "things".to_owned(),
                found: 2,
                known: 1
            })
        );
        assert_eq!(run(&database, "things", CONTRACTED), Ok(()));
    }
    assert_eq!(
        migrate::run(&database, "others", MIGRATIONS),
        Err(Error::Foreign("others".to_owned()))
    );
}

#[test]
fn a_connection_that_is_lost_is_no_fault() {
    let Some(database) = database() else { return };
    let other = beside(&database);
    let pid: i64 = {
        let rows = other.query("SELECT CAST(pg_backend_pid() AS BIGINT)", &[]);
        rows.unwrap()[0].get(0).unwrap()
    };
    other.begin(&key("a")).unwrap();
    let end = "SELECT pg_terminate_backend(CAST(CAST(? AS BIGINT) AS INTEGER))";
    database.query(end, params![pid]).unwrap();
    let committed = other.commit();
    assert!(matches!(committed, Err(Error::Busy(_))), "{committed:?}");
}

#[test]
fn a_database_gives_what_its_closures_do() {
    let schema = Migrations {
        sqlite: &[],
        postgres: MIGRATIONS,
    };
    if server().is_none() {
        println!("left out: {SERVER} names no server");
        return;
    }
    let database = crate::Database::for_test("things", schema).unwrap();
    let insert = "INSERT INTO things (id, name) VALUES (2, 'a')";
    let run = |c: &crate::Connection| {
        assert_eq!(c.dialect(), crate::Dialect::Postgres);
        assert_eq!(c.lock(|| Ok::<_, Error>(key("late"))), Ok(true));
        c.execute_counted(insert, &[])
    };
    assert_eq!(database.write::<_, Error>(key("a"), run), Ok(1));
    let refused = database.write::<_, Error>(key("a"), run);
    assert!(matches!(refused, Err(Error::Constraint(_))), "{refused:?}");
    let done = database
        .write_if_free::<_, Error>(key("a"), |c| c.execute_counted("DELETE FROM things", &[]));
    assert_eq!(done, Ok(Some(2)));
}
