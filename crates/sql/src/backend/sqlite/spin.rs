//! The host's `spin:sqlite`.

use std::rc::Rc;

use bindings::spin::sqlite::sqlite as host;

use crate::{Error, Row, Value};

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "mercato:shop/sqlite-client",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

/// A connection of the host.
pub struct Backend(host::Connection);

impl Backend {
    pub fn open(label: &str) -> Result<Self, Error> {
        host::Connection::open(label)
            .map(Self)
            .map_err(|error| from_host(error, label))
    }

    /// How many rows the last statement has changed.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "natively there may be no connection any more"
    )]
    pub fn changes(&self) -> Result<u64, Error> {
        Ok(self.0.changes())
    }

    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let result = self.run(statement, parameters)?;
        let names: Rc<[String]> = result.columns.into();
        let to_row = |row: host::RowResult| Row {
            names: Rc::clone(&names),
            values: row.values.into_iter().map(to_value).collect(),
        };
        Ok(result.rows.into_iter().map(to_row).collect())
    }

    fn run(&self, statement: &str, parameters: &[Value]) -> Result<host::QueryResult, Error> {
        let parameters: Vec<host::Value> = parameters.iter().map(from_value).collect();
        self.0
            .execute(statement, &parameters)
            .map_err(|error| from_host(error, ""))
    }
}

fn from_host(error: host::Error, label: &str) -> Error {
    match error {
        host::Error::NoSuchDatabase => Error::Unknown(label.to_owned()),
        host::Error::AccessDenied => Error::Denied(label.to_owned()),
        host::Error::InvalidConnection => Error::Storage("the connection is not valid".to_owned()),
        host::Error::DatabaseFull => Error::Full,
        host::Error::Io(message) => Error::from_message(message),
    }
}

fn from_value(value: &Value) -> host::Value {
    match value {
        Value::Integer(number) => host::Value::Integer(*number),
        Value::Real(number) => host::Value::Real(*number),
        Value::Text(text) => host::Value::Text(text.clone()),
        Value::Blob(bytes) => host::Value::Blob(bytes.clone()),
        Value::Null => host::Value::Null,
    }
}

fn to_value(value: host::Value) -> Value {
    match value {
        host::Value::Integer(number) => Value::Integer(number),
        host::Value::Real(number) => Value::Real(number),
        host::Value::Text(text) => Value::Text(text),
        host::Value::Blob(bytes) => Value::Blob(bytes),
        host::Value::Null => Value::Null,
    }
}
