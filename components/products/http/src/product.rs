//! A product as clients see it.

use mercato_edge::{ExpectedTag, Listed, Price, Tagged, Timestamp};
use mercato_kernel::{Caller, ProductId};
use mercato_money::Currency;
use products::domain::product::{ProductView, Seen};
use serde::Serialize;
use utoipa::ToSchema;

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
    pub fn of(caller: Option<Caller>) -> Self {
        if caller.is_some_and(|caller| caller.is_admin()) {
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
pub struct ProductResource {
    id: ProductId,
    /// One line.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// May be empty and have line breaks.
    #[schema(max_length = 5000)]
    description: String,
    /// Stock keeping unit: the shop's own number, if it has one.
    #[schema(required = true, min_length = 1, max_length = 64)]
    sku: Option<String>,
    /// Price of one unit.
    price: Price,
    /// The shop's currency (ISO 4217).
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
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
    created_at: Timestamp,
    /// When the catalogue was changed last; orders do not count.
    updated_at: Timestamp,
}

impl ProductResource {
    /// The product for that audience.
    pub fn new(product: ProductView, currency: Currency, audience: Audience) -> Self {
        let for_admins = |units| (audience == Audience::Admins).then_some(units);
        let stock = product.stock;
        Self {
            id: ProductId::parse(product.id.as_str()).unwrap_or_else(|_| todo!()),
            name: product.name.into(),
            description: product.description.into(),
            sku: product.sku.map(Into::into),
            price: product.price.amount().into(),
            currency: currency.to_string(),
            stock: stock.free(),
            available: stock.free() > 0,
            reserved: for_admins(stock.reserved()),
            sold: for_admins(stock.sold()),
            version: product.version,
            created_at: Timestamp(product.created_at),
            updated_at: Timestamp(product.updated_at),
        }
    }
}

impl Listed for ProductResource {
    const PAGE: &'static str = "ProductPage";
    const MEANING: &'static str = "One page of the catalogue.";
    const ORDER: &'static str = "The products of the page.";
}

/// One product and its entity tag. Orders move units without a new version, so the tag holds them too.
pub fn tagged(
    product: ProductView,
    currency: Currency,
    audience: Audience,
) -> Tagged<ProductResource> {
    let (version, stock) = (product.version, product.stock);
    let shown = Tagged::new(ProductResource::new(product, currency, audience), version);
    match audience {
        Audience::Everyone => shown.and(&[stock.free()]),
        Audience::Admins => shown.and(&[stock.free(), stock.reserved(), stock.sold()]),
    }
}

/// A version that no product has.
const NO_VERSION: u64 = 0;

/// What the client has seen of a product, by the tag that its write names: see [`tagged`]. A tag that no representation of a
/// product has stands for what no product is: one that does not exist is 404 all the same.
pub fn seen(ExpectedTag(tag): ExpectedTag) -> Option<Seen> {
    let (version, free, of_orders) = match *tag?.numbers() {
        [version, free] => (version, free, None),
        [version, free, reserved, sold] => (version, free, Some((reserved, sold))),
        _ => (NO_VERSION, 0, None),
    };
    Some(Seen {
        version,
        free,
        of_orders,
    })
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
