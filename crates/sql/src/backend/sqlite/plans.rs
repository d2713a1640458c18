//! Looks at SQLite's plan of every statement that a native test runs, when it is run for the first time.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::backend::plans::{has_one_row, is_looked_at, says_why, wrong};

/// Makes sure that a statement reads and sorts no whole table, when it is run for the first time in this process.
///
/// # Panics
/// When it does.
#[track_caller]
pub fn check(connection: &Connection, statement: &str) {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if !is_looked_at(statement, Location::caller()) {
        return;
    }
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen().contains(statement) {
        return;
    }
    let wrong = look_at(connection, statement).unwrap_or_default();
    assert!(wrong.is_empty(), "{wrong}\n{statement}");
    // What is wrong stays so: a test that survives it may be followed by one that does not.
    seen().insert(statement.to_owned());
}

/// What is wrong with the plan of a statement.
fn look_at(connection: &Connection, statement: &str) -> Option<String> {
    // What cannot be explained fails when it is run.
    let (Ok(plan), Ok(tables)) = (plan(connection, statement), tables(connection)) else {
        return None;
    };
    let mut steps = plan.iter();
    let is_wrong = !says_why(statement) && steps.any(|step| is_costly(step, statement, &tables));
    is_wrong.then(|| wrong(&plan.join("\n")))
}

/// The steps of the plan in SQLite's own words (<https://sqlite.org/eqp.html>), those of triggers included.
fn plan(connection: &Connection, statement: &str) -> rusqlite::Result<Vec<String>> {
    let of_triggers = DbConfig::SQLITE_DBCONFIG_TRIGGER_EQP;
    connection.set_db_config(of_triggers, true)?;
    let explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"));
    let steps = explained.and_then(|mut explained| {
        let rows = explained.raw_query();
        rows.mapped(|row| row.get("detail")).collect()
    });
    connection.set_db_config(of_triggers, false)?;
    steps
}

/// All tables with what made them.
fn tables(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut names =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")?;
    names
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn is_costly(step: &str, statement: &str, tables: &BTreeMap<String, String>) -> bool {
    let sorts = step.contains("USE TEMP B-TREE") && step.contains("ORDER BY");
    // An index of words knows what is looked for, or is asked for all.
    let is_selective = step.contains("VIRTUAL TABLE INDEX") && !step.ends_with(" INDEX 0:");
    let scanned = step.strip_prefix("SCAN ").filter(|_| !is_selective);
    let name = scanned.and_then(|rest| rest.split(' ').next());
    let table = name.and_then(|name| table_called(name, statement, tables));
    let grows = table.is_some_and(|made_by| !has_one_row(made_by));
    sorts || grows || step.contains("AUTOMATIC")
}

/// What made the table that a statement calls so: by its name, or as in `products AS p`. Subqueries have steps of their own.
fn table_called<'a>(
    name: &str,
    statement: &str,
    tables: &'a BTreeMap<String, String>,
) -> Option<&'a String> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let words: Vec<&str> = statement
        .split(|character| !is_word(character))
        .filter(|word| !word.is_empty() && *word != "AS")
        .collect();
    let mut pairs = words.windows(2);
    let called = || {
        pairs.find_map(|pair| {
            tables
                .get(*pair.first()?)
                .filter(|_| pair.last() == Some(&name))
        })
    };
    tables.get(name).or_else(called)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let schema = "
            CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, price INTEGER);
            CREATE TABLE counts (id INTEGER PRIMARY KEY CHECK (id = 1), things INTEGER);
            CREATE TABLE log (entry TEXT);
            CREATE TRIGGER things_are_counted AFTER INSERT ON things BEGIN
              UPDATE counts SET things = things + 1;
            END;
            CREATE TRIGGER prices_are_logged AFTER UPDATE OF price ON things BEGIN
              UPDATE log SET entry = 'price';
            END;";
        connection.execute_batch(schema).unwrap();
        connection
    }

    #[test]
    fn whole_tables_are_neither_read_nor_sorted_without_a_reason() {
        let connection = connection();
        for costly in [
            "SELECT id FROM things WHERE price = 1",
            "SELECT id FROM things AS t WHERE t.price = 1",
            "SELECT name FROM things ORDER BY name",
            "SELECT id FROM things WHERE id IN (1, 2) ORDER BY price",
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM things t WHERE price = 1)",
            "UPDATE things SET name = 'a'",
            "UPDATE things SET price = 1 WHERE id = 1",
            "DELETE FROM log WHERE entry = 'a'",
        ] {
            let wrong = look_at(&connection, costly);
            assert!(wrong.is_some(), "{costly}");
            let explained = format!("{costly} -- plan: a reason");
            assert_eq!(look_at(&connection, &explained), None);
        }
    }

    #[test]
    fn what_finds_its_rows_needs_no_reason() {
        let connection = connection();
        for cheap in [
            "SELECT price FROM things WHERE name = 'a'",
            "SELECT price FROM things WHERE id > 7 ORDER BY id LIMIT 9",
            "SELECT price FROM things WHERE id IN (SELECT value FROM json_each('[1]'))",
            "WITH few AS MATERIALIZED (SELECT id FROM things WHERE id < 3) SELECT id FROM few",
            "INSERT INTO things (name, price) VALUES ('a', 1)",
            "SELECT things FROM counts",
            "UPDATE counts SET things = 0",
            "BEGIN",
            "PRAGMA user_version",
            "this is no statement",
        ] {
            assert_eq!(look_at(&connection, cheap), None, "{cheap}");
        }
    }
}
