use mercato_edge::{Context, IfNoneMatch, Problem, ProblemDocument, Reply};
use products::application::queries::find_product;

use crate::parameters::ProductPath;
use crate::problems::{currency, problem};
use crate::product::{Audience, ProductResource, reply};

/// `GET /products/{id}`.
#[utoipa::path(
    get,
    path = "/api/v1/products/{id}",
    tag = "Catalogue",
    operation_id = "findProduct",
    summary = "One product",
    description = "A product of the catalogue. An admin also sees `reserved` and `sold`.",
    params(ProductPath, IfNoneMatch),
    responses(
        (status = 200, description = "The product", body = ProductResource,
            headers(("ETag", description = "Its version, and the counts that are shown"))),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such product, or deleted", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    let currency = currency().await?;
    let product = find_product::handle(&*products::instance(), &id).map_err(problem)?;
    reply(&product, currency, Audience::of(context.is_admin()))
}
