use mercato_edge::{BASE_PATH, Context, Problem, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::body;
use crate::problems::problem;
use crate::resource::{Viewer, reply};

/// `POST /products`: 201 with the product and its place.
pub async fn create(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let new = body::new_product(context.json()?)?;
    let product = catalogue::create(new).await.map_err(problem)?;
    Ok(reply(&product, Viewer::Admin)?.created(&format!("{BASE_PATH}/products/{}", product.id)))
}
