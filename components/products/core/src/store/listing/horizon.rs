//! How far a walk along the index of an order looks, where it need not find all there is.

use mercato_sql::{Connection, Error};

use super::found::{Found, products, sort_key};
use super::statement::{Statement, column, index_of_order, is_in_one_index, order_by, rows_wanted};
use crate::domain::listing::{Listing, Place};

/// The page that a walk finds that looks at so many products at the most and ends at that place, if there is one; none when it does not
/// fill the page by then.
pub fn walk_within(
    connection: &Connection,
    listing: &Listing,
    looked_at: u64,
    walk: impl FnOnce(Option<&Place>) -> Statement,
) -> Result<Option<Vec<Found>>, Error> {
    let end = horizon(connection, listing, looked_at)?;
    let found = products(connection, &walk(end.as_ref()), listing.sort)?;
    let is_full = u64::try_from(found.len()).is_ok_and(|found| found >= rows_wanted(listing));
    Ok((is_full || end.is_none()).then_some(found))
}

/// The place of the last of so many products from the start of the page on; none when the list ends before.
fn horizon(
    connection: &Connection,
    listing: &Listing,
    looked_at: u64,
) -> Result<Option<Place>, Error> {
    let statement = horizon_statement(listing, looked_at);
    let row = connection.query_one(&statement.sql, &statement.parameters)?;
    row.map(|row| Ok((sort_key(listing.sort, &row)?, row.get("id")?)))
        .transpose()
}

pub fn horizon_statement(listing: &Listing, looked_at: u64) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::new(&format!("SELECT {key} AS sort_key, p.id"), []);
    statement.add_products(index_of_order(listing), listing);
    // Elsewhere the index of the order does not know what the filter asks, and each product would have to be read.
    if is_in_one_index(listing) {
        statement.add_filter(listing);
    }
    statement.add_start("AND", (key, "p.id"), listing);
    statement.add(&order_by((key, "p.id"), listing.sort), []);
    statement.add_limit(1, looked_at.saturating_sub(1));
    statement
}
