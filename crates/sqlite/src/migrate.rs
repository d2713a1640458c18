use crate::{Connection, Error, params};

/// One step of a schema. Its position in the list, from 1, is the schema version it leads to.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Name of its file.
    pub name: &'static str,
    /// Statements; each ends with `;` and is followed by an empty line or the end.
    pub sql: &'static str,
}

/// Brings the database to the newest version, in one immediate transaction.
pub fn run(connection: &Connection, label: &str, migrations: &[Migration]) -> Result<(), Error> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if version(connection)? == known {
        return Ok(());
    }
    connection.execute("BEGIN IMMEDIATE", params![])?;
    let result = apply(connection, label, migrations, known);
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute(end, params![])?;
    result
}

fn apply(
    connection: &Connection,
    label: &str,
    migrations: &[Migration],
    known: u32,
) -> Result<(), Error> {
    // Read again under the lock: another instance may have been faster.
    let found = version(connection)?;
    if found > known {
        return Err(Error::NewerSchema {
            label: label.to_owned(),
            found,
            known,
        });
    }
    for migration in migrations
        .iter()
        .skip(usize::try_from(found).unwrap_or(usize::MAX))
    {
        for statement in statements(migration.sql) {
            connection.execute(statement, params![]).map_err(|error| {
                Error::Storage(format!("migration {}: {error}", migration.name))
            })?;
        }
    }
    connection.query(&format!("PRAGMA user_version = {known}"), params![])?;
    Ok(())
}

fn version(connection: &Connection) -> Result<u32, Error> {
    match connection.query_one("PRAGMA user_version", params![])? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// A host runs one statement at a time.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
}
