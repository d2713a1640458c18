//! How the tables of an export come into a PostgreSQL database, in one transaction.

use std::path::Path;
use std::pin::pin;

use bytes::Bytes;
use futures::SinkExt as _;
use mercato_sql::words;
use tokio_postgres::types::ToSql;

use super::archive::{Database, Reader, Table};
use super::catalogue::{Catalogue, Columns, by_name, quoted};
use super::differences::{
    Counter, LAST_NUMBERS, Shape, WORDS, counter, has_first_rows, is_column_postgres_only,
    is_postgres_only, is_written_at_start,
};
use super::progress::Progress;
use super::target::Target;
use super::value::{Value, write_copy};
use crate::error::Result;
use crate::limits::{IMPORT_CHUNK_BYTES, IMPORT_WORDS_ROWS};

/// Products of the catalogue by their numbers, some at a time.
const NEXT_PRODUCTS: &str = "
SELECT e.number, p.name, COALESCE(p.sku, ''), p.description
FROM catalogue_entries AS e JOIN products AS p ON p.id = e.product_id
WHERE e.number > $1
ORDER BY e.number
LIMIT $2";

const INSERT_WORDS: &str = "
INSERT INTO products_by_word (rowid, products_by_word)
SELECT made.number, CAST(made.words AS TSVECTOR)
FROM unnest($1::BIGINT[], $2::TEXT[]) AS made (number, words)";

/// What one database is filled from.
pub(super) struct Load<'a> {
    pub target: &'a Target,
    pub folder: &'a Path,
    pub id: &'a str,
    pub database: &'a Database,
}

/// What is wrong when export and database do not have the same tables and columns; they are of different versions then.
pub(super) fn differences(
    label: &str,
    database: &Database,
    catalogue: &Catalogue,
) -> Result<(), String> {
    for (name, table) in &database.tables {
        let mut columns = by_name(&table.columns);
        let found = if let Some(counter) = counter(label, name) {
            if let Shape::Columns { key } = counter.shape {
                columns.remove(key);
            }
            catalogue.views.get(name)
        } else {
            catalogue.tables.get(name)
        };
        let Some(found) = found else {
            return Err(format!("has no table `{name}`, which the export has"));
        };
        compare(label, name, &columns, found)?;
    }
    for name in catalogue.tables.keys() {
        if !database.tables.contains_key(name) && !is_postgres_only(label, name) {
            return Err(format!("has a table `{name}`, which the export has not"));
        }
    }
    Ok(())
}

fn compare(label: &str, table: &str, exported: &Columns, found: &Columns) -> Result<(), String> {
    for (name, kind) in exported {
        match found.get(name) {
            None => {
                return Err(format!(
                    "has no column `{name}` in `{table}`, which the export has"
                ));
            }
            Some(other) if other != kind => {
                return Err(format!(
                    "has a column `{name}` in `{table}` of another type than the export"
                ));
            }
            Some(_) => {}
        }
    }
    for name in found.keys() {
        if !exported.contains_key(name) && !is_column_postgres_only(label, table, name) {
            return Err(format!(
                "has a column `{name}` in `{table}`, which the export has not"
            ));
        }
    }
    Ok(())
}

