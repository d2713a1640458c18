use mercato_edge::{ExpectedTag, NoContent, Path, Problem, endpoint};
use mercato_kernel::ProductId;
use products::application::commands::delete_product;

use crate::problems::problem;
use crate::product;

/// Take a product out of the catalogue
///
/// The product is no longer listed, found or sold, with all its variants, and its `sku` is free for another one. Orders that hold it keep
/// it. The `id` of a variant takes that one out alone.
#[endpoint(
    DELETE "/api/v1/products/{id}", access = Admin, tag = "Catalogue", id = "deleteProduct",
    returns = "It is gone",
    404 = "No such product, or deleted",
    409 = "`stock-drawn`: variants draw on its stock; `last-variant`: what is published has no other variant",
)]
pub async fn delete(Path(id): Path<ProductId>, tag: ExpectedTag) -> Result<NoContent, Problem> {
    let seen = product::seen(tag);
    let command = delete_product::Command { id, seen };
    delete_product::handle(&*products::instance(), &command).map_err(problem)?;
    Ok(NoContent)
}
