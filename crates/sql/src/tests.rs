//! Transactions and migrations on a real SQLite.

use super::*;

const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_things",
        sql: "CREATE TABLE things (\n  id INTEGER PRIMARY KEY,\n  name TEXT NOT NULL UNIQUE,\n  data BLOB\n);\n\nCREATE INDEX things_name\n  ON things (name);\n",
    },
    Migration {
        name: "0002_price",
        sql: "ALTER TABLE things ADD COLUMN price INTEGER CHECK (price >= 0);",
    },
];

fn of_a_test() -> Locks {
    Locks::name("things", "any")
}

fn database() -> Database {
    Database::in_memory("things", MIGRATIONS).unwrap()
}

#[test]
fn values_come_back_as_they_went_in() {
    let database = database();
    database
        .write::<_, Error>(of_a_test(), |c| {
            let changes = c.execute_counted(
                "INSERT INTO things (name, data, price) VALUES (?, ?, ?)",
                params!["a", vec![1_u8, 2], None::<i64>],
            )?;
            assert_eq!(changes, 1);
            Ok(())
        })
        .unwrap();
    let row = database
        .read::<_, Error>(|c| c.query_one("SELECT id, name, data, price FROM things", &[]))
        .unwrap()
        .unwrap();
    assert_eq!(row.get::<u64>(0), Ok(1));
    assert_eq!(row.get::<String>(1), Ok("a".to_owned()));
    assert_eq!(row.get::<Vec<u8>>(2), Ok(vec![1, 2]));
    assert_eq!(row.get::<Option<i64>>(3), Ok(None));
    assert_eq!(
        row.get::<i64>(3),
        Err(Error::Type {
            column: "3".to_owned(),
            expected: "an integer"
        })
    );
    assert_eq!(
        row.get::<i64>(9),
        Err(Error::Type {
            column: "9".to_owned(),
            expected: "an integer"
        })
    );
}

#[test]
fn many_rows_are_inserted_with_few_statements() {
    let database = database();
    let rows = |count: usize| (0..count).map(|number| [Value::from(number.to_string()), 7.into()]);
    let insert = "INSERT INTO things (name, price)";
    for (count, statements) in [(0, 0), (1, 1), (ROWS_PER_STATEMENT * 2 + 1, 3)] {
        let before = database.statements();
        let inserted = database.write(of_a_test(), |connection| {
            connection.execute("DELETE FROM things -- plan: a test", &[])?;
            connection.insert_rows(insert, rows(count))
        });
        assert_eq!(inserted, Ok::<_, Error>(()));
        assert_eq!(database.statements() - before, statements + 3);
        let row = database
            .read::<_, Error>(|c| c.query_one("SELECT COUNT(*), SUM(price) FROM things", &[]))
            .unwrap()
            .unwrap();
        let count = u64::try_from(count).unwrap();
        assert_eq!(row.get::<u64>(0), Ok(count));
        assert_eq!(
            row.get::<Option<u64>>(1),
            Ok((count > 0).then_some(count * 7))
        );
    }
}

#[test]
fn every_database_in_memory_begins_alike() {
    let count = |database: &Database| {
        let rows = database.read::<_, Error>(|c| c.query("SELECT name, price FROM things", &[]));
        rows.unwrap().len()
    };
    let insert = "INSERT INTO things (name) VALUES ('a')";
    let (one, other) = (database(), database());
    let done = one.write::<_, Error>(of_a_test(), |c| c.execute_counted(insert, &[]));
    assert_eq!((done, count(&one), count(&other)), (Ok(1), 1, 0));
    // What the next ones are lent has been used, has another schema, or has a transaction open.
    let change = "ALTER TABLE things DROP COLUMN price";
    let changed = one.write::<_, Error>(of_a_test(), |c| c.execute(change, &[]));
    assert!(changed.is_ok(), "{changed:?}");
    let begun = other.read::<_, Error>(|c| c.execute("BEGIN", &[]));
    assert!(begun.is_ok(), "{begun:?}");
    drop((one, other));
    let databases = [database(), database(), database()];
    assert_eq!(databases.each_ref().map(count), [0, 0, 0]);
    for database in &databases {
        let done = database.write::<_, Error>(of_a_test(), |c| c.execute_counted(insert, &[]));
        assert_eq!((done, count(database)), (Ok(1), 1));
    }
}

#[test]
fn an_error_takes_everything_back() {
    let database = database();
    let result = database.write::<(), Error>(of_a_test(), |c| {
        c.execute("INSERT INTO things (name) VALUES ('a')", &[])?;
        c.execute("INSERT INTO things (name) VALUES ('a')", &[])?;
        Ok(())
    });
    assert!(
        matches!(&result, Err(Error::Constraint(broken)) if broken.is_of_unique("things.name")),
        "{result:?}"
    );
    let count = database
        .read::<_, Error>(|c| c.query_one("SELECT COUNT(*) FROM things", &[]))
        .unwrap()
        .unwrap();
    assert_eq!(count.get::<u64>(0), Ok(0));
    database
        .write::<_, Error>(of_a_test(), |c| {
            c.execute("INSERT INTO things (name) VALUES ('b')", &[])
        })
        .unwrap();
}

