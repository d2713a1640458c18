use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts::{self, AccountError};
use crate::controllers::settings;
use crate::problems::problem;

/// `GET /internal/ready`: whether accounts can answer.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable().await?;
    match accounts::ready().await {
        Ok(()) => Reply::json(&serde_json::json!({ "status": "ok" })),
        Err(error) => Err(not_ready(error)),
    }
}

/// Whatever is wrong, the box is not ready: 503, never 500.
fn not_ready(error: AccountError) -> Problem {
    let code = problem(error).code();
    Problem::unavailable(format!("accounts are not ready ({code}): see their log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_is_not_ready_says_503_whatever_the_cause() {
        for error in [AccountError::Internal, AccountError::Unavailable] {
            assert_eq!(not_ready(error).status().as_u16(), 503);
        }
    }
}
