//! What the program makes of the texts of products, beside them: their words, and the keys of their names in lists that are sorted by
//! them. A new version of the program may make them otherwise; then those of all products are made anew, some at a time.

use mercato_kernel::ProductId;
use mercato_sql::words::{WORDS_VERSION, index_of, sort_key, words_of};
use mercato_sql::{Connection, Dialect, Error, Row, Value, params};

use super::json;
use super::rows::{self, json_of, key};
use crate::application::locks;
use crate::domain::error::StoreError;
use crate::domain::product::Product;
use crate::domain::values::Sku;
use crate::domain::variant::ProductOption;

/// Writes the words of products whose words are of another version. The parameter lists products with the words of each text.
const INDEX_WORDS: &str = "\
INSERT OR REPLACE INTO products_by_word (rowid, name, sku, description)
SELECT e.number, json_extract(wanted.value, '$[1]'), json_extract(wanted.value, '$[2]'), json_extract(wanted.value, '$[3]')
FROM json_each(?) AS wanted JOIN catalogue_entries AS e ON e.product_id = json_extract(wanted.value, '$[0]')
WHERE e.words_version <> ?";

/// The same in PostgreSQL, where the words come as a `tsvector`.
const INDEX_WORDS_IN_POSTGRES: &str = "\
INSERT INTO products_by_word (rowid, products_by_word)
SELECT e.number, CAST(json_extract(wanted.value, '$[1]') AS TSVECTOR)
FROM json_each(?) AS wanted JOIN catalogue_entries AS e ON e.product_id = json_extract(wanted.value, '$[0]')
WHERE e.words_version <> ?
ON CONFLICT (rowid) DO UPDATE
SET products_by_word = excluded.products_by_word";

const SET_WORDS_VERSION: &str = "\
UPDATE catalogue_entries
SET words_version = ?1
WHERE product_id IN (SELECT value FROM json_each(?2))
  AND words_version <> ?1";

const IS_NEEDED: &str = "\
SELECT 1
FROM catalogue_entries
WHERE words_version < ?
LIMIT 1";

/// Products with words of earlier versions; what two versions in the index have in common is the order.
const OLD: &str = "\
SELECT p.id, p.name, p.sku, p.description, p.options
FROM (
  SELECT product_id
  FROM catalogue_entries
  WHERE words_version < ?
  ORDER BY words_version, number
  LIMIT ?) AS e JOIN products AS p ON p.id = e.product_id";

const SKUS_OF_VARIANTS: &str = "\
SELECT variant_of, sku
FROM products
WHERE variant_of IN (SELECT value FROM json_each(?))
  AND variant_of IS NOT NULL
  AND deleted_at IS NULL
  AND sku IS NOT NULL
ORDER BY variant_of, position, id -- plan: those of some products";

/// The words of a product are those of its variants, too.
const FORGET_WORDS: &str = "\
UPDATE catalogue_entries
SET words_version = 0
WHERE product_id = ?
  AND words_version <> 0";

const SET_NAME_KEYS: &str = "\
UPDATE products
SET name_key = made.name_key
FROM (
  SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS name_key
  FROM json_each(?)) AS made
WHERE products.id = made.id";

/// The texts of a product.
struct Texts {
    id: ProductId,
    name: String,
    sku: String,
    description: String,
}

impl Texts {
    fn of(product: &Product) -> Self {
        let view = product.view();
        let mut texts = Self {
            id: view.id,
            name: view.name.as_str().to_owned(),
            sku: view.sku.as_ref().map_or("", Sku::as_str).to_owned(),
            description: view.description.as_str().to_owned(),
        };
        texts.add_values(&view.options);
        for sku in view.variants().iter().filter_map(|one| one.sku.as_ref()) {
            texts.add_sku(sku.as_str());
        }
        texts
    }

    /// A product is found by what its variants can be.
    fn add_values(&mut self, options: &[ProductOption]) {
        for value in options.iter().flat_map(|option| &option.values) {
            self.description.push('\n');
            self.description.push_str(value);
        }
    }

