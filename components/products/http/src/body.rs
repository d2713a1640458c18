//! What admins send of a product. Texts are read by the domain's types; the other rules are the domain's, too.

use mercato_edge::{Fields, FromFields, FromJson, Price, Refusal, body};
use products::domain::category::CategoryId;
use products::domain::presentation::{ATTRIBUTE_CHARS_MAX, ATTRIBUTES_MAX, MediumDraft, Status};
use products::domain::product::{ProductChanges, StockChange};
use products::domain::slug::Slug;
use products::domain::values::{Description, Name, Sku, TaxClass, Weight};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A number of free units that a product may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(minimum = 0, maximum = 1_000_000_000, example = 20)]
struct Units(u64);

impl FromJson for Units {
    fn placeholder() -> Self {
        Self(0)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let units = u64::try_from(i64::from_json(json)?);
        units
            .map(Self)
            .map_err(|_| ("min", "must not be less than 0".into()))
    }
}

/// Makes a struct a body about a product. Between members of its own it has those that every body may have: a new field stands here,
/// once, unless a body must have it.
macro_rules! product_body {
    ($(#[$attribute:meta])* $name:ident { $($before:tt)* } { $($after:tt)* }) => {
        $(#[$attribute])*
        #[derive(Debug)]
        pub struct $name {
            $($before)*
            /// May have line breaks.
            description: Option<Description>,
            /// How the product is taxed: the name of a class that the tax settings of checkouts know; `standard` when nobody says it.
            tax_class: Option<TaxClass>,
            /// Weight of one unit, for shipping; 0 when it is not known.
            weight_grams: Option<Weight>,
            $($after)*
        }

        impl $name {
            /// What the members say that every body may have.
            fn common(&self) -> ProductChanges {
                ProductChanges {
                    description: self.description.clone(),
                    tax_class: self.tax_class.clone(),
                    weight: self.weight_grams,
                    ..ProductChanges::default()
                }
            }
        }
    };
}

/// A picture or another medium of a product.
#[body(as = MediumInput)]
#[derive(Debug)]
pub struct MediumBody {
    /// Its address: one that begins with `https://`, or a path of the shop that begins with `/`.
    #[schema(
        min_length = 1,
        max_length = 2000,
        example = "https://cdn.example.com/cup.jpg"
    )]
    url: String,
    /// What stands for it where it is not shown.
    #[schema(value_type = String, required = false, max_length = 500, example = "A white cup on a saucer")]
    alt: Option<String>,
}

impl From<&MediumBody> for MediumDraft {
    fn from(body: &MediumBody) -> Self {
        Self {
            url: body.url.clone(),
            alt: body.alt.clone().unwrap_or_default(),
        }
    }
}

/// What is said of a product by names of the shop's own.
#[derive(Debug)]
pub struct AttributesBody(Vec<(String, String)>);

impl FromFields for AttributesBody {
    const NAMES: &'static [&'static str] = &[];

    fn from_fields(fields: &mut Fields) -> Self {
        Self(fields.others())
    }
}

impl PartialSchema for AttributesBody {
    fn schema() -> RefOr<Schema> {
        let value = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(ATTRIBUTE_CHARS_MAX));
        let schema = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "What is said of the product by names of the shop's own, of at most 50 characters each",
            ))
            .additional_properties(Some(value))
            .max_properties(Some(ATTRIBUTES_MAX))
            .examples([serde_json::json!({"material": "Porcelain"})]);
        RefOr::T(Schema::Object(schema.build()))
    }
}

impl ToSchema for AttributesBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "Attributes".into()
    }
}

/// Makes a struct a [`product_body`] with what rows of price lists do not have.
macro_rules! written_product_body {
    ($(#[$attribute:meta])* $name:ident { $($before:tt)* } { $($after:tt)* }) => {
        product_body! {
            $(#[$attribute])* $name { $($before)* } {
                /// The readable address: unique among products that are not deleted, and made from the name when a new product has none.
                /// After a change the one of before leads on to it.
                slug: Option<Slug>,
                /// A `draft` and what is `archived` exist for admins alone; `published` when a new product does not say it.
                status: Option<Status>,
                /// All pictures and other media, in their order.
                #[schema(value_type = Vec<MediumBody>, required = false, max_items = 20)]
                media: Option<Vec<MediumBody>>,
                /// All that is said of it by name.
                #[field(object)]
                attributes: Option<AttributesBody>,
                /// The ids of all categories that it is in; it is in those that hold them, too.
                #[field(values)]
                #[schema(value_type = Vec<CategoryId>, required = false, max_items = 20)]
                categories: Option<Vec<CategoryId>>,
                $($after)*
            }
        }

        impl $name {
            /// What the members say that both bodies may have.
            fn written(&self) -> ProductChanges {
                let media = self.media.as_ref();
                let attributes = self.attributes.as_ref();
                ProductChanges {
                    slug: self.slug.clone(),
                    status: self.status,
                    media: media.map(|media| media.iter().map(Into::into).collect()),
                    attributes: attributes.map(|attributes| attributes.0.clone()),
                    categories: self.categories.clone(),
                    ..self.common()
                }
            }
        }
    };
}

written_product_body! {
    /// A product to be.
    #[body(
        as = NewProduct,
        example = json!({"name": "Espresso cup", "description": "Porcelain, 90 ml", "sku": "CUP-90", "price": 12.5, "stock": 20})
    )]
    NewProductBody {
        /// One line; blanks at its ends are taken off.
        name: Name,
    } {
        /// Stock keeping unit: the shop's own number, unique among products that are not deleted.
        #[field(null)]
        sku: Option<Sku>,
        /// Price of one unit, in the shop's currency.
        price: Price,
        /// Units free to sell at first; 0 when absent.
        stock: Option<Units>,
    }
}

