//! Looks at PostgreSQL's plan of every statement that a native test runs, and of every statement that these cause: those of triggers,
//! and of references between rows.
//!
//! The module `auto_explain` of PostgreSQL reports each plan when its statement has ended. The planner prefers to read small tables
//! as a whole, so it is told to avoid that, and sorting, at any cost: where a plan has it all the same, no index can serve the
//! statement. Plans are made without regard to parameters, as the planner does for a statement that runs often.
//!
//! What it means that a statement says why stands in `backend/plans.rs`; what a statement says goes for those that it causes.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postgres::{Client, Config};
use serde_json::Value as Json;

use super::native::Connection;
use crate::backend::plans::{has_one_row, is_looked_at, says_why_on_postgres, wrong};
use crate::locks::hash;

/// What a connection begins with so that plans are reported. Joins that read all of one side are avoided, too.
pub const REPORT: &str = "
LOAD 'auto_explain';
SET auto_explain.log_min_duration = -1;
SET auto_explain.log_nested_statements = on;
SET auto_explain.log_format = json;
SET auto_explain.log_level = notice;
SET client_min_messages = notice;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_incremental_sort = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off;";

/// So often a text is looked at in a process: what it causes depends on the rows, and reports take time.
const RUNS_LOOKED_AT: u32 = 100;

/// What takes back settings, too.
const ROLLBACK: &str = "ROLLBACK";

/// Statements that have no plan.
const WITHOUT_PLAN: [&str; 3] = ["BEGIN", "COMMIT", ROLLBACK];

/// What a report begins with; the time that the statement took stands between the two.
const REPORT_BEGINS: &str = "duration: ";
const PLAN_BEGINS: &str = "plan:\n";
/// What stands in a report between the text of the statement and its plan.
const PLAN_FOLLOWS: &str = "\"Plan\": ";

/// The tables that can have one row only have such a rule; other rules are left out by who asks.
const RULES: &str = "
SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype = 'c' AND conrelid <> 0";

/// Tables whose rows are folded into few when they get many.
const FOLDED: &str = "
SELECT tgrelid::regclass::text
FROM pg_trigger
WHERE tgname LIKE '%\\_folded'";

/// What comes first in each index: only who says something about it finds rows by the index.
const INDEXES: &str = "
SELECT indexrelid::regclass::text, indrelid::regclass::text, pg_get_indexdef(indexrelid, 1, TRUE)
FROM pg_index
WHERE indrelid::regclass::text NOT LIKE 'pg_%'";

/// What is known of the plans of a connection.
pub struct Plans {
    /// Reports that nobody has read yet. That of a SELECT inside a transaction comes with the next statement.
    reports: Arc<Mutex<Vec<String>>>,
    /// Texts that were run here, and whether their plans matter.
    texts: BTreeMap<String, bool>,
    /// Whether plans are reported; none when that is not known.
    are_reported: Option<bool>,
}

impl Plans {
    /// Those of the connections that are made so.
    pub fn of(config: &mut Config) -> Self {
        let reports: Arc<Mutex<Vec<String>>> = Arc::default();
        let to = Arc::clone(&reports);
        config.notice_callback(move |notice| {
            let report = notice.message().strip_prefix(REPORT_BEGINS);
            if let Some((_, report)) = report.and_then(|report| report.split_once(PLAN_BEGINS)) {
                all(&to).push(report.to_owned());
            }
        });
        Self {
            reports,
            texts: BTreeMap::new(),
            are_reported: Some(false),
        }
    }

    /// Forgets what nobody has to read.
    pub fn forget(&self) {
        all(&self.reports).clear();
    }
}

