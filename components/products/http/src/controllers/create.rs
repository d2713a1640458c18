use mercato_edge::{BASE_PATH, Context, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::body::NewProductBody;
use crate::problems::{field_errors, problem};
use crate::resource::{ProductResource, Viewer, reply};

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
    let new = NewProductBody::read(context.json()?)
        .check(|new| field_errors(catalogue::check_product(&new.into())))?;
    let product = catalogue::create((&new).into()).await.map_err(problem)?;
    Ok(reply(&product, Viewer::Admin)?.created(&format!("{BASE_PATH}/products/{}", product.id)))
}
