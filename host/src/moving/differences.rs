//! Where the schemas of SQLite and PostgreSQL differ, and why. Everything else is the same in both, and copied as it is.

/// The databases of a shop with the versions of their schemas that are alike: SQLite's and PostgreSQL's.
pub(super) const VERSIONS: [Version; 5] = [
    version("auth", 5, 3),
    version("checkout", 2, 2),
    version("orders", 12, 5),
    version("payments", 15, 7),
    version("products", 13, 9),
];

/// Versions of the schema of a database that are alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    /// The database.
    pub label: &'static str,
    /// SQLite's version.
    pub sqlite: u32,
    /// PostgreSQL's version.
    pub postgres: u32,
}

const fn version(label: &'static str, sqlite: u32, postgres: u32) -> Version {
    Version {
        label,
        sqlite,
        postgres,
    }
}

/// A table that SQLite does not have.
#[derive(Clone, Copy, Debug)]
pub(super) struct PostgresOnly {
    /// The database; none when all have it.
    pub label: Option<&'static str>,
    /// The table.
    pub table: &'static str,
    /// Where its rows come from instead.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is for those who read this"))]
    pub reason: &'static str,
}

/// The table of words. SQLite keeps them in an index.
pub(super) const WORDS: &str = "products_by_word";

/// Tables that PostgreSQL alone has.
pub(super) const POSTGRES_ONLY: [PostgresOnly; 6] = [
    PostgresOnly {
        label: None,
        table: "schema_version",
        reason: "the migration makes it; SQLite keeps the version in the head of the file",
    },
    PostgresOnly {
        label: Some("auth"),
        table: "signing_key",
        reason: "the first replica writes it",
    },
    PostgresOnly {
        label: Some("products"),
        table: WORDS,
        reason: "made anew of the texts of the products, as the shop does",
    },
    PostgresOnly {
        label: Some("orders"),
        table: "count_changes",
        reason: "filled from order_counts and tallies, see COUNTERS",
    },
    PostgresOnly {
        label: Some("payments"),
        table: "count_changes",
        reason: "filled from payment_counts and tallies, see COUNTERS",
    },
    PostgresOnly {
        label: Some("payments"),
        table: "money_changes",
        reason: "filled from money_received, see COUNTERS",
    },
];

/// A table of SQLite that is a view in PostgreSQL: the sum of changes, so that orders need not wait for each other to be counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    /// The database.
    pub label: &'static str,
    /// The table, and the view.
    pub table: &'static str,
    /// The table of the changes.
    pub changes: &'static str,
    /// How its rows become changes.
    pub shape: Shape,
}

/// How the rows of a table that counts become changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// Each row is a counter: its name and its number.
    Named {
        /// The column with the name.
        name: &'static str,
        /// The column with the number.
        number: &'static str,
    },
    /// One row, of which every other column than this is a counter.
    Columns {
        /// The column that is none.
        key: &'static str,
    },
    /// Each row is a change.
    Rows,
}

/// The tables of SQLite that are views in PostgreSQL.
pub(super) const COUNTERS: [Counter; 5] = [
    Counter {
        label: "orders",
        table: "order_counts",
        changes: "count_changes",
        shape: Shape::Named {
            name: "status",
            number: "orders",
        },
    },
    Counter {
        label: "orders",
        table: "tallies",
        changes: "count_changes",
        shape: Shape::Columns { key: "id" },
    },
    Counter {
        label: "payments",
        table: "payment_counts",
        changes: "count_changes",
        shape: Shape::Named {
            name: "status",
            number: "payments",
        },
    },
    Counter {
        label: "payments",
        table: "tallies",
        changes: "count_changes",
        shape: Shape::Columns { key: "id" },
    },
    Counter {
        label: "payments",
        table: "money_received",
        changes: "money_changes",
        shape: Shape::Rows,
    },
];

/// A number that SQLite keeps itself (`sqlite_sequence`) and PostgreSQL has in a column: the last one that was given to a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastNumber {
    /// The database.
    pub label: &'static str,
    /// The table whose rows are numbered.
    pub table: &'static str,
    /// The column with the numbers.
    pub column: &'static str,
    /// The table of one row that has the last one.
    pub kept_in: &'static str,
    /// The column there.
    pub kept_as: &'static str,
}

/// Numbers of rows that no sequence of PostgreSQL gives out. Those that one does need no list.
pub(super) const LAST_NUMBERS: [LastNumber; 1] = [LastNumber {
    label: "auth",
    table: "revocations",
    column: "sequence",
    kept_in: "revocation_floor",
    kept_as: "last_sequence",
}];

/// Tables in which a new database has rows already; they make room for the shop's own.
pub(super) const WITH_FIRST_ROWS: [(&str, &str); 6] = [
    ("auth", "hashing_pace"),
    ("auth", "revocation_floor"),
    ("checkout", "settings"),
    ("checkout", "tax_settings"),
    ("orders", "sweeper"),
    ("products", "catalogue_size"),
];

/// Tables that a shop writes when it starts, and so the one that makes the schemas; the shop that is moved does so itself.
const WRITTEN_AT_START: [(&str, &str); 1] = [("auth", "signing_key")];

/// Whether a shop writes that table of the database when it starts.
pub(super) fn is_written_at_start(label: &str, table: &str) -> bool {
    WRITTEN_AT_START.contains(&(label, table))
}

/// The counter behind a table of SQLite, if that is what it is.
pub(super) fn counter(label: &str, table: &str) -> Option<&'static Counter> {
    let mut counters = COUNTERS.iter();
    counters.find(|counter| counter.label == label && counter.table == table)
}

/// Whether PostgreSQL alone has that table.
pub(super) fn is_postgres_only(label: &str, table: &str) -> bool {
    let mut tables = POSTGRES_ONLY.iter();
    tables.any(|only| only.table == table && only.label.is_none_or(|its| its == label))
}

/// Whether PostgreSQL alone has that column.
pub(super) fn is_column_postgres_only(label: &str, table: &str, column: &str) -> bool {
    let mut numbers = LAST_NUMBERS.iter();
    numbers.any(|last| last.label == label && last.kept_in == table && last.kept_as == column)
}

/// Whether a new database has rows in that table.
pub(super) fn has_first_rows(label: &str, table: &str) -> bool {
    WITH_FIRST_ROWS.contains(&(label, table))
}
