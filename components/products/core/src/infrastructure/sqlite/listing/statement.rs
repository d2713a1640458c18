//! The parts that the statements of lists are made of.

use mercato_kernel::Key;
use mercato_sqlite::Value;

use crate::domain::listing::{Listing, Sort, SortKey, Start};

/// What a list shows of a product.
pub const PRODUCT_COLUMNS: &str = "\
p.id, p.name, p.description, p.sku, p.price, p.stock, p.reserved, p.sold, p.version, p.created_at, p.updated_at,
  p.deleted_at";

/// Position of the sort key behind [`PRODUCT_COLUMNS`].
pub const SORT_KEY_COLUMN: usize = 12;

/// Position of the number of all products behind the sort key, in statements that gather all of them.
pub const TOTAL_COLUMN: usize = 13;

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

    /// Goes on with that text.
    pub fn add(&mut self, sql: &str, parameters: impl IntoIterator<Item = Value>) {
        self.sql.push_str(sql);
        self.parameters.extend(parameters);
    }

    /// `FROM products` by that index, of which SQLite may use no other.
    pub fn add_products(&mut self, index: &str) {
        let from = format!("\nFROM products AS p INDEXED BY {index}\nWHERE p.deleted_at IS NULL");
        self.add(&from, []);
    }

    /// `FROM products` by their identifiers, or by the number: few rows, each looked up by its key.
    pub fn add_named_products(&mut self, listing: &Listing) {
        self.add("\nFROM products AS p\nWHERE p.deleted_at IS NULL", []);
        if let Some(ids) = &listing.ids {
            let ids: Vec<String> = ids
                .iter()
                .map(|id| format!("\"{}\"", id.as_str()))
                .collect();
            let ids = format!("[{}]", ids.join(","));
            self.add(
                "\n  AND p.id IN (SELECT value FROM json_each(?))",
                [ids.into()],
            );
        }
        if let Some(sku) = &listing.sku {
            self.add("\n  AND p.sku = ?", [sku.as_str().into()]);
        }
    }

    /// What a list asks of a product beside its words.
    pub fn add_filter(&mut self, listing: &Listing) {
        for (condition, price) in [
            ("\n  AND p.price >= ?", listing.min_price),
            ("\n  AND p.price <= ?", listing.max_price),
        ] {
            if let Some(price) = price {
                self.add(condition, [price.amount().units().into()]);
            }
        }
        match listing.in_stock {
            Some(true) => self.add("\n  AND p.stock > 0", []),
            Some(false) => self.add("\n  AND p.stock = 0", []),
            None => {}
        }
    }

    /// A page by cursor begins at its place, not after so many rows.
    pub fn add_start(&mut self, conjunction: &str, columns: (&str, &str), listing: &Listing) {
        if let Start::After(key, id) = &listing.start {
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

    /// The order, and as many rows as the page takes and one more, which says that there is a next page.
    pub fn add_end(&mut self, columns: (&str, &str), listing: &Listing) {
        self.add(&order_by(columns, listing.sort), []);
        self.add_limit(rows_wanted(listing), offset(listing));
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
    u64::from(listing.limit) + 1
}

/// Rows that a page skips.
pub const fn offset(listing: &Listing) -> u64 {
    match listing.start {
        Start::Offset(before) => before,
        Start::After(..) => 0,
    }
}

/// Whether the products are asked for by their identifiers or by the number.
pub const fn has_names(listing: &Listing) -> bool {
    listing.ids.is_some() || listing.sku.is_some()
}

/// Whether anything is asked of a product beside its words.
pub const fn has_filter(listing: &Listing) -> bool {
    listing.min_price.is_some() || listing.max_price.is_some() || listing.in_stock.is_some()
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
        SortKey::Stock => "p.stock",
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
