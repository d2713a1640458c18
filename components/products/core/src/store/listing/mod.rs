//! Lists of products as SQL. Every list has two plans: a walk along the index of its order, which looks at each product
//! and stops when the page is full, and for lists whose products are few, all of them gathered and sorted. A walk is good when
//! many of the catalogue's products are in the list, sorting when few are, so it is counted first, and no further than a total goes.

mod driver;
mod facets;
mod found;
mod horizon;
mod search;
mod statement;
mod typos;
mod words;

use mercato_kernel::{Page, Total};
use mercato_sql::{Connection, Error};

use crate::domain::listing::{Listing, Place};
use crate::domain::presentation::Status;
use crate::domain::product::ProductView;
use crate::domain::search::FoundPage;
use driver::Driver;
use found::{Found, count, products};
use horizon::walk_within;
use statement::{
    Statement, column, has_filter, has_names, index_of_order, is_in_one_index, offset, rows_wanted,
};

const CATALOGUE_SIZE: &str = "\
SELECT products AS number
FROM catalogue_size
WHERE only_row = 1";

/// So many products are gathered and sorted without looking for a shorter way.
const SORTED_AT_ONCE_MAX: u64 = 200;

/// One page of a list, and whether there is another one. None when a walk through a ranked search cannot go on.
pub(super) fn page(connection: &Connection, listing: &Listing) -> Result<Option<FoundPage>, Error> {
    match &listing.search {
        None => Ok(Some(browse(connection, listing)?)),
        Some(search) => search::page(connection, listing, search),
    }
}

/// A list without words.
fn browse(connection: &Connection, listing: &Listing) -> Result<FoundPage, Error> {
    let (driver, page) = if has_names(listing) {
        let total = Total::counted(count(connection, &named_size(listing))?);
        let found = products(connection, &named(listing), listing.sort)?;
        (Driver::Prices, listing.page(None, total, found))
    } else if !has_filter(listing) && listing.status == Some(Status::Published) {
        let total = Total::counted(catalogue_size(connection)?);
        let found = products(connection, &walk(listing, None), listing.sort)?;
        (Driver::Prices, listing.page(None, total, found))
    } else {
        let driver = Driver::choose(connection, listing)?;
        (driver, filtered(connection, listing, driver)?)
    };
    let entries = page.total.entries;
    let found = || Ok(facets::found(listing, driver));
    Ok(FoundPage {
        facets: facets::counted(connection, listing, entries, found)?,
        ..page.into()
    })
}

fn catalogue_size(connection: &Connection) -> Result<u64, Error> {
    count(connection, &Statement::new(CATALOGUE_SIZE, []))
}

/// A page of what a filter lets through, or of what has another status than most products.
fn filtered(
    connection: &Connection,
    listing: &Listing,
    driver: Driver,
) -> Result<Page<ProductView>, Error> {
    let counting = Statement::filtered(listing, driver, Total::LIMIT_ROWS);
    let total = Total::counted(count(connection, &counting)?);
    let found = if !total.is_exact || is_in_one_index(listing) {
        products(connection, &walk(listing, None), listing.sort)?
    } else if total.entries <= SORTED_AT_ONCE_MAX {
        products(connection, &sorted_browse(listing, driver), listing.sort)?
    } else {
        few(connection, listing, driver, total.entries)?
    };
    Ok(listing.page(None, total, found))
}

/// A page of so few products of the catalogue that all can be sorted. Where they are spread evenly, a walk may find the page
/// sooner: it is tried, as far as sorting would look too.
fn few(
    connection: &Connection,
    listing: &Listing,
    driver: Driver,
    entries: u64,
) -> Result<Vec<Found>, Error> {
    let wanted = rows_wanted(listing).saturating_add(offset(listing));
    let catalogue = catalogue_size(connection)?;
    let looked_at = wanted.saturating_mul(catalogue) / entries.max(1);
    if wanted <= entries && looked_at < entries {
        let walk = |end: Option<&Place>| walk(listing, end);
        if let Some(found) = walk_within(connection, listing, entries, walk)? {
            return Ok(found);
        }
    }
    products(connection, &sorted_browse(listing, driver), listing.sort)
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

/// Everything comes from the index of the order: the page begins where the cursor says, and ends with its last product, or at a
/// place.
fn walk(listing: &Listing, end: Option<&Place>) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::select_products(key);
    statement.add_products(index_of_order(listing), listing);
    statement.add_filter(listing);
    statement.add_start("AND", (key, "p.id"), listing);
    if let Some(place) = end {
        statement.add_horizon((key, "p.id"), place, listing);
    }
    statement.add_end((key, "p.id"), listing);
    statement
}

/// What the filter lets through is gathered.
fn sorted_browse(listing: &Listing, driver: Driver) -> Statement {
    let mut statement = Statement::gather(listing);
    statement.add_filtered_products(listing, driver);
    statement.add(")", []);
    statement.add_sorted_page(listing);
    statement
}

#[cfg(test)]
pub(super) mod tests {
    use super::horizon::horizon_statement;
    use super::*;
    use crate::domain::listing::{Sort, SortKey};

    /// The steps of SQLite's plan for a statement, in its own words.
    fn plan(connection: &Connection, statement: &Statement) -> Result<Vec<String>, Error> {
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let rows = connection.query(&sql, &statement.parameters)?;
        rows.iter().map(|row| row.get(3)).collect()
    }

    fn plans(connection: &Connection, all: &[Statement]) -> Result<Vec<Vec<String>>, Error> {
        all.iter().map(|one| plan(connection, one)).collect()
    }

    /// Some place in a list of that order.
    fn place(sort: Sort) -> Place {
        let key = match sort.key {
            SortKey::Name => "a name".into(),
            _ => 7.into(),
        };
        (key, "an id".to_owned())
    }

    /// How a list without words is counted, walked, and gathered and sorted.
    pub fn browse_plans(
        connection: &Connection,
        listing: &Listing,
    ) -> Result<Vec<Vec<String>>, Error> {
        let driver = Driver::all(listing)[0];
        plans(
            connection,
            &[
                Statement::new(CATALOGUE_SIZE, []),
                Statement::filtered(listing, driver, Total::LIMIT_ROWS),
                walk(listing, None),
                horizon_statement(listing, 7),
                walk(listing, Some(&place(listing.sort))),
                sorted_browse(listing, driver),
            ],
        )
    }

    /// A statement, and the steps of what it does.
    pub type Steps = (String, Vec<Vec<String>>);

    /// How a filter is counted, gathered, and its facets counted, from each of what it could come from.
    pub fn filter_plans(connection: &Connection, listing: &Listing) -> Result<Vec<Steps>, Error> {
        let all = Driver::all(listing).into_iter();
        all.map(|driver| {
            let statements = [
                driver.size(listing, Total::LIMIT_ROWS),
                Statement::filtered(listing, driver, Total::LIMIT_ROWS),
                sorted_browse(listing, driver),
                facets::counting(listing, facets::found(listing, driver)),
            ];
            Ok((format!("{driver:?}"), plans(connection, &statements)?))
        })
        .collect()
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
