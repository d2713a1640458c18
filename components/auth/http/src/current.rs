//! The account behind the request's token, as it is now.
//!
//! A token keeps its role until it expires. Where accounts themselves are at stake that is too long: somebody who is
//! no longer an admin could make themselves one again. And it may have been revoked: the database knows at once.

use mercato_edge::{Context, Problem};

use crate::bindings::mercato::auth::accounts::{self, Bearer, Role, User};
use crate::problems::problem;

/// Whoever asks, as their token says.
pub fn bearer(context: &Context) -> Result<Bearer, Problem> {
    let principal = context.principal()?;
    Ok(Bearer {
        user_id: principal.user_id.clone(),
        session_id: principal.session_id.clone(),
        generation: principal.generation,
        expires_at: principal.expires_at,
    })
}

/// The account of whoever asks.
pub async fn account(context: &Context) -> Result<User, Problem> {
    let found = accounts::authenticate(bearer(context)?).await;
    found.map_err(problem)
}

/// Goes on only when whoever asks is an admin at this moment.
pub async fn require_admin(context: &Context) -> Result<(), Problem> {
    admin(&account(context).await?)
}

fn admin(user: &User) -> Result<(), Problem> {
    match user.role {
        Role::Admin => Ok(()),
        Role::Customer => Err(Problem::forbidden("only an admin may do this")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::ada;

    #[test]
    fn who_is_no_admin_any_more_is_refused_whatever_the_token_says() {
        assert_eq!(admin(&ada()).unwrap_err().status().as_u16(), 403);
        assert!(
            admin(&User {
                role: Role::Admin,
                ..ada()
            })
            .is_ok()
        );
    }
}
