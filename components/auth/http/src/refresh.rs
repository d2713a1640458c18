use auth::application::commands::refresh;
use auth::domain::RefreshSecret;
#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{ClientAddress, Context, FromContext, Json, Problem, Secret, endpoint, header};

use crate::body::RefreshRequest;
use crate::problems::problem;
use crate::resource::{SessionResource, opened};

/// What the client says that it is.
#[derive(Debug)]
pub struct UserAgent(Option<String>);

impl FromContext for UserAgent {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        let sent = context.header(&header::USER_AGENT);
        Ok(Self(sent.map(str::to_owned)))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

/// Get the next tokens
///
/// Trades a refresh token for a new pair. A refresh token is good for one use. The same client (address and
/// `User-Agent`) may send it again for ten seconds and gets the same pair: two tabs may refresh at once, and an
/// answer may be lost. Later, or from another client, it may have been stolen, and ends the session.
#[endpoint(
    POST "/api/v1/auth/refresh", access = Public, tag = "Accounts", id = "refreshSession",
    returns = "The account and its next tokens",
    401 = "`invalid-refresh-token`: unknown, too old, used before, or its session has ended",
)]
pub async fn refresh(
    Json(body): Json<RefreshRequest>,
    ClientAddress(client): ClientAddress,
    UserAgent(user_agent): UserAgent,
) -> Result<Secret<Json<SessionResource>>, Problem> {
    let command = refresh::Command {
        presented: RefreshSecret::new(body.refresh_token),
        client,
        user_agent,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let session = refresh::handle(&ports, command);
    Ok(opened(session.map_err(problem)?))
}
