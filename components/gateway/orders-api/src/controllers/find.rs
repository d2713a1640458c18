use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::orders::queries;
use crate::problems::problem;
use crate::resource::details_reply;
use crate::viewer::viewer;

/// `GET /orders/id/{id}`: the order with its payment and history.
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let details = queries::find(viewer(&context)?, context.id("id")?)
        .await
        .map_err(problem)?;
    details_reply(&details)
}
