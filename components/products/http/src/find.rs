use mercato_edge::{
    BASE_PATH, Either, FromText, MovedPermanently, Path, PathParameter, Problem, Public, Refusal,
    Tagged, endpoint,
};
use mercato_kernel::Caller;
use products::application::queries::find_product::{self, Found};
use products::domain::slug::ProductKey;
use utoipa::ToSchema;

use crate::problems::{currency, max_age_seconds, problem};
use crate::product::{Audience, ProductResource, public, tagged};

/// The product in a path.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 100)]
pub struct ProductPath(ProductKey);

impl FromText for ProductPath {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        ProductKey::from_text(text).map(Self)
    }
}

impl PathParameter for ProductPath {
    const MEANING: &'static str = "The product's id, or its slug.";
}

/// One product
///
/// A product of the catalogue, by its id or by its slug. A slug that it had before is answered with 301, and the address by the
/// slug that it has now, and so is the id of a variant, as order lines have it, by the address of its product. An admin also sees `reserved` and `sold`, and products that are not published.
#[endpoint(
    GET "/api/v1/products/{id}", access = Optional, tag = "Catalogue", id = "findProduct",
    returns = "The product",
    301: MovedPermanently = "The product has another slug by now, or the id is that of one of its variants",
    404 = "No such product, deleted, or not published",
)]
pub async fn find(
    caller: Option<Caller>,
    Path(ProductPath(key)): Path<ProductPath>,
) -> Result<Public<Either<Tagged<ProductResource>, MovedPermanently>>, Problem> {
    let (currency, max_age) = (currency().await?, max_age_seconds().await?);
    let audience = Audience::of(caller);
    let sees_all = audience == Audience::Admins;
    let found = find_product::handle(&*products::instance(), &key, sees_all).map_err(problem)?;
    let answer = match found {
        Found::Product(product) => Either::First(tagged(*product, currency, audience)),
        Found::Moved(slug) => Either::Other(moved(slug.as_str())),
    };
    Ok(public(answer, caller, max_age))
}

/// Where the product of that slug is.
fn moved(slug: &str) -> MovedPermanently {
    MovedPermanently(format!("{BASE_PATH}/products/{slug}"))
}
