use auth::Error;
use mercato_edge::{Context, Problem, Reply};

use crate::controllers::settings;
use crate::problems::problem;

/// `GET /internal/ready`: whether accounts can answer.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable().await?;
    let ports = auth::instance().await.map_err(not_ready)?;
    ports.check_database().map_err(not_ready)?;
    Reply::json(&serde_json::json!({ "status": "ok" }))
}

/// Whatever is wrong, accounts are not ready: 503, never 500.
fn not_ready(error: Error) -> Problem {
    let code = problem(error).code();
    Problem::unavailable(format!("accounts are not ready ({code}): see their log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ready_answers_503_whatever_the_cause() {
        let cause = || "cause".to_owned();
        for error in [Error::Internal(cause()), Error::Unavailable(cause())] {
            assert_eq!(not_ready(error).status().as_u16(), 503);
        }
    }
}
