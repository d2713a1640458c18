use auth::application::commands::end_other_sessions;
use mercato_edge::{NoContent, Problem, endpoint};

use crate::caller::SignedIn;
use crate::problems::problem;

/// End all of one's other sessions
///
/// Ends every session of the account but the one that the token belongs to.
#[endpoint(
    DELETE "/api/v1/auth/sessions", access = Bearer, tag = "Accounts", id = "endOtherSessions",
    returns = "All other sessions have ended",
)]
pub async fn end_other_sessions(SignedIn(caller): SignedIn) -> Result<NoContent, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let command = end_other_sessions::Command { caller };
    end_other_sessions::handle(&ports, command).map_err(problem)?;
    Ok(NoContent)
}
