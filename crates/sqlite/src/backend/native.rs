use std::rc::Rc;

use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::{Error, Row, Value};

/// More than a context has: each is prepared once.
const STATEMENTS_KEPT: usize = 256;

/// A SQLite database in memory.
pub struct Backend(rusqlite::Connection);

impl Backend {
    pub fn open(_label: &str) -> Result<Self, Error> {
        let connection = rusqlite::Connection::open_in_memory().map_err(from_native)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(Self(connection))
    }

    /// A database with the content of that [image](Self::image).
    pub fn copy_of(image: &[u8]) -> Result<Self, Error> {
        let Self(mut connection) = Self::open("")?;
        connection
            .deserialize_read_exact(rusqlite::MAIN_DB, image, image.len(), false)
            .map_err(from_native)?;
        Ok(Self(connection))
    }

    /// Its content, as it would be in a file.
    pub fn image(&mut self) -> Result<Vec<u8>, Error> {
        let data = self.0.serialize(rusqlite::MAIN_DB).map_err(from_native)?;
        Ok(data.to_vec())
    }

    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.query(statement, parameters)?;
        Ok(self.0.changes())
    }

    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let mut prepared = self.0.prepare_cached(statement).map_err(from_native)?;
        let columns = prepared.column_count();
        let names: Rc<[String]> = prepared.column_names().map(str::to_owned).collect();
        let mut rows = prepared
            .query(rusqlite::params_from_iter(parameters))
            .map_err(from_native)?;
        let mut result = Vec::new();
        while let Some(row) = rows.next().map_err(from_native)? {
            let values = (0..columns)
                .map(|column| row.get_ref(column).map(to_value))
                .collect::<Result<_, _>>();
            result.push(Row {
                names: Rc::clone(&names),
                values: values.map_err(from_native)?,
            });
        }
        Ok(result)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Null => ValueRef::Null,
        }))
    }
}

fn to_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

fn from_native(error: rusqlite::Error) -> Error {
    Error::from_message(error.to_string())
}
