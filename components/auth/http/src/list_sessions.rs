use auth::application::queries::sessions;
use mercato_edge::{Json, Problem, endpoint};

use crate::caller::SignedIn;
use crate::problems::problem;
use crate::resource::SessionList;

/// List one's own sessions
///
/// The sessions that have not ended, the one refreshed last first, at most 100.
#[endpoint(
    GET "/api/v1/auth/sessions", access = Bearer, tag = "Accounts", id = "listSessions",
    returns = "The sessions",
)]
pub async fn list_sessions(SignedIn(caller): SignedIn) -> Result<Json<SessionList>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let sessions = sessions::list(&ports, &caller).map_err(problem)?;
    Ok(Json(SessionList::new(sessions, caller.session)))
}
