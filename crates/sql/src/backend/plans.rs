//! What the checks of plans have in common. Both databases are asked how they go about every statement that a native test runs: what
//! reads or sorts a whole table gets slower with every order, and nobody would notice before the table has grown.
//!
//! A statement that may do so says why, in a comment in its text: `-- plan: ` and the reason, or `-- plan on PostgreSQL: ` when it need not
//! on SQLite. Tables that can have one row
//! only need no reason. Statements of migrations are not looked at, nor those of tests: they stand in files that are named
//! so, or say `-- of a test`.

use std::panic::Location;

/// What a statement says that may read or sort all of something; the reason follows.
const REASON: &str = "-- plan: ";

/// The same, for PostgreSQL alone.
const REASON_ON_POSTGRES: &str = "-- plan on PostgreSQL: ";

const WRONG: &str =
    "this statement reads or sorts a whole table: give it an index, or say in it why it may";

/// What a statement says that is a test's, in a file of others.
const OF_A_TEST: &str = "-- of a test";

/// The rules of tables that can have one row only.
const ONE_ROW: [&str; 2] = ["CHECK (id = 1)", "CHECK (only_row = 1)"];

/// Whether that statement, run from that place, is one of the shop's, whose plan matters.
pub fn is_looked_at(statement: &str, place: &Location<'_>) -> bool {
    !is_of_tests(place.file()) && !statement.contains(OF_A_TEST)
}

/// Whether statements that stand in that file are tests' or migrations'.
fn is_of_tests(file: &str) -> bool {
    file.contains("/test") || file.contains("crates/sql/")
}

/// Whether the statement says why it may read or sort all of something.
pub fn says_why(statement: &str) -> bool {
    statement.contains(REASON)
}

/// Whether the statement says so for PostgreSQL, at least.
pub fn says_why_on_postgres(statement: &str) -> bool {
    says_why(statement) || statement.contains(REASON_ON_POSTGRES)
}

/// Whether a table can have one row only, by what made it, or by one of its rules in PostgreSQL's words, which have more parentheses.
pub fn has_one_row(made_by: &str) -> bool {
    let made_by = made_by.replace("((", "(");
    ONE_ROW.iter().any(|rule| made_by.contains(rule))
}

/// What to say of a statement with that plan.
pub fn wrong(plan: &str) -> String {
    format!("{WRONG} ({REASON:?}):\n{plan}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_tests_are_their_own() {
        for (file, is_tests) in [
            ("components/orders/core/src/store/tests/plans.rs", true),
            ("components/products/core/src/testing.rs", true),
            ("components/products/core/src/store/products.rs", false),
        ] {
            assert_eq!(is_of_tests(file), is_tests, "{file}");
        }
    }

    #[test]
    fn tables_with_one_row_are_known_by_their_rule() {
        for (made_by, has_one) in [
            (
                "CREATE TABLE a (id INTEGER PRIMARY KEY CHECK (id = 1))",
                true,
            ),
            ("CHECK ((id = 1))", true),
            ("CHECK ((only_row = 1))", true),
            ("CHECK ((id = 12))", false),
            ("CHECK ((lane = 1))", false),
        ] {
            assert_eq!(has_one_row(made_by), has_one, "{made_by}");
        }
    }
}
