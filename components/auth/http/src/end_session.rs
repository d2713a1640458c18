use auth::application::commands::end_session;
use auth::domain::SessionId;
use mercato_edge::{NoContent, Path, Problem, endpoint};

use crate::caller::SignedIn;
use crate::problems::problem;

/// End one of one's own sessions
///
/// Ends a session as logging out there would: a lost phone, say.
#[endpoint(
    DELETE "/api/v1/auth/sessions/{id}", access = Bearer, tag = "Accounts", id = "endSession",
    returns = "The session has ended",
    404 = "The account has no such session",
)]
pub async fn end_session(
    Path(session): Path<SessionId>,
    SignedIn(caller): SignedIn,
) -> Result<NoContent, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    end_session::handle(&ports, end_session::Command { caller, session }).map_err(problem)?;
    Ok(NoContent)
}
