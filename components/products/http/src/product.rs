//! A product as clients see it.

use std::collections::BTreeMap;

use mercato_edge::{CurrencyCode, ExpectedTag, Listed, Price, Public, Tagged, Timestamp};
use mercato_kernel::{Caller, Named as _, ProductId};
use mercato_money::Currency;
use products::domain::category::CategoryId;
use products::domain::presentation::{Medium, Status};
use products::domain::product::{ProductView, Seen};
use products::domain::variant::{Choice, ProductOption, Variant};
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
    /// Its readable address.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "espresso-cup"
    )]
    slug: String,
    /// Whether it is shown and sold. Only admins see what is not `published`.
    #[schema(value_type = Status)]
    status: &'static str,
    /// May be empty and have line breaks.
    #[schema(max_length = 5000)]
    description: String,
    /// Pictures and other media.
    #[schema(max_items = 20)]
    media: Vec<MediumResource>,
    /// What is said of it by names of the shop's own.
    #[schema(example = json!({"material": "Porcelain"}))]
    attributes: BTreeMap<String, String>,
    /// The ids of the categories that it was put in; it is in those that hold them, too.
    #[schema(max_items = 20)]
    categories: Vec<CategoryId>,
    /// Stock keeping unit: the shop's own number, if it has one.
    #[schema(required = true, min_length = 1, max_length = 64)]
    sku: Option<String>,
    /// Price of one unit; with options that of the variant that costs least.
    price: Price,
    /// The same.
    price_from: Price,
    /// Price of one unit of the variant that costs most.
    price_to: Price,
    /// How it is taxed: the name of a class that the tax settings of checkouts know.
    #[schema(min_length = 1, max_length = 40, example = "standard")]
    tax_class: String,
    /// Weight of one unit; 0 when it is not known.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 250)]
    weight_grams: u32,
    /// The shop's currency (ISO 4217).
    currency: CurrencyCode,
    /// Units free to sell now. Variants that share a stock share its units, which count once.
    #[schema(minimum = 0)]
    stock: u64,
    /// Whether there are any.
    available: bool,
    /// What customers choose of it; nothing of most products. What is ordered then is one of its variants.
    #[schema(max_items = 3)]
    options: Vec<OptionResource>,
    /// What it is sold as: without options one variant, which has the product's id. Lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<VariantResource>, required = false, max_items = 500)]
    variants: Option<Vec<VariantResource>>,
    /// Free units of the product itself where it has options, for variants that draw on them; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    own_stock: Option<u64>,
    /// Units of its own that are held for orders which are not paid yet; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    reserved: Option<u64>,
    /// Units of its own of paid orders; only for admins.
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

/// A picture or another medium.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Medium)]
pub struct MediumResource {
    /// An address with `https:`, or a path of the shop.
    #[schema(
        min_length = 1,
        max_length = 2000,
        example = "https://cdn.example.com/cup.jpg"
    )]
    url: String,
    /// What stands for it where it is not shown; may be empty.
    #[schema(max_length = 500, example = "A white cup on a saucer")]
    alt: String,
}

impl From<&Medium> for MediumResource {
    fn from(medium: &Medium) -> Self {
        Self {
            url: medium.url().to_owned(),
            alt: medium.alt().to_owned(),
        }
    }
}

/// What customers choose of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductOption)]
pub struct OptionResource {
    #[schema(min_length = 1, max_length = 50, example = "Size")]
    name: String,
    /// What can be chosen, in the order in which it is shown.
    #[schema(min_items = 1, max_items = 100, example = json!(["250 g", "1 kg"]))]
    values: Vec<String>,
}

impl From<ProductOption> for OptionResource {
    fn from(option: ProductOption) -> Self {
        Self {
            name: option.name,
            values: option.values,
        }
    }
}

/// The value that a variant has of one option.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Choice)]
pub struct ChoiceResource {
    #[schema(min_length = 1, max_length = 50, example = "Size")]
    name: String,
    #[schema(min_length = 1, max_length = 100, example = "250 g")]
    value: String,
}

