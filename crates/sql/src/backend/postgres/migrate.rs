use super::{Backend, FUNCTIONS};
use crate::{Error, Locks, Migration, params};

const VERSION: &str = "
SELECT version, label
FROM schema_version";

const SET_VERSION: &str = "
INSERT INTO schema_version (only_row, version, label)
VALUES (1, ?, ?)
ON CONFLICT (only_row) DO UPDATE
SET version = excluded.version";

const HAS_OTHER_TABLES: &str = "
SELECT 1
FROM pg_tables
WHERE schemaname = current_schema() AND tablename <> 'schema_version'
LIMIT 1";

/// Brings the database to the newest version, in one transaction of which there is one at a time.
pub fn run(backend: &Backend, label: &str, migrations: &[Migration]) -> Result<(), Error> {
    backend.begin(&Locks::name("schema", label))?;
    let applied = apply(backend, label, migrations).and_then(|()| backend.commit());
    if applied.is_err() {
        backend.roll_back()?;
    }
    applied
}

fn apply(backend: &Backend, label: &str, migrations: &[Migration]) -> Result<(), Error> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    backend.simple(FUNCTIONS)?;
    let found = match backend.query(VERSION, params![])?.first() {
        Some(row) if row.get::<String>("label")? == label => row.get("version")?,
        None if backend.query(HAS_OTHER_TABLES, params![])?.is_empty() => 0,
        _ => return Err(Error::Foreign(label.to_owned())),
    };
    if found > known {
        return Err(Error::NewerSchema {
            label: label.to_owned(),
            found,
            known,
        });
    }
    let applied = usize::try_from(found).unwrap_or(usize::MAX);
    for migration in migrations.iter().skip(applied) {
        backend
            .simple(migration.sql)
            .map_err(|error| Error::Storage(format!("migration {}: {error}", migration.name)))?;
    }
    backend.query(SET_VERSION, params![known, label])?;
    Ok(())
}
