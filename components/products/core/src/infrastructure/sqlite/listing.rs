//! Lists of products as SQL. Every list has two plans: a walk along the index of its order, which looks at each product
//! and stops when the page is full, and for lists whose products are few, all of them gathered and sorted. A walk is good when
//! many products are in the list, sorting when few are, so it is counted first, and no further than a total goes.

use mercato_kernel::{Key, Total};
use mercato_sqlite::{Connection, Error, Row};

use super::to_product;
use crate::domain::listing::{Listing, ProductPage, Ranking, Sort, SortKey};
use crate::domain::product::Product;

mod search;
mod statement;
mod words;

use statement::{
    PRODUCT_COLUMNS, SORT_KEY_COLUMN, Statement, column, has_filter, has_names, index_of_filter,
    index_of_order, order_by,
};

const CATALOGUE_SIZE: &str = "\
SELECT COUNT(*)
FROM (
  SELECT 1
  FROM catalogue_entries
  LIMIT ?)";

/// A product and what it is sorted by.
type Found = (Product, Key);

/// One page of a list, and whether there is another one. None when a walk through a ranked search cannot go on.
pub(super) fn page(
    connection: &Connection,
    listing: &Listing,
) -> Result<Option<ProductPage>, Error> {
    match &listing.search {
        None => browse(connection, listing).map(Some),
        Some(search) => search::page(connection, listing, search),
    }
}

/// A list without words.
fn browse(connection: &Connection, listing: &Listing) -> Result<ProductPage, Error> {
    if has_names(listing) {
        let total = Total::counted(rows(connection, &named_size(listing))?);
        let found = products(connection, &named(listing), listing.sort)?;
        return Ok(to_page(listing, None, total, found));
    }
    let total = Total::counted(rows(connection, &size(listing))?);
    let is_sorted = has_filter(listing) && total.is_exact && listing.sort.key != SortKey::Price;
    let statement = if is_sorted {
        sorted_browse(listing)
    } else {
        walk(listing)
    };
    let found = products(connection, &statement, listing.sort)?;
    Ok(to_page(listing, None, total, found))
}

/// Counts a list without words, as far as a total goes.
fn size(listing: &Listing) -> Statement {
    if has_filter(listing) {
        filtered(listing, Total::LIMIT_ROWS)
    } else {
        Statement::new(CATALOGUE_SIZE, [Total::LIMIT_ROWS.into()])
    }
}

/// Counts what a filter lets through, up to a limit, from the index that has just that.
fn filtered(listing: &Listing, limit: u64) -> Statement {
    let mut statement = Statement::new("SELECT COUNT(*)\nFROM (\nSELECT 1", []);
    statement.add_products(index_of_filter(listing));
    statement.add_filter(listing);
    statement.add_limit(limit, 0);
    statement.add(")", []);
    statement
}

/// Counts the products that a list names.
fn named_size(listing: &Listing) -> Statement {
    let mut statement = Statement::new("SELECT COUNT(*)", []);
    statement.add_named_products(listing);
    statement.add_filter(listing);
    statement
}

/// The products that a list names are gathered and sorted.
fn named(listing: &Listing) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::new(
        &format!("WITH found (id, sort_key) AS MATERIALIZED (\nSELECT p.id, {key}"),
        [],
    );
    statement.add_named_products(listing);
    statement.add_filter(listing);
    statement.add(")", []);
    add_sorted_page(&mut statement, listing);
    statement
}

/// Everything comes from the index of the order: the page begins where the cursor says, and ends with its last product.
fn walk(listing: &Listing) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::new(&format!("SELECT {PRODUCT_COLUMNS}, {key}"), []);
    statement.add_products(index_of_order(listing));
    statement.add_filter(listing);
    statement.add_start("AND", (key, "p.id"), listing);
    statement.add_end((key, "p.id"), listing);
    statement
}

/// What the filter lets through is gathered from its index.
fn sorted_browse(listing: &Listing) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::new(
        &format!("WITH found (id, sort_key) AS MATERIALIZED (\nSELECT p.id, {key}"),
        [],
    );
    statement.add_products(index_of_filter(listing));
    statement.add_filter(listing);
    statement.add(")", []);
    add_sorted_page(&mut statement, listing);
    statement
}

/// The page of what was found, sorted by key and identifier; the rest is read of the products of the page alone.
fn add_sorted_page(statement: &mut Statement, listing: &Listing) {
    statement.add(
        ",\npage (id, sort_key) AS MATERIALIZED (\nSELECT id, sort_key\nFROM found",
        [],
    );
    statement.add_start("WHERE", ("sort_key", "id"), listing);
    statement.add_end(("sort_key", "id"), listing);
    let columns = format!(
        ")\nSELECT {PRODUCT_COLUMNS}, page.sort_key, (SELECT COUNT(*) FROM found)\n\
         FROM page CROSS JOIN products AS p ON p.id = page.id"
    );
    statement.add(&columns, []);
    statement.add(&order_by(("page.sort_key", "p.id"), listing.sort), []);
}

/// The number in the first column.
fn rows(connection: &Connection, statement: &Statement) -> Result<u64, Error> {
    let row = connection.query_one(&statement.sql, &statement.parameters)?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// The products that a statement finds.
fn products(
    connection: &Connection,
    statement: &Statement,
    sort: Sort,
) -> Result<Vec<Found>, Error> {
    let rows = connection.query(&statement.sql, &statement.parameters)?;
    to_found(&rows, sort)
}

fn to_found(rows: &[Row], sort: Sort) -> Result<Vec<Found>, Error> {
    let keyed = |row: &Row| Ok((to_product(row)?, sort_key(sort, row)?));
    rows.iter().map(keyed).collect()
}

fn sort_key(sort: Sort, row: &Row) -> Result<Key, Error> {
    Ok(match sort.key {
        SortKey::Name => Key::Text(row.get(SORT_KEY_COLUMN)?),
        _ => Key::Integer(row.get(SORT_KEY_COLUMN)?),
    })
}

/// One product more than the page takes says that there is a next page.
fn to_page(
    listing: &Listing,
    ranking: Option<Ranking>,
    total: Total,
    mut found: Vec<Found>,
) -> ProductPage {
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_next = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| has_next);
    let next = last.map(|(product, key)| listing.next(ranking, key.clone(), product.id.as_str()));
    ProductPage {
        products: found.into_iter().map(|(product, _)| product).collect(),
        total,
        page: listing.page,
        next,
    }
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
