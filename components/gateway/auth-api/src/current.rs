//! The account behind the request's token, as it is now.
//!
//! A token keeps its role until it expires. Where accounts themselves are at stake that is too long: somebody who is
//! no longer an admin could make themselves one again.

use mercato_edge::{Context, Problem};

use crate::bindings::mercato::auth::accounts::{self, Role, User};
use crate::problems::{own_account_problem, worthless_token};

/// The account of whoever asks.
pub async fn account(context: &Context) -> Result<User, Problem> {
    let id = context.principal()?.user_id.clone();
    let user = accounts::find(id).await.map_err(own_account_problem)?;
    enabled(user)
}

/// Goes on only when whoever asks is an admin at this moment.
pub async fn require_admin(context: &Context) -> Result<(), Problem> {
    admin(&account(context).await?)
}

fn enabled(user: User) -> Result<User, Problem> {
    if user.disabled {
        Err(worthless_token())
    } else {
        Ok(user)
    }
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
    fn the_token_of_a_disabled_account_is_not_valid() {
        assert_eq!(
            enabled(User {
                disabled: true,
                ..ada()
            })
            .unwrap_err()
            .status()
            .as_u16(),
            401
        );
        assert_eq!(enabled(ada()).unwrap().id, ada().id);
    }

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