impl Load<'_> {
    fn label(&self) -> &'static str {
        self.target.label
    }

    /// Fills the database in a transaction that is left open; gives how many rows of the export are in it.
    ///
    /// # Errors
    /// When it is not empty or not alike, or the export cannot be read. Nothing is left in it when the connection ends.
    pub(super) async fn run(&self, progress: &mut Progress<'_>) -> Result<u64> {
        let target = self.target;
        target.run("BEGIN").await?;
        let catalogue = target.catalogue().await?;
        let names: Vec<&str> = catalogue.tables.keys().map(String::as_str).collect();
        let all: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", all.join(", "));
        target.run(&lock).await?;
        differences(self.label(), self.database, &catalogue).map_err(|what| {
            target.fail(format!(
                "it {what}: export and import with the same version of mercato"
            ))
        })?;
        self.check_empty(&names).await?;
        // What triggers would make of the rows comes with them. References between rows are checked all the same.
        self.set_triggers(&names, "DISABLE").await?;
        for name in &names {
            if is_written_at_start(self.label(), name) {
                target.run(&format!("DELETE FROM {}", quoted(name))).await?;
            }
        }
        let mut done = 0;
        for name in catalogue.in_order(names.clone()) {
            if let Some(table) = self.database.tables.get(name) {
                if has_first_rows(self.label(), name) {
                    target.run(&format!("DELETE FROM {}", quoted(name))).await?;
                }
                let copied = self.copy(name, name, table, progress).await?;
                self.check_count(name, table.rows).await?;
                self.go_on_numbering(name, table, &catalogue).await?;
                done += copied;
            }
        }
        for (name, table) in &self.database.tables {
            if let Some(counter) = counter(self.label(), name) {
                done += self.count(counter, table, progress).await?;
            }
        }
        if catalogue.tables.contains_key(WORDS) {
            self.index_words(progress).await?;
        }
        // References that wait for the end of the transaction are checked now: a table with such cannot be altered.
        target.run("SET CONSTRAINTS ALL IMMEDIATE").await?;
        self.set_triggers(&names, "ENABLE").await?;
        target.mark(self.id).await?;
        Ok(done)
    }

    async fn check_empty(&self, names: &[&str]) -> Result<()> {
        for name in names {
            let is_new = *name == "schema_version"
                || has_first_rows(self.label(), name)
                || is_written_at_start(self.label(), name);
            let any = format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(name));
            if !is_new && self.target.value::<bool>(&any).await? {
                return Err(self.target.fail(format!(
                    "it is not empty, `{name}` has rows: import into a new database (DROP DATABASE, CREATE DATABASE); its schema is made by the import"
                )));
            }
        }
        Ok(())
    }

    async fn set_triggers(&self, names: &[&str], what: &str) -> Result<()> {
        let statements = names
            .iter()
            .map(|name| format!("ALTER TABLE {} {what} TRIGGER USER;", quoted(name)));
        self.target.run(&statements.collect::<String>()).await
    }

    /// Copies the rows of a table of the export into a table; gives how many there are.
    async fn copy(
        &self,
        name: &str,
        into: &str,
        table: &Table,
        progress: &mut Progress<'_>,
    ) -> Result<u64> {
        let target = self.target;
        let said = |cause: tokio_postgres::Error| target.said(&cause);
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .collect();
        let statement = format!("COPY {} ({}) FROM STDIN", quoted(into), columns.join(", "));
        let mut reader = Reader::open(self.folder, self.label(), name, table)?;
        let sink = target.client().copy_in::<_, Bytes>(&statement).await;
        let mut sink = pin!(sink.map_err(said)?);
        let what = format!("{}: {name}", self.label());
        let mut chunk = Vec::with_capacity(IMPORT_CHUNK_BYTES);
        while let Some(row) = reader.next_row()? {
            write_copy(&row, &mut chunk);
            if chunk.len() >= IMPORT_CHUNK_BYTES {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(IMPORT_CHUNK_BYTES));
                sink.send(Bytes::from(full)).await.map_err(said)?;
            }
            progress.reached(&what, reader.rows(), table.rows);
        }
        if !chunk.is_empty() {
            sink.send(Bytes::from(chunk)).await.map_err(said)?;
        }
        sink.as_mut().finish().await.map_err(said)
    }

    async fn check_count(&self, name: &str, rows: u64) -> Result<()> {
        let count = format!("SELECT COUNT(*) FROM {}", quoted(name));
        let found: i64 = self.target.value(&count).await?;
        if u64::try_from(found) == Ok(rows) {
            return Ok(());
        }
        Err(self.target.fail(format!(
            "`{name}` has {found} rows instead of {rows}; nothing was imported"
        )))
    }

    /// Lets new rows have numbers that none had before.
    async fn go_on_numbering(
        &self,
        name: &str,
        table: &Table,
        catalogue: &Catalogue,
    ) -> Result<()> {
        if let Some(column) = catalogue.numbered.get(name) {
            let last = self.last_number(name, column, table).await?;
            if let Some(next) = last.checked_add(1).filter(|next| *next > 1) {
                let (table, column) = (quoted(name), quoted(column));
                let restart =
                    format!("ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {next}");
                self.target.run(&restart).await?;
            }
        }
        // The row that keeps a number may be of a table that comes later, so it is looked for at both.
        for rule in LAST_NUMBERS {
            if rule.label == self.label()
                && (rule.table == name || rule.kept_in == name)
                && let Some(table) = self.database.tables.get(rule.table)
            {
                let last = self.last_number(rule.table, rule.column, table).await?;
                let (row, column) = (quoted(rule.kept_in), quoted(rule.kept_as));
                let update = format!("UPDATE {row} SET {column} = {last}");
                self.target.run(&update).await?;
            }
        }
        Ok(())
    }

    /// The last number that was given to a row; 0 when none was.
    async fn last_number(&self, name: &str, column: &str, table: &Table) -> Result<i64> {
        let (from, column) = (quoted(name), quoted(column));
        let largest = format!("SELECT MAX({column}) FROM {from}");
        let largest: Option<i64> = self.target.value(&largest).await?;
        Ok(largest.max(table.last_number).unwrap_or(0))
    }

    /// Makes changes of what is counted; gives how many rows were read.
    async fn count(
        &self,
        counter: &Counter,
        table: &Table,
        progress: &mut Progress<'_>,
    ) -> Result<u64> {
        let (name, into) = (counter.table, quoted(counter.changes));
        if counter.shape == Shape::Rows {
            return self.copy(name, counter.changes, table, progress).await;
        }
        let insert = format!("INSERT INTO {into} (counter, change) VALUES ($1, $2)");
        let mut reader = Reader::open(self.folder, self.label(), name, table)?;
        while let Some(row) = reader.next_row()? {
            for (counter, change) in counters(counter.shape, table, &row) {
                if change != 0 {
                    let parameters: [&(dyn ToSql + Sync); 2] = [&counter, &change];
                    self.target.query(&insert, &parameters).await?;
                }
            }
        }
        Ok(reader.rows())
    }

    /// Makes the words by which products are found.
    async fn index_words(&self, progress: &mut Progress<'_>) -> Result<()> {
        let all: i64 = self
            .target
            .value("SELECT COUNT(*) FROM catalogue_entries")
            .await?;
        let (all, mut done, mut last) = (u64::try_from(all).unwrap_or_default(), 0, i64::MIN);
        loop {
            let rows = self
                .target
                .query(NEXT_PRODUCTS, &[&last, &IMPORT_WORDS_ROWS])
                .await?;
            if rows.is_empty() {
                return self.check_count(WORDS, all).await;
            }
            let (mut numbers, mut indexes) = (Vec::new(), Vec::new());
            for row in &rows {
                let read = || {
                    let texts = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
                    Ok((row.try_get(0)?, texts))
                };
                let (number, (name, sku, description)): (i64, (&str, &str, &str)) =
                    read().map_err(|cause: tokio_postgres::Error| self.target.said(&cause))?;
                numbers.push(number);
                indexes.push(words::index_of([name, sku, description]));
                last = number;
            }
            self.target
                .query(INSERT_WORDS, &[&numbers, &indexes])
                .await?;
            done += u64::try_from(rows.len()).unwrap_or_default();
            progress.reached(&format!("{}: words of products", self.label()), done, all);
        }
    }
}

/// The counters in a row, by name.
fn counters<'a>(shape: Shape, table: &'a Table, row: &'a [Value]) -> Vec<(&'a str, i64)> {
    let columns = table.columns.iter().map(|column| column.name.as_str());
    let mut values = columns.zip(row);
    match shape {
        Shape::Rows => Vec::new(),
        Shape::Columns { key } => values
            .filter(|(name, _)| *name != key)
            .filter_map(|(name, value)| match value {
                Value::Integer(number) => Some((name, *number)),
                _ => None,
            })
            .collect(),
        Shape::Named { name, number } => {
            let (mut counter, mut count) = (None, None);
            for (column, value) in &mut values {
                match value {
                    Value::Text(text) if column == name => counter = Some(text.as_str()),
                    Value::Integer(value) if column == number => count = Some(*value),
                    _ => {}
                }
            }
            counter.zip(count).into_iter().collect()
        }
    }
}
