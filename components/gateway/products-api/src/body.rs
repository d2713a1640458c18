//! The bodies that admins send.

use mercato_edge::{Fields, Problem};
use mercato_money::Money;

use crate::bindings::mercato::products::catalogue::{NewProduct, ProductChanges, StockChange};

/// Reads a new product: `{name, description?, sku?, price, stock?}`.
///
/// # Errors
/// 400 naming every field that is missing, unknown or of the wrong type; the rules are the domain's.
pub fn new_product(mut fields: Fields) -> Result<NewProduct, Problem> {
    let product = NewProduct {
        name: fields.required("name"),
        description: fields.optional("description").unwrap_or_default(),
        sku: fields.nullable("sku").flatten(),
        price: fields.required::<Money>("price").units(),
        stock: stock(&mut fields).unwrap_or_default(),
    };
    fields.finish()?;
    Ok(product)
}

/// Reads changes: any of `{name, description, sku, price, stock | stockDelta}`; `"sku": null` takes the number away.
///
/// # Errors
/// As [`new_product`], and when both `stock` and `stockDelta` are given.
pub fn changes(mut fields: Fields) -> Result<ProductChanges, Problem> {
    let changes = ProductChanges {
        name: fields.optional("name"),
        description: fields.optional("description"),
        sku: fields.nullable("sku"),
        price: fields.optional("price").map(Money::units),
        stock: stock_change(&mut fields),
    };
    fields.finish()?;
    Ok(changes)
}

fn stock_change(fields: &mut Fields) -> Option<StockChange> {
    if fields.contains("stock") && fields.contains("stockDelta") {
        fields.reject(
            "stockDelta",
            "exclusive",
            "must not be given together with stock",
        );
    }
    let delta = fields.optional("stockDelta").map(StockChange::Delta);
    stock(fields).map(StockChange::Absolute).or(delta)
}

fn stock(fields: &mut Fields) -> Option<u64> {
    let units: i64 = fields.optional("stock")?;
    let stock = u64::try_from(units).ok();
    if stock.is_none() {
        fields.reject("stock", "min", "must not be less than 0");
    }
    stock
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn fields(body: &str) -> Fields {
        Fields::parse(body.as_bytes()).unwrap()
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
        let product = new_product(fields(r#"{"name":"Tea","price":0.1}"#)).unwrap();
        assert_eq!(
            (&*product.name, &*product.description, product.price),
            ("Tea", "", 1_000)
        );
        assert_eq!((product.sku, product.stock), (None, 0));
        let missing = new_product(fields("{}")).unwrap_err();
        assert_eq!(
            named(&missing),
            pairs(&[("name", "required"), ("price", "required")])
        );
    }

    #[test]
    fn everything_else_can_be_given() {
        let body = r#"{"name":"Tea","description":"green","sku":"T-1","price":1e3,"stock":7}"#;
        let product = new_product(fields(body)).unwrap();
        assert_eq!(
            (product.description.as_str(), product.sku.as_deref()),
            ("green", Some("T-1"))
        );
        assert_eq!((product.price, product.stock), (10_000_000, 7));
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
            let problem = new_product(fields(body)).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), named(&problem)),
                (400, pairs(&[expected])),
                "{body}"
            );
        }
    }

    #[test]
    fn changes_are_any_subset() {
        let none = changes(fields("{}")).unwrap();
        assert!(none.name.is_none() && none.description.is_none() && none.sku.is_none());
        assert!(none.price.is_none() && none.stock.is_none());
        let some = changes(fields(r#"{"sku":null,"price":2,"stockDelta":-3}"#)).unwrap();
        assert_eq!((some.sku, some.price), (Some(None), Some(20_000)));
        assert!(matches!(some.stock, Some(StockChange::Delta(-3))));
        let stock = changes(fields(r#"{"stock":4,"sku":"A"}"#)).unwrap();
        assert_eq!(stock.sku, Some(Some("A".to_owned())));
        assert!(matches!(stock.stock, Some(StockChange::Absolute(4))));
    }

    #[test]
    fn stock_is_set_or_moved_but_not_both() {
        let both = changes(fields(r#"{"stock":1,"stockDelta":1,"id":"x"}"#)).unwrap_err();
        assert_eq!(
            named(&both),
            pairs(&[("stockDelta", "exclusive"), ("id", "unknown")])
        );
    }
}
