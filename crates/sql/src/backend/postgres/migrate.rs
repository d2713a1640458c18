use super::{Backend, FUNCTIONS};
use crate::{Error, Locks, Migration, params};

const VERSION: &str = "
SELECT version, label, oldest_program
FROM schema_version";

const SET_VERSION: &str = "
INSERT INTO schema_version (only_row, version, label, oldest_program)
VALUES (1, ?, ?, ?)
ON CONFLICT (only_row) DO UPDATE
SET version = excluded.version, oldest_program = excluded.oldest_program";

const HAS_OTHER_TABLES: &str = "
SELECT 1
FROM pg_tables
WHERE schemaname = current_schema() AND tablename <> 'schema_version'
LIMIT 1";

const HAS_VERSION: &str = "
SELECT 1
FROM pg_tables
WHERE schemaname = current_schema() AND tablename = 'schema_version'";

/// A migration takes the time that it needs, and waits for that of another replica.
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0;

SET LOCAL lock_timeout = 0;

SET LOCAL idle_in_transaction_session_timeout = 0";

/// What a migration begins with that takes something away: the oldest version that can still work with the schema.
const OLDEST_PROGRAM: &str = "-- oldest-program: ";

/// The version of a schema.
struct Version {
    found: u32,
    /// The version of the oldest program that can work with it.
    oldest_program: u32,
}

/// Brings the database to the newest version, in one transaction of which there is one at a time.
pub fn run(backend: &Backend, label: &str, migrations: &[Migration]) -> Result<(), Error> {
    backend.begin(&Locks::name("schema", label))?;
    let applied = apply(backend, label, migrations).and_then(|()| backend.commit());
    if applied.is_err() {
        backend.roll_back()?;
    }
    applied
}

/// The same, but only looks at the version when that is enough.
pub fn run_if_needed(
    backend: &Backend,
    label: &str,
    migrations: &[Migration],
) -> Result<(), Error> {
    let known = number(migrations.len());
    if !backend.query(HAS_VERSION, params![])?.is_empty()
        && let Some(version) = version(backend, label)?
        && version.found >= known
    {
        return check(&version, label, known);
    }
    run(backend, label, migrations)
}

fn apply(backend: &Backend, label: &str, migrations: &[Migration]) -> Result<(), Error> {
    let known = number(migrations.len());
    backend.execute_all(NO_LIMITS)?;
    backend.execute_all(FUNCTIONS)?;
    let version = match version(backend, label)? {
        Some(version) => version,
        None if backend.query(HAS_OTHER_TABLES, params![])?.is_empty() => Version {
            found: 0,
            oldest_program: 0,
        },
        None => return Err(Error::Foreign(label.to_owned())),
    };
    check(&version, label, known)?;
    let mut oldest_program = version.oldest_program;
    let applied = usize::try_from(version.found).unwrap_or(usize::MAX);
    for migration in migrations.iter().skip(applied) {
        backend
            .execute_all(migration.sql)
            .map_err(|error| Error::Storage(format!("migration {}: {error}", migration.name)))?;
        oldest_program = oldest_program.max(self::oldest_program(migration.sql));
    }
    if version.found < known {
        backend.execute(SET_VERSION, params![known, label, oldest_program])?;
    }
    Ok(())
}

/// The version of the schema; none in a new database.
fn version(backend: &Backend, label: &str) -> Result<Option<Version>, Error> {
    let rows = backend.query(VERSION, params![])?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    if row.get::<String>("label")? != label {
        return Err(Error::Foreign(label.to_owned()));
    }
    Ok(Some(Version {
        found: row.get("version")?,
        oldest_program: row.get("oldest_program")?,
    }))
}

/// Whether a program that knows that version can work with the schema: a newer one has more in it, but takes nothing away that
/// programs as old as `oldest_program` use.
fn check(version: &Version, label: &str, known: u32) -> Result<(), Error> {
    if known >= version.oldest_program {
        return Ok(());
    }
    Err(Error::NewerSchema {
        label: label.to_owned(),
        found: version.found,
        known,
    })
}

fn oldest_program(sql: &str) -> u32 {
    let first = sql.lines().next().unwrap_or_default();
    let number = first.strip_prefix(OLDEST_PROGRAM);
    number
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

fn number(versions: usize) -> u32 {
    u32::try_from(versions).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_on_with_a_schema_that_takes_nothing_away() {
        let version = Version {
            found: 7,
            oldest_program: 5,
        };
        for (known, is_usable) in [(4, false), (5, true), (7, true), (9, true)] {
            assert_eq!(check(&version, "a", known).is_ok(), is_usable, "{known}");
        }
    }

    #[test]
    fn a_migration_says_who_can_no_longer_work_with_it() {
        assert_eq!(oldest_program("-- oldest-program: 3\nDROP TABLE a;"), 3);
        assert_eq!(oldest_program("CREATE TABLE a ();"), 0);
    }
}
