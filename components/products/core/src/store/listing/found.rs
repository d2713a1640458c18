//! What the statements of lists find.

use mercato_kernel::Key;
use mercato_sql::{Connection, Error, Row};

use super::statement::Statement;
use crate::domain::listing::{Sort, SortKey};
use crate::domain::product::ProductView;
use crate::store::products::to_view;

/// A product and what it is sorted by.
pub type Found = (ProductView, Key);

/// The column `number` of the one row.
pub fn count(connection: &Connection, statement: &Statement) -> Result<u64, Error> {
    let row = connection.query_one(&statement.sql, &statement.parameters)?;
    row.map_or(Ok(0), |row| row.get("number"))
}

/// The products that a statement finds.
pub fn products(
    connection: &Connection,
    statement: &Statement,
    sort: Sort,
) -> Result<Vec<Found>, Error> {
    let rows = connection.query(&statement.sql, &statement.parameters)?;
    to_found(&rows, sort)
}

/// The products of rows that have the columns of a product and `sort_key`.
pub fn to_found(rows: &[Row], sort: Sort) -> Result<Vec<Found>, Error> {
    let keyed = |row: &Row| Ok((to_view(row)?, sort_key(sort, row)?));
    rows.iter().map(keyed).collect()
}

/// The column `sort_key`.
pub fn sort_key(sort: Sort, row: &Row) -> Result<Key, Error> {
    Ok(match sort.key {
        SortKey::Name => Key::Text(row.get("sort_key")?),
        _ => Key::Integer(row.get("sort_key")?),
    })
}
