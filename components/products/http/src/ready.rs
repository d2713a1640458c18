use mercato_edge::{Context, Problem, Reply, settings};
use products::application::ports::{Ports as _, Store as _};

use crate::problems::{currency, problem};

/// `GET /internal/ready`: whether the catalogue can answer.
pub async fn ready(_: Context) -> Result<Reply, Problem> {
    settings::usable_settings().await?;
    currency().await.map_err(|problem| not_ready(&problem))?;
    let ready = products::instance().store().ready();
    ready.map_err(|error| not_ready(&problem(error.into())))?;
    Reply::json(&serde_json::json!({ "status": "ok" }))
}

/// Whatever is wrong, the component is not ready: 503, never 500.
fn not_ready(problem: &Problem) -> Problem {
    let code = problem.code();
    Problem::unavailable(format!("the catalogue is not ready ({code}): see its log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ready_says_503_whatever_the_cause() {
        for cause in [Problem::internal(), Problem::unavailable("busy")] {
            assert_eq!(not_ready(&cause).status().as_u16(), 503);
        }
    }
}
