//! The parts that the statements of lists are made of.

use mercato_kernel::{Key, Named as _, PageStart};
use mercato_sql::Value;

use super::driver::Driver;
use crate::domain::category::CategoryId;
use crate::domain::facet::{FacetValue, Wanted};
use crate::domain::listing::{Listing, Place, Sort, SortKey};
use crate::store::products::PRODUCT_COLUMNS;
use crate::store::rows::{json_of, key};

/// A statement with its parameters, in the order in which they stand in it.
#[derive(Default)]
pub struct Statement {
    /// Its text.
    pub sql: String,
    /// What its question marks stand for.
    pub parameters: Vec<Value>,
}

impl Statement {
    /// A statement that begins so.
    pub fn new(sql: &str, parameters: impl IntoIterator<Item = Value>) -> Self {
        let mut statement = Self::default();
        statement.add(sql, parameters);
        statement
    }

    /// Products with what they are sorted by, of tables that are to be added.
    pub fn select_products(sort_key: &str) -> Self {
        Self::new(
            &format!("SELECT {PRODUCT_COLUMNS}, {sort_key} AS sort_key"),
            [],
        )
    }

    /// Gathers the products of tables that are to be added, as `found`.
    pub fn gather(listing: &Listing) -> Self {
        let key = column(listing.sort.key);
        let with = format!("WITH found (id, sort_key) AS MATERIALIZED (\nSELECT p.id, {key}");
        Self::new(&with, [])
    }

    /// Counts what a filter lets through, up to a limit.
    pub fn filtered(listing: &Listing, driver: Driver, limit: u64) -> Self {
        let mut statement = Self::new("SELECT COUNT(*) AS number\nFROM (\nSELECT 1", []);
        statement.add_filtered_products(listing, driver);
        statement.add_limit(limit, 0);
        statement.add(") AS counted", []);
        statement
    }

    /// Goes on with that text.
    pub fn add(&mut self, sql: &str, parameters: impl IntoIterator<Item = Value>) {
        self.sql.push_str(sql);
        self.parameters.extend(parameters);
    }

    /// `FROM products` by that index, of which SQLite may use no other.
    pub fn add_products(&mut self, index: &str, listing: &Listing) {
        let from = format!(
            "\nFROM products AS p INDEXED BY {index} -- plan: what a limit ends, or was counted before"
        );
        self.add(&from, []);
        self.add_shown(listing);
    }

    /// The products that are not deleted and have the status of the list.
    pub fn add_shown(&mut self, listing: &Listing) {
        self.add("\nWHERE p.deleted_at IS NULL AND p.variant_of IS NULL", []);
        if let Some(status) = listing.status {
            // No parameter: each database knows how many there are of each.
            self.add(&format!("\n  AND p.status = '{}'", status.name()), []);
        }
    }

    /// `FROM products` by their identifiers, or by the number: few rows, each looked up by its key.
    pub fn add_named_products(&mut self, listing: &Listing) {
        self.add("\nFROM products AS p", []);
        self.add_shown(listing);
        if let Some(ids) = &listing.ids {
            self.add(
                "\n  AND p.id IN (SELECT coalesce(variant_of, id) FROM products WHERE id IN (SELECT value FROM json_each(?)))",
                [json_of(ids).into()],
            );
        }
        if let Some(sku) = &listing.sku {
            let has_number = "
  AND p.id = (SELECT coalesce(variant_of, id) FROM products WHERE sku = ? AND deleted_at IS NULL)";
            self.add(has_number, [sku.as_str().into()]);
        }
    }

    /// `FROM products` that a filter lets through: those of its driver, of which each is asked for the rest.
    pub fn add_filtered_products(&mut self, listing: &Listing, driver: Driver) {
        let mut rest = listing.choices.as_slice();
        match (driver, listing.category) {
            (Driver::Category, Some(category)) => {
                let from = "
FROM category_products AS m CROSS JOIN products AS p ON p.id = m.product_id";
                self.add(from, []);
                self.add_shown(listing);
                self.add("\n  AND m.category_id = ?", [key(category)]);
                self.add_choices(rest);
            }
            (Driver::Choice(place), category) if place < rest.len() => {
                let from = "
FROM product_facets AS f CROSS JOIN products AS p ON p.id = f.product_id";
                self.add(from, []);
                self.add_shown(listing);
                let (before, from_it) = rest.split_at(place);
                if let Some((choice, behind)) = from_it.split_first() {
                    self.add_first_choice(choice);
                    self.add_choices(before);
                    rest = behind;
                }
                self.add_choices(rest);
                self.add_category(category);
            }
            (_, category) => {
                self.add_products(index_of_filter(listing), listing);
                self.add_choices(rest);
                self.add_category(category);
            }
        }
        self.add_price_and_stock(listing);
    }

