//! What admins send of a product. Texts are read by the domain's types; the other rules are the domain's, too.

use std::collections::BTreeMap;

use mercato_edge::{FieldError, Fields, FromFields, FromJson, Price, Refusal, body};
use mercato_kernel::ProductId;
use products::application::commands::import_products::ImportRow;
use products::domain::category::{CategoryId, CategoryPath};
use products::domain::presentation::{ATTRIBUTE_CHARS_MAX, ATTRIBUTES_MAX, MediumDraft, Status};
use products::domain::product::{ProductChanges, StockChange};
use products::domain::slug::Slug;
use products::domain::values::{Description, Name, Sku, TaxClass, Weight};
use products::domain::variant::{
    DrawsDraft, OPTION_VALUE_CHARS_MAX, OPTIONS_MAX, ProductOption, VariantDraft,
};
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

/// One value of each option that a variant has.
#[derive(Debug)]
pub struct ChoicesBody(Vec<(String, String)>);

impl FromFields for ChoicesBody {
    const NAMES: &'static [&'static str] = &[];

    fn from_fields(fields: &mut Fields) -> Self {
        Self(fields.others())
    }
}

impl PartialSchema for ChoicesBody {
    fn schema() -> RefOr<Schema> {
        let value = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(OPTION_VALUE_CHARS_MAX));
        let schema = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "One value of each option of the product, by the options' names",
            ))
            .additional_properties(Some(value))
            .max_properties(Some(OPTIONS_MAX))
            .examples([serde_json::json!({"Size": "250 g"})]);
        RefOr::T(Schema::Object(schema.build()))
    }
}

impl ToSchema for ChoicesBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "Choices".into()
    }
}

/// What customers choose of a product.
#[body(as = OptionInput)]
#[derive(Debug)]
pub struct OptionBody {
    /// Its name, another one than those of the product's other options.
    #[schema(min_length = 1, max_length = 50, example = "Size")]
    name: String,
    /// What can be chosen, in the order in which it is shown.
    #[field(values)]
    #[schema(min_items = 1, max_items = 100, example = json!(["250 g", "1 kg"]))]
    values: Vec<String>,
}

impl From<&OptionBody> for ProductOption {
    fn from(body: &OptionBody) -> Self {
        Self {
            name: body.name.clone(),
            values: body.values.clone(),
        }
    }
}

/// The stock of another product or variant that a variant is taken from.
#[body(as = DrawsInput)]
#[derive(Debug)]
pub struct DrawsBody {
    /// The number of the product or variant that has the stock, which draws on no other itself. It may be one of the same request.
    sku: Sku,
    /// Units of it that one unit of the variant takes.
    #[schema(minimum = 1, maximum = 10_000, example = 4)]
    units: u32,
}

impl From<&DrawsBody> for DrawsDraft {
    fn from(body: &DrawsBody) -> Self {
        Self {
            sku: body.sku.clone(),
            units: body.units,
        }
    }
}

/// One of the things that a product is sold as; what is absent stays as it is.
#[body(
    as = VariantInput,
    exclusive(stock, draws),
    example = json!({"sku": "YIR-250", "price": 9.5, "options": {"Size": "250 g"}, "stock": 40})
)]
#[derive(Debug)]
pub struct VariantBody {
    /// Which of the product's variants it is. Without it, the one of the same values, or else a new one.
    id: Option<ProductId>,
    /// The shop's own number, unique among products and variants that are not deleted; `null` takes it away.
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    sku: Option<Option<Sku>>,
    /// Price of one unit. A new variant that does not say it costs what the product does.
    price: Option<Price>,
    /// Weight of one unit; 0 when it is the product's.
    weight_grams: Option<Weight>,
    #[field(object)]
    options: Option<ChoicesBody>,
    /// Free units of its own; 0 when a new variant does not say it. Not together with `draws`.
    stock: Option<Units>,
    /// The stock that it shares with what has it; `null` gives it units of its own. Not together with `stock`.
    #[field(object)]
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    draws: Option<Option<DrawsBody>>,
}