fn all(reports: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    reports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the plan of a statement reported that is to be run, if it matters and has not been looked at often.
#[track_caller]
pub fn watch(connection: &mut Connection, text: &str) {
    static RUNS: Mutex<BTreeMap<u64, u32>> = Mutex::new(BTreeMap::new());
    let Connection { client, plans, .. } = connection;
    if WITHOUT_PLAN.contains(&text) {
        if text == ROLLBACK {
            plans.are_reported = None;
        }
        return;
    }
    let place = Location::caller();
    let matters = plans.texts.get(text).copied();
    let matters = matters.unwrap_or_else(|| {
        let matters = is_looked_at(text, place) && !says_why_on_postgres(text);
        plans.texts.insert(text.to_owned(), matters);
        matters
    });
    let is_rare = || {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = runs.entry(hash(text.bytes())).or_default();
        *runs += 1;
        *runs <= RUNS_LOOKED_AT
    };
    report(client, plans, matters && is_rare());
}

fn report(client: &mut Client, plans: &mut Plans, are_wanted: bool) {
    if plans.are_reported == Some(are_wanted) {
        return;
    }
    let minimum = if are_wanted { 0 } else { -1 };
    let set = format!("SET auto_explain.log_min_duration = {minimum}");
    // In a transaction that has failed nothing is reported, either.
    plans.are_reported = client.batch_execute(&set).ok().map(|()| are_wanted);
}

/// Makes sure that statements that have run, and what they caused, neither read nor sorted a whole table.
///
/// # Panics
/// When one did.
#[track_caller]
pub fn check(connection: &mut Connection) {
    let wrong = look_at_all(connection).unwrap_or_default();
    assert!(wrong.is_empty(), "{wrong}");
}

/// What is wrong with the statements that have been reported.
fn look_at_all(connection: &mut Connection) -> Option<String> {
    static SEEN: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let Connection { client, plans, .. } = connection;
    // A statement is reported after those that it causes.
    let mut caused = Vec::new();
    let mut schema = None;
    let reports = std::mem::take(&mut *all(&plans.reports));
    for report in reports {
        // The text stands before its plan. It is looked at once: nothing else decides about the plan.
        let key = hash(report.split(PLAN_FOLLOWS).next()?.bytes());
        caused.push((key, report));
        let Some(Report { statement, .. }) = caused.last().and_then(|(_, last)| Report::of(last))
        else {
            continue;
        };
        let Some(matters) = plans.texts.get(&statement) else {
            continue;
        };
        for (key, report) in caused.drain(..).filter(|_| *matters) {
            if seen().contains(&key) {
                continue;
            }
            let schema = schema.get_or_insert_with(|| Schema::of(client));
            let wrong = look_at(&report, schema);
            if wrong.is_some() {
                return wrong.map(|wrong| format!("{wrong}\nby\n{statement}"));
            }
            seen().insert(key);
        }
    }
    // Those of the questions about the schema are left out, and those that belong to what is still to be reported are kept.
    let kept = caused.into_iter().map(|(_, report)| report);
    *all(&plans.reports) = kept.collect();
    None
}

/// What is reported of a statement.
struct Report {
    statement: String,
    plan: Json,
}

impl Report {
    fn of(report: &str) -> Option<Self> {
        let mut report: Json = serde_json::from_str(report).ok()?;
        Some(Self {
            statement: text(&report, "Query Text").to_owned(),
            plan: report.get_mut("Plan")?.take(),
        })
    }
}

/// What is wrong with a statement, by its report.
fn look_at(report: &str, schema: &Schema) -> Option<String> {
    let Report { statement, plan } = Report::of(report)?;
    let is_wrong = !says_why_on_postgres(&statement) && schema.is_costly(&plan);
    is_wrong.then(|| wrong(&format!("{plan:#}\nof\n{statement}")))
}

/// What has to be known of a schema in order to judge plans.
struct Schema {
    /// Tables that do not grow.
    small: BTreeSet<String>,
    indexes: BTreeMap<String, Index>,
}

struct Index {
    table: String,
    /// Its first column or expression.
    first: String,
}

impl Schema {
    fn of(client: &mut Client) -> Self {
        let mut rows = |statement| client.query(statement, &[]).unwrap_or_default();
        let rules = rows(RULES).into_iter();
        let of_one_row = rules.filter(|rule| has_one_row(rule.get(1)));
        let small = of_one_row.chain(rows(FOLDED));
        let small = small.map(|table| table.get(0)).collect();
        let index = |row: &postgres::Row| Index {
            table: row.get(1),
            first: row.get(2),
        };
        let indexes = rows(INDEXES).into_iter();
        Self {
            small,
            indexes: indexes.map(|row| (row.get(0), index(&row))).collect(),
        }
    }

    /// Whether a step of a plan, or one below it, reads or sorts a whole table that grows.
    fn is_costly(&self, step: &Json) -> bool {
        let kind = text(step, "Node Type");
        let sorts = kind.ends_with("Sort") && self.reads_what_grows(step);
        let mut steps = below(step);
        // Of several indexes one is enough that finds rows.
        let are_costly = match kind {
            "BitmapAnd" => steps.all(|step| self.is_costly(step)),
            _ => steps.any(|step| self.is_costly(step)),
        };
        sorts || self.scans(kind, step) || are_costly
    }

    fn scans(&self, kind: &str, step: &Json) -> bool {
        match kind {
            "Seq Scan" | "Sample Scan" | "Tid Scan" | "Tid Range Scan" => {
                self.grows(text(step, "Relation Name"))
            }
            "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => {
                let index = self.indexes.get(text(step, "Index Name"));
                index.is_some_and(|index| {
                    self.grows(&index.table) && !index.is_looked_up(text(step, "Index Cond"))
                })
            }
            _ => false,
        }
    }

    /// PostgreSQL's own tables are as large as the schema.
    fn grows(&self, table: &str) -> bool {
        !table.is_empty() && !table.starts_with("pg_") && !self.small.contains(table)
    }

    fn reads_what_grows(&self, step: &Json) -> bool {
        self.grows(text(step, "Relation Name"))
            || below(step).any(|step| self.reads_what_grows(step))
    }
}

