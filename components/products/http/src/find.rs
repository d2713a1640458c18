use mercato_edge::{Path, Problem, Tagged, endpoint};
use mercato_kernel::{Caller, ProductId};
use products::application::queries::find_product;

use crate::problems::{currency, problem};
use crate::product::{Audience, ProductResource, tagged};

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
) -> Result<Tagged<ProductResource>, Problem> {
    let currency = currency().await?;
    let product = find_product::handle(&*products::instance(), id).map_err(problem)?;
    Ok(tagged(product, currency, Audience::of(caller)))
}
