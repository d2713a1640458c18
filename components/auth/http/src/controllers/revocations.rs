use mercato_edge::{Context, Problem, Reply, RevocationList};

use crate::bindings::mercato::auth::accounts;
use crate::problems::problem;

/// `GET /internal/revocations?after=NUMBER`: what was revoked since, for the other boxes (`mercato_edge` reads it).
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let mut query = context.query();
    let after = query.optional("after", "a whole number");
    query.finish()?;
    let list = accounts::list_revocations(after.unwrap_or_default())
        .await
        .map_err(problem)?;
    Reply::json(&to_list(list))
}

fn to_list(list: accounts::RevocationList) -> RevocationList {
    let sessions = list.sessions.into_iter();
    let accounts = list.accounts.into_iter();
    RevocationList {
        after: list.after,
        sequence: list.sequence,
        more: list.more,
        floor: list.floor,
        sessions: sessions
            .map(|revoked| (revoked.session_id, revoked.expires_at))
            .collect(),
        accounts: accounts
            .map(|revoked| (revoked.user_id, (revoked.generation, revoked.expires_at)))
            .collect(),
    }
}
