use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::problems::problem;
use crate::resource::{Viewer, reply};

/// `GET /products/{id}`.
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let product = catalogue::find(context.id("id")?).await.map_err(problem)?;
    reply(&product, Viewer::of(context.is_admin()))
}
