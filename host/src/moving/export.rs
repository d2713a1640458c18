//! `mercato export`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_platform::ids::{Ids as _, RandomIds};

use super::archive::{Contents, Database, Table, Writer};
use super::differences::{VERSIONS, Version};
use super::fault;
use super::progress::Progress;
use super::sqlite::Source;
use crate::error::Result;

/// Writes everything that a shop's SQLite files have into a new folder. All of them are taken for this process alone first, so what is
/// written is of one moment; a shop that runs, or starts meanwhile, is in the way or is kept out.
///
/// # Errors
/// When a database is missing, in use, damaged or of another version, or the folder cannot be written. Nothing is left of it then.
pub(crate) fn export(
    files: &BTreeMap<String, PathBuf>,
    folder: &Path,
    print: &dyn Fn(&str),
) -> Result<()> {
    let sources = VERSIONS.iter().map(|version| {
        let file = files.get(version.label).ok_or_else(|| {
            fault(format!(
                "the application keeps no database `{}` in a file: name the manifest of the shop on SQLite with --app, and its runtime configuration",
                version.label
            ))
        })?;
        let source = Source::open(version.label, file)?;
        check_version(&source, version)?;
        Ok(source)
    });
    let sources: Vec<Source> = sources.collect::<Result<_>>()?;
    let writer = Writer::create(folder)?;
    let mut contents = Contents::new(RandomIds.new_id(), SystemClock.now_ms());
    let mut progress = Progress::new(print);
    for source in &sources {
        let database = export_database(source, &writer, &mut progress)?;
        contents
            .databases
            .insert(source.label().to_owned(), database);
    }
    writer.finish(&contents)?;
    let (tables, rows) = contents.size();
    progress.say(&format!(
        "exported {} databases, {tables} tables and {rows} rows to {}; it holds personal data and password hashes: remove it when the shop has moved",
        sources.len(),
        folder.display()
    ));
    Ok(())
}

fn check_version(source: &Source, version: &Version) -> Result<()> {
    let (found, known) = (source.version()?, version.sqlite);
    if found < known {
        return Err(source.fail(format!(
            "its schema has version {found}, this program exports version {known}: run `mercato migrate` with the same arguments, then export again"
        )));
    }
    if found > known {
        return Err(source.fail(format!(
            "its schema has version {found}, this program exports version {known}: export with the version of mercato that the shop runs on"
        )));
    }
    Ok(())
}

fn export_database(
    source: &Source,
    writer: &Writer,
    progress: &mut Progress<'_>,
) -> Result<Database> {
    source.check()?;
    let mut database = Database {
        schema: source.version()?,
        ..Database::default()
    };
    for name in source.tables()? {
        let table = export_table(source, &name, writer, progress)?;
        database.tables.insert(name, table);
    }
    let rows: u64 = database.tables.values().map(|table| table.rows).sum();
    progress.say(&format!(
        "{}: {} tables, {rows} rows",
        source.label(),
        database.tables.len()
    ));
    Ok(database)
}

fn export_table(
    source: &Source,
    name: &str,
    writer: &Writer,
    progress: &mut Progress<'_>,
) -> Result<Table> {
    let label = source.label();
    let (columns, all) = (source.columns(name)?, source.count(name)?);
    let mut table = writer.table(label, name)?;
    let what = format!("{label}: {name}");
    source.rows(name, &columns, |row| {
        table.write(row)?;
        progress.reached(&what, table.rows(), all);
        Ok(())
    })?;
    if table.rows() != all {
        return Err(source.fail(format!(
            "`{name}` has {all} rows, and {} were read",
            table.rows()
        )));
    }
    table.finish(columns, source.last_number(name)?)
}
