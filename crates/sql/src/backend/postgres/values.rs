//! Values of statements and rows, as PostgreSQL has them. Types are taken as strictly as a host takes them: a whole number is a
//! BIGINT, a text is TEXT, bytes are BYTEA.

use std::error::Error as StdError;

use postgres::Row as PostgresRow;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::{Error, Value};

impl ToSql for Value {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self, wanted) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(wanted, out),
            (Self::Real(number), &Type::FLOAT8) => number.to_sql(wanted, out),
            (Self::Text(text), &Type::TEXT) => text.to_sql(wanted, out),
            (Self::Blob(bytes), &Type::BYTEA) => bytes.to_sql(wanted, out),
            (value, _) => Err(format!("{value:?} is not of the type {wanted}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The value of that column, from 0. What is true or false is 1 or 0, as in SQLite.
pub fn value(row: &PostgresRow, column: usize) -> Result<Value, Error> {
    let unfit = |error: postgres::Error| Error::Storage(error.to_string());
    let kind = row.columns().get(column).map(postgres::Column::type_);
    let value = match kind {
        Some(&Type::INT8) => of::<i64>(row, column),
        Some(&Type::INT4) => of::<i32>(row, column),
        Some(&Type::BOOL) => of::<bool>(row, column),
        Some(&Type::FLOAT8) => {
            let number = row.try_get::<_, Option<f64>>(column).map_err(unfit)?;
            return Ok(number.map_or(Value::Null, Value::Real));
        }
        Some(&(Type::TEXT | Type::VARCHAR | Type::NAME)) => of::<String>(row, column),
        Some(&Type::BYTEA) => of::<Vec<u8>>(row, column),
        other => {
            let message = format!("column {column} is of the type {other:?}");
            return Err(Error::Storage(message));
        }
    };
    value.map_err(unfit)
}

fn of<'a, T>(row: &'a PostgresRow, column: usize) -> Result<Value, postgres::Error>
where
    T: postgres::types::FromSql<'a> + Into<Value>,
{
    Ok(row.try_get::<_, Option<T>>(column)?.into())
}