    /// A product is found by the numbers of its variants.
    fn add_sku(&mut self, sku: &str) {
        self.sku.push('\n');
        self.sku.push_str(sku);
    }

    fn read(row: &Row) -> Result<Self, Error> {
        let mut texts = Self {
            id: rows::id(row, "id")?,
            name: row.get("name")?,
            sku: row.get::<Option<String>>("sku")?.unwrap_or_default(),
            description: row.get("description")?,
        };
        texts.add_values(&json::options(row)?);
        Ok(texts)
    }

    /// The product with its words, for the statements that write these.
    fn words(&self, dialect: Dialect) -> Vec<String> {
        let texts = [&*self.name, &*self.sku, &*self.description];
        let mut words = vec![self.id.to_string()];
        match dialect {
            Dialect::Sqlite => words.extend(texts.map(|text| words_of(text).join(" "))),
            Dialect::Postgres => words.push(index_of(texts)),
        }
        words
    }
}

/// Writes the words of products whose texts have changed; the database's triggers have marked them. Deleted products have no entry
/// that words could belong to.
pub fn index_words(connection: &Connection, products: &[&Product]) -> Result<(), StoreError> {
    let texts: Vec<Texts> = products.iter().map(|product| Texts::of(product)).collect();
    Ok(write_words(connection, &texts)?)
}

/// Marks the words of a product that has variants, of which the database's triggers know nothing.
pub fn forget_words(connection: &Connection, product: &Product) -> Result<(), StoreError> {
    if product.view().has_options() {
        connection.execute(FORGET_WORDS, params![key(product.view().id)])?;
    }
    Ok(())
}

fn write_words(connection: &Connection, texts: &[Texts]) -> Result<(), Error> {
    if texts.is_empty() {
        return Ok(());
    }
    let dialect = connection.dialect();
    let statement = match dialect {
        Dialect::Sqlite => INDEX_WORDS,
        Dialect::Postgres => INDEX_WORDS_IN_POSTGRES,
    };
    let words: Vec<_> = texts.iter().map(|texts| texts.words(dialect)).collect();
    connection.execute(statement, params![Value::json(&words), WORDS_VERSION])?;
    let ids: Vec<ProductId> = texts.iter().map(|texts| texts.id).collect();
    connection.execute(SET_WORDS_VERSION, params![WORDS_VERSION, json_of(&ids)])
}

/// Whether there are products with words of an earlier version.
pub fn is_needed(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .query_one(IS_NEEDED, params![WORDS_VERSION])?
        .is_some())
}

/// Makes words and keys of names anew of at most so many products with words of earlier versions; gives of how many.
pub fn renew(connection: &Connection, limit: u32) -> Result<u64, StoreError> {
    let mut texts = old_texts(connection, limit)?;
    let keys = || Ok::<_, Error>(locks::products(texts.iter().map(|texts| texts.id)));
    if connection.lock(keys)? {
        let locked: Vec<ProductId> = texts.iter().map(|texts| texts.id).collect();
        texts = old_texts(connection, limit)?;
        texts.retain(|texts| locked.contains(&texts.id));
    }
    write_words(connection, &texts)?;
    let key = |texts: &Texts| (texts.id.to_string(), sort_key(&texts.name));
    let keys: Vec<_> = texts.iter().map(key).collect();
    connection.execute(SET_NAME_KEYS, params![Value::json(&keys)])?;
    Ok(u64::try_from(texts.len()).unwrap_or(u64::MAX))
}

fn old_texts(connection: &Connection, limit: u32) -> Result<Vec<Texts>, Error> {
    let rows = connection.query(OLD, params![WORDS_VERSION, limit])?;
    let read = rows.iter().map(Texts::read);
    let mut texts = read.collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<ProductId> = texts.iter().map(|texts| texts.id).collect();
    for row in connection.query(SKUS_OF_VARIANTS, params![json_of(&ids)])? {
        let product: ProductId = rows::id(&row, "variant_of")?;
        if let Some(texts) = texts.iter_mut().find(|texts| texts.id == product) {
            texts.add_sku(&row.get::<String>("sku")?);
        }
    }
    Ok(texts)
}
