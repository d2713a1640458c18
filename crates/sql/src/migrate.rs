use crate::busy::{self, Queue};
use crate::{Connection, Error, params};

/// Where SQLite keeps the number of the schema's version.
const VERSION: &str = "user_version";

/// Where SQLite keeps the number that tells whose file it is.
const MARK: &str = "application_id";

/// Keeps our marks apart from those of programs that hash the same names.
const MARK_DOMAIN: &str = "mercato database\0";

/// The FNV-1a hash of 32 bits (RFC 9923 section 5).
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// One step of a schema. Its position in the list, from 1, is the schema version it leads to.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Name of its file.
    pub name: &'static str,
    /// Statements; each ends with `;` and is followed by an empty line or the end.
    pub sql: &'static str,
}

/// The steps of a database's schema, for each database that it can be kept in. One says in its own words what another says.
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// SQLite's.
    pub sqlite: &'static [Migration],
    /// PostgreSQL's. A migration after which programs of earlier versions can no longer work begins with the line
    /// `-- oldest-program: ` and the number of the oldest version that can.
    pub postgres: &'static [Migration],
}

/// Brings the database to the newest version, in one immediate transaction, and marks it as the one of that label.
pub fn run(
    connection: &Connection,
    queue: Queue,
    label: &str,
    migrations: &[Migration],
) -> Result<(), Error> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if number(connection, VERSION)? == known && number(connection, MARK)? == mark(label) {
        return Ok(());
    }
    busy::begin(connection, queue)?;
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
    let found = number(connection, VERSION)?;
    let marked = number(connection, MARK)?;
    // Versions before there were marks made none.
    let is_ours = marked == mark(label) || (marked == 0 && (found > 0 || is_empty(connection)?));
    if !is_ours {
        return Err(Error::Foreign(label.to_owned()));
    }
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
    connection.query(&format!("PRAGMA {VERSION} = {known}"), params![])?;
    connection.query(&format!("PRAGMA {MARK} = {}", mark(label)), params![])?;
    Ok(())
}

/// A number in the header of the file.
fn number(connection: &Connection, name: &str) -> Result<u32, Error> {
    match connection.query_one(&format!("PRAGMA {name}"), params![])? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

fn is_empty(connection: &Connection) -> Result<bool, Error> {
    let any = connection.query_one("SELECT 1 FROM sqlite_schema LIMIT 1", params![])?;
    Ok(any.is_none())
}

/// What the file of a database of ours is marked with: never 0, and the same for ever for the same label.
fn mark(label: &str) -> u32 {
    let hash = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(FNV_PRIME);
    let hash = MARK_DOMAIN
        .bytes()
        .chain(label.bytes())
        .fold(FNV_OFFSET, hash);
    // SQLite's number has a sign.
    (hash >> 1).max(1)
}

/// A host runs one statement at a time.
pub fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
}