    /// What has one of the values of a choice, from the table of facets as `f`. What can have several of them is found by the first.
    fn add_first_choice(&mut self, choice: &Wanted) {
        self.add("\n  AND f.name = ?", [choice.name.as_str().into()]);
        self.add_values("\n  AND f.value", choice);
        if choice.name.has_several_values() && choice.values.len() > 1 {
            let is_first = "
  AND NOT EXISTS (
    SELECT 1
    FROM product_facets AS other
    WHERE other.product_id = f.product_id AND other.name = f.name AND other.value < f.value";
            self.add(is_first, []);
            self.add_values("\n    AND other.value", choice);
            self.add(")", []);
        }
    }

    fn add_choices(&mut self, choices: &[Wanted]) {
        for choice in choices {
            let has = "
  AND EXISTS (
    SELECT 1
    FROM product_facets AS has
    WHERE has.product_id = p.id AND has.name = ?";
            self.add(has, [choice.name.as_str().into()]);
            self.add_values("\n    AND has.value", choice);
            self.add(")", []);
        }
    }

    /// A column has one of the values of a choice.
    pub fn add_values(&mut self, column: &str, choice: &Wanted) {
        let values: Vec<&str> = choice.values.iter().map(FacetValue::as_str).collect();
        if let [value] = values.as_slice() {
            self.add(&format!("{column} = ?"), [(*value).into()]);
        } else {
            let is_in = format!("{column} IN (SELECT value FROM json_each(?))");
            self.add(&is_in, [Value::json(&values)]);
        }
    }

    fn add_category(&mut self, category: Option<CategoryId>) {
        if let Some(category) = category {
            let is_in = "
  AND EXISTS (SELECT 1 FROM category_products AS m WHERE m.category_id = ? AND m.product_id = p.id)";
            self.add(is_in, [key(category)]);
        }
    }

    /// What a list asks of a product beside its words.
    pub fn add_filter(&mut self, listing: &Listing) {
        self.add_category(listing.category);
        self.add_choices(&listing.choices);
        self.add_price_and_stock(listing);
    }

    /// What a list asks of price and stock.
    pub fn add_price_and_stock(&mut self, listing: &Listing) {
        for (condition, price) in [
            ("\n  AND p.price >= ?", listing.min_price),
            ("\n  AND p.price <= ?", listing.max_price),
        ] {
            if let Some(price) = price {
                self.add(condition, [price.amount().units().into()]);
            }
        }
        match listing.in_stock {
            Some(true) => self.add("\n  AND p.available > 0", []),
            Some(false) => self.add("\n  AND p.available = 0", []),
            None => {}
        }
    }

    /// A page by cursor begins at its place, not after so many rows.
    pub fn add_start(&mut self, conjunction: &str, columns: (&str, &str), listing: &Listing) {
        if let PageStart::After((key, id)) = &listing.start {
            let beyond = if listing.sort.descending { "<" } else { ">" };
            self.add_place(conjunction, columns, beyond, key, id);
        }
    }

    /// A condition on the place of a product in the order.
    pub fn add_place(
        &mut self,
        conjunction: &str,
        (key_column, id_column): (&str, &str),
        comparison: &str,
        key: &Key,
        id: &str,
    ) {
        let condition =
            format!("\n  {conjunction} ({key_column}, {id_column}) {comparison} (?, ?)");
        self.add(&condition, [to_value(key), id.into()]);
    }

    /// A walk ends at that place.
    pub fn add_horizon(&mut self, columns: (&str, &str), (key, id): &Place, listing: &Listing) {
        let until = if listing.sort.descending { ">=" } else { "<=" };
        self.add_place("AND", columns, until, key, id);
    }

    /// The order, and as many rows as the page takes and one more, which says that there is a next page.
    pub fn add_end(&mut self, columns: (&str, &str), listing: &Listing) {
        self.add(&order_by(columns, listing.sort), []);
        self.add_limit(rows_wanted(listing), offset(listing));
    }

    /// The page of what was found, sorted by key and identifier; the rest is read of the products of the page alone. The
    /// column `total` is the number of all that were found.
    pub fn add_sorted_page(&mut self, listing: &Listing) {
        self.add(
            ",\npage (id, sort_key) AS MATERIALIZED ( -- plan: sorts few, which were counted before\n\
             SELECT id, sort_key\nFROM found",
            [],
        );
        self.add_start("WHERE", ("sort_key", "id"), listing);
        self.add_end(("sort_key", "id"), listing);
        let columns = format!(
            ")\nSELECT {PRODUCT_COLUMNS}, page.sort_key AS sort_key, (SELECT COUNT(*) FROM found) AS total\n\
             FROM page CROSS JOIN products AS p ON p.id = page.id"
        );
        self.add(&columns, []);
        self.add(&order_by(("page.sort_key", "p.id"), listing.sort), []);
    }

    /// So many rows after so many.
    pub fn add_limit(&mut self, rows: u64, offset: u64) {
        if offset == 0 {
            self.add("\nLIMIT ?", [rows.into()]);
        } else {
            self.add("\nLIMIT ? OFFSET ?", [rows.into(), offset.into()]);
        }
    }
}

/// Rows of a page, and one more.
pub fn rows_wanted(listing: &Listing) -> u64 {
    u64::from(listing.request.rows_to_read())
}

/// Rows that a page skips.
pub const fn offset(listing: &Listing) -> u64 {
    match listing.start {
        PageStart::Offset(before) => before,
        PageStart::After(_) => 0,
    }
}

/// Whether the products are asked for by their identifiers or by the number.
pub const fn has_names(listing: &Listing) -> bool {
    listing.ids.is_some() || listing.sku.is_some()
}

/// Whether anything is asked of a product beside its words.
pub const fn has_filter(listing: &Listing) -> bool {
    asks_of_price_or_stock(listing) || listing.category.is_some() || !listing.choices.is_empty()
}

/// Whether a list asks something of price or stock.
pub const fn asks_of_price_or_stock(listing: &Listing) -> bool {
    listing.min_price.is_some() || listing.max_price.is_some() || listing.in_stock.is_some()
}

/// Whether the index of the order has just what the filter lets through.
pub fn is_in_one_index(listing: &Listing) -> bool {
    listing.sort.key == SortKey::Price && listing.category.is_none() && listing.choices.is_empty()
}

/// The clause for an order.
pub fn order_by((key, id): (&str, &str), sort: Sort) -> String {
    let direction = if sort.descending { " DESC" } else { "" };
    format!("\nORDER BY {key}{direction}, {id}{direction}")
}

/// The column behind an order. Nothing is relevant without a search, where [`Listing`] never asks for it.
pub const fn column(key: SortKey) -> &'static str {
    match key {
        SortKey::Created | SortKey::Relevance => "p.created_at",
        SortKey::Updated => "p.updated_at",
        SortKey::Name => "p.name_key",
        SortKey::Price => "p.price",
        SortKey::Stock => "p.available",
    }
}

/// The index that has the products of a list in its order.
pub const fn index_of_order(listing: &Listing) -> &'static str {
    match listing.sort.key {
        SortKey::Created | SortKey::Relevance => "products_by_age",
        SortKey::Updated => "products_by_change",
        SortKey::Name => "products_by_name",
        SortKey::Price => index_of_filter(listing),
        SortKey::Stock => "products_by_stock",
    }
}

/// The index that has just the products that a filter lets through.
pub const fn index_of_filter(listing: &Listing) -> &'static str {
    match listing.in_stock {
        None => "products_by_price",
        Some(true) => "products_for_sale_by_price",
        Some(false) => "products_sold_out_by_price",
    }
}

fn to_value(key: &Key) -> Value {
    match key {
        Key::Integer(number) => (*number).into(),
        Key::Text(text) => text.as_str().into(),
    }
}
