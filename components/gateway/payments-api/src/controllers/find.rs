use mercato_edge::{Context, Problem, Reply};

use super::viewer;
use crate::bindings::mercato::payments::queries;
use crate::problems::problem;
use crate::resource::reply;

/// `GET /payments/{id}`.
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let viewer = viewer(&context)?;
    let payment = queries::find(viewer, context.id("id")?)
        .await
        .map_err(problem)?;
    reply(&payment)
}
