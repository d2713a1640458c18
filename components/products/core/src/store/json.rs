//! What stands in a column as JSON: lists that are read and written with their product, and never searched.

use std::collections::BTreeMap;

use mercato_sql::{Error, Row, Value};

use super::rows::json_of;
use crate::domain::category::CategoryId;
use crate::domain::presentation::{Attributes, Medium};
use crate::domain::variant::{Choice, ProductOption};

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

/// Options as they are stored: the name of each and its values.
pub fn of_options(options: &[ProductOption]) -> Value {
    let pair = |option: &ProductOption| (option.name.clone(), option.values.clone());
    let pairs: Vec<_> = options.iter().map(pair).collect();
    Value::json(&pairs)
}

/// The options of a product.
pub fn options(row: &Row) -> Result<Vec<ProductOption>, Error> {
    let options: Vec<(String, Vec<String>)> = row.json("options")?;
    let option = |(name, values)| ProductOption { name, values };
    Ok(options.into_iter().map(option).collect())
}

/// The names and values of choices.
pub fn pairs_of(choices: &[Choice]) -> Vec<(&str, &str)> {
    let choices = choices.iter();
    choices
        .map(|choice| (&*choice.name, &*choice.value))
        .collect()
}

/// What was chosen of a product's options.
pub fn choices(row: &Row) -> Result<Vec<Choice>, Error> {
    let choices: Vec<(String, String)> = row.json("choices")?;
    let choice = |(name, value)| Choice { name, value };
    Ok(choices.into_iter().map(choice).collect())
}
