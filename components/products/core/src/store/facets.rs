//! The table of facets: attributes and options of the products that are not deleted, by name and value.

use mercato_kernel::ProductId;
use mercato_sql::{Connection, Error, Value, params};

use super::rows::key;
use crate::domain::error::StoreError;
use crate::domain::facet::facets_of;
use crate::domain::product::Product;

/// The parameter lists products with a name and a value each.
const ENTER: &str = "\
INSERT INTO product_facets (name, value, product_id)
SELECT json_extract(made.value, '$[1]'), json_extract(made.value, '$[2]'), json_extract(made.value, '$[0]')
FROM json_each(?) AS made
WHERE true
ON CONFLICT (name, value, product_id) DO NOTHING";

/// Removes what a product does not have any more.
const LEAVE: &str = "\
DELETE FROM product_facets
WHERE product_id = ?
  AND (name, value) NOT IN (
    SELECT json_extract(made.value, '$[1]'), json_extract(made.value, '$[2]')
    FROM json_each(?) AS made)";

/// Enters the facets of new products.
pub fn enter(connection: &Connection, products: &[&Product]) -> Result<(), StoreError> {
    Ok(write(connection, &rows_of(products))?)
}

/// Enters the facets that a product has now, and removes those that it does not have any more.
pub fn renew(connection: &Connection, product: &Product) -> Result<(), StoreError> {
    let rows = rows_of(&[product]);
    let id = product.view().id;
    connection.execute(LEAVE, params![key(id), Value::json(&rows)])?;
    Ok(write(connection, &rows)?)
}

fn rows_of<'a>(products: &[&'a Product]) -> Vec<(String, String, &'a str)> {
    let living = products
        .iter()
        .filter(|product| product.deleted_at().is_none());
    let rows = living.flat_map(|product| {
        let id: ProductId = product.view().id;
        facets_of(product.view()).map(move |(name, value)| (id.to_string(), name, value))
    });
    rows.collect()
}

fn write(connection: &Connection, rows: &[(String, String, &str)]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    connection.execute(ENTER, params![Value::json(&rows)])
}
