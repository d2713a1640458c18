//! Lists of products: conditions, order and the place where a page begins, as SQL.

use mercato_cursor::Key;
use mercato_sqlite::{Connection, Error, Row, Value};

use super::to_product;
use crate::domain::listing::{Listing, ProductPage, Sort, SortKey, Start};
use crate::domain::product::Product;
use crate::domain::search::Search;

const PRODUCT_COLUMNS: &str = "\
p.id, p.name, p.description, p.sku, p.price, p.stock, p.reserved, p.sold, p.version, p.created_at, p.updated_at,
  p.deleted_at";

/// Position of the sort key behind [`PRODUCT_COLUMNS`].
const SORT_KEY_COLUMN: usize = 12;

const CATALOGUE_SIZE: &str = "\
SELECT COUNT(*)
FROM catalogue_entries";

const FROM_PRODUCTS: &str = "
FROM products AS p
WHERE p.deleted_at IS NULL";

/// The words choose first: CROSS JOIN keeps the order of the tables.
const FROM_WORDS: &str = "
FROM products_by_word
  CROSS JOIN catalogue_entries AS e ON e.number = products_by_word.rowid";

/// What is asked of a product beside its words.
const AND_PRODUCTS: &str = "
  CROSS JOIN products AS p ON p.id = e.product_id";

const WHERE_WORDS: &str = "
WHERE products_by_word MATCH ?";

const MIN_PRICE: &str = "
  AND p.price >= ?";

const MAX_PRICE: &str = "
  AND p.price <= ?";

const IN_STOCK: &str = "
  AND p.stock > 0";

const OUT_OF_STOCK: &str = "
  AND p.stock = 0";

/// All words in the name, some of them, none; then short names first. [`NAME_CHARS_MAX`] is far below the steps.
///
/// [`NAME_CHARS_MAX`]: crate::domain::values::NAME_CHARS_MAX
const RELEVANCE: &str = "\
CASE
    WHEN e.number IN (SELECT rowid FROM products_by_word WHERE products_by_word MATCH ?) THEN 0
    WHEN e.number IN (SELECT rowid FROM products_by_word WHERE products_by_word MATCH ?) THEN 1000
    ELSE 2000
  END + e.name_chars";

/// A statement with its parameters, in the order in which they stand in it.
#[derive(Default)]
struct Statement {
    sql: String,
    parameters: Vec<Value>,
}

impl Statement {
    fn add(&mut self, sql: &str, parameters: impl IntoIterator<Item = Value>) {
        self.sql.push_str(sql);
        self.parameters.extend(parameters);
    }
}

/// One page of a list, and whether there is another one.
pub(super) fn page(connection: &Connection, listing: &Listing) -> Result<ProductPage, Error> {
    // A search without words finds nothing.
    if listing
        .search
        .as_ref()
        .is_some_and(|search| search.words().is_empty())
    {
        return Ok(to_page(listing, 0, Vec::new()));
    }
    let count = count_statement(listing);
    let total = connection.query_one(&count.sql, &count.parameters)?;
    let total = total.map_or(Ok(0), |row| row.get(0))?;
    let statement = page_statement(listing);
    let rows = connection.query(&statement.sql, &statement.parameters)?;
    let keyed = |row: &Row| Ok((to_product(row)?, sort_key(listing.sort, row)?));
    let found = rows.iter().map(keyed).collect::<Result<_, Error>>()?;
    Ok(to_page(listing, total, found))
}

/// One product more than the page takes says that there is a next page.
fn to_page(listing: &Listing, total: u64, mut found: Vec<(Product, Key)>) -> ProductPage {
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_next = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| has_next);
    let next = last.map(|(product, key)| listing.next(key.clone(), product.id.as_str()));
    ProductPage {
        products: found.into_iter().map(|(product, _)| product).collect(),
        total,
        page: listing.page,
        next,
    }
}

fn sort_key(sort: Sort, row: &Row) -> Result<Key, Error> {
    Ok(match sort.key {
        SortKey::Name => Key::Text(row.get(SORT_KEY_COLUMN)?),
        _ => Key::Integer(row.get(SORT_KEY_COLUMN)?),
    })
}

fn count_statement(listing: &Listing) -> Statement {
    let mut statement = Statement::default();
    if listing.search.is_none() && !has_filter(listing) {
        statement.add(CATALOGUE_SIZE, []);
    } else {
        statement.add("SELECT COUNT(*)", []);
        add_source(&mut statement, listing, has_filter(listing));
    }
    statement
}

fn page_statement(listing: &Listing) -> Statement {
    match &listing.search {
        None => browse_statement(listing),
        Some(search) => search_statement(listing, search),
    }
}

/// Everything comes from the index of the order: the page begins where the cursor says, and ends with its last product.
fn browse_statement(listing: &Listing) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::default();
    statement.add(&format!("SELECT {PRODUCT_COLUMNS}, {key}"), []);
    add_source(&mut statement, listing, true);
    add_start(&mut statement, "AND", (key, "p.id"), listing);
    add_end(&mut statement, (key, "p.id"), listing);
    statement
}

