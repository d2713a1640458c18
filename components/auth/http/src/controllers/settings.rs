use mercato_edge::{Context, InvalidSetting, Problem, Reply, settings};

use crate::bindings::mercato::auth::accounts::{self, FieldError, Registration};
use crate::bindings::spin::variables::variables;

/// `GET /internal/settings`: as in every box, and whether the first admin can have the account that is set.
pub async fn settings(_: Context) -> Result<Reply, Problem> {
    settings::told(&invalid().await)
}

/// Lets readiness go on when all variables can be used.
pub async fn usable() -> Result<(), Problem> {
    settings::usable_settings().await?;
    settings::told(&first_admin().await).map(drop)
}

async fn invalid() -> Vec<InvalidSetting> {
    let mut invalid = settings::invalid_settings().await;
    invalid.append(&mut first_admin().await);
    invalid
}

/// What breaks the rules of accounts. When only one of the two is set, that has been told already.
async fn first_admin() -> Vec<InvalidSetting> {
    let (email, password) = (get("admin_email").await, get("admin_password").await);
    if email.trim().is_empty() || password.is_empty() {
        return Vec::new();
    }
    let errors = accounts::check_registration(&Registration {
        name: "Admin".to_owned(),
        email,
        password,
    });
    errors.iter().filter_map(broken_rule).collect()
}

/// A variable; one that cannot be read has been told already.
async fn get(name: &str) -> String {
    variables::get(name.to_owned()).await.unwrap_or_default()
}

/// The message begins with the field's name, and so does what is said of a variable with the variable's.
fn broken_rule(error: &FieldError) -> Option<InvalidSetting> {
    let variable = match error.field.as_str() {
        "email" => "admin_email",
        "password" => "admin_password",
        _ => return None,
    };
    let rest = error.message.strip_prefix(error.field.as_str());
    let rest = rest.map_or(error.message.as_str(), str::trim_start);
    Some(InvalidSetting::new(variable, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_accounts_is_told_of_the_variable() {
        let error = |field: &str| FieldError {
            field: field.to_owned(),
            code: "weak".to_owned(),
            message: format!("{field} must be longer"),
        };
        let invalid = broken_rule(&error("password")).unwrap();
        assert_eq!(invalid.to_string(), "admin_password must be longer");
        assert_eq!(
            broken_rule(&error("email")).unwrap().variable,
            "admin_email"
        );
        assert_eq!(broken_rule(&error("name")), None);
    }
}
