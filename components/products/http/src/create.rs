use mercato_edge::{BASE_PATH, Context, Problem, ProblemDocument, Reply};
use products::application::commands::create_product;
use products::domain::product::Product;

use crate::problems::{currency, problem};
use crate::product::{Audience, NewProductBody, ProductResource, reply};

/// `POST /products`: 201 with the product and its place.
#[utoipa::path(
    post,
    path = "/api/v1/products",
    tag = "Catalogue",
    operation_id = "createProduct",
    summary = "Add a product",
    description = "Adds a product to the catalogue. The `sku` of a deleted product is free again.",
    request_body = NewProductBody,
    responses(
        (status = 201, description = "The product", body = ProductResource,
            headers(("Location", description = "Path of the product"), ("ETag", description = "Its version"))),
        (status = 409, description = "`sku-taken`: another product has this sku", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let new = NewProductBody::read(context.json()?).check(|new| Product::check(&new.into()))?;
    let currency = currency().await?;
    let product = create_product::handle(&*products::instance(), &(&new).into());
    let product = product.map_err(problem)?;
    let place = format!("{BASE_PATH}/products/{}", product.id.as_str());
    Ok(reply(&product, currency, Audience::Admins)?.created(&place))
}