/// What the words find is sorted by key and identifier; the rest is read of the products of the page alone.
fn search_statement(listing: &Listing, search: &Search) -> Statement {
    let mut statement = Statement::default();
    statement.add(
        "WITH found (id, sort_key) AS MATERIALIZED (SELECT p.id, ",
        [],
    );
    match listing.sort.key {
        SortKey::Relevance => statement.add(RELEVANCE, [all_in_name(search), some_in_name(search)]),
        key => statement.add(column(key), []),
    }
    add_source(&mut statement, listing, true);
    statement.add(
        "),\npage (id, sort_key) AS MATERIALIZED (SELECT id, sort_key\nFROM found",
        [],
    );
    add_start(&mut statement, "WHERE", ("sort_key", "id"), listing);
    add_end(&mut statement, ("sort_key", "id"), listing);
    let columns = format!(
        ")\nSELECT {PRODUCT_COLUMNS}, page.sort_key\nFROM page CROSS JOIN products AS p ON p.id = page.id"
    );
    statement.add(&columns, []);
    statement.add(&order_by(("page.sort_key", "p.id"), listing.sort), []);
    statement
}

fn has_filter(listing: &Listing) -> bool {
    listing.min_price.is_some() || listing.max_price.is_some() || listing.in_stock.is_some()
}

/// Where the products of a list come from, and which of them are in it. A search can do without the products when
/// nothing is asked of them.
fn add_source(statement: &mut Statement, listing: &Listing, with_products: bool) {
    match &listing.search {
        None => statement.add(FROM_PRODUCTS, []),
        Some(search) => {
            statement.add(FROM_WORDS, []);
            if with_products {
                statement.add(AND_PRODUCTS, []);
            }
            statement.add(WHERE_WORDS, [Value::from(all_words(search))]);
        }
    }
    for (condition, price) in [
        (MIN_PRICE, listing.min_price),
        (MAX_PRICE, listing.max_price),
    ] {
        if let Some(price) = price {
            statement.add(condition, [price.amount().units().into()]);
        }
    }
    match listing.in_stock {
        Some(true) => statement.add(IN_STOCK, []),
        Some(false) => statement.add(OUT_OF_STOCK, []),
        None => {}
    }
}

/// A page by cursor begins in the index, not after so many rows.
fn add_start(
    statement: &mut Statement,
    conjunction: &str,
    columns: (&str, &str),
    listing: &Listing,
) {
    if let Start::After(key, id) = &listing.start {
        let after = if listing.sort.descending { "<" } else { ">" };
        let (key_column, id_column) = columns;
        let condition = format!("\n  {conjunction} ({key_column}, {id_column}) {after} (?, ?)");
        statement.add(&condition, [to_value(key), id.as_str().into()]);
    }
}

fn add_end(statement: &mut Statement, columns: (&str, &str), listing: &Listing) {
    statement.add(&order_by(columns, listing.sort), []);
    let rows = u64::from(listing.limit) + 1;
    match listing.start {
        Start::After(..) => statement.add("\nLIMIT ?", [rows.into()]),
        Start::Offset(before) => {
            statement.add("\nLIMIT ? OFFSET ?", [rows.into(), before.into()]);
        }
    }
}

fn order_by((key, id): (&str, &str), sort: Sort) -> String {
    let direction = if sort.descending { " DESC" } else { "" };
    format!("\nORDER BY {key}{direction}, {id}{direction}")
}

/// The column behind an order. Nothing is relevant without a search, where [`Listing`] never asks for it.
fn column(key: SortKey) -> &'static str {
    match key {
        SortKey::Created | SortKey::Relevance => "p.created_at",
        SortKey::Updated => "p.updated_at",
        SortKey::Name => "p.name_key",
        SortKey::Price => "p.price",
        SortKey::Stock => "p.stock",
    }
}

fn to_value(key: &Key) -> Value {
    match key {
        Key::Integer(number) => (*number).into(),
        Key::Text(text) => text.as_str().into(),
    }
}

/// All the words, wherever they are. In quotes nothing of FTS5's query language has a meaning.
fn all_words(search: &Search) -> String {
    quoted(search).join(" AND ")
}

fn all_in_name(search: &Search) -> Value {
    format!("name : ({})", all_words(search)).into()
}

fn some_in_name(search: &Search) -> Value {
    format!("name : ({})", quoted(search).join(" OR ")).into()
}

/// The words as strings of FTS5 (<https://sqlite.org/fts5.html#fts5_strings>), the last one as a prefix.
fn quoted(search: &Search) -> Vec<String> {
    let quote = |word: &String| format!("\"{}\"", word.replace('"', "\"\""));
    let mut words: Vec<String> = search.words().iter().map(quote).collect();
    if let Some(last) = words.last_mut() {
        last.push('*');
    }
    words
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The steps of SQLite's plans for a page and for its count, in its own words.
    pub fn plans(
        connection: &Connection,
        listing: &Listing,
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        let plan = |statement: Statement| -> Result<Vec<String>, Error> {
            let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
            let rows = connection.query(&sql, &statement.parameters)?;
            rows.iter().map(|row| row.get(3)).collect()
        };
        Ok((
            plan(page_statement(listing))?,
            plan(count_statement(listing))?,
        ))
    }

    #[test]
    fn words_are_quoted_and_the_last_one_may_go_on() {
        let search = |text| Search::parse(text).unwrap();
        assert_eq!(all_words(&search("green tea")), r#""green" AND "tea"*"#);
        assert_eq!(
            all_words(&search(r#"6" NOT (NEAR"#)),
            r#""6""" AND "NOT" AND "(NEAR"*"#
        );
    }
}
