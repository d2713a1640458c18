use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::body;
use crate::problems::problem;
use crate::resource::{Viewer, reply};

/// `PATCH /products/{id}`: the product as it is then. With `If-Match`, only that version of it.
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    let version = context.expected_version()?;
    let changes = body::changes(context.json()?)?;
    let product = catalogue::update(id, changes, version)
        .await
        .map_err(problem)?;
    reply(&product, Viewer::Admin)
}
