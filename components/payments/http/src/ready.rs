use mercato_edge::{Context, OutboxLag, Problem, Reply, settings};
use serde_json::json;

use crate::bindings::mercato::payments_old::types::PaymentError;
use crate::bindings::mercato::payments_old::{outbox, queries};
use crate::problems::problem;

/// `GET /internal/ready`: whether payments can answer, and how far telling is behind.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable_settings().await?;
    queries::ready().await.map_err(not_ready)?;
    let lag = outbox::lag().await.map_err(not_ready)?;
    Reply::json(&json!({ "status": "ok", "outbox": OutboxLag::from(lag) }))
}

/// Whatever is wrong, the box is not ready: 503, never 500.
fn not_ready(error: PaymentError) -> Problem {
    let code = problem(error).code();
    Problem::unavailable(format!("payments are not ready ({code}): see their log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_is_not_ready_says_503_whatever_the_cause() {
        for error in [PaymentError::Internal, PaymentError::Unavailable] {
            assert_eq!(not_ready(error).status().as_u16(), 503);
        }
    }
}