impl From<&VariantBody> for VariantDraft {
    fn from(body: &VariantBody) -> Self {
        let draws = body.draws.as_ref();
        Self {
            id: body.id,
            sku: body.sku.clone(),
            price: body.price.map(|price| price.0),
            weight: body.weight_grams,
            options: body.options.as_ref().map(|options| options.0.clone()),
            stock: body.stock.map(|units| StockChange::Absolute(units.0)),
            draws: draws.map(|draws| draws.as_ref().map(Into::into)),
        }
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
                /// All that customers choose of it, such as size and colour; then it is sold as its `variants`.
                #[schema(value_type = Vec<OptionBody>, required = false, max_items = 3)]
                options: Option<Vec<OptionBody>>,
                /// All that it is sold as, at most one for each combination of values. Those that are not named are deleted.
                #[schema(value_type = Vec<VariantBody>, required = false, max_items = 500)]
                variants: Option<Vec<VariantBody>>,
                $($after)*
            }
        }

        impl $name {
            /// What the members say that both bodies may have.
            fn written(&self) -> ProductChanges {
                let media = self.media.as_ref();
                let attributes = self.attributes.as_ref();
                let options = self.options.as_ref();
                let variants = self.variants.as_ref();
                ProductChanges {
                    slug: self.slug.clone(),
                    status: self.status,
                    media: media.map(|media| media.iter().map(Into::into).collect()),
                    attributes: attributes.map(|attributes| attributes.0.clone()),
                    categories: self.categories.clone(),
                    options: options.map(|options| options.iter().map(Into::into).collect()),
                    variants: variants.map(|variants| variants.iter().map(Into::into).collect()),
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
        /// Price of one unit, in the shop's currency. It may be absent when every variant has one.
        price: Option<Price>,
        /// Units free to sell at first; 0 when absent. Those of a product with options are sold by variants that draw on them.
        stock: Option<Units>,
    }
}

impl NewProductBody {
    /// The price, when neither the product nor all of its variants have one.
    pub fn missing_price(&self) -> Option<FieldError> {
        let variants = self.variants.as_deref().unwrap_or_default();
        let has_none = variants.is_empty() || variants.iter().any(|one| one.price.is_none());
        let is_missing = self.price.is_none() && has_none;
        is_missing.then(|| FieldError::new("price", "required", "price is required"))
    }
}

impl From<&NewProductBody> for ProductChanges {
    fn from(body: &NewProductBody) -> Self {
        Self {
            name: Some(body.name.clone()),
            sku: body.sku.clone().map(Some),
            price: body.price.map(|price| price.0),
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

/// Attributes in a row: an object in JSON, which stands in a cell of CSV as in JSON.
#[derive(Debug, Default)]
pub struct RowAttributes(Vec<(String, String)>);

impl FromJson for RowAttributes {
    fn placeholder() -> Self {
        Self::default()
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let attributes = serde_json::from_str::<BTreeMap<String, String>>(json);
        let rule = || ("type", "must be a JSON object of texts".into());
        let attributes = attributes.map_err(|_| rule())?;
        Ok(Self(attributes.into_iter().collect()))
    }
}

/// Paths of categories in a row, with blanks between them.
#[derive(Debug, Default)]
pub struct RowCategories(Vec<CategoryPath>);

mercato_kernel::read_from_text!(
    RowCategories,
    |text: &str| {
        let paths = text.split_ascii_whitespace().map(CategoryPath::from_text);
        Ok(Self(paths.collect::<Result<_, Refusal>>()?))
    },
    Self::default()
);

product_body! {
    /// A line of a price list in JSON; what is absent stays as it is. Lines of the same `slug` are about one product: each with options
    /// about one of its variants, of which number, price, weight and stock are.
    #[body(
        as = ImportRow,
        example = json!({"sku": "CUP-90", "name": "Espresso cup", "description": "Porcelain, 90 ml", "price": 12.5, "stock": 20})
    )]
    ImportRowBody {
        /// The number of the product or variant that the line is about; when there is none of it, the line makes one. Without it the line is
        /// about the product of the `slug`.
        sku: Option<Sku>,
        /// The readable address of the product; made from the name when a new one has none.
        slug: Option<Slug>,
        /// Needed for a new product.
        name: Option<Name>,
    } {
        /// Needed for a new product or variant.
        price: Option<Price>,
        /// The number of free units; 0 for a new product when absent.
        stock: Option<Units>,
        /// Whether the product is shown and sold; a new one is `published`.
        status: Option<Status>,
        /// The paths of all categories of the product, with blanks between them.
        #[schema(value_type = String, required = false, max_length = 10_000, example = "coffee/espresso")]
        categories: Option<RowCategories>,
        /// All that is said of the product by name: an object, also in a cell of CSV.
        #[schema(value_type = AttributesBody, required = false)]
        attributes: Option<RowAttributes>,
        /// The address of a picture that the product gets unless it has it.
        #[schema(min_length = 1, max_length = 2000)]
        image_url: Option<String>,
        /// What stands for that picture where it is not shown.
        #[schema(max_length = 500)]
        image_alt: Option<String>,
        /// The first option of a variant. A product that has none yet gets the options of its first line.
        #[schema(min_length = 1, max_length = 50, example = "Size")]
        option1_name: Option<String>,
        /// The variant's value of the first option.
        #[schema(min_length = 1, max_length = 100, example = "250 g")]
        option1_value: Option<String>,
        /// The second option.
        #[schema(min_length = 1, max_length = 50)]
        option2_name: Option<String>,
        /// The variant's value of the second option.
        #[schema(min_length = 1, max_length = 100)]
        option2_value: Option<String>,
        /// The third option.
        #[schema(min_length = 1, max_length = 50)]
        option3_name: Option<String>,
        /// The variant's value of the third option.
        #[schema(min_length = 1, max_length = 100)]
        option3_value: Option<String>,
        /// The number of the product or variant whose stock the variant is taken from; `stock` is absent then.
        draws_sku: Option<Sku>,
        /// Units of that stock that one unit of the variant takes; 1 when absent.
        #[schema(minimum = 1, maximum = 10_000)]
        draws_units: Option<u32>,
    }
}

impl ImportRowBody {
    /// Whether it says which product it is about.
    pub const fn is_named(&self) -> bool {
        self.sku.is_some() || self.slug.is_some()
    }

    /// What the row says, where `count` is what its stock counts.
    pub fn row(self, count: StockCount) -> ImportRow {
        let common = self.common();
        let options = [
            (self.option1_name, self.option1_value),
            (self.option2_name, self.option2_value),
            (self.option3_name, self.option3_value),
        ];
        let draws = self.draws_sku.map(|sku| DrawsDraft {
            sku,
            units: self.draws_units.unwrap_or(1),
        });
        let medium = self.image_url.map(|url| MediumDraft {
            url,
            alt: self.image_alt.unwrap_or_default(),
        });
        let changes = ProductChanges {
            sku: self.sku.map(Some),
            slug: self.slug,
            name: self.name,
            status: self.status,
            price: self.price.map(|price| price.0),
            stock: self.stock.map(|units| count(units.0)),
            attributes: self.attributes.map(|attributes| attributes.0),
            ..common
        };
        // Whoever exports several products in one file has empty options in some rows.
        let choices = options
            .into_iter()
            .filter_map(|(name, value)| name.zip(value));
        ImportRow {
            changes,
            choices: choices.collect(),
            draws,
            medium,
            categories: self.categories.map(|categories| categories.0),
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
    fn a_new_product_needs_a_name() {
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
            pairs(&[("name", "required")]),
            "the price may be that of its variants"
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
    fn options_and_variants_can_be_given() {
        let body = r#"{"options":[{"name":"Size","values":["S","M"]}],"variants":[
            {"sku":"A","price":2,"options":{"Size":"S"},"stock":3},
            {"id":"01890a5d-ac96-774b-bcce-b302099a8057","sku":null,"weightGrams":7,"draws":{"sku":"A","units":2}},
            {"draws":null}]}"#;
        let size = ProductOption {
            name: "Size".to_owned(),
            values: vec!["S".to_owned(), "M".to_owned()],
        };
        let draws = DrawsDraft {
            sku: "A".parse().unwrap(),
            units: 2,
        };
        let variants = vec![
            VariantDraft {
                sku: Some(Some("A".parse().unwrap())),
                price: Some(Money::from_units(20_000)),
                options: Some(vec![("Size".to_owned(), "S".to_owned())]),
                stock: Some(StockChange::Absolute(3)),
                ..VariantDraft::default()
            },
            VariantDraft {
                id: ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").ok(),
                sku: Some(None),
                weight: Weight::parse(7).ok(),
                draws: Some(Some(draws)),
                ..VariantDraft::default()
            },
            VariantDraft {
                draws: Some(None),
                ..VariantDraft::default()
            },
        ];
        let read = changes(body).unwrap();
        assert_eq!(read.options, Some(vec![size]));
        assert_eq!(read.variants, Some(variants));
        for (body, expected) in [
            (
                r#"{"options":[{"name":"Size"}]}"#,
                ("options[0].values", "required"),
            ),
            (
                r#"{"options":[{"name":7,"values":["S"]}]}"#,
                ("options[0].name", "type"),
            ),
            (
                r#"{"variants":[{"options":{"Size":7}}]}"#,
                ("variants[0].options.Size", "type"),
            ),
            (
                r#"{"variants":[{"stock":1,"draws":{"sku":"A","units":1}}]}"#,
                ("variants[0].draws", "exclusive"),
            ),
            (
                r#"{"variants":[{"draws":{"sku":"A"}}]}"#,
                ("variants[0].draws.units", "required"),
            ),
            (
                r#"{"variants":[{"colour":"red"}]}"#,
                ("variants[0].colour", "unknown"),
            ),
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
