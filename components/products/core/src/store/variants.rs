//! Variants in the table of products, and what can be ordered.

use std::collections::BTreeMap;

use mercato_kernel::ProductId;
use mercato_money::Money;
use mercato_sql::{Connection, Error, Row, Value, params, placeholders};

use super::json;
use super::products::{self, stock};
use super::rows::{self, check_rows, json_of, key};
use crate::application::locks::{self, Locks};
use crate::domain::error::StoreError;
use crate::domain::product::{Product, ProductView};
use crate::domain::sellable::Sellable;
use crate::domain::values::{Name, Price, Sku, TaxClass, Weight};
use crate::domain::variant::{Drawn, StockItem, Variant};

const VARIANTS: &str = "\
SELECT v.variant_of, v.id, v.sku, v.price, v.weight, v.choices, v.stock, v.reserved, v.sold, v.version, v.created_at, v.updated_at,
  v.draws_from, v.draws_units, item.sku AS item_sku, item.stock AS item_free
FROM products AS v LEFT JOIN products AS item ON item.id = v.draws_from
WHERE v.variant_of IN (SELECT value FROM json_each(?))
  AND v.variant_of IS NOT NULL
  AND v.deleted_at IS NULL
ORDER BY v.variant_of, v.position, v.id -- plan: the variants of a few products";

/// What a variant does not say of itself is its product's.
pub(super) const SELLABLES: &str = "\
SELECT p.id, p.variant_of, coalesce(head.name, p.name) AS name, p.choices, p.price, coalesce(head.tax_class, p.tax_class) AS tax_class,
  CASE WHEN p.weight = 0 THEN coalesce(head.weight, 0) ELSE p.weight END AS weight,
  coalesce(p.draws_from, p.id) AS item_id, p.draws_units AS item_units, coalesce(item.stock, p.stock) AS item_free
FROM products AS p
  LEFT JOIN products AS head ON head.id = p.variant_of
  LEFT JOIN products AS item ON item.id = p.draws_from
WHERE p.deleted_at IS NULL
  AND coalesce(head.status, CASE WHEN p.options = '[]' THEN p.status END) = 'published'
  AND p.id IN (SELECT value FROM json_each(?))";

