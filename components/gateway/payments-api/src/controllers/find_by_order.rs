use mercato_edge::{Context, Problem, Reply};

use super::viewer;
use crate::bindings::mercato::payments::queries;
use crate::problems::problem;
use crate::resource::reply;

/// `GET /payments/order/{orderId}`.
pub async fn find_by_order(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let viewer = viewer(&context)?;
    let payment = queries::find_by_order(viewer, context.id("orderId")?)
        .await
        .map_err(problem)?;
    reply(&payment)
}