#[test]
fn what_is_done_twice_is_there_once() {
    let database = database();
    database.run_writes_twice();
    let runs = std::cell::Cell::new(0);
    let insert = |c: &Connection| {
        runs.set(runs.get() + 1);
        c.execute_counted("INSERT INTO things (name) VALUES ('a')", &[])
    };
    assert_eq!(database.write::<_, Error>(of_a_test(), insert), Ok(1));
    assert_eq!(runs.get(), 2);
    let refused = database.write::<_, Error>(of_a_test(), insert);
    assert!(matches!(refused, Err(Error::Constraint(_))), "{refused:?}");
    let count = database.read::<_, Error>(|c| c.query_one("SELECT COUNT(*) FROM things", &[]));
    assert_eq!(count.unwrap().unwrap().get::<u64>(0), Ok(1));
}

#[test]
fn deferrable_work_is_done_at_once_when_nobody_else_writes() {
    let database = database();
    let insert = "INSERT INTO things (name) VALUES ('a')";
    let done = database.write_if_free::<_, Error>(of_a_test(), |c| c.execute_counted(insert, &[]));
    assert_eq!(done, Ok(Some(1)));
    let failed =
        database.write_if_free::<_, Error>(of_a_test(), |c| c.execute_counted(insert, &[]));
    assert!(matches!(failed, Err(Error::Constraint(_))), "{failed:?}");
    let timeout = database.read::<_, Error>(|c| c.query_one("PRAGMA busy_timeout", &[]));
    let timeout = timeout.unwrap().unwrap();
    assert_eq!(timeout.get::<u32>(0), Ok(busy::TRY_MS));
}

#[test]
fn migrations_run_once_and_a_newer_schema_is_refused() {
    let database = database();
    let connection = database.open().unwrap().connection;
    migrate::run(&connection, Queue::Sqlite, "things", MIGRATIONS).unwrap();
    assert_eq!(
        migrate::run(&connection, Queue::Sqlite, "things", &MIGRATIONS[..1]),
        Err(Error::NewerSchema {
            label: "things".to_owned(),
            found: 2,
            known: 1
        })
    );
}

#[test]
fn the_file_of_another_database_is_refused_and_left_as_it_is() {
    let database = database();
    let connection = database.open().unwrap().connection;
    let others = &MIGRATIONS[..1];
    assert_eq!(
        migrate::run(&connection, Queue::Sqlite, "others", others),
        Err(Error::Foreign("others".to_owned()))
    );
    migrate::run(&connection, Queue::Sqlite, "things", MIGRATIONS).unwrap();
}

#[test]
fn the_file_of_another_program_is_refused() {
    let connection = Connection(Backend::Sqlite(backend::sqlite::Backend::open().unwrap()));
    connection
        .execute("CREATE TABLE notes (text TEXT)", &[])
        .unwrap();
    assert_eq!(
        migrate::run(&connection, Queue::Sqlite, "things", MIGRATIONS),
        Err(Error::Foreign("things".to_owned()))
    );
}

#[test]
fn a_database_of_a_version_without_marks_is_marked() {
    let connection = Connection(Backend::Sqlite(backend::sqlite::Backend::open().unwrap()));
    migrate::run(&connection, Queue::Sqlite, "things", MIGRATIONS).unwrap();
    connection.query("PRAGMA application_id = 0", &[]).unwrap();
    migrate::run(&connection, Queue::Sqlite, "things", MIGRATIONS).unwrap();
    assert!(matches!(
        migrate::run(&connection, Queue::Sqlite, "others", MIGRATIONS),
        Err(Error::Foreign(_))
    ));
}

#[test]
fn a_failing_migration_leaves_nothing_behind() {
    const BROKEN: &[Migration] = &[Migration {
        name: "0001",
        sql: "CREATE TABLE a (id INTEGER);\n\nCREATE TABLE oops;\n",
    }];
    let broken = Database::in_memory("broken", BROKEN);
    assert!(matches!(broken.err(), Some(Error::Storage(_))));
}

#[test]
fn messages_are_sorted_into_classes() {
    for (message, transient) in [
        ("database is locked", true),
        ("database or disk is full", true),
        ("interrupted", true),
        ("interrupted: the statement took longer than 2000 ms", true),
        ("no such table: x", false),
    ] {
        assert_eq!(
            Error::from_message(message.to_owned()).is_transient(),
            transient,
            "{message}"
        );
    }
    assert!(matches!(
        Error::from_message("CHECK constraint failed: stock >= 0".to_owned()),
        Error::Constraint(_)
    ));
}

#[test]
fn a_list_in_a_column_comes_back_as_it_went_in() {
    let connection = Connection(Backend::Sqlite(backend::sqlite::Backend::open().unwrap()));
    let pairs = vec![("a \"b\"".to_owned(), "'\\\n".to_owned())];
    let read = |value: Value| {
        let rows = connection.query("SELECT ? AS list", &[value]).unwrap();
        rows[0].json::<Vec<(String, String)>>("list")
    };
    assert_eq!(read(Value::json(&pairs)), Ok(pairs));
    let wrong = Error::not("list", "JSON of its kind");
    for other in [Value::json(&[1, 2]), "[".into()] {
        assert_eq!(read(other), Err(wrong.clone()));
    }
}
