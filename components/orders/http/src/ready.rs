use mercato_edge::{Context, Problem, Reply, settings};
use orders::application::queries::readiness;
use orders::domain::OrderError;

use crate::problems::problem;

/// `GET /internal/ready`: whether orders can answer.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable_settings().await?;
    let orders = orders::instance().await.map_err(not_ready)?;
    readiness::handle(&*orders).map_err(not_ready)?;
    Reply::json(&serde_json::json!({ "status": "ok" }))
}

/// Whatever is wrong, the component is not ready: 503, never 500.
fn not_ready(error: OrderError) -> Problem {
    let code = problem(error).code();
    Problem::unavailable(format!("orders are not ready ({code}): see the log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ready_answers_503_whatever_the_cause() {
        for error in [OrderError::Internal, OrderError::Unavailable] {
            assert_eq!(not_ready(error).status().as_u16(), 503);
        }
    }
}
