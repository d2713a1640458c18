//! The host's `spin:postgres`.

use std::rc::Rc;

use self::bindings::fermyon::spin::variables;
use self::bindings::spin::postgres::postgres as host;
use super::failure::{Answer, Failure};
use super::{Backend, migrate};
use crate::{Error, Migrations, Row, Value};

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
        world: "mercato:shop/postgres-client",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

/// The variable that holds the root certificate to trust beside those of the system, as PEM; empty: none.
const CA_ROOT: &str = "database_ca_root";

/// What a host says of a connection that has ended, which is no answer of the server.
const LOST: [&str; 4] = ["kind: Closed", "kind: Io", "kind: Timeout", "kind: Connect"];

impl Backend {
    /// A connection to the database whose address is in the variable `<label>_database_url`, with the newest schema; none when the
    /// component is not given an address.
    pub fn open(label: &str, migrations: Migrations) -> Result<Option<Self>, Error> {
        let Some(address) = variable(&format!("{label}_database_url"))? else {
            return Ok(None);
        };
        let ca_root = variable(CA_ROOT)?.unwrap_or_default();
        let connection = connect(&address, &ca_root);
        let connection = connection.map_err(|error| failure(error).error)?;
        let backend = Self::of(Session(connection));
        // A host may hand on a connection in the middle of the transaction of an instance that has ended.
        backend.roll_back()?;
        migrate::run_if_needed(&backend, label, migrations.postgres)?;
        Ok(Some(backend))
    }
}

/// A variable of the component, if it is given one of that name.
fn variable(name: &str) -> Result<Option<String>, Error> {
    match variables::get(name) {
        Ok(value) => Ok(Some(value)),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(error) => Err(Error::Storage(format!(
            "the variable {name} cannot be read: {error:?}"
        ))),
    }
}

fn connect(address: &str, ca_root: &str) -> Result<host::Connection, host::Error> {
    if ca_root.is_empty() {
        return host::Connection::open(address);
    }
    let builder = host::ConnectionBuilder::new(address);
    builder.set_ca_root(ca_root)?;
    builder.build()
}

/// A connection of the host.
pub struct Session(host::Connection);

impl Session {
    /// Runs a statement and gives its rows.
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, Failure> {
        let found = self.0.query(statement, &to_host(parameters));
        let found = found.map_err(failure)?;
        let columns = found.columns.into_iter();
        let names: Rc<[String]> = columns.map(|column| column.name).collect();
        let to_row = |row: Vec<host::DbValue>| {
            let values = row.into_iter().map(from_host).collect::<Result<_, _>>()?;
            Ok(Row {
                names: Rc::clone(&names),
                values,
            })
        };
        let rows = found.rows.into_iter().map(to_row);
        rows.collect::<Result<_, Error>>().map_err(Failure::fault)
    }

    /// Runs a statement and gives how many rows it has changed.
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Failure> {
        let changed = self.0.execute(statement, &to_host(parameters));
        changed.map_err(failure)
    }
}

fn to_host(values: &[Value]) -> Vec<host::ParameterValue> {
    let to_host = |value: &Value| match value {
        Value::Integer(number) => host::ParameterValue::Int64(*number),
        Value::Real(number) => host::ParameterValue::Floating64(*number),
        Value::Text(text) => host::ParameterValue::Str(text.clone()),
        Value::Blob(bytes) => host::ParameterValue::Binary(bytes.clone()),
        Value::Null => host::ParameterValue::DbNull,
    };
    values.iter().map(to_host).collect()
}

/// What is true or false is 1 or 0, as in SQLite.
fn from_host(value: host::DbValue) -> Result<Value, Error> {
    Ok(match value {
        host::DbValue::Boolean(is_true) => Value::from(is_true),
        host::DbValue::Int32(number) => Value::from(number),
        host::DbValue::Int64(number) => Value::Integer(number),
        host::DbValue::Floating64(number) => Value::Real(number),
        host::DbValue::Str(text) => Value::Text(text),
        host::DbValue::Binary(bytes) => Value::Blob(bytes),
        host::DbValue::DbNull => Value::Null,
        _ => {
            let message = "a column is of a type that no statement here asks for";
            return Err(Error::Storage(message.to_owned()));
        }
    })
}

fn failure(error: host::Error) -> Failure {
    match error {
        host::Error::ConnectionFailed(message) => Failure::lost(message),
        host::Error::QueryFailed(host::QueryError::DbError(said)) => {
            let extra = |name: &str| {
                let mut extras = said.extras.iter();
                let found = extras.find(|(key, _)| key == name);
                found.map_or("", |(_, value)| value.as_str())
            };
            Failure::answered(Answer {
                code: &said.code,
                message: &said.message,
                table: extra("table"),
                column: extra("column"),
                constraint: extra("constraint"),
            })
        }
        host::Error::QueryFailed(host::QueryError::Text(message)) => {
            if LOST.iter().any(|lost| message.contains(lost)) {
                Failure::lost(message)
            } else {
                Failure::fault(Error::Storage(message))
            }
        }
        host::Error::BadParameter(message)
        | host::Error::ValueConversionFailed(message)
        | host::Error::Other(message) => Failure::fault(Error::Storage(message)),
    }
}
