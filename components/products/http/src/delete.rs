use mercato_edge::{Context, IfMatch, Problem, ProblemDocument, Reply};
use products::application::commands::delete_product;

use crate::parameters::ProductPath;
use crate::problems::problem;
use crate::product::seen;

/// `DELETE /products/{id}`: 204. With `If-Match`, only if it is still what was read.
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
        (status = 412, description = "The product or its stock is not what the tag in `If-Match` stands for any more", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let command = delete_product::Command {
        seen: seen(&context)?,
        id: &context.id("id")?,
    };
    delete_product::handle(&*products::instance(), &command).map_err(problem)?;
    Ok(Reply::no_content())
}
