//! What admins send of a product. The rules are the domain's.

use mercato_edge::{Price, body};
use products::domain::product::{ProductChanges, StockChange};

use crate::values::{ProductDescription, ProductName, Sku, Units};

/// A product to be.
#[body(
    as = NewProduct,
    example = json!({"name": "Espresso cup", "description": "Porcelain, 90 ml", "sku": "CUP-90", "price": 12.5, "stock": 20})
)]
#[derive(Debug)]
pub struct NewProductBody {
    /// One line; blanks at its ends are taken off.
    name: ProductName,
    /// May have line breaks; empty when absent.
    description: Option<ProductDescription>,
    /// Stock keeping unit: the shop's own number, unique among products that are not deleted.
    #[field(null)]
    sku: Option<Sku>,
    /// Price of one unit, in the shop's currency.
    price: Price,
    /// Units free to sell at first; 0 when absent.
    stock: Option<Units>,
}

impl From<&NewProductBody> for ProductChanges {
    fn from(body: &NewProductBody) -> Self {
        Self {
            name: Some(body.name.clone().into()),
            description: body.description.clone().map(Into::into),
            sku: body.sku.clone().map(|sku| Some(sku.into())),
            price: Some(body.price.0),
            stock: body.stock.map(|units| StockChange::Absolute(units.0)),
        }
    }
}

/// What to change of a product; what is absent stays.
#[body(
    as = ProductChanges,
    exclusive(stock, stock_delta),
    example = json!({"price": 11.9, "stockDelta": 12})
)]
#[derive(Debug)]
pub struct ChangesBody {
    /// One line; blanks at its ends are taken off.
    name: Option<ProductName>,
    /// May have line breaks.
    description: Option<ProductDescription>,
    /// The shop's own number; `null` takes it away.
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    sku: Option<Option<Sku>>,
    /// Price of one unit, in the shop's currency.
    price: Option<Price>,
    /// The new number of free units, whatever orders did meanwhile. Not together with `stockDelta`.
    stock: Option<Units>,
    /// Added to the free units; two of them at the same time both count. Not together with `stock`.
    #[schema(value_type = i64, required = false, minimum = -1_000_000_000, maximum = 1_000_000_000)]
    stock_delta: Option<i64>,
}

impl From<&ChangesBody> for ProductChanges {
    fn from(body: &ChangesBody) -> Self {
        let delta = body.stock_delta.map(StockChange::Delta);
        let stock = body.stock.map(|units| StockChange::Absolute(units.0));
        Self {
            name: body.name.clone().map(Into::into),
            description: body.description.clone().map(Into::into),
            sku: body.sku.clone().map(|sku| sku.map(Into::into)),
            price: body.price.map(|price| price.0),
            stock: stock.or(delta),
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::Problem;
    use mercato_edge::examples::from_json;
    use mercato_money::Money;
    use serde_json::Value;

    use super::*;

    fn new_product(body: &str) -> Result<ProductChanges, Problem> {
        let body: NewProductBody = from_json(body)?;
        Ok((&body).into())
    }

    fn changes(body: &str) -> Result<ProductChanges, Problem> {
        let body: ChangesBody = from_json(body)?;
        Ok((&body).into())
    }

    fn named(problem: &Problem) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let document = problem.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| (text(&error["field"]), text(&error["code"])))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect()
    }

    #[test]
    fn a_new_product_needs_a_name_and_a_price() {
        let product = new_product(r#"{"name":"Tea","price":0.1}"#).unwrap();
        let tea = ProductChanges {
            name: Some("Tea".to_owned()),
            price: Some(Money::from_units(1_000)),
            ..ProductChanges::default()
        };
        assert_eq!(product, tea);
        let missing = new_product("{}").unwrap_err();
        assert_eq!(
            named(&missing),
            pairs(&[("name", "required"), ("price", "required")])
        );
    }

    #[test]
    fn everything_else_can_be_given() {
        let body = r#"{"name":"Tea","description":"green","sku":"T-1","price":1e3,"stock":7}"#;
        let product = new_product(body).unwrap();
        let tea = ProductChanges {
            name: Some("Tea".to_owned()),
            description: Some("green".to_owned()),
            sku: Some(Some("T-1".to_owned())),
            price: Some(Money::from_units(10_000_000)),
            stock: Some(StockChange::Absolute(7)),
        };
        assert_eq!(product, tea);
    }

    #[test]
    fn prices_are_never_rounded_and_stock_is_whole() {
        for (body, expected) in [
            (r#"{"name":"a","price":0.00001}"#, ("price", "precision")),
            (r#"{"name":"a","price":"1"}"#, ("price", "type")),
            (r#"{"name":"a","price":1e30}"#, ("price", "max")),
            (r#"{"name":"a","price":1,"stock":1.5}"#, ("stock", "type")),
            (r#"{"name":"a","price":1,"stock":-1}"#, ("stock", "min")),
            (r#"{"name":"a","price":1,"stock":null}"#, ("stock", "type")),
            (
                r#"{"name":"a","price":1,"reserved":1}"#,
                ("reserved", "unknown"),
            ),
            (r#"{"name":null,"price":1}"#, ("name", "type")),
        ] {
            let problem = new_product(body).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), named(&problem)),
                (400, pairs(&[expected])),
                "{body}"
            );
        }
    }

    #[test]
    fn changes_are_any_subset() {
        let none = changes("{}").unwrap();
        assert_eq!(none, ProductChanges::default());
        let some = changes(r#"{"sku":null,"price":2,"stockDelta":-3}"#).unwrap();
        assert_eq!(
            (some.sku, some.price),
            (Some(None), Some(Money::from_units(20_000)))
        );
        assert!(matches!(some.stock, Some(StockChange::Delta(-3))));
        let stock = changes(r#"{"stock":4,"sku":"A"}"#).unwrap();
        assert_eq!(stock.sku, Some(Some("A".to_owned())));
        assert!(matches!(stock.stock, Some(StockChange::Absolute(4))));
    }

    #[test]
    fn stock_is_set_or_moved_but_not_both() {
        let both = changes(r#"{"stock":1,"stockDelta":1,"id":"x"}"#).unwrap_err();
        assert_eq!(
            named(&both),
            pairs(&[("stockDelta", "exclusive"), ("id", "unknown")])
        );
    }
}
