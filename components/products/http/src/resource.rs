//! A product as clients see it.

use mercato_edge::{Context, Id, PageMeta, Price, Problem, Reply, Timestamp};
use mercato_money::Money;
use mercato_platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use crate::bindings::mercato::products::catalogue::{Product, Seen, UnitsOfOrders};

/// Who looks at a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Sees what is for sale.
    Shopper,
    /// Also sees where the other units are.
    Admin,
}

impl Viewer {
    /// An admin, or anyone else.
    pub fn of(is_admin: bool) -> Self {
        if is_admin { Self::Admin } else { Self::Shopper }
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
    /// The product as that viewer sees it.
    pub fn new(product: &'a Product, viewer: Viewer) -> Self {
        let for_admins = |units| (viewer == Viewer::Admin).then_some(units);
        Self {
            id: &product.id,
            name: &product.name,
            description: &product.description,
            sku: product.sku.as_deref(),
            price: Money::from_units(product.price),
            currency: &product.currency,
            stock: product.stock,
            available: product.stock > 0,
            reserved: for_admins(product.reserved),
            sold: for_admins(product.sold),
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

/// Several products as that viewer sees them.
pub fn resources(products: &[Product], viewer: Viewer) -> Vec<ProductResource<'_>> {
    products
        .iter()
        .map(|product| ProductResource::new(product, viewer))
        .collect()
}

/// 200 with one product and its entity tag. Orders move units without a new version, so the tag holds them too.
pub fn reply(product: &Product, viewer: Viewer) -> Result<Reply, Problem> {
    let reply = Reply::json(&ProductResource::new(product, viewer))?;
    Ok(match viewer {
        Viewer::Shopper => reply.with_version(product.version, &[product.stock]),
        Viewer::Admin => reply.with_version(
            product.version,
            &[product.stock, product.reserved, product.sold],
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
    let (version, stock, of_orders) = match *tag.numbers() {
        [version, stock] => (version, stock, None),
        [version, stock, reserved, sold] => {
            (version, stock, Some(UnitsOfOrders { reserved, sold }))
        }
        _ => (NO_VERSION, 0, None),
    };
    Ok(Some(Seen {
        version,
        stock,
        of_orders,
    }))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A product with something in every field.
    pub fn tea() -> Product {
        Product {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            name: "Tea".to_owned(),
            description: String::new(),
            sku: None,
            price: 49_900,
            currency: "EUR".to_owned(),
            stock: 0,
            reserved: 2,
            sold: 5,
            version: 3,
            created_at: 0,
            updated_at: 1_709_164_800_123,
        }
    }

    #[test]
    fn a_shopper_sees_what_is_for_sale() {
        let text =
            String::from_utf8(reply(&tea(), Viewer::Shopper).unwrap().body().to_vec()).unwrap();
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
        let value = serde_json::to_value(ProductResource::new(&tea(), Viewer::Admin)).unwrap();
        assert_eq!(
            (value["reserved"].as_u64(), value["sold"].as_u64()),
            (Some(2), Some(5))
        );
        assert_eq!(Viewer::of(true), Viewer::Admin);
        assert_eq!(Viewer::of(false), Viewer::Shopper);
    }
}
