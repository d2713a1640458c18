use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::orders::commands;
use crate::body;
use crate::problems::problem;
use crate::resource::reply;
use crate::viewer::viewer;

/// `PATCH /orders/{id}`: the order as it is then. With `If-Match`, only that version of it.
pub async fn change_status(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let (viewer, id) = (viewer(&context)?, context.id("id")?);
    let version = context.expected_version()?;
    let (status, reason) = body::status_change(context.json()?)?;
    let order = commands::change_status(viewer, id, status, reason, version)
        .await
        .map_err(problem)?;
    reply(&order)
}
