//! Products: one, a page of them, a search.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Shared,
    database::statement,
    problem::Problem,
    values::{CURRENCY, Money, Time},
};

/// More are not counted.
const COUNTED_MAX: i64 = 10_000;

/// Products on a page: how many without a wish, and at most.
const LIMIT_DEFAULT: i64 = 10;
const LIMIT_MAX: i64 = 100;

/// More words are not looked for.
const WORDS_MAX: usize = 8;

macro_rules! columns {
    () => {
        "SELECT products.id, products.name, products.description, products.sku, products.price, products.stock,
  products.version, products.created_at, products.updated_at
"
    };
}

const SELECT_PRODUCT: &str = concat!(columns!(), "FROM products\nWHERE id = ?");

const SELECT_PAGE: &str = concat!(
    columns!(),
    "FROM products
ORDER BY created_at DESC, id DESC
LIMIT ? OFFSET ?"
);

const SELECT_PAGE_AFTER: &str = concat!(
    columns!(),
    "FROM products
WHERE (created_at, id) < (SELECT created_at, id FROM products WHERE id = ?)
ORDER BY created_at DESC, id DESC
LIMIT ?"
);

const COUNT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM products LIMIT ?)";

/// A word in the name counts more than one in the number, and that more than one in the description.
const SEARCH: &str = concat!(
    columns!(),
    "FROM products_by_word JOIN products ON number = products_by_word.rowid
WHERE products_by_word MATCH ? AND rank MATCH 'bm25(10.0, 5.0, 1.0)'
ORDER BY rank
LIMIT ? OFFSET ?"
);

const COUNT_FOUND: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM products_by_word WHERE products_by_word MATCH ? LIMIT ?)";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: Uuid,
    name: String,
    description: String,
    sku: Option<String>,
    price: Money,
    currency: &'static str,
    stock: i64,
    available: bool,
    version: i64,
    created_at: Time,
    updated_at: Time,
}

impl Product {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let stock = row.get(5)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            description: row.get(2)?,
            sku: row.get(3)?,
            price: Money(row.get(4)?),
            currency: CURRENCY,
            stock,
            available: stock > 0,
            version: row.get(6)?,
            created_at: Time(row.get(7)?),
            updated_at: Time(row.get(8)?),
        })
    }
}

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    q: Option<String>,
    page: Option<i64>,
    after: Option<Uuid>,
    limit: Option<i64>,
}

/// A page of products.
#[derive(Debug, Serialize)]
pub struct Page {
    data: Vec<Product>,
    meta: Meta,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    total: i64,
    total_is_exact: bool,
    page: Option<i64>,
    last_page: i64,
    limit: i64,
    next: Option<Uuid>,
}

/// `GET /products/{id}`
pub async fn find(State(shop): Shared, Path(id): Path<Uuid>) -> Result<impl IntoResponse, Problem> {
    let product = shop.database.read(|connection| {
        let product = statement(connection, SELECT_PRODUCT)?
            .query_row([id], Product::read)
            .optional()?;
        product.ok_or_else(|| Problem::not_found("product"))
    })?;
    let tag = format!("\"{}-{}\"", product.version, product.stock);
    Ok(([(header::ETAG, tag)], Json(product)))
}

/// `GET /products`
pub async fn list(
    State(shop): Shared,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    let page = query.page.unwrap_or(1);
    if !(1..=LIMIT_MAX).contains(&limit) || !(1..=COUNTED_MAX).contains(&page) {
        let problem = "limit must be from 1 to 100, and page from 1 to 10000.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, problem));
    }
    let page = shop.database.read(|connection| {
        let (data, counted) = select(connection, &query, page, limit)?;
        let total = counted.min(COUNTED_MAX);
        let last_page = ((total + limit - 1) / limit).max(1);
        let is_last = i64::try_from(data.len()).is_ok_and(|length| length < limit)
            || (query.after.is_none() && page >= last_page);
        let next = data.last().filter(|_| !is_last && query.q.is_none());
        let meta = Meta {
            total,
            total_is_exact: counted <= COUNTED_MAX,
            page: query.after.is_none().then_some(page),
            last_page,
            limit,
            next: next.map(|product| product.id),
        };
        Ok(Page { data, meta })
    })?;
    Ok(Json(page))
}

/// The products of a page, and how many there are on all, one more at most than are counted.
fn select(
    connection: &Connection,
    query: &ListQuery,
    page: i64,
    limit: i64,
) -> Result<(Vec<Product>, i64), Problem> {
    let (skipped, counted_max) = ((page - 1) * limit, COUNTED_MAX + 1);
    let list = |sql, values: &[&dyn rusqlite::ToSql]| {
        let mut statement = statement(connection, sql)?;
        let products = statement.query_map(values, Product::read)?;
        products.collect::<rusqlite::Result<Vec<_>>>()
    };
    let count = |sql, values: &[&dyn rusqlite::ToSql]| {
        statement(connection, sql)?.query_row(values, |row| row.get(0))
    };
    if let Some(words) = &query.q {
        let Some(words) = search(words) else {
            return Ok((Vec::new(), 0));
        };
        let found = list(SEARCH, &[&words, &limit, &skipped])?;
        return Ok((found, count(COUNT_FOUND, &[&words, &counted_max])?));
    }
    let products = match &query.after {
        Some(id) => list(SELECT_PAGE_AFTER, &[id, &limit])?,
        None => list(SELECT_PAGE, &[&limit, &skipped])?,
    };
    Ok((products, count(COUNT, &[&counted_max])?))
}

/// The words in the language of FTS5: all of them, the last one perhaps unfinished.
fn search(words: &str) -> Option<String> {
    let words = words.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).take(WORDS_MAX);
    let quoted: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(" ") + "*")
}

#[cfg(test)]
mod tests {
    use super::search;

    #[test]
    fn words_are_quoted_and_the_last_is_a_beginning() {
        let expected = Some("\"café\" \"OR\" \"cr\"*".to_owned());
        assert_eq!(search(" café-OR \"cr"), expected);
        assert_eq!(search("-\"*"), None);
    }
}
