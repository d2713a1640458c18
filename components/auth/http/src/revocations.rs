use std::collections::BTreeMap;

use auth::application::queries::revocations;
use auth::domain::Revoked;
use mercato_edge::{Json, Problem, Query, RevocationList, endpoint, query};

use crate::problems::problem;

const MS_PER_SECOND: u64 = 1_000;

/// What is known already.
#[query]
#[derive(Debug)]
pub struct RevocationsQuery {
    /// The number of the last revocation that is known; 0 when it is absent.
    after: Option<u64>,
}

/// What was revoked since, for the other components (`mercato_edge` reads it)
#[endpoint(GET "/internal/revocations", access = Public)]
pub async fn revocations(
    Query(query): Query<RevocationsQuery>,
) -> Result<Json<RevocationList>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let list = revocations::list(&ports, query.after.unwrap_or_default()).map_err(problem)?;
    Ok(Json(in_seconds(list)))
}

/// Tokens count in seconds: what is revoked is so for the whole of its last one.
fn in_seconds(list: revocations::RevocationList) -> RevocationList {
    let (mut sessions, mut accounts) = (BTreeMap::new(), BTreeMap::new());
    for revocation in list.revocations {
        let expires_at = revocation.expires_at.div_ceil(MS_PER_SECOND);
        match revocation.revoked {
            Revoked::Session(id) => {
                sessions.insert(id.to_string(), expires_at);
            }
            Revoked::Account(id, generation) => {
                accounts.insert(id.to_string(), (generation, expires_at));
            }
        }
    }
    RevocationList {
        after: list.after,
        sequence: list.sequence,
        more: list.more,
        floor: list.floor.div_ceil(MS_PER_SECOND),
        sessions,
        accounts,
    }
}

#[cfg(test)]
mod tests {
    use auth::domain::{Revocation, SessionId};

    use super::*;
    use crate::resource::tests::ada;

    #[test]
    fn what_is_revoked_is_so_for_the_whole_of_its_last_second() {
        let revocation = |revoked, expires_at| Revocation {
            sequence: 1,
            revoked,
            revoked_at: 0,
            expires_at,
        };
        let account = ada().id;
        let session = SessionId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap();
        let answer = in_seconds(revocations::RevocationList {
            after: 3,
            sequence: 5,
            more: true,
            floor: 1_001,
            revocations: vec![
                revocation(Revoked::Session(session), 2_000),
                revocation(Revoked::Account(account, 7), 2_001),
            ],
        });
        assert_eq!((answer.after, answer.sequence, answer.more), (3, 5, true));
        assert_eq!(answer.floor, 2);
        assert_eq!(answer.sessions, [(session.to_string(), 2)].into());
        assert_eq!(answer.accounts, [(account.to_string(), (7, 3))].into());
    }
}
