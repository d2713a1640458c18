//! A product in JSON: what admins send of it, and what clients see of it.

use mercato_edge::{
    Context, Draft, Fields, FromJson, Id, PageMeta, Price, Problem, Reply, Timestamp,
};
use mercato_money::{Currency, Money};
use mercato_platform::clock::rfc3339;
use products::domain::product::{ProductChanges, ProductView, Seen, StockChange};
use products::domain::values::Sku as SkuValue;
use serde::Serialize;
use utoipa::ToSchema;

pub use document::Changes;

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

impl From<&NewProductBody> for ProductChanges {
    fn from(body: &NewProductBody) -> Self {
        Self {
            name: Some(body.name.clone()),
            description: body.description.clone(),
            sku: body.sku.clone().map(Some),
            price: Some(body.price),
            stock: body.stock.map(StockChange::Absolute),
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
            price: body.price,
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
    pub sku: String,
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
    /// Reads a row, of whatever format; the row notes what is wrong with it.
    pub fn read(row: &mut impl Row) -> Self {
        Self {
            sku: row.required_text("sku"),
            name: row.text("name"),
            description: row.text("description"),
            price: row.number("price"),
            stock: stock(row),
        }
    }

    /// What the row says of its product, where `count` is what its stock counts.
    pub fn changes(self, count: StockCount) -> ProductChanges {
        ProductChanges {
            sku: Some(Some(self.sku)),
            name: self.name,
            description: self.description,
            price: self.price,
            stock: self.stock.map(count),
        }
    }
}

/// What the stock of a row counts: the free units, or all on hand.
pub type StockCount = fn(u64) -> StockChange;

/// What a row is read from: the members of a JSON object, or the cells of a row of CSV.
pub trait Row {
    /// A text that must be there.
    fn required_text(&mut self, name: &'static str) -> String;

    /// A text that may be absent.
    fn text(&mut self, name: &'static str) -> Option<String>;

    /// A number that may be absent, read as in JSON.
    fn number<T: FromJson>(&mut self, name: &'static str) -> Option<T>;

    /// Notes that a rule is broken; `rest` continues the sentence after the name.
    fn reject(&mut self, name: &'static str, code: &'static str, rest: &str);
}

impl Row for Fields {
    fn required_text(&mut self, name: &'static str) -> String {
        self.required(name)
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name)
    }

    fn number<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        self.optional(name)
    }

    fn reject(&mut self, name: &'static str, code: &'static str, rest: &str) {
        self.reject(name, code, rest);
    }
}

fn stock(row: &mut impl Row) -> Option<u64> {
    let units: i64 = row.number("stock")?;
    let stock = u64::try_from(units).ok();
    if stock.is_none() {
        row.reject("stock", "min", "must not be less than 0");
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

/// To whom a product is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// They see what is for sale.
    Everyone,
    /// They also see where the other units are.
    Admins,
}

impl Audience {
    /// An admin, or anyone else.
    pub fn of(is_admin: bool) -> Self {
        if is_admin {
            Self::Admins
        } else {
            Self::Everyone
        }
    }
}

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Product)]
pub struct ProductResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    /// One line.
    #[schema(min_length = 1, max_length = 200)]
    name: &'a str,
    /// May be empty and have line breaks.
    #[schema(max_length = 5000)]
    description: &'a str,
    /// Stock keeping unit: the shop's own number, if it has one.
    #[schema(required = true, min_length = 1, max_length = 64)]
    sku: Option<&'a str>,
    /// Price of one unit.
    #[schema(value_type = Price)]
    price: Money,
    /// The shop's currency (ISO 4217).
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: &'a str,
    /// Units free to sell now.
    #[schema(minimum = 0)]
    stock: u64,
    /// Whether there are any.
    available: bool,
    /// Units held for orders that are not paid yet; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    reserved: Option<u64>,
    /// Units of paid orders; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    sold: Option<u64>,
    /// Grows by one with every change of the catalogue, from 1; orders do not count.
    #[schema(minimum = 1)]
    version: u64,
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// When the catalogue was changed last; orders do not count.
    #[schema(value_type = Timestamp)]
    updated_at: String,
}

impl<'a> ProductResource<'a> {
    /// The product for that audience.
    pub fn new(product: &'a ProductView, currency: &'a Currency, audience: Audience) -> Self {
        let for_admins = |units| (audience == Audience::Admins).then_some(units);
        let stock = product.stock;
        Self {
            id: product.id.as_str(),
            name: product.name.as_str(),
            description: product.description.as_str(),
            sku: product.sku.as_ref().map(SkuValue::as_str),
            price: product.price.amount(),
            currency: currency.code(),
            stock: stock.free(),
            available: stock.free() > 0,
            reserved: for_admins(stock.reserved()),
            sold: for_admins(stock.sold()),
            version: product.version,
            created_at: rfc3339(product.created_at),
            updated_at: rfc3339(product.updated_at),
        }
    }
}

/// One page of the catalogue.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct ProductPage<'a> {
    /// The products of the page.
    #[schema(max_items = 100)]
    data: Vec<ProductResource<'a>>,
    meta: PageMeta,
}

