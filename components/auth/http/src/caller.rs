//! Who calls, and their account as it is now.
//!
//! A token keeps its role until it expires. Where accounts themselves are at stake that is too long: somebody who is
//! no longer an admin could make themselves one again. And it may have been revoked: the database knows at once.

use auth::application::ports::Ports;
use auth::application::queries::accounts;
use auth::domain::{AccountId, AccountView, Caller, Role};
use mercato_edge::{Context, Problem};

use crate::problems::problem;

/// Who calls, as their token says.
pub fn caller(context: &Context) -> Result<Caller, Problem> {
    let principal = context.principal()?;
    let account = AccountId::parse(&principal.user_id);
    Ok(Caller {
        // What is no id belongs to no account.
        account: account.map_err(|_| problem(auth::Error::SessionEnded))?,
        session: principal.session_id.clone(),
        generation: principal.generation,
        expires_at: principal.expires_at,
    })
}

/// Goes on only when the caller is an admin at this moment.
pub fn require_admin(ports: &Ports, context: &Context) -> Result<(), Problem> {
    let account = accounts::own(ports, &caller(context)?);
    admin(&account.map_err(problem)?)
}

fn admin(account: &AccountView) -> Result<(), Problem> {
    match account.role {
        Role::Admin => Ok(()),
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
}
