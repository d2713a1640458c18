use mercato_edge::{BASE_PATH, Created, Draft, Problem, Tagged, endpoint};
use products::application::commands::create_product;
use products::domain::product::Product;

use crate::body::NewProductBody;
use crate::problems::{currency, problem};
use crate::product::{Audience, ProductResource, tagged};

/// Add a product
///
/// Adds a product to the catalogue. The `sku` and the `slug` of a deleted product are free again. With `options` it is sold as its
/// `variants`: each has one value of every option, a price, and units of its own (`stock`) or of another stock (`draws`).
#[endpoint(
    POST "/api/v1/products", access = Admin, tag = "Catalogue", id = "createProduct",
    returns = "The product",
    409 = "`sku-taken`: another product has this sku; `slug-taken`: another product has this slug",
)]
pub async fn create(
    body: Draft<NewProductBody>,
) -> Result<Created<Tagged<ProductResource>>, Problem> {
    let new = body.check(|new| {
        let broken = Product::check(&new.into()).into_iter();
        broken.chain(new.missing_price()).collect()
    })?;
    let currency = currency().await?;
    let product = create_product::handle(&*products::instance(), &(&new).into());
    let product = product.map_err(problem)?;
    Ok(Created {
        location: format!("{BASE_PATH}/products/{}", product.id),
        shown: tagged(product, currency, Audience::Admins),
    })
}
