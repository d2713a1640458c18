//! Values as the interface has them and as PostgreSQL has them. Types are strict, as under Spin: an `int64` is a BIGINT and nothing
//! else. Dates, UUIDs, JSON, decimals, ranges and intervals are not offered: a statement can cast them to text.

use std::error::Error as StdError;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Column as PostgresColumn, Row};

use crate::capabilities::bindings::spin::postgres::postgres::{
    Column, DbDataType, DbValue, Error, ParameterValue,
};

/// A bound parameter.
#[derive(Debug)]
pub(super) struct Parameter<'a>(pub &'a ParameterValue);

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        use ParameterValue as P;
        match self.0 {
            P::DbNull => Ok(IsNull::Yes),
            P::Boolean(value) => value.to_sql_checked(wanted, out),
            P::Int8(value) => value.to_sql_checked(wanted, out),
            P::Int16(value) => value.to_sql_checked(wanted, out),
            P::Int32(value) => value.to_sql_checked(wanted, out),
            P::Int64(value) => value.to_sql_checked(wanted, out),
            P::Floating32(value) => value.to_sql_checked(wanted, out),
            P::Floating64(value) => value.to_sql_checked(wanted, out),
            P::Str(value) => value.to_sql_checked(wanted, out),
            P::Binary(value) => value.to_sql_checked(wanted, out),
            P::ArrayInt32(values) => values.to_sql_checked(wanted, out),
            P::ArrayInt64(values) => values.to_sql_checked(wanted, out),
            P::ArrayStr(values) => values.to_sql_checked(wanted, out),
            _ => Err("parameters of this type are not offered: give a text and cast it".into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What a column is called and holds.
pub(super) fn column(column: &PostgresColumn) -> Column {
    let data_type = match *column.type_() {
        Type::BOOL => DbDataType::Boolean,
        Type::CHAR => DbDataType::Int8,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => DbDataType::Str,
        Type::BYTEA => DbDataType::Binary,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => DbDataType::ArrayStr,
        ref other => DbDataType::Other(other.name().to_owned()),
    };
    Column {
        name: column.name().to_owned(),
        data_type,
    }
}

/// The values of a row, and about how many bytes they take.
pub(super) fn row(row: &Row) -> Result<(Vec<DbValue>, usize), Error> {
    let mut bytes = 0;
    let mut values = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value = value(row, index)?;
        bytes += size_of::<DbValue>()
            + match &value {
                DbValue::Str(text) => text.len(),
                DbValue::Binary(bytes) => bytes.len(),
                DbValue::ArrayInt32(values) => size_of_val(values.as_slice()),
                DbValue::ArrayInt64(values) => size_of_val(values.as_slice()),
                DbValue::ArrayStr(values) => {
                    let texts = values.iter().flatten();
                    size_of_val(values.as_slice()) + texts.map(String::len).sum::<usize>()
                }
                _ => 0,
            };
        values.push(value);
    }
    Ok((values, bytes))
}

fn value(row: &Row, index: usize) -> Result<DbValue, Error> {
    let kind = row.columns().get(index).map(PostgresColumn::type_);
    match kind {
        Some(&Type::BOOL) => of(row, index, DbValue::Boolean),
        Some(&Type::CHAR) => of(row, index, DbValue::Int8),
        Some(&Type::INT2) => of(row, index, DbValue::Int16),
        Some(&Type::INT4) => of(row, index, DbValue::Int32),
        Some(&Type::INT8) => of(row, index, DbValue::Int64),
        Some(&Type::FLOAT4) => of(row, index, DbValue::Floating32),
        Some(&Type::FLOAT8) => of(row, index, DbValue::Floating64),
        Some(&(Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME)) => {
            of(row, index, DbValue::Str)
        }
        Some(&Type::BYTEA) => of(row, index, DbValue::Binary),
        Some(&Type::INT4_ARRAY) => of(row, index, DbValue::ArrayInt32),
        Some(&Type::INT8_ARRAY) => of(row, index, DbValue::ArrayInt64),
        Some(&(Type::TEXT_ARRAY | Type::VARCHAR_ARRAY)) => of(row, index, DbValue::ArrayStr),
        // What a function returns that returns nothing.
        Some(&Type::VOID) => Ok(DbValue::DbNull),
        other => Err(Error::ValueConversionFailed(format!(
            "columns of the type {} are not offered: cast it to text",
            other.map_or("nothing", Type::name)
        ))),
    }
}

fn of<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    make: impl Fn(T) -> DbValue,
) -> Result<DbValue, Error> {
    let value = row.try_get::<_, Option<T>>(index);
    let value = value.map_err(|cause| Error::ValueConversionFailed(cause.to_string()))?;
    Ok(value.map_or(DbValue::DbNull, make))
}
