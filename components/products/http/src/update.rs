use mercato_edge::{Draft, ExpectedTag, Path, Problem, Tagged, endpoint};
use mercato_kernel::ProductId;
use products::application::commands::update_product;
use products::domain::product::Product;

use crate::body::ChangesBody;
use crate::problems::{currency, problem};
use crate::product::{Audience, ProductResource, seen, tagged};

/// Change a product
///
/// Changes any subset of the fields; the others stay, and an empty object changes nothing. `stock` sets the free units, whatever
/// orders did meanwhile, and `stockDelta` adds to them or takes away: one of the two. With `If-Match`, nothing is changed when the
/// product or its stock has changed since it was read. Units that orders hold or have sold are not touched.
///
/// With `options` the product is sold as its `variants`, which are replaced by those that are sent: one is known by its `id` or by its values,
/// and what is not named of it stays. A variant may have units of its own (`stock`) or draw on another stock (`draws`), as four grinds of
/// one bag do. The `id` of a variant in the path changes that one: its `sku`, `price`, `weightGrams`, `stock` or `stockDelta`.
#[endpoint(
    PATCH "/api/v1/products/{id}", access = Admin, tag = "Catalogue", id = "updateProduct",
    returns = "The product as it is now",
    404 = "No such product, or deleted",
    409 = "`sku-taken`: another product has this sku; `slug-taken`: another product has this slug; `insufficient-stock`: the stock would be less than 0; `too-much-stock`: it would \
        be more than a product can have; `stock-drawn`: variants draw on the stock of a variant that would go or draw on another one",
)]
pub async fn update(
    Path(id): Path<ProductId>,
    tag: ExpectedTag,
    body: Draft<ChangesBody>,
) -> Result<Tagged<ProductResource>, Problem> {
    let changes = body.check(|changes| Product::check(&changes.into()))?;
    let currency = currency().await?;
    let command = update_product::Command {
        id,
        changes: &(&changes).into(),
        seen: seen(tag),
    };
    let product = update_product::handle(&*products::instance(), &command).map_err(problem)?;
    Ok(tagged(product, currency, Audience::Admins))
}