impl From<&Choice> for ChoiceResource {
    fn from(choice: &Choice) -> Self {
        Self {
            name: choice.name.clone(),
            value: choice.value.clone(),
        }
    }
}

/// One of the things that a product is sold as.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Variant)]
pub struct VariantResource {
    /// By which it is ordered.
    id: ProductId,
    /// The shop's own number, if it has one.
    #[schema(required = true, min_length = 1, max_length = 64)]
    sku: Option<String>,
    /// Its value of each option, in the order of the options.
    #[schema(max_items = 3)]
    options: Vec<ChoiceResource>,
    /// Price of one unit.
    price: Price,
    /// Weight of one unit; 0 when it is not known.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 250)]
    weight_grams: u32,
    /// Units of it that are free to sell now.
    #[schema(minimum = 0)]
    stock: u64,
    /// Whether there are any.
    available: bool,
    /// The stock that it is taken from, if not from units of its own; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DrawsResource, required = false)]
    draws: Option<DrawsResource>,
    /// Units of its own that are held for orders which are not paid yet; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    reserved: Option<u64>,
    /// Units of its own of paid orders; only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    sold: Option<u64>,
}

/// The stock of another product or variant that a variant is taken from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Draws)]
pub struct DrawsResource {
    /// The product or variant that has the stock.
    product_id: ProductId,
    /// Its number, unless that was taken away since.
    #[schema(required = true, min_length = 1, max_length = 64)]
    sku: Option<String>,
    /// Units of it that one unit of the variant takes.
    #[schema(minimum = 1, maximum = 10_000)]
    units: u32,
}

impl VariantResource {
    fn new(variant: &Variant, product: &ProductView, audience: Audience) -> Self {
        let for_admins = |units| (audience == Audience::Admins).then_some(units);
        let grams = match variant.weight.grams() {
            0 => product.weight.grams(),
            grams => grams,
        };
        let draws = variant.draws.as_ref().map(|drawn| DrawsResource {
            product_id: drawn.item,
            sku: drawn.sku.clone().map(Into::into),
            units: drawn.units,
        });
        Self {
            id: variant.id,
            sku: variant.sku.clone().map(Into::into),
            options: variant.choices.iter().map(Into::into).collect(),
            price: variant.price.amount().into(),
            weight_grams: grams,
            stock: variant.available(),
            available: variant.available() > 0,
            draws: draws.filter(|_| audience == Audience::Admins),
            reserved: for_admins(variant.stock.reserved()),
            sold: for_admins(variant.stock.sold()),
        }
    }

    /// The only variant of a product without options.
    fn only(product: &ProductView, audience: Audience) -> Self {
        let for_admins = |units| (audience == Audience::Admins).then_some(units);
        Self {
            id: product.id,
            sku: product.sku.clone().map(Into::into),
            options: Vec::new(),
            price: product.price.amount().into(),
            weight_grams: product.weight.grams(),
            stock: product.available(),
            available: product.available() > 0,
            draws: None,
            reserved: for_admins(product.stock.reserved()),
            sold: for_admins(product.stock.sold()),
        }
    }

    fn all(product: &ProductView, audience: Audience) -> Option<Vec<Self>> {
        let variants = product.variants.as_ref()?;
        if !product.has_options() {
            return Some(vec![Self::only(product, audience)]);
        }
        let shown = variants.iter();
        Some(shown.map(|one| Self::new(one, product, audience)).collect())
    }
}

