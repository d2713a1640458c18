//! Counts the values of facets among the products that a list finds.

use std::collections::BTreeMap;

use mercato_kernel::COUNTED_ROWS_MAX;
use mercato_sql::{Connection, Error, Row, Value};

use super::driver::Driver;
use super::statement::{Statement, has_filter, has_names};
use crate::domain::facet::{CountedFacet, FACET_VALUES_MAX, Facet, FacetCount};
use crate::domain::listing::Listing;

/// Attributes and options of what was found.
const COUNT_NAMED: &str = "
SELECT f.name, f.value, COUNT(*)
FROM found CROSS JOIN product_facets AS f ON f.product_id = found.id
WHERE f.name IN (SELECT value FROM json_each(?))
GROUP BY f.name, f.value";

/// The categories of what was found. Their paths are looked up when they are counted.
const COUNT_CATEGORIES: &str = "
SELECT 'category', c.path, entered.products
FROM (
  SELECT m.category_id AS category_id, COUNT(*) AS products
  FROM found CROSS JOIN category_products AS m ON m.product_id = found.id
  GROUP BY m.category_id) AS entered CROSS JOIN categories AS c ON c.id = entered.category_id";

const MOST_FREQUENT: &str = "),
placed (facet, value, products, place) AS (
SELECT facet, value, products, ROW_NUMBER() OVER (PARTITION BY facet ORDER BY products DESC, value)
FROM counted)
SELECT facet, value, products
FROM placed
WHERE place <= ?
ORDER BY facet, place -- plan: of what was found, which is bounded";

/// The facets of a list of which so many products were found, [`COUNTED_ROWS_MAX`] at the most are looked at. `found` begins a statement
/// with their identifiers, `id`, as a table `found`.
pub fn counted(
    connection: &Connection,
    listing: &Listing,
    entries: u64,
    found: impl FnOnce() -> Result<Statement, Error>,
) -> Result<Vec<CountedFacet>, Error> {
    let facets = listing.facets.iter().cloned();
    let mut counted: Vec<CountedFacet> = facets.map(CountedFacet::empty).collect();
    if counted.is_empty() || entries == 0 {
        return Ok(counted);
    }
    let statement = counting(listing, found()?);
    let rows = connection.query(&statement.sql, &statement.parameters)?;
    let mut values: BTreeMap<String, Vec<FacetCount>> = BTreeMap::new();
    for row in &rows {
        values
            .entry(row.get("facet")?)
            .or_default()
            .push(count_of(row)?);
    }
    for facet in &mut counted {
        facet.values = values.remove(facet.facet.as_str()).unwrap_or_default();
    }
    Ok(counted)
}

fn count_of(row: &Row) -> Result<FacetCount, Error> {
    Ok(FacetCount {
        value: row.get("value")?,
        products: row.get("products")?,
    })
}

/// The statement that counts, of one that begins with what was found.
pub fn counting(listing: &Listing, found: Statement) -> Statement {
    let mut statement = found;
    let names: Vec<&str> = listing.facets.iter().filter_map(name).collect();
    let mut beginning = ",\ncounted (facet, value, products) AS MATERIALIZED (";
    if !names.is_empty() {
        statement.add(beginning, []);
        statement.add(COUNT_NAMED, [Value::json(&names)]);
        beginning = "\nUNION ALL";
    }
    if listing.facets.contains(&Facet::Category) {
        statement.add(beginning, []);
        statement.add(COUNT_CATEGORIES, []);
    }
    statement.add(MOST_FREQUENT, [FACET_VALUES_MAX.into()]);
    statement
}

fn name(facet: &Facet) -> Option<&str> {
    match facet {
        Facet::Category => None,
        Facet::Named(name) => Some(name.as_str()),
    }
}

/// What a list without words finds: without a filter, the newest of it.
pub fn found(listing: &Listing, driver: Driver) -> Statement {
    let mut statement = Statement::new("WITH found (id) AS MATERIALIZED (\nSELECT p.id", []);
    if has_names(listing) {
        statement.add_named_products(listing);
        statement.add_filter(listing);
    } else if has_filter(listing) {
        statement.add_filtered_products(listing, driver);
    } else {
        statement.add_products("products_by_age", listing);
        statement.add("\nORDER BY p.created_at DESC, p.id DESC", []);
    }
    statement.add_limit(COUNTED_ROWS_MAX, 0);
    statement.add(")", []);
    statement
}