/// Several products for that audience.
pub fn resources<'a>(
    products: &'a [ProductView],
    currency: &'a Currency,
    audience: Audience,
) -> Vec<ProductResource<'a>> {
    products
        .iter()
        .map(|product| ProductResource::new(product, currency, audience))
        .collect()
}

/// 200 with one product and its entity tag. Orders move units without a new version, so the tag holds them too.
pub fn reply(
    product: &ProductView,
    currency: Currency,
    audience: Audience,
) -> Result<Reply, Problem> {
    let reply = Reply::json(&ProductResource::new(product, &currency, audience))?;
    let stock = product.stock;
    Ok(match audience {
        Audience::Everyone => reply.with_version(product.version, &[stock.free()]),
        Audience::Admins => reply.with_version(
            product.version,
            &[stock.free(), stock.reserved(), stock.sold()],
        ),
    })
}

/// A version that no product has.
const NO_VERSION: u64 = 0;

/// What the client has seen of a product, by the tag that its write names: see [`reply`]. A tag that no representation of a
/// product has stands for what no product is: one that does not exist is 404 all the same.
///
/// # Errors
/// 412 when the header names no tag of ours.
pub fn seen(context: &Context) -> Result<Option<Seen>, Problem> {
    let Some(tag) = context.expected_tag()? else {
        return Ok(None);
    };
    let (version, free, of_orders) = match *tag.numbers() {
        [version, free] => (version, free, None),
        [version, free, reserved, sold] => (version, free, Some((reserved, sold))),
        _ => (NO_VERSION, 0, None),
    };
    Ok(Some(Seen {
        version,
        free,
        of_orders,
    }))
}

#[cfg(test)]
pub mod tests {
    use products::domain::product::Product;
    use products::domain::stock::Stock;
    use products::domain::values::ProductId;
    use serde_json::Value;

    use super::*;

    fn new_product(fields: Fields) -> Result<ProductChanges, Problem> {
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
        let tea = ProductChanges {
            name: Some("Tea".to_owned()),
            price: Some(Money::from_units(1_000)),
            ..ProductChanges::default()
        };
        assert_eq!(product, tea);
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
        assert_eq!(none, ProductChanges::default());
        let some = changes(fields(r#"{"sku":null,"price":2,"stockDelta":-3}"#)).unwrap();
        assert_eq!(
            (some.sku, some.price),
            (Some(None), Some(Money::from_units(20_000)))
        );
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

    /// The shop's currency.
    pub fn euro() -> Currency {
        "EUR".parse().unwrap()
    }

    /// A product of which none is free.
    pub fn tea() -> ProductView {
        let new = ProductChanges {
            name: Some("Tea".to_owned()),
            price: Some(Money::from_units(49_900)),
            ..ProductChanges::default()
        };
        let id = ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        ProductView {
            stock: Stock::restore(0, 2, 5),
            version: 3,
            updated_at: 1_709_164_800_123,
            ..Product::create(id, &new, 0).unwrap().into_view()
        }
    }

    #[test]
    fn a_shopper_sees_what_is_for_sale() {
        let reply = reply(&tea(), euro(), Audience::Everyone).unwrap();
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","name":"Tea","description":"","sku":null,"#,
                r#""price":4.99,"currency":"EUR","stock":0,"available":false,"version":3,"#,
                r#""createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"2024-02-29T00:00:00.123Z"}"#
            )
        );
    }

    #[test]
    fn an_admin_also_sees_where_the_other_units_are() {
        let (tea, euro) = (tea(), euro());
        let shown = ProductResource::new(&tea, &euro, Audience::Admins);
        let value = serde_json::to_value(shown).unwrap();
        assert_eq!(
            (value["reserved"].as_u64(), value["sold"].as_u64()),
            (Some(2), Some(5))
        );
        assert_eq!(Audience::of(true), Audience::Admins);
        assert_eq!(Audience::of(false), Audience::Everyone);
    }
}
