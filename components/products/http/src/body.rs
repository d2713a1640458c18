//! The bodies that admins send.

use mercato_edge::{Draft, Fields, Price};
use mercato_money::Money;
use utoipa::ToSchema;

pub use document::Changes;

use crate::bindings::mercato::products::catalogue::{
    ImportRow, NewProduct, ProductChanges, StockChange,
};
use crate::schemas::{ProductDescription, ProductName, Sku, Units};

/// A product to be.
#[derive(Debug, Default, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(
    as = NewProduct,
    example = json!({"name": "Espresso cup", "description": "Porcelain, 90 ml", "sku": "CUP-90", "price": 12.5, "stock": 20})
)]
pub struct NewProductBody {
    /// One line; blanks at its ends are taken off.
    #[schema(value_type = ProductName)]
    name: String,
    /// May have line breaks; empty when absent.
    #[schema(value_type = ProductDescription, required = false)]
    description: Option<String>,
    /// Stock keeping unit: the shop's own number, unique among products that are not deleted.
    #[schema(value_type = Option<Sku>, required = false)]
    sku: Option<String>,
    /// Price of one unit, in the shop's currency.
    #[schema(value_type = Price)]
    price: Money,
    /// Units free to sell at first; 0 when absent.
    #[schema(value_type = Units, required = false)]
    stock: Option<u64>,
}

impl NewProductBody {
    /// Notes every field that is missing, unknown or of the wrong type; the rules are the domain's.
    pub fn read(mut fields: Fields) -> Draft<Self> {
        let body = Self {
            name: fields.required("name"),
            description: fields.optional("description"),
            sku: fields.nullable("sku").flatten(),
            price: fields.required("price"),
            stock: stock(&mut fields),
        };
        fields.draft(body)
    }
}

impl From<&NewProductBody> for NewProduct {
    fn from(body: &NewProductBody) -> Self {
        Self {
            name: body.name.clone(),
            description: body.description.clone().unwrap_or_default(),
            sku: body.sku.clone(),
            price: body.price.units(),
            stock: body.stock.unwrap_or_default(),
        }
    }
}

/// What to change of a product; what is absent stays.
#[derive(Debug, Default, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProductChanges)]
pub struct ChangesBody {
    /// One line; blanks at its ends are taken off.
    #[schema(value_type = ProductName, required = false)]
    name: Option<String>,
    /// May have line breaks.
    #[schema(value_type = ProductDescription, required = false)]
    description: Option<String>,
    /// The shop's own number; `null` takes it away.
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    #[schema(value_type = Option<Sku>, required = false)]
    sku: Option<Option<String>>,
    /// Price of one unit, in the shop's currency.
    #[schema(value_type = Price, required = false)]
    price: Option<Money>,
    /// The new number of free units, whatever orders did meanwhile. Not together with `stockDelta`.
    #[schema(value_type = Units, required = false)]
    stock: Option<u64>,
    /// Added to the free units; two of them at the same time both count. Not together with `stock`.
    #[schema(value_type = i64, required = false, minimum = -1_000_000_000, maximum = 1_000_000_000)]
    stock_delta: Option<i64>,
}

impl ChangesBody {
    /// As [`NewProductBody::read`]; also notes when both `stock` and `stockDelta` are given.
    pub fn read(mut fields: Fields) -> Draft<Self> {
        if fields.contains("stock") && fields.contains("stockDelta") {
            fields.reject(
                "stockDelta",
                "exclusive",
                "must not be given together with stock",
            );
        }
        let body = Self {
            name: fields.optional("name"),
            description: fields.optional("description"),
            sku: fields.nullable("sku"),
            price: fields.optional("price"),
            stock_delta: fields.optional("stockDelta"),
            stock: stock(&mut fields),
        };
        fields.draft(body)
    }
}

impl From<&ChangesBody> for ProductChanges {
    fn from(body: &ChangesBody) -> Self {
        let delta = body.stock_delta.map(StockChange::Delta);
        Self {
            name: body.name.clone(),
            description: body.description.clone(),
            sku: body.sku.clone(),
            price: body.price.map(Money::units),
            stock: body.stock.map(StockChange::Absolute).or(delta),
        }
    }
}

/// A line of a price list in JSON; what is absent stays as it is.
#[derive(Debug, Default, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(
    as = ImportRow,
    example = json!({"sku": "CUP-90", "name": "Espresso cup", "description": "Porcelain, 90 ml", "price": 12.5, "stock": 20})
)]
pub struct ImportRowBody {
    /// The number of the product that the line is about; when there is none of it, the line makes one.
    #[schema(value_type = Sku)]
    sku: String,
    /// Needed for a new product.
    #[schema(value_type = ProductName, required = false)]
    name: Option<String>,
    /// May have line breaks.
    #[schema(value_type = ProductDescription, required = false)]
    description: Option<String>,
    /// Needed for a new product.
    #[schema(value_type = Price, required = false)]
    price: Option<Money>,
    /// The number of free units; 0 for a new product when absent.
    #[schema(value_type = Units, required = false)]
    stock: Option<u64>,
}

impl ImportRowBody {
    /// The row, and what is wrong with it.
    pub fn read(fields: &mut Fields) -> Self {
        Self {
            sku: fields.required("sku"),
            name: fields.optional("name"),
            description: fields.optional("description"),
            price: fields.optional("price"),
            stock: stock(fields),
        }
    }
}

impl From<ImportRowBody> for ImportRow {
    fn from(body: ImportRowBody) -> Self {
        Self {
            sku: body.sku,
            name: body.name,
            description: body.description,
            price: body.price.map(Money::units),
            stock: body.stock,
        }
    }
}

fn stock(fields: &mut Fields) -> Option<u64> {
    let units: i64 = fields.optional("stock")?;
    let stock = u64::try_from(units).ok();
    if stock.is_none() {
        fields.reject("stock", "min", "must not be less than 0");
    }
    stock
}

mod document {
    use std::borrow::Cow;

    use utoipa::openapi::schema::AnyOfBuilder;
    use utoipa::openapi::{RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    use super::ChangesBody;

    /// The schema of [`ChangesBody`]: with `stock` or with `stockDelta`, but not with both.
    #[allow(dead_code, reason = "only the OpenAPI document names it")]
    pub struct Changes;

    impl PartialSchema for Changes {
        fn schema() -> RefOr<Schema> {
            let whole = ChangesBody::schema();
            let without = |name: &str| {
                let mut schema = whole.clone();
                if let RefOr::T(Schema::Object(object)) = &mut schema {
                    object.properties.remove(name);
                }
                schema
            };
            let either = AnyOfBuilder::new()
                .item(without("stockDelta"))
                .item(without("stock"))
                .description(Some("What to change of a product; what is absent stays"))
                .examples([serde_json::json!({"price": 11.9, "stockDelta": 12})]);
            RefOr::T(Schema::AnyOf(either.build()))
        }
    }

    impl ToSchema for Changes {
        fn name() -> Cow<'static, str> {
            ChangesBody::name()
        }

        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            ChangesBody::schemas(schemas);
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::Problem;
    use serde_json::Value;

    use super::*;

    fn new_product(fields: Fields) -> Result<NewProduct, Problem> {
        let body = NewProductBody::read(fields).check(|_| Vec::new())?;
        Ok((&body).into())
    }

    fn changes(fields: Fields) -> Result<ProductChanges, Problem> {
        let body = ChangesBody::read(fields).check(|_| Vec::new())?;
        Ok((&body).into())
    }

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
