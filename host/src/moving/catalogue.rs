//! What tables a database has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::Kind;

/// A column.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// The columns of a table, or of a view, by name.
pub(super) type Columns = BTreeMap<String, Option<Kind>>;

/// What a PostgreSQL database has.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// Tables.
    pub tables: BTreeMap<String, Columns>,
    /// Views.
    pub views: BTreeMap<String, Columns>,
    /// Columns that number their rows by themselves, by table.
    pub numbered: BTreeMap<String, String>,
    /// Tables that refer to another one, and that one.
    pub references: Vec<(String, String)>,
}

impl Catalogue {
    /// These tables in an order in which none refers to one that comes later.
    pub(super) fn in_order<'a>(&self, mut tables: Vec<&'a str>) -> Vec<&'a str> {
        let mut ordered = Vec::new();
        while !tables.is_empty() {
            let waits = |table: &&str| {
                let mut parents = self.references.iter().filter(|(child, _)| child == table);
                parents.any(|(child, parent)| child != parent && tables.contains(&parent.as_str()))
            };
            let (later, now): (Vec<_>, Vec<_>) = tables.iter().copied().partition(waits);
            if now.is_empty() {
                // Tables that refer to each other in a circle: the database says what it thinks of that.
                ordered.extend(later);
                return ordered;
            }
            ordered.extend(now);
            tables = later;
        }
        ordered
    }
}

/// The columns of an export, by name.
pub(super) fn by_name(columns: &[Column]) -> Columns {
    let columns = columns.iter();
    columns
        .map(|column| (column.name.clone(), Some(column.kind)))
        .collect()
}

/// A name inside a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_referred_to_comes_first() {
        let pair = |child: &str, parent: &str| (child.to_owned(), parent.to_owned());
        let catalogue = Catalogue {
            references: vec![
                pair("a", "b"),
                pair("b", "c"),
                pair("c", "c"),
                pair("d", "x"),
            ],
            ..Catalogue::default()
        };
        let ordered = catalogue.in_order(vec!["a", "b", "c", "d"]);
        assert_eq!(ordered, ["c", "d", "b", "a"]);
        let circle = Catalogue {
            references: vec![pair("a", "b"), pair("b", "a")],
            ..Catalogue::default()
        };
        assert_eq!(circle.in_order(vec!["a", "b"]).len(), 2);
    }
}
