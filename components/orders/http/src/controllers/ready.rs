use mercato_edge::{Context, Problem, Reply, settings};

use crate::bindings::mercato::orders_old::{maintenance, types};
use crate::problems::problem;

/// `GET /internal/ready`: whether orders can answer.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable_settings().await?;
    match maintenance::ready().await {
        Ok(()) => Reply::json(&serde_json::json!({ "status": "ok" })),
        Err(error) => Err(not_ready(error)),
    }
}

/// Whatever is wrong, the box is not ready: 503, never 500.
fn not_ready(error: types::OrderError) -> Problem {
    let code = problem(error).code();
    Problem::unavailable(format!("orders are not ready ({code}): see the log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_is_not_ready_says_503_whatever_the_cause() {
        for error in [types::OrderError::Internal, types::OrderError::Unavailable] {
            assert_eq!(not_ready(error).status().as_u16(), 503);
        }
    }
}
