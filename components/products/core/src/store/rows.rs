//! What the statements of all tables have in common.

use std::fmt::Display;

use mercato_kernel::Uuid;
use mercato_sql::{Error, Row, Value};

use crate::domain::error::StoreError;

/// An identifier as it is stored.
pub fn key(id: impl Into<Uuid>) -> Value {
    id.into().into()
}

/// The identifier in a column.
pub fn id<I: From<Uuid>>(row: &Row, column: &str) -> Result<I, Error> {
    Ok(I::from(row.get(column)?))
}

/// The identifier in a column that may be empty.
pub fn optional_id<I: From<Uuid>>(row: &Row, column: &str) -> Result<Option<I>, Error> {
    let id: Option<Uuid> = row.get(column)?;
    Ok(id.map(I::from))
}

/// Rows that belong together are written together, so another number can only be damage from outside.
pub fn check_rows(changed: u64, expected: usize, what: &str) -> Result<(), StoreError> {
    if u64::try_from(expected) == Ok(changed) {
        Ok(())
    } else {
        Err(StoreError::Fault(format!(
            "{changed} {what} written, expected {expected}"
        )))
    }
}

/// A JSON array of identifiers. They hold nothing that JSON would have to escape.
pub fn json_of(ids: &[impl Display]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(","))
}
