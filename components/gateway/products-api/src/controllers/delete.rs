use mercato_edge::{Context, IfMatch, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::parameters::ProductPath;
use crate::problems::problem;

/// `DELETE /products/{id}`: 204. With `If-Match`, only that version of it.
#[utoipa::path(
    delete,
    path = "/api/v1/products/{id}",
    tag = "Catalogue",
    operation_id = "deleteProduct",
    summary = "Take a product out of the catalogue",
    description = "The product is no longer listed, found or sold, and its `sku` is free for another one. Orders that hold it keep it.",
    params(ProductPath, IfMatch),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such product, or deleted", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "The product has changed since the version in `If-Match`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let version = context.expected_version()?;
    catalogue::delete(context.id("id")?, version)
        .await
        .map_err(problem)?;
    Ok(Reply::no_content())
}
