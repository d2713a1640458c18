use mercato_edge::{Context, IfMatch, Problem, ProblemDocument, Reply};
use products::application::commands::update_product;
use products::domain::product::Product;

use crate::parameters::ProductPath;
use crate::problems::{currency, problem};
use crate::product::{Audience, Changes, ChangesBody, ProductResource, reply, seen};

/// `PATCH /products/{id}`: the product as it is then. With `If-Match`, only if it is still what was read.
#[utoipa::path(
    patch,
    path = "/api/v1/products/{id}",
    tag = "Catalogue",
    operation_id = "updateProduct",
    summary = "Change a product",
    description = "Changes any subset of the fields; the others stay, and an empty object changes nothing. `stock` sets the free units, \
        whatever orders did meanwhile, and `stockDelta` adds to them or takes away: one of the two. With `If-Match`, nothing is changed \
        when the product or its stock has changed since it was read. \
        Units that orders hold or have sold are not touched.",
    params(ProductPath, IfMatch),
    request_body = Changes,
    responses(
        (status = 200, description = "The product as it is now", body = ProductResource,
            headers(("ETag", description = "Its version, and the counts that are shown"))),
        (status = 404, description = "No such product, or deleted", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`sku-taken`: another product has this sku; `insufficient-stock`: the stock would be less than 0; \
            `too-much-stock`: it would be more than a product can have", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "The product or its stock is not what the tag in `If-Match` stands for any more", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    let seen = seen(&context)?;
    let changes =
        ChangesBody::read(context.json()?).check(|changes| Product::check(&changes.into()))?;
    let currency = currency().await?;
    let command = update_product::Command {
        id: &id,
        changes: &(&changes).into(),
        seen,
    };
    let product = update_product::handle(&*products::instance(), &command).map_err(problem)?;
    reply(&product, currency, Audience::Admins)
}
