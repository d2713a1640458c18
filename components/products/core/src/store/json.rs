//! What stands in a column as JSON: lists that are read and written with their product, and never searched.

use std::collections::BTreeMap;

use mercato_sql::{Error, Row, Value};

use super::rows::json_of;
use crate::domain::category::CategoryId;
use crate::domain::presentation::{Attributes, Medium};

/// Media as they are stored: address and text of each.
pub fn of_media(media: &[Medium]) -> Value {
    let pair = |medium: &Medium| (medium.url().to_owned(), medium.alt().to_owned());
    let pairs: Vec<_> = media.iter().map(pair).collect();
    Value::json(&pairs)
}

/// The media of a product.
pub fn media(row: &Row) -> Result<Vec<Medium>, Error> {
    let media: Vec<(String, String)> = row.json("media")?;
    let media = media.into_iter();
    Ok(media.map(|(url, alt)| Medium::stored(url, alt)).collect())
}

/// Attributes as they are stored.
pub fn of_attributes(attributes: &Attributes) -> Value {
    Value::json(attributes.as_map())
}

/// The attributes of a product.
pub fn attributes(row: &Row) -> Result<Attributes, Error> {
    let attributes: BTreeMap<String, String> = row.json("attributes")?;
    Ok(Attributes::stored(attributes))
}

/// Identifiers as they are stored.
pub fn of_categories(categories: &[CategoryId]) -> Value {
    json_of(categories).into()
}

/// The categories of a product.
pub fn categories(row: &Row) -> Result<Vec<CategoryId>, Error> {
    let ids: Vec<String> = row.json("categories")?;
    let id = |text: &String| CategoryId::parse(text).map_err(|_| Error::not("categories", "UUIDs"));
    ids.iter().map(id).collect()
}
