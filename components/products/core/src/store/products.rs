//! The table of products, and the stock book beside it.

use std::collections::BTreeSet;

use mercato_kernel::{Named as _, ProductId};
use mercato_money::Money;
use mercato_sql::words::sort_key;
use mercato_sql::{Connection, Error, Row, Value, params, placeholders};

use super::renewal::{self, index_words};
use super::rows::{self, check_rows, key};
use super::{facets, json, variants};
use crate::application::ports::{
    Catalogue, FORMER_SLUGS_MAX, LOW_STOCK_PRODUCTS_MAX, LOW_STOCK_UNITS, LowStock, StockEntry,
    StockStats,
};
use crate::domain::error::StoreError;
use crate::domain::presentation::Status;
use crate::domain::product::{Product, ProductView};
use crate::domain::slug::Slug;
use crate::domain::stock::Stock;
use crate::domain::values::{Description, Name, Price, Sku, TaxClass, Weight};
use crate::domain::variant::{StockItem, Variant};

/// What [`to_view`] reads of a product, which is `p` in every statement.
macro_rules! product_columns {
    () => {
        "p.id, p.name, p.slug, p.status, p.description, p.media, p.attributes, p.categories, p.sku, p.price, p.stock, p.reserved, p.sold, \
         p.version, p.created_at, p.updated_at, p.tax_class, p.weight, p.options, p.price_to, p.offered"
    };
}

/// The columns that [`to_view`] reads, for statements that are put together.
pub const PRODUCT_COLUMNS: &str = product_columns!();

/// The products that are not deleted, and which of them.
macro_rules! select_products {
    ($($clauses:literal),+) => {
        concat!("SELECT ", product_columns!(), "\nFROM products AS p\nWHERE p.deleted_at IS NULL AND p.variant_of IS NULL\n", $($clauses),+)
    };
}

const PRODUCT_BY_ID: &str = select_products!("  AND p.id = ?");

const PRODUCT_BY_SLUG: &str = select_products!("  AND p.slug = ?");

const PRODUCT_BY_FORMER_SLUG: &str =
    select_products!("  AND p.id = (SELECT product_id FROM former_slugs WHERE slug = ?)");

