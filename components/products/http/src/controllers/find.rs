use mercato_edge::{Context, IfNoneMatch, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::parameters::ProductPath;
use crate::problems::problem;
use crate::resource::{ProductResource, Viewer, reply};

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
    let product = catalogue::find(context.id("id")?).await.map_err(problem)?;
    reply(&product, Viewer::of(context.is_admin()))
}
