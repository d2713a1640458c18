use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts::{self, AccountError};
use crate::body;
use crate::body::Passwords;
use crate::problems::{invalid_credentials, own_account_problem};

/// `POST /auth/password`: changes the password and ends every session of the account.
pub async fn change(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.principal()?.user_id.clone();
    let Passwords { current, new } = body::passwords(context.json()?)?;
    accounts::change_password(id, current, new)
        .await
        .map_err(refused)?;
    Ok(Reply::no_content())
}

fn refused(error: AccountError) -> Problem {
    match error {
        AccountError::InvalidCredentials => invalid_credentials("the current password is wrong"),
        other => own_account_problem(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_current_password_is_told_apart_from_a_worthless_token() {
        assert_eq!(
            refused(AccountError::InvalidCredentials).code(),
            "invalid-credentials"
        );
        assert_eq!(refused(AccountError::NotFound).code(), "unauthorized");
    }
}
