use mercato_edge::{Context, Problem, Reply, settings};
use payments::application::queries;
use payments::domain::PaymentError;
use payments::instance;
use serde_json::json;

use crate::problems::problem;
use crate::resource::lag_resource;

/// `GET /internal/ready`: whether payments can answer, and how far the outbox is behind.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable_settings().await?;
    let instance = instance();
    queries::ready(&*instance).map_err(not_ready)?;
    let lag = queries::lag(&*instance).map_err(not_ready)?;
    Reply::json(&json!({ "status": "ok", "outbox": lag_resource(lag) }))
}

/// Whatever is wrong, the component is not ready: 503, never 500.
fn not_ready(error: PaymentError) -> Problem {
    let code = problem(error).code();
    Problem::unavailable(format!("payments are not ready ({code}): see their log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_cause_not_ready_is_503() {
        for error in [PaymentError::Internal, PaymentError::Unavailable] {
            assert_eq!(not_ready(error).status().as_u16(), 503);
        }
    }
}
