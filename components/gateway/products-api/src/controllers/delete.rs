use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::products::catalogue;
use crate::problems::problem;

/// `DELETE /products/{id}`: 204. With `If-Match`, only that version of it.
pub async fn delete(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let version = context.expected_version()?;
    catalogue::delete(context.id("id")?, version)
        .await
        .map_err(problem)?;
    Ok(Reply::no_content())
}
