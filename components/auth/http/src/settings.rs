use auth::application::commands::create_first_admin;
use mercato_contracts::variables::variables;
use mercato_edge::{FieldError, InvalidSetting, NoContent, Problem, endpoint, settings};

/// Whether all variables can be used, as in every component, and whether the first admin can have the account that is set
#[endpoint(GET "/internal/settings", access = Public)]
pub async fn settings() -> Result<NoContent, Problem> {
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

/// What breaks the rules of accounts. When only one of the two is set, `invalid_settings` names it.
async fn first_admin() -> Vec<InvalidSetting> {
    let (email, password) = (get("admin_email").await, get("admin_password").await);
    if email.trim().is_empty() || password.is_empty() {
        return Vec::new();
    }
    let errors = create_first_admin::check(&create_first_admin::Command { email, password });
    errors.iter().filter_map(broken_rule).collect()
}

/// A variable; one that cannot be read is named by `invalid_settings`.
async fn get(name: &str) -> String {
    variables::get(name.to_owned()).await.unwrap_or_default()
}

/// The message of a field begins with its name, and that of a setting does not.
fn broken_rule(error: &FieldError) -> Option<InvalidSetting> {
    let variable = ["admin_email", "admin_password"]
        .into_iter()
        .find(|variable| *variable == error.field)?;
    let rest = error.message.strip_prefix(variable)?;
    Some(InvalidSetting::new(variable, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_names_the_variable_once() {
        let (email, password) = ("nobody".to_owned(), "short".to_owned());
        let errors = create_first_admin::check(&create_first_admin::Command { email, password });
        let invalid: Vec<_> = errors.iter().filter_map(broken_rule).collect();
        let texts: Vec<_> = invalid.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "admin_email must be an address such as name@example.com",
                "admin_password must have at least 8 characters"
            ]
        );
        assert_eq!(broken_rule(&FieldError::new("name", "max", "name x")), None);
    }
}
