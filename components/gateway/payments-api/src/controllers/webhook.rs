use mercato_edge::{Context, HeaderName, Problem, Reply};
use serde_json::json;

use crate::bindings::mercato::payments::commands;
use crate::problems::problem;

/// Where the provider puts its signature.
const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// `POST /payments/webhook`: 200 for every event that is the provider's, known or not, so that it is not sent again.
pub async fn webhook(context: Context) -> Result<Reply, Problem> {
    let signature = context.header(&SIGNATURE).unwrap_or_default().to_owned();
    commands::handle_webhook(context.body().to_vec(), signature)
        .await
        .map_err(problem)?;
    Reply::json(&json!({ "received": true }))
}
