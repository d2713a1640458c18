//! The table of products, and the stock book beside it.

use mercato_kernel::{Named as _, ProductId};
use mercato_money::Money;
use mercato_sql::words::sort_key;
use mercato_sql::{Connection, Error, Row, Value, params, placeholders};

use super::renewal::{self, index_words};
use super::rows::{self, check_rows, json_of, key};
use super::{facets, json};
use crate::application::locks;
use crate::application::ports::{
    Catalogue, FORMER_SLUGS_MAX, LOW_STOCK_PRODUCTS_MAX, LOW_STOCK_UNITS, StockEntry, StockStats,
};
use crate::domain::error::StoreError;
use crate::domain::presentation::Status;
use crate::domain::product::{Product, ProductView};
use crate::domain::slug::Slug;
use crate::domain::stock::Stock;
use crate::domain::values::{Description, Name, Price, Sku, TaxClass, Weight};

/// What [`to_view`] reads of a product, which is `p` in every statement.
macro_rules! product_columns {
    () => {
        "p.id, p.name, p.slug, p.status, p.description, p.media, p.attributes, p.categories, p.sku, p.price, p.stock, p.reserved, p.sold, p.version, p.created_at, p.updated_at, p.tax_class, p.weight"
    };
}

/// The columns that [`to_view`] reads, for statements that are put together.
pub const PRODUCT_COLUMNS: &str = product_columns!();

/// The products that are not deleted, and which of them.
macro_rules! select_products {
    ($($clauses:literal),+) => {
        concat!("SELECT ", product_columns!(), "\nFROM products AS p\nWHERE p.deleted_at IS NULL\n", $($clauses),+)
    };
}

const PRODUCT_BY_ID: &str = select_products!("  AND p.id = ?");

const PRODUCT_BY_SLUG: &str = select_products!("  AND p.slug = ?");

const PRODUCT_BY_FORMER_SLUG: &str =
    select_products!("  AND p.id = (SELECT product_id FROM former_slugs WHERE slug = ?)");

/// Followed by as many question marks as there are numbers, and a parenthesis.
const PRODUCTS_BY_SKU: &str = select_products!("  AND p.sku IN (");

pub(super) const PRODUCTS_BY_ID: &str = select_products!(
    "  AND p.status = 'published'\n  AND p.id IN (SELECT value FROM json_each(?))"
);

const LOW_STOCK: &str = select_products!(
    "  AND p.status = 'published'\n  AND p.stock <= ?\nORDER BY p.stock, p.id\nLIMIT ?"
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
   tax_class, weight, slug, status, media, attributes, categories)
-- plan: lines are looked for only while a reference to a product is broken";

const SAVE_PRODUCT: &str = "\
UPDATE products
SET name = ?2, name_key = ?3, description = ?4, sku = ?5, price = ?6, stock = ?7, reserved = ?8, sold = ?9,
  version = ?10, created_at = ?11, updated_at = ?12, deleted_at = ?13, tax_class = ?14, weight = ?15, slug = ?16, status = ?17,
  media = ?18, attributes = ?19, categories = ?20
WHERE id = ?1";

/// A row of [`INSERT_PRODUCTS`], and what stands for the question marks of [`SAVE_PRODUCT`].
fn product_parameters(product: &Product) -> [Value; 20] {
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
    ]
}

/// A product of a row that has [`PRODUCT_COLUMNS`].
pub fn to_view(row: &Row) -> Result<ProductView, Error> {
    let id: ProductId = rows::id(row, "id")?;
    // Whatever else writes products may not know of slugs.
    let slug: Option<String> = row.get("slug")?;
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
        tax_class: TaxClass::stored(row.get("tax_class")?),
        weight: Weight::stored(row.get("weight")?),
        stock: Stock::restore(row.get("stock")?, row.get("reserved")?, row.get("sold")?),
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
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
    Ok(views(connection, PRODUCT_BY_ID, &[key(id)])?.pop())
}

/// The product of that slug that is not deleted.
pub fn find_by_slug(
    connection: &Connection,
    slug: &Slug,
) -> Result<Option<ProductView>, StoreError> {
    Ok(views(connection, PRODUCT_BY_SLUG, params![slug.as_str()])?.pop())
}

/// The product that is not deleted and had that slug last, of those that have another one now.
pub fn find_by_former_slug(
    connection: &Connection,
    slug: &Slug,
) -> Result<Option<ProductView>, StoreError> {
    Ok(views(connection, PRODUCT_BY_FORMER_SLUG, params![slug.as_str()])?.pop())
}

/// Those of these products that are published.
pub fn find_all(
    connection: &Connection,
    ids: &[ProductId],
) -> Result<Vec<ProductView>, StoreError> {
    views(connection, PRODUCTS_BY_ID, params![json_of(ids)])
}

const STOCK_COUNTS: &str = "\
SELECT
  (SELECT products FROM catalogue_size WHERE only_row = 1) AS products,
  (SELECT COUNT(*)
  FROM products INDEXED BY products_sold_out_by_price
  WHERE deleted_at IS NULL AND status = 'published' AND stock = 0) AS out_of_stock
-- plan: counted in indexes, for admins alone";

/// The state of the stock as a whole.
pub fn stats(connection: &Connection) -> Result<StockStats, StoreError> {
    let counts = connection.query_one(STOCK_COUNTS, params![])?;
    let count = |name| counts.as_ref().map_or(Ok(0), |row| row.get(name));
    let limits = params![LOW_STOCK_UNITS, LOW_STOCK_PRODUCTS_MAX];
    Ok(StockStats {
        products: count("products")?,
        out_of_stock: count("out_of_stock")?,
        low_stock: views(connection, LOW_STOCK, limits)?,
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

impl Catalogue for Connection {
    fn product(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        Ok(find(self, id)?.map(Product::restore))
    }

    fn products_by_sku(&self, skus: &[&Sku]) -> Result<Vec<Product>, StoreError> {
        if skus.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!("{PRODUCTS_BY_SKU}{})", placeholders(skus.len()));
        let skus: Vec<Value> = skus.iter().map(|sku| sku.as_str().into()).collect();
        let mut found = views(self, &statement, &skus)?;
        let keys = || Ok::<_, Error>(locks::products(found.iter().map(|product| product.id)));
        if self.lock(keys)? {
            found = views(self, &statement, &skus)?;
        }
        Ok(found.into_iter().map(Product::restore).collect())
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
