//! What the statements of all tables have in common.

use crate::domain::error::StoreError;

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
pub fn json_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(","))
}