impl Index {
    fn is_looked_up(&self, condition: &str) -> bool {
        words(&self.first).all(|word| words(condition).any(|it| it == word))
    }
}

/// What a step says of that; nothing when it does not.
fn text<'a>(step: &'a Json, what: &str) -> &'a str {
    step.get(what).and_then(Json::as_str).unwrap_or_default()
}

/// The steps whose rows a step takes.
fn below(step: &Json) -> impl Iterator<Item = &Json> {
    let steps = step.get("Plans").and_then(Json::as_array);
    steps.into_iter().flatten()
}

/// Names, without types, numbers and what PostgreSQL puts between them.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |character: char| character.is_alphanumeric() || character == '_';
    expression
        .split(move |character| !is_of_word(character))
        .filter(|word| word.starts_with(|first: char| first.is_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::super::native::{SERVER, server};
    use super::super::pool;
    use super::*;
    use crate::Migration;

    const MIGRATIONS: &[Migration] = &[Migration {
        name: "0001_things",
        sql: "
            CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT UNIQUE, price BIGINT, made_by BIGINT, made_at BIGINT);

            CREATE INDEX things_by_maker ON things (made_by, made_at);

            CREATE INDEX things_free ON things (made_at) WHERE price IS NULL;

            CREATE TABLE parts (id BIGINT PRIMARY KEY, thing BIGINT REFERENCES things (id) ON DELETE CASCADE);

            CREATE TABLE counts (id BIGINT PRIMARY KEY CHECK (id = 1), things BIGINT);

            CREATE TABLE changes (number BIGINT PRIMARY KEY, change BIGINT);

            CREATE TABLE log (entry TEXT);

            CREATE FUNCTION things_are_counted() RETURNS TRIGGER LANGUAGE plpgsql AS $$
            BEGIN
              UPDATE counts SET things = things + 1;
              RETURN NULL;
            END
            $$;

            CREATE TRIGGER things_are_counted AFTER INSERT ON things
            FOR EACH ROW EXECUTE FUNCTION things_are_counted();

            CREATE FUNCTION prices_are_logged() RETURNS TRIGGER LANGUAGE plpgsql AS $$
            BEGIN
              UPDATE log SET entry = 'price';
              RETURN NULL;
            END
            $$;

            CREATE TRIGGER prices_are_logged AFTER UPDATE OF price ON things
            FOR EACH ROW EXECUTE FUNCTION prices_are_logged();

            CREATE TRIGGER changes_are_folded AFTER INSERT ON changes
            FOR EACH ROW WHEN (new.number < 0) EXECUTE FUNCTION things_are_counted();

            INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b');",
    }];

    /// What is wrong with a statement, in a new database.
    fn wrong_with(statement: &str) -> Option<String> {
        let mut lent = pool::lend(server().unwrap(), "plans", MIGRATIONS).unwrap();
        let connection = lent.connection().unwrap();
        let matters = !says_why_on_postgres(statement);
        let Connection { client, plans, .. } = connection;
        plans.texts.insert(statement.to_owned(), matters);
        report(client, plans, true);
        client.execute(statement, &[]).unwrap();
        assert!(!all(&plans.reports).is_empty(), "{statement}");
        look_at_all(connection)
    }

    fn has_server() -> bool {
        if server().is_none() {
            println!("left out: {SERVER} names no server");
        }
        server().is_some()
    }

    #[test]
    fn whole_tables_are_neither_read_nor_sorted_without_a_reason() {
        if !has_server() {
            return;
        }
        for costly in [
            "SELECT id FROM things WHERE price = 1",
            "SELECT id FROM things AS t WHERE t.price = 1",
            "SELECT name FROM things ORDER BY name",
            "SELECT id FROM things WHERE id IN (1, 2) ORDER BY price",
            "SELECT made_by FROM things WHERE made_at = 7 ORDER BY made_by",
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM things t WHERE price = 1)",
            "WITH all_of_them AS MATERIALIZED (SELECT price FROM things) SELECT price FROM all_of_them",
            "SELECT name FROM things WHERE price IS NULL",
            "UPDATE things SET name = NULL",
            "DELETE FROM log WHERE entry = 'a'",
        ] {
            let wrong = wrong_with(costly);
            assert!(wrong.is_some(), "{costly}");
            let explained = format!("{costly} -- plan: a reason");
            assert_eq!(wrong_with(&explained), None);
        }
    }

    #[test]
    fn what_statements_cause_is_looked_at() {
        if !has_server() {
            return;
        }
        for (statement, cause) in [
            (
                "UPDATE things SET price = 1 WHERE id = 1",
                "UPDATE log SET entry",
            ),
            ("DELETE FROM things WHERE id = 2", "DELETE FROM ONLY"),
        ] {
            let wrong = wrong_with(statement).unwrap_or_default();
            assert!(wrong.contains(cause), "{statement}: {wrong}");
        }
    }

    #[test]
    fn what_finds_its_rows_needs_no_reason() {
        if !has_server() {
            return;
        }
        for cheap in [
            "SELECT price FROM things WHERE name = 'a'",
            "SELECT price FROM things WHERE id > 7 ORDER BY id LIMIT 9",
            "SELECT price FROM things WHERE id IN (SELECT n FROM generate_series(1, 2) AS asked (n))",
            "SELECT price FROM things WHERE made_by = 1 AND made_at > 7 ORDER BY made_at",
            "WITH few AS MATERIALIZED (SELECT id FROM things WHERE id < 3) SELECT id FROM few",
            "UPDATE things SET price = 1 WHERE id = 3 AND price IS NULL",
            "INSERT INTO things (id, name, price) VALUES (9, 'c', 1)",
            "SELECT things FROM counts",
            "UPDATE counts SET things = 0",
            "SELECT SUM(change) FROM changes",
        ] {
            assert_eq!(wrong_with(cheap), None, "{cheap}");
        }
    }
}
