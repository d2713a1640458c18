use mercato_edge::{Path, Problem, Public, Tagged, endpoint};
use mercato_kernel::{Caller, ProductId};
use products::application::queries::find_product;

use crate::problems::{currency, max_age_seconds, problem};
use crate::product::{Audience, ProductResource, public, tagged};

/// One product
///
/// A product of the catalogue. An admin also sees `reserved` and `sold`.
#[endpoint(
    GET "/api/v1/products/{id}", access = Optional, tag = "Catalogue", id = "findProduct",
    returns = "The product",
    404 = "No such product, or deleted",
)]
pub async fn find(
    caller: Option<Caller>,
    Path(id): Path<ProductId>,
) -> Result<Public<Tagged<ProductResource>>, Problem> {
    let (currency, max_age) = (currency().await?, max_age_seconds().await?);
    let product = find_product::handle(&*products::instance(), id).map_err(problem)?;
    let shown = tagged(product, currency, Audience::of(caller));
    Ok(public(shown, caller, max_age))
}
