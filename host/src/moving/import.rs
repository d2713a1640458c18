//! `mercato import`.

use std::path::Path;

use super::archive::{Contents, Database, Reader, read_contents};
use super::catalogue::quoted;
use super::differences::{VERSIONS, Version};
use super::fault;
use super::load::Load;
use super::progress::Progress;
use super::target::Target;
use crate::error::Result;
use crate::shop::plan::Addresses;

/// Reads an export into the PostgreSQL databases of a shop, which must be empty. Each is filled in a transaction; all of them are committed
/// at the end, one after the other. A database that was filled from the same export before is left as it is, so a run that broke
/// off in between is gone on with. `migrate` makes the schemas, when one is missing.
///
/// # Errors
/// When the export is damaged or of another version, a database is not empty, not reachable or in use. Nothing is changed then, but
/// that schemas may have been made.
pub(crate) async fn import(
    addresses: &Addresses,
    folder: &Path,
    migrate: impl AsyncFnOnce() -> Result<()>,
    print: &dyn Fn(&str),
) -> Result<()> {
    let mut progress = Progress::new(print);
    let contents = read_contents(folder)?;
    let databases = check_versions(&contents)?;
    verify(folder, &contents, &mut progress)?;
    let mut targets = Vec::new();
    for (version, database) in databases {
        let address = addresses.of(version.label)?;
        let target = Target::connect(version.label, address, addresses.ca_root()).await?;
        targets.push((target, version, database));
    }
    let mut need_schema = false;
    for (target, version, _) in &targets {
        need_schema |= target
            .version()
            .await?
            .is_none_or(|found| found < version.postgres);
    }
    if need_schema {
        progress.say("making the schemas");
        migrate().await?;
    }
    let filled = fill(&targets, folder, &contents.id, &mut progress).await;
    if filled.is_err() {
        // The end of the connections would do that too, some time later.
        for (target, ..) in &targets {
            let _ = target.run("ROLLBACK").await;
        }
    }
    let (open, rows) = filled?;
    for target in &open {
        target.run("COMMIT").await.map_err(|cause| {
            fault(format!(
                "{cause}; run the same import again: databases that have the export are left as they are"
            ))
        })?;
    }
    for target in &open {
        // So that the server knows how large the tables are. It finds out by itself, later.
        if let Err(cause) = analyze(target).await {
            tracing::warn!("{cause}");
        }
    }
    if open.is_empty() {
        progress.say("nothing was changed: an earlier import has filled every database");
        return Ok(());
    }
    progress.say(&format!(
        "imported {rows} rows into {} databases; start the shop on them with the secrets that it had, and remove {}",
        open.len(),
        folder.display()
    ));
    Ok(())
}

/// Fills the databases, each in a transaction that stays open; gives those, and how many rows they have.
async fn fill<'a>(
    targets: &'a [(Target, &Version, &Database)],
    folder: &Path,
    id: &str,
    progress: &mut Progress<'_>,
) -> Result<(Vec<&'a Target>, u64)> {
    let (mut open, mut rows) = (Vec::new(), 0);
    for (target, version, database) in targets {
        check_schema(target, version).await?;
        if target.imported_from().await?.as_deref() == Some(id) {
            progress.say(&format!(
                "{}: has this export already, and stays as it is",
                target.label
            ));
            continue;
        }
        let load = Load {
            target,
            folder,
            id,
            database,
        };
        let done = load.run(progress).await?;
        let tables = database.tables.len();
        progress.say(&format!("{}: {tables} tables, {done} rows", target.label));
        open.push(target);
        rows += done;
    }
    Ok((open, rows))
}

/// Lets the server count what is in the shop's own tables.
async fn analyze(target: &Target) -> Result<()> {
    let catalogue = target.catalogue().await?;
    let names: Vec<String> = catalogue.tables.keys().map(|name| quoted(name)).collect();
    target.run(&format!("ANALYZE {}", names.join(", "))).await
}

/// The databases of a shop in an export, all of which have to be there.
fn check_versions(contents: &Contents) -> Result<Vec<(&'static Version, &Database)>> {
    let again =
        "export again with this version of mercato, or import with the version that has exported";
    let unknown = contents
        .databases
        .keys()
        .find(|label| !VERSIONS.iter().any(|version| version.label == *label));
    if let Some(label) = unknown {
        return Err(fault(format!(
            "the export has a database `{label}`, which this program does not know; {again}"
        )));
    }
    let found = VERSIONS.iter().map(|version| {
        let label = version.label;
        let database = contents.databases.get(label).ok_or_else(|| {
            fault(format!("the export has no database `{label}`; {again}"))
        })?;
        if database.schema != version.sqlite {
            return Err(fault(format!(
                "the export has version {} of the schema of `{label}`, this program imports version {}, and the export was written by mercato {}; {again}",
                database.schema, version.sqlite, contents.program
            )));
        }
        Ok((version, database))
    });
    found.collect()
}

/// Reads all files before anything is changed.
fn verify(folder: &Path, contents: &Contents, progress: &mut Progress<'_>) -> Result<()> {
    for (label, database) in &contents.databases {
        for (name, table) in &database.tables {
            let what = format!("checking {label}: {name}");
            let reader = Reader::open(folder, label, name, table)?;
            reader.verify(|done| progress.reached(&what, done, table.rows))?;
        }
    }
    let (tables, rows) = contents.size();
    progress.say(&format!(
        "the export is whole: {} databases, {tables} tables, {rows} rows",
        contents.databases.len()
    ));
    Ok(())
}

async fn check_schema(target: &Target, version: &Version) -> Result<()> {
    let known = version.postgres;
    match target.version().await? {
        Some(found) if found == known => Ok(()),
        Some(found) if found > known => Err(target.fail(format!(
            "its schema has version {found}, this program imports into version {known}: import with the version of mercato that has made it"
        ))),
        _ => Err(target.fail(
            "its schema is not that of this version after the migration: build the components anew (`cargo xtask build`), then import again",
        )),
    }
}
