//! Who calls, and their account as it is now.
//!
//! A token keeps its role until it expires. Where accounts themselves are at stake that is too long: somebody who is
//! no longer an admin could make themselves one again. And it may have been revoked: the database knows at once.

use auth::application::queries::accounts;
use auth::domain::{AccountId, AccountView, Role, SessionCaller, SessionId};
#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{Context, FromContext, Principal, Problem};

use crate::problems::problem;

/// Who calls, as their token says.
#[derive(Debug)]
pub struct SignedIn(pub SessionCaller);

impl FromContext for SignedIn {
    const NEEDS_CALLER: bool = true;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        session_caller(context.principal()?).map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

/// Goes on only when the caller is an admin at this moment.
#[derive(Debug)]
pub struct AdminOfNow;

impl FromContext for AdminOfNow {
    const NEEDS_CALLER: bool = true;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        let SignedIn(caller) = SignedIn::from_context(context).await?;
        let ports = auth::instance().await.map_err(problem)?;
        admin(&accounts::own(&ports, &caller).map_err(problem)?)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

/// What is no id belongs to no account and no session.
fn session_caller(principal: &Principal) -> Result<SessionCaller, Problem> {
    let ended = |_| problem(auth::Error::SessionEnded);
    let session = principal.session_id.as_deref().map(SessionId::parse);
    Ok(SessionCaller {
        account: AccountId::parse(&principal.user_id).map_err(ended)?,
        session: session.transpose().map_err(ended)?,
        generation: principal.generation,
        expires_at: principal.expires_at,
    })
}

fn admin(account: &AccountView) -> Result<AdminOfNow, Problem> {
    match account.role {
        Role::Admin => Ok(AdminOfNow),
        Role::Customer => Err(Problem::forbidden("only an admin may do this")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::ada;

    #[test]
    fn a_former_admin_is_refused_whatever_the_token_says() {
        assert_eq!(admin(&ada()).unwrap_err().status().as_u16(), 403);
        let role = Role::Admin;
        assert!(admin(&AccountView { role, ..ada() }).is_ok());
    }

    #[test]
    fn a_token_names_an_account_and_perhaps_a_session() {
        let principal = |user_id: &str, session_id: Option<&str>| Principal {
            user_id: user_id.to_owned(),
            role: mercato_edge::Role::Customer,
            session_id: session_id.map(str::to_owned),
            generation: 7,
            issued_at: 1,
            expires_at: 2,
        };
        let id = ada().id.to_string();
        let caller = session_caller(&principal(&id, Some(&id))).unwrap();
        assert_eq!((caller.account, caller.generation), (ada().id, 7));
        assert_eq!(caller.session.unwrap().to_string(), id);
        let older = session_caller(&principal(&id, None)).unwrap();
        assert_eq!((older.session, older.expires_at), (None, 2));
        for wrong in [principal("x", Some(&id)), principal(&id, Some("x"))] {
            let refused = session_caller(&wrong).unwrap_err();
            assert_eq!(refused.status().as_u16(), 401);
        }
    }
}
