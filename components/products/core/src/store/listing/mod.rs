//! Lists of products as SQL. Every list has two plans: a walk along the index of its order, which looks at each product
//! and stops when the page is full, and for lists whose products are few, all of them gathered and sorted. A walk is good when
//! many products are in the list, sorting when few are, so it is counted first, and no further than a total goes.

mod found;
mod search;
mod statement;
mod words;

use mercato_kernel::{Page, Total};
use mercato_sqlite::{Connection, Error};

use crate::domain::listing::{Listing, SortKey};
use crate::domain::product::ProductView;
use found::{count, products};
use statement::{Statement, column, has_filter, has_names, index_of_order};

const CATALOGUE_SIZE: &str = "\
SELECT COUNT(*) AS number
FROM (
  SELECT 1
  FROM catalogue_entries
  LIMIT ?) -- plan: no further than a total goes";

/// One page of a list, and whether there is another one. None when a walk through a ranked search cannot go on.
pub(super) fn page(
    connection: &Connection,
    listing: &Listing,
) -> Result<Option<Page<ProductView>>, Error> {
    match &listing.search {
        None => browse(connection, listing).map(Some),
        Some(search) => search::page(connection, listing, search),
    }
}

/// A list without words.
fn browse(connection: &Connection, listing: &Listing) -> Result<Page<ProductView>, Error> {
    if has_names(listing) {
        let total = Total::counted(count(connection, &named_size(listing))?);
        let found = products(connection, &named(listing), listing.sort)?;
        return Ok(listing.page(None, total, found));
    }
    let total = Total::counted(count(connection, &size(listing))?);
    let is_sorted = has_filter(listing) && total.is_exact && listing.sort.key != SortKey::Price;
    let statement = if is_sorted {
        sorted_browse(listing)
    } else {
        walk(listing)
    };
    let found = products(connection, &statement, listing.sort)?;
    Ok(listing.page(None, total, found))
}

/// Counts a list without words, as far as a total goes.
fn size(listing: &Listing) -> Statement {
    if has_filter(listing) {
        Statement::filtered(listing, Total::LIMIT_ROWS)
    } else {
        Statement::new(CATALOGUE_SIZE, [Total::LIMIT_ROWS.into()])
    }
}

/// Counts the products that a list names.
fn named_size(listing: &Listing) -> Statement {
    let mut statement = Statement::new("SELECT COUNT(*) AS number", []);
    statement.add_named_products(listing);
    statement.add_filter(listing);
    statement
}

/// The products that a list names are gathered and sorted.
fn named(listing: &Listing) -> Statement {
    let mut statement = Statement::gather(listing);
    statement.add_named_products(listing);
    statement.add_filter(listing);
    statement.add(")", []);
    statement.add_sorted_page(listing);
    statement
}

/// Everything comes from the index of the order: the page begins where the cursor says, and ends with its last product.
fn walk(listing: &Listing) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::select_products(key);
    statement.add_products(index_of_order(listing));
    statement.add_filter(listing);
    statement.add_start("AND", (key, "p.id"), listing);
    statement.add_end((key, "p.id"), listing);
    statement
}

/// What the filter lets through is gathered from its index.
fn sorted_browse(listing: &Listing) -> Statement {
    let mut statement = Statement::gather(listing);
    statement.add_filtered_products(listing);
    statement.add(")", []);
    statement.add_sorted_page(listing);
    statement
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The steps of SQLite's plan for a statement, in its own words.
    fn plan(connection: &Connection, statement: &Statement) -> Result<Vec<String>, Error> {
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let rows = connection.query(&sql, &statement.parameters)?;
        rows.iter().map(|row| row.get(3)).collect()
    }

    fn plans(connection: &Connection, all: &[Statement]) -> Result<Vec<Vec<String>>, Error> {
        all.iter().map(|one| plan(connection, one)).collect()
    }

    /// How a list without words is counted, walked, and gathered and sorted.
    pub fn browse_plans(
        connection: &Connection,
        listing: &Listing,
    ) -> Result<Vec<Vec<String>>, Error> {
        plans(
            connection,
            &[size(listing), walk(listing), sorted_browse(listing)],
        )
    }

    /// How products that are named are counted and gathered.
    pub fn named_plans(
        connection: &Connection,
        listing: &Listing,
    ) -> Result<Vec<Vec<String>>, Error> {
        plans(connection, &[named_size(listing), named(listing)])
    }

    /// How a search is made whose matches are few, and one whose matches are many.
    pub fn search_plans(
        connection: &Connection,
        listing: &Listing,
    ) -> Result<[Vec<Vec<String>>; 2], Error> {
        let search = listing.search.as_ref().unwrap();
        let words = words::Words::look_up(connection, search)?.unwrap();
        let [few, many] = search::statements(&words, listing);
        Ok([plans(connection, &few)?, plans(connection, &many)?])
    }
}