impl ProductResource {
    /// The product for that audience.
    pub fn new(product: ProductView, currency: Currency, audience: Audience) -> Self {
        let for_admins = |units| (audience == Audience::Admins).then_some(units);
        let stock = product.stock;
        let variants = VariantResource::all(&product, audience);
        let (units, price) = (product.available(), product.price.amount());
        let own_stock = product.has_options().then(|| stock.free());
        Self {
            id: product.id,
            name: product.name.into(),
            slug: product.slug.into(),
            status: product.status.name(),
            description: product.description.into(),
            media: product.media.iter().map(Into::into).collect(),
            attributes: product.attributes.as_map().clone(),
            categories: product.categories,
            sku: product.sku.map(Into::into),
            price: price.into(),
            price_from: price.into(),
            price_to: product
                .price_to
                .map_or(price, |price| price.amount())
                .into(),
            tax_class: product.tax_class.into(),
            weight_grams: product.weight.grams(),
            currency: CurrencyCode(currency),
            stock: units,
            available: units > 0,
            options: product.options.into_iter().map(Into::into).collect(),
            variants,
            own_stock: own_stock.and_then(for_admins),
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
    let (version, (free, (reserved, sold))) = (product.version, product.counts());
    let shown = Tagged::new(ProductResource::new(product, currency, audience), version);
    match audience {
        Audience::Everyone => shown.and(&[free]),
        Audience::Admins => shown.and(&[free, reserved, sold]),
    }
}

/// What caches may keep for so many seconds, unless it is shown to somebody in particular: an admin sees more than others.
pub fn public<A>(answer: A, caller: Option<Caller>, max_age_seconds: u64) -> Public<A> {
    Public {
        answer,
        max_age_seconds: caller.map_or(max_age_seconds, |_| 0),
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
    use mercato_edge::{Answer as _, header};
    use mercato_kernel::AccountId;
    use mercato_money::Money;
    use products::domain::product::{Product, ProductChanges};
    use products::domain::stock::Stock;

    use super::*;

    /// The shop's currency.
    pub fn euro() -> Currency {
        "EUR".parse().unwrap()
    }

    /// A product of which none is free.
    pub fn tea() -> ProductView {
        let new = ProductChanges {
            name: Some("Tea".parse().unwrap()),
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
        let shown = tagged(tea(), euro(), Audience::Everyone);
        let reply = shown.into_reply().unwrap();
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","name":"Tea","slug":"tea","status":"published","description":"","#,
                r#""media":[],"attributes":{},"categories":[],"sku":null,"#,
                r#""price":4.99,"priceFrom":4.99,"priceTo":4.99,"taxClass":"standard","weightGrams":0,"currency":"EUR","#,
                r#""stock":0,"available":false,"options":[],"variants":[{"id":"01890a5d-ac96-774b-bcce-b302099a8057","sku":null,"options":[],"#,
                r#""price":4.99,"weightGrams":0,"stock":0,"available":false}],"version":3,"#,
                r#""createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"2024-02-29T00:00:00.123Z"}"#
            )
        );
    }

    #[test]
    fn an_admin_also_sees_where_the_other_units_are() {
        let shown = ProductResource::new(tea(), euro(), Audience::Admins);
        let value = serde_json::to_value(shown).unwrap();
        assert_eq!(
            (value["reserved"].as_u64(), value["sold"].as_u64()),
            (Some(2), Some(5))
        );
        let id = AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(Audience::of(Some(Caller::Admin(id))), Audience::Admins);
        for other in [None, Some(Caller::Customer(id)), Some(Caller::System)] {
            assert_eq!(Audience::of(other), Audience::Everyone);
        }
    }

    #[test]
    fn caches_may_keep_what_is_shown_to_nobody_in_particular() {
        let id = AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let caching = |caller: Option<Caller>, max_age: u64| {
            let shown = tagged(tea(), euro(), Audience::of(caller));
            let reply = public(shown, caller, max_age).into_reply().unwrap();
            let text = |name| Some(reply.headers().get(name)?.to_str().unwrap().to_owned());
            (text(header::CACHE_CONTROL).unwrap(), text(header::VARY))
        };
        let kept = "public, max-age=5, stale-while-revalidate=30".to_owned();
        let depends = "authorization".to_owned();
        assert_eq!(caching(None, 5), (kept, Some(depends)));
        let own = ("private, no-cache".to_owned(), None);
        for (caller, max_age) in [
            (None, 0),
            (Some(Caller::Customer(id)), 5),
            (Some(Caller::Admin(id)), 5),
            (Some(Caller::System), 5),
        ] {
            assert_eq!(caching(caller, max_age), own);
        }
    }
}