impl From<&NewProductBody> for ProductChanges {
    fn from(body: &NewProductBody) -> Self {
        Self {
            name: Some(body.name.clone()),
            sku: body.sku.clone().map(Some),
            price: Some(body.price.0),
            stock: body.stock.map(|units| StockChange::Absolute(units.0)),
            ..body.written()
        }
    }
}

written_product_body! {
    /// What to change of a product; what is absent stays.
    #[body(
        as = ProductChanges,
        exclusive(stock, stock_delta),
        example = json!({"price": 11.9, "stockDelta": 12})
    )]
    ChangesBody {
        /// One line; blanks at its ends are taken off.
        name: Option<Name>,
    } {
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
}

impl From<&ChangesBody> for ProductChanges {
    fn from(body: &ChangesBody) -> Self {
        let delta = body.stock_delta.map(StockChange::Delta);
        let stock = body.stock.map(|units| StockChange::Absolute(units.0));
        Self {
            name: body.name.clone(),
            sku: body.sku.clone(),
            price: body.price.map(|price| price.0),
            stock: stock.or(delta),
            ..body.written()
        }
    }
}

product_body! {
    /// A line of a price list in JSON; what is absent stays as it is.
    #[body(
        as = ImportRow,
        example = json!({"sku": "CUP-90", "name": "Espresso cup", "description": "Porcelain, 90 ml", "price": 12.5, "stock": 20})
    )]
    ImportRowBody {
        /// The number of the product that the line is about; when there is none of it, the line makes one.
        sku: Sku,
        /// Needed for a new product.
        name: Option<Name>,
    } {
        /// Needed for a new product.
        price: Option<Price>,
        /// The number of free units; 0 for a new product when absent.
        stock: Option<Units>,
    }
}

impl ImportRowBody {
    /// What the row says of its product, where `count` is what its stock counts.
    pub fn changes(self, count: StockCount) -> ProductChanges {
        let common = self.common();
        ProductChanges {
            sku: Some(Some(self.sku)),
            name: self.name,
            price: self.price.map(|price| price.0),
            stock: self.stock.map(|units| count(units.0)),
            ..common
        }
    }
}

/// What the stock of a row counts: the free units, or all on hand.
pub type StockCount = fn(u64) -> StockChange;

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
            name: Some("Tea".parse().unwrap()),
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
        let body = r#"{"name":"Tea","description":"green","sku":"T-1","price":1e3,"stock":7,"taxClass":"Food","weightGrams":250}"#;
        let product = new_product(body).unwrap();
        let tea = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            description: Some("green".parse().unwrap()),
            sku: Some(Some("T-1".parse().unwrap())),
            price: Some(Money::from_units(10_000_000)),
            stock: Some(StockChange::Absolute(7)),
            tax_class: Some("food".parse().unwrap()),
            weight: Weight::parse(250).ok(),
            ..ProductChanges::default()
        };
        assert_eq!(product, tea);
    }

    #[test]
    fn how_a_product_is_shown_can_be_given() {
        let body = r#"{"slug":"green-tea","status":"draft","media":[{"url":"/a.jpg"},{"url":"https://b/c","alt":"A cup"}],
            "attributes":{"origin":"Ethiopia"},"categories":["01890a5d-ac96-774b-bcce-b302099a8057"]}"#;
        let medium = |url: &str, alt: &str| MediumDraft {
            url: url.to_owned(),
            alt: alt.to_owned(),
        };
        let shown = ProductChanges {
            slug: Some("green-tea".parse().unwrap()),
            status: Some(Status::Draft),
            media: Some(vec![medium("/a.jpg", ""), medium("https://b/c", "A cup")]),
            attributes: Some(vec![("origin".to_owned(), "Ethiopia".to_owned())]),
            categories: CategoryId::parse("01890a5d-ac96-774b-bcce-b302099a8057")
                .ok()
                .map(|id| vec![id]),
            ..ProductChanges::default()
        };
        assert_eq!(changes(body).unwrap(), shown);
        for (body, expected) in [
            (r#"{"slug":"Green tea"}"#, ("slug", "format")),
            (r#"{"slug":null}"#, ("slug", "type")),
            (r#"{"status":"hidden"}"#, ("status", "format")),
            (
                r#"{"media":[{"alt":"A cup"}]}"#,
                ("media[0].url", "required"),
            ),
            (r#"{"media":{}}"#, ("media", "type")),
            (
                r#"{"attributes":{"origin":7}}"#,
                ("attributes.origin", "type"),
            ),
            (r#"{"attributes":[]}"#, ("attributes", "type")),
            (r#"{"categories":["tea"]}"#, ("categories[0]", "format")),
        ] {
            assert_eq!(
                named(&changes(body).unwrap_err()),
                pairs(&[expected]),
                "{body}"
            );
        }
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
            (r#"{"name":" ","price":1}"#, ("name", "required")),
            (
                r#"{"name":"a","price":1,"description":"\u0007"}"#,
                ("description", "control-characters"),
            ),
            (r#"{"name":"a","price":1,"sku":""}"#, ("sku", "required")),
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
        assert_eq!(stock.sku, Some(Some("A".parse().unwrap())));
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