/// Followed by as many question marks as there are numbers, and a parenthesis. A product comes once for each number of it and of its
/// variants.
const PRODUCTS_BY_SKU: &str = concat!(
    "SELECT ",
    product_columns!(),
    "
FROM products AS n JOIN products AS p ON p.id = coalesce(n.variant_of, n.id)
WHERE n.deleted_at IS NULL
  AND p.deleted_at IS NULL
  AND n.sku IN ("
);

/// Followed by as many question marks as there are slugs, and a parenthesis. Variants have none.
const PRODUCTS_BY_SLUG: &str = concat!(
    "SELECT ",
    product_columns!(),
    "
FROM products AS p
WHERE p.deleted_at IS NULL
  AND p.slug IN ("
);

const PRODUCT_OF_VARIANT: &str = select_products!(
    "  AND p.id = (SELECT variant_of FROM products WHERE id = ? AND deleted_at IS NULL)"
);

/// The stock items of what can be ordered: also what is not for sale itself, when a variant draws on it that is.
macro_rules! items_on_sale {
    () => {
        "\
FROM products AS p LEFT JOIN products AS head ON head.id = p.variant_of
WHERE p.deleted_at IS NULL
  AND p.draws_from IS NULL
  AND (
    coalesce(head.status, CASE WHEN p.options = '[]' THEN p.status END) = 'published'
    OR (p.is_drawn = 1 AND (
      SELECT 1
      FROM products AS v JOIN products AS owner ON owner.id = v.variant_of
      WHERE v.draws_from = p.id AND v.draws_from IS NOT NULL AND v.deleted_at IS NULL AND owner.status = 'published'
      LIMIT 1) = 1))
"
    };
}

/// A variant is shown as its product, with what is its own.
const LOW_STOCK: &str = concat!(
    "\
SELECT p.id, coalesce(head.name, p.name) AS name, coalesce(head.slug, p.slug) AS slug, coalesce(head.status, p.status) AS status,
  coalesce(head.description, p.description) AS description, coalesce(head.media, p.media) AS media,
  coalesce(head.attributes, p.attributes) AS attributes, coalesce(head.categories, p.categories) AS categories,
  p.sku, p.price, p.stock, p.reserved, p.sold, p.version, p.created_at, p.updated_at,
  coalesce(head.tax_class, p.tax_class) AS tax_class, p.weight, p.options, p.price_to, p.offered, p.variant_of, p.choices
",
    items_on_sale!(),
    "  AND p.stock <= ?
ORDER BY p.stock, p.id
LIMIT ? -- plan: few variants draw on each, which an index of few rows has in any order"
);

const SKU_OWNER: &str = "\
SELECT id
FROM products
WHERE sku = ?
  AND deleted_at IS NULL";

const SLUG_OWNER: &str = "\
SELECT id
FROM products
WHERE slug = ?
  AND deleted_at IS NULL";

/// Followed by as many question marks as there are slugs, and a parenthesis.
const TAKEN_SLUGS: &str = "\
SELECT slug
FROM products
WHERE deleted_at IS NULL
  AND slug IN (";

/// Of two products that had the same slug it leads to the one that had it last.
const REMEMBER_SLUG: &str = "\
INSERT INTO former_slugs (slug, product_id, until)
VALUES (?, ?, ?)
ON CONFLICT (slug) DO UPDATE
SET product_id = excluded.product_id, until = excluded.until";

const FORGET_SLUGS: &str = "\
DELETE FROM former_slugs
WHERE product_id = ?1
  AND slug NOT IN (
    SELECT slug
    FROM former_slugs
    WHERE product_id = ?1
    ORDER BY until DESC, slug DESC
    LIMIT ?2)";

const INSERT_PRODUCTS: &str = "\
INSERT INTO products
  (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at, deleted_at,
   tax_class, weight, slug, status, media, attributes, categories, options, price_to, offered)
-- plan: lines are looked for only while a reference to a product is broken";

const SAVE_PRODUCT: &str = "\
UPDATE products
SET name = ?2, name_key = ?3, description = ?4, sku = ?5, price = ?6, stock = ?7, reserved = ?8, sold = ?9,
  version = ?10, created_at = ?11, updated_at = ?12, deleted_at = ?13, tax_class = ?14, weight = ?15, slug = ?16, status = ?17,
  media = ?18, attributes = ?19, categories = ?20, options = ?21, price_to = ?22, offered = ?23
WHERE id = ?1";

/// A row of [`INSERT_PRODUCTS`], and what stands for the question marks of [`SAVE_PRODUCT`].
fn product_parameters(product: &Product) -> [Value; 23] {
    let view = product.view();
    [
        key(view.id),
        view.name.as_str().into(),
        sort_key(view.name.as_str()).into(),
        view.description.as_str().into(),
        view.sku.as_ref().map(Sku::as_str).into(),
        view.price.amount().units().into(),
        view.stock.free().into(),
        view.stock.reserved().into(),
        view.stock.sold().into(),
        view.version.into(),
        view.created_at.into(),
        view.updated_at.into(),
        product.deleted_at().into(),
        view.tax_class.as_str().into(),
        view.weight.grams().into(),
        view.slug.as_str().into(),
        view.status.name().into(),
        json::of_media(&view.media),
        json::of_attributes(&view.attributes),
        json::of_categories(&view.categories),
        json::of_options(&view.options),
        view.price_to.map(|price| price.amount().units()).into(),
        view.offered.into(),
    ]
}

/// A product of a row that has [`PRODUCT_COLUMNS`].
pub fn to_view(row: &Row) -> Result<ProductView, Error> {
    let id: ProductId = rows::id(row, "id")?;
    // Whatever else writes products may not know of slugs.
    let slug: Option<String> = row.get("slug")?;
    let price_to: Option<i64> = row.get("price_to")?;
    Ok(ProductView {
        id,
        name: Name::stored(row.get("name")?),
        slug: Slug::stored(slug.unwrap_or_else(|| id.to_string())),
        status: status(row)?,
        description: Description::stored(row.get("description")?),
        media: json::media(row)?,
        attributes: json::attributes(row)?,
        categories: json::categories(row)?,
        sku: row.get::<Option<String>>("sku")?.map(Sku::stored),
        price: Price::stored(Money::from_units(row.get("price")?)),
        price_to: price_to.map(|units| Price::stored(Money::from_units(units))),
        tax_class: TaxClass::stored(row.get("tax_class")?),
        weight: Weight::stored(row.get("weight")?),
        stock: stock(row)?,
        options: json::options(row)?,
        offered: row.get("offered")?,
        variants: None,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// Where the units of a row are.
pub fn stock(row: &Row) -> Result<Stock, Error> {
    Ok(Stock::restore(
        row.get("stock")?,
        row.get("reserved")?,
        row.get("sold")?,
    ))
}

fn status(row: &Row) -> Result<Status, Error> {
    let name: String = row.get("status")?;
    Status::from_name(&name).ok_or(Error::not("status", "the status of a product"))
}

fn views(
    connection: &Connection,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<ProductView>, StoreError> {
    let rows = connection.query(statement, parameters)?;
    Ok(rows.iter().map(to_view).collect::<Result<_, _>>()?)
}

/// Makes sure that products can be read.
pub fn ready(connection: &Connection) -> Result<(), StoreError> {
    connection.query_one("SELECT 1 FROM products LIMIT 1 -- plan: one row", params![])?;
    Ok(())
}

/// A product that is not deleted.
pub fn find(connection: &Connection, id: ProductId) -> Result<Option<ProductView>, StoreError> {
    whole(connection, PRODUCT_BY_ID, &[key(id)])
}

/// The product of that slug that is not deleted.
pub fn find_by_slug(
    connection: &Connection,
    slug: &Slug,
) -> Result<Option<ProductView>, StoreError> {
    whole(connection, PRODUCT_BY_SLUG, params![slug.as_str()])
}

/// The one product that a statement finds, with its variants.
fn whole(
    connection: &Connection,
    statement: &str,
    parameters: &[Value],
) -> Result<Option<ProductView>, StoreError> {
    let found = views(connection, statement, parameters)?;
    Ok(variants::added(connection, found)?.pop())
}

/// The product that is not deleted and had that slug last, of those that have another one now.
pub fn find_by_former_slug(
    connection: &Connection,
    slug: &Slug,
) -> Result<Option<ProductView>, StoreError> {
    Ok(views(connection, PRODUCT_BY_FORMER_SLUG, params![slug.as_str()])?.pop())
}

/// The product that has that variant, both not deleted, without its variants.
pub fn find_of_variant(
    connection: &Connection,
    id: ProductId,
) -> Result<Option<ProductView>, StoreError> {
    Ok(views(connection, PRODUCT_OF_VARIANT, &[key(id)])?.pop())
}

const STOCK_COUNTS: &str = concat!(
    "\
SELECT
  (SELECT products FROM catalogue_size WHERE only_row = 1) AS products,
  (SELECT COUNT(*)
",
    items_on_sale!(),
    "  AND p.stock = 0) AS out_of_stock
-- plan: counted in indexes, for admins alone"
);

/// The state of the stock as a whole.
pub fn stats(connection: &Connection) -> Result<StockStats, StoreError> {
    let counts = connection.query_one(STOCK_COUNTS, params![])?;
    let count = |name| counts.as_ref().map_or(Ok(0), |row| row.get(name));
    let limits = params![LOW_STOCK_UNITS, LOW_STOCK_PRODUCTS_MAX];
    let low_stock = connection.query(LOW_STOCK, limits)?;
    Ok(StockStats {
        products: count("products")?,
        out_of_stock: count("out_of_stock")?,
        low_stock: low_stock
            .iter()
            .map(to_low_stock)
            .collect::<Result<_, _>>()?,
    })
}

fn to_low_stock(row: &Row) -> Result<LowStock, Error> {
    Ok(LowStock {
        product: to_view(row)?,
        variant_of: rows::optional_id(row, "variant_of")?,
        choices: json::choices(row)?,
    })
}

const INSERT_STOCK_ENTRIES: &str = "\
INSERT INTO stock_book (product_id, version, free_before, free_after, at)";

fn stock_entry(entry: &StockEntry) -> [Value; 5] {
    let StockEntry {
        product_id,
        version,
        free_before,
        free_after,
        at,
    } = *entry;
    [
        key(product_id),
        version.into(),
        free_before.into(),
        free_after.into(),
        at.into(),
    ]
}

/// The products that a statement finds, with their variants, and nobody else changes them.
fn locked_products(
    connection: &Connection,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<Product>, StoreError> {
    if parameters.is_empty() {
        return Ok(Vec::new());
    }
    let read = || {
        let mut found = views(connection, statement, parameters)?;
        let mut ids = BTreeSet::new();
        found.retain(|product| ids.insert(product.id));
        variants::added(connection, found)
    };
    let mut found = read()?;
    let keys = || Ok::<_, Error>(variants::keys_of(&found));
    if connection.lock(keys)? {
        found = read()?;
    }
    Ok(found.into_iter().map(Product::restore).collect())
}

impl Catalogue for Connection {
    fn product(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        variants::locked(self, find(self, id)?)
    }

    fn product_of_variant(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        let Some(owner) = find_of_variant(self, id)? else {
            return Ok(None);
        };
        variants::locked(self, find(self, owner.id)?)
    }

    fn stock_items(&self, skus: &[&Sku]) -> Result<Vec<StockItem>, StoreError> {
        variants::stock_items(self, skus)
    }

    fn is_drawn_elsewhere(
        &self,
        ids: &[ProductId],
        product_id: ProductId,
    ) -> Result<bool, StoreError> {
        variants::is_drawn_elsewhere(self, ids, product_id)
    }

    fn save_variants(&self, product: &Product, before: &[Variant]) -> Result<(), StoreError> {
        variants::save(self, product, before)
    }

    fn products_by_sku(&self, skus: &[&Sku]) -> Result<Vec<Product>, StoreError> {
        let statement = format!("{PRODUCTS_BY_SKU}{})", placeholders(skus.len()));
        let skus: Vec<Value> = skus.iter().map(|sku| sku.as_str().into()).collect();
        locked_products(self, &statement, &skus)
    }

    fn products_by_slug(&self, slugs: &[&Slug]) -> Result<Vec<Product>, StoreError> {
        let statement = format!("{PRODUCTS_BY_SLUG}{})", placeholders(slugs.len()));
        let slugs: Vec<Value> = slugs.iter().map(|slug| slug.as_str().into()).collect();
        locked_products(self, &statement, &slugs)
    }

    fn sku_owner(&self, sku: &Sku) -> Result<Option<ProductId>, StoreError> {
        let row = self.query_one(SKU_OWNER, params![sku.as_str()])?;
        Ok(row.map(|row| rows::id(&row, "id")).transpose()?)
    }

    fn slug_owner(&self, slug: &Slug) -> Result<Option<ProductId>, StoreError> {
        let row = self.query_one(SLUG_OWNER, params![slug.as_str()])?;
        Ok(row.map(|row| rows::id(&row, "id")).transpose()?)
    }

    fn taken_slugs(&self, slugs: &[&Slug]) -> Result<Vec<Slug>, StoreError> {
        if slugs.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!("{TAKEN_SLUGS}{})", placeholders(slugs.len()));
        let slugs: Vec<Value> = slugs.iter().map(|slug| slug.as_str().into()).collect();
        let rows = self.query(&statement, &slugs)?;
        let slug = |row: &Row| Ok(Slug::stored(row.get("slug")?));
        rows.iter().map(slug).collect()
    }

    fn remember_slug(&self, id: ProductId, slug: &Slug, until: u64) -> Result<(), StoreError> {
        self.execute(REMEMBER_SLUG, params![slug.as_str(), key(id), until])?;
        Ok(self.execute(FORGET_SLUGS, params![key(id), FORMER_SLUGS_MAX])?)
    }

    fn insert_products(&self, products: &[&Product]) -> Result<(), StoreError> {
        let rows = products.iter().map(|product| product_parameters(product));
        self.insert_rows(INSERT_PRODUCTS, rows)?;
        facets::enter(self, products)?;
        index_words(self, products)
    }

    fn save_product(&self, product: &Product) -> Result<(), StoreError> {
        let changed = self.execute_counted(SAVE_PRODUCT, &product_parameters(product))?;
        check_rows(changed, 1, "products")?;
        renewal::forget_words(self, product)?;
        facets::renew(self, product)?;
        index_words(self, &[product])
    }

    fn renew_words(&self, limit: u32) -> Result<u64, StoreError> {
        renewal::renew(self, limit)
    }

    fn record(&self, entries: &[StockEntry]) -> Result<(), StoreError> {
        let rows = entries.iter().map(stock_entry);
        Ok(self.insert_rows(INSERT_STOCK_ENTRIES, rows)?)
    }
}