/// Followed by as many question marks as there are numbers, and a parenthesis.
const STOCK_ITEMS: &str = "\
SELECT p.id, p.sku, p.stock, p.draws_from
FROM products AS p
WHERE p.deleted_at IS NULL
  AND p.sku IN (";

const DRAWN_ELSEWHERE: &str = "\
SELECT value
FROM json_each(?)
WHERE EXISTS (
  SELECT 1
  FROM products
  WHERE draws_from = value AND draws_from IS NOT NULL AND deleted_at IS NULL AND variant_of <> ?)";

const INSERT: &str = "\
INSERT INTO products
  (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at,
   weight, status, variant_of, position, choices, draws_from, draws_units)
-- plan: lines are looked for only while a reference to a product is broken";

const SAVE: &str = "\
UPDATE products
SET name = ?2, sku = ?3, price = ?4, stock = ?5, version = ?6, updated_at = ?7, weight = ?8, choices = ?9, draws_from = ?10,
  draws_units = ?11
WHERE id = ?1";

/// So that no two have the same number while it moves from one to the other.
const FREE_SKUS: &str = "\
UPDATE products
SET sku = NULL
WHERE id IN (SELECT value FROM json_each(?))";

/// Deleted variants keep what orders hold of them.
const DELETE: &str = "\
UPDATE products
SET deleted_at = ?2, updated_at = ?2, version = version + 1
WHERE id IN (SELECT value FROM json_each(?1))";

/// The parameter lists the variants of a product in their order.
const SET_POSITIONS: &str = "\
UPDATE products
SET position = made.position
FROM (
  SELECT value AS id, CAST(key AS BIGINT) AS position
  FROM json_each(?)) AS made
WHERE products.id = made.id
  AND products.position <> made.position";

const SET_DRAWN: &str = "\
UPDATE products
SET is_drawn = 1
WHERE id IN (SELECT value FROM json_each(?))
  AND is_drawn = 0";

/// What its variants draw on may have been sold since it was read. See the triggers.
const SET_OFFERED: &str = "\
UPDATE products
SET offered = (
  SELECT coalesce(SUM(units), 0)
  FROM (
    SELECT item.stock / MIN(v.draws_units) AS units
    FROM products AS v JOIN products AS item ON item.id = coalesce(v.draws_from, v.id)
    WHERE v.variant_of = products.id AND v.deleted_at IS NULL
    GROUP BY item.id, item.stock) AS items)
WHERE id = ?
  AND options <> '[]' -- plan: the variants of one product";

/// The status of the rows of variants: no list is of it.
const STATUS: &str = "variant";

/// Products with their variants. Those without options have none.
pub fn added(
    connection: &Connection,
    products: Vec<ProductView>,
) -> Result<Vec<ProductView>, StoreError> {
    let with_options = products.iter().filter(|product| product.has_options());
    let ids: Vec<ProductId> = with_options.map(|product| product.id).collect();
    let mut variants = BTreeMap::<ProductId, Vec<Variant>>::new();
    if !ids.is_empty() {
        for row in connection.query(VARIANTS, params![json_of(&ids)])? {
            let product = rows::id(&row, "variant_of")?;
            variants.entry(product).or_default().push(to_variant(&row)?);
        }
    }
    let added = products.into_iter().map(|product| ProductView {
        variants: Some(variants.remove(&product.id).unwrap_or_default()),
        ..product
    });
    Ok(added.collect())
}

fn to_variant(row: &Row) -> Result<Variant, Error> {
    let item: Option<ProductId> = rows::optional_id(row, "draws_from")?;
    let drawn = |item| {
        Ok::<_, Error>(Drawn {
            item,
            sku: row.get::<Option<String>>("item_sku")?.map(Sku::stored),
            units: row.get("draws_units")?,
            free: row.get("item_free")?,
        })
    };
    Ok(Variant {
        id: rows::id(row, "id")?,
        sku: row.get::<Option<String>>("sku")?.map(Sku::stored),
        price: Price::stored(Money::from_units(row.get("price")?)),
        weight: Weight::stored(row.get("weight")?),
        choices: json::choices(row)?,
        stock: stock(row)?,
        draws: item.map(drawn).transpose()?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// What changes of these products are about: they themselves, their variants, which orders change, and what those draw on.
pub fn keys_of(products: &[ProductView]) -> Locks {
    let of_product = |product: &ProductView| {
        let variants = product.variants().iter();
        let ids = variants.flat_map(|one| [Some(one.id), one.draws.as_ref().map(|one| one.item)]);
        ids.flatten().chain([product.id]).collect::<Vec<_>>()
    };
    locks::products(products.iter().flat_map(of_product))
}

/// A product that was read in order to be changed, with the keys of its variants, too.
pub fn locked(
    connection: &Connection,
    found: Option<ProductView>,
) -> Result<Option<Product>, StoreError> {
    let found = match found {
        Some(found) if found.has_options() => {
            let keys = || Ok::<_, Error>(keys_of(std::slice::from_ref(&found)));
            match connection.lock(keys)? {
                true => products::find(connection, found.id)?,
                false => Some(found),
            }
        }
        found => found,
    };
    Ok(found.map(Product::restore))
}

/// Those of these products and variants that can be ordered.
pub fn sellables(connection: &Connection, ids: &[ProductId]) -> Result<Vec<Sellable>, StoreError> {
    let rows = connection.query(SELLABLES, params![json_of(ids)])?;
    Ok(rows.iter().map(to_sellable).collect::<Result<_, _>>()?)
}

/// The same, and nobody else changes the stock that they are taken from.
pub fn locked_sellables(
    connection: &Connection,
    ids: &[ProductId],
) -> Result<Vec<Sellable>, StoreError> {
    let found = sellables(connection, ids)?;
    let keys = || {
        let others = found.iter().filter(|one| one.variant_of.is_some());
        let keys = others.flat_map(|one| [Some(one.item), one.variant_of]);
        Ok::<_, Error>(locks::products(keys.flatten()))
    };
    match connection.lock(keys)? {
        true => sellables(connection, ids),
        false => Ok(found),
    }
}

fn to_sellable(row: &Row) -> Result<Sellable, Error> {
    Ok(Sellable {
        id: rows::id(row, "id")?,
        variant_of: rows::optional_id(row, "variant_of")?,
        name: Name::stored(row.get("name")?),
        choices: json::choices(row)?,
        price: Price::stored(Money::from_units(row.get("price")?)),
        tax_class: TaxClass::stored(row.get("tax_class")?),
        weight: Weight::stored(row.get("weight")?),
        item: rows::id(row, "item_id")?,
        item_units: row.get("item_units")?,
        item_free: row.get("item_free")?,
    })
}

/// The products and variants that have these numbers; nobody else changes or deletes them.
pub fn stock_items(connection: &Connection, skus: &[&Sku]) -> Result<Vec<StockItem>, StoreError> {
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    let statement = format!("{STOCK_ITEMS}{})", placeholders(skus.len()));
    let skus: Vec<Value> = skus.iter().map(|sku| sku.as_str().into()).collect();
    let read = || {
        let rows = connection.query(&statement, &skus)?;
        rows.iter().map(to_item).collect::<Result<Vec<_>, Error>>()
    };
    let found = read()?;
    let keys = || Ok::<_, Error>(locks::products(found.iter().map(|item| item.id)));
    match connection.lock(keys)? {
        true => Ok(read()?),
        false => Ok(found),
    }
}

fn to_item(row: &Row) -> Result<StockItem, Error> {
    let draws_from: Option<ProductId> = rows::optional_id(row, "draws_from")?;
    Ok(StockItem {
        id: rows::id(row, "id")?,
        sku: Sku::stored(row.get("sku")?),
        free: row.get("stock")?,
        draws: draws_from.is_some(),
    })
}

/// Whether variants of other products draw on the stock of any of these.
pub fn is_drawn_elsewhere(
    connection: &Connection,
    ids: &[ProductId],
    product_id: ProductId,
) -> Result<bool, StoreError> {
    let parameters = params![json_of(ids), key(product_id)];
    Ok(connection.query_one(DRAWN_ELSEWHERE, parameters)?.is_some())
}

/// Writes the variants of a product where they differ from those of before, and what it offers then.
pub fn save(
    connection: &Connection,
    product: &Product,
    before: &[Variant],
) -> Result<(), StoreError> {
    let view = product.view();
    let variants = view.variants();
    if variants.is_empty() && before.is_empty() {
        return Ok(());
    }
    let is_kept = |one: &&Variant| variants.iter().any(|variant| variant.id == one.id);
    let gone: Vec<ProductId> = before
        .iter()
        .filter(|one| !is_kept(one))
        .map(|one| one.id)
        .collect();
    if !gone.is_empty() {
        connection.execute(DELETE, params![json_of(&gone), view.updated_at])?;
    }
    let known = |variant: &Variant| before.iter().find(|one| one.id == variant.id);
    let is_changed =
        |one: &&Variant| known(one).is_some_and(|before| before.version != one.version);
    // A number may go from one variant to another.
    let renumbered = variants
        .iter()
        .filter(|one| known(one).is_some_and(|before| before.sku != one.sku));
    let renumbered: Vec<ProductId> = renumbered.map(|one| one.id).collect();
    if !renumbered.is_empty() {
        connection.execute(FREE_SKUS, params![json_of(&renumbered)])?;
    }
    for variant in variants.iter().filter(is_changed) {
        let changed = connection.execute_counted(SAVE, &saved(variant))?;
        check_rows(changed, 1, "variants")?;
    }
    let new = variants
        .iter()
        .zip(0_u64..)
        .filter(|(one, _)| known(one).is_none());
    let rows = new.map(|(variant, position)| inserted(view, variant, position));
    connection.insert_rows(INSERT, rows)?;
    let ids = |variants: &[Variant]| variants.iter().map(|one| one.id).collect::<Vec<_>>();
    if !before.is_empty() && ids(before) != ids(variants) {
        connection.execute(SET_POSITIONS, params![json_of(&ids(variants))])?;
    }
    let draws = |one: &Variant| one.draws.as_ref().map(|drawn| drawn.item);
    let mut items: Vec<ProductId> = variants.iter().filter_map(draws).collect();
    items.sort_unstable();
    items.dedup();
    if !items.is_empty() {
        connection.execute(SET_DRAWN, params![json_of(&items)])?;
    }
    Ok(connection.execute(SET_OFFERED, params![key(view.id)])?)
}

fn saved(variant: &Variant) -> [Value; 11] {
    let [item, units] = drawn(variant);
    [
        key(variant.id),
        variant.title().into(),
        variant.sku.as_ref().map(Sku::as_str).into(),
        variant.price.amount().units().into(),
        variant.stock.free().into(),
        variant.version.into(),
        variant.updated_at.into(),
        variant.weight.grams().into(),
        Value::json(&json::pairs_of(&variant.choices)),
        item,
        units,
    ]
}

fn inserted(product: &ProductView, variant: &Variant, position: u64) -> [Value; 19] {
    let [item, units] = drawn(variant);
    [
        key(variant.id),
        variant.title().into(),
        "".into(),
        "".into(),
        variant.sku.as_ref().map(Sku::as_str).into(),
        variant.price.amount().units().into(),
        variant.stock.free().into(),
        variant.stock.reserved().into(),
        variant.stock.sold().into(),
        variant.version.into(),
        variant.created_at.into(),
        variant.updated_at.into(),
        variant.weight.grams().into(),
        STATUS.into(),
        key(product.id),
        position.into(),
        Value::json(&json::pairs_of(&variant.choices)),
        item,
        units,
    ]
}

fn drawn(variant: &Variant) -> [Value; 2] {
    match &variant.draws {
        Some(drawn) => [key(drawn.item), drawn.units.into()],
        None => [Value::Null, 1_u32.into()],
    }
}
