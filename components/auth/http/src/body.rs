//! What requests bring. The rules for it are the domain's.

use auth::application::commands::register;
use auth::domain::{AccountChanges, Role};
use mercato_edge::body;

use crate::values::{EmailAddress, NewPassword, PersonName};

/// Opens an account.
#[body(
    example = json!({"name": "Ada Lovelace", "email": "ada@example.com", "password": "Engine-No-1"})
)]
#[derive(Debug)]
pub struct Registration {
    pub name: PersonName,
    pub email: EmailAddress,
    pub password: NewPassword,
}

/// Opens a session.
#[body(example = json!({"email": "ada@example.com", "password": "Engine-No-1"}))]
#[derive(Debug)]
pub struct Credentials {
    pub email: EmailAddress,
    /// The account's password.
    #[schema(format = Password, min_length = 1, example = "Engine-No-1")]
    pub password: String,
}

/// Names a session.
#[body(
    example = json!({"refreshToken": "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5"})
)]
#[derive(Debug)]
pub struct RefreshRequest {
    /// The `refreshToken` of the last answer.
    #[schema(example = "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5")]
    pub refresh_token: String,
}

/// Changes a password.
#[body(example = json!({"currentPassword": "Engine-No-1", "newPassword": "Engine-No-2"}))]
#[derive(Debug)]
pub struct PasswordChange {
    /// The password of now.
    #[schema(format = Password, example = "Engine-No-1")]
    pub current_password: String,
    pub new_password: NewPassword,
}

/// Changes one's own account; what is not given stays.
#[body(example = json!({"name": "Ada King"}))]
#[derive(Debug)]
pub struct ProfileChanges {
    pub name: Option<PersonName>,
    pub email: Option<EmailAddress>,
    /// The password of now: needed to change the address, and not looked at otherwise.
    #[schema(format = Password, example = "Engine-No-1")]
    pub current_password: Option<String>,
}

/// Changes somebody's account; what is not given stays.
#[body(as = AccountChanges, example = json!({"disabled": true}))]
#[derive(Debug)]
pub struct AccountChangesBody {
    pub role: Option<Role>,
    /// A disabled account has no sessions and gets none.
    #[schema(example = true)]
    pub disabled: Option<bool>,
}

impl Registration {
    /// The command of that client.
    pub fn into_command(self, client: Option<String>) -> register::Command {
        register::Command {
            name: self.name.into(),
            email: self.email.into(),
            password: self.password.into(),
            client,
        }
    }
}

impl From<AccountChangesBody> for AccountChanges {
    fn from(body: AccountChangesBody) -> Self {
        Self {
            role: body.role,
            disabled: body.disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::FromFields;
    use mercato_edge::examples::from_json;

    use super::*;

    fn read<T: FromFields>(body: &str) -> Result<T, Vec<String>> {
        from_json::<T>(body).map_err(|problem| {
            let document = problem.document("/", "r", "t");
            let named = |error: &serde_json::Value| {
                format!("{}: {}", error["field"], error["code"]).replace('"', "")
            };
            document["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(named)
                .collect()
        })
    }

    #[test]
    fn a_registration_cannot_choose_a_role() {
        let body = r#"{"name":"Ada","email":"ada@example.com","password":"x","role":"admin"}"#;
        assert_eq!(read::<Registration>(body).unwrap_err(), ["role: unknown"]);
        let body = body.replace(r#","role":"admin""#, "");
        let registration = read::<Registration>(&body).unwrap().into_command(None);
        assert_eq!(registration.name, "Ada");
        assert_eq!(
            (registration.email.as_str(), registration.password.as_str()),
            ("ada@example.com", "x")
        );
    }

    #[test]
    fn missing_misshapen_and_unknown_fields_are_all_named() {
        let body = r#"{"name":7,"password":null,"isAdmin":true}"#;
        assert_eq!(
            read::<Registration>(body).unwrap_err(),
            [
                "name: type",
                "email: required",
                "password: type",
                "isAdmin: unknown"
            ]
        );
        assert_eq!(
            read::<Credentials>("{}").unwrap_err(),
            ["email: required", "password: required"]
        );
        assert_eq!(
            read::<RefreshRequest>("{}").unwrap_err(),
            ["refreshToken: required"]
        );
        assert_eq!(
            read::<PasswordChange>("{}").unwrap_err(),
            ["currentPassword: required", "newPassword: required"]
        );
        assert_eq!(
            read::<ProfileChanges>(r#"{"role":"admin"}"#).unwrap_err(),
            ["role: unknown"]
        );
    }

    #[test]
    fn a_text_with_half_a_character_is_no_text() {
        let body = r#"{"refreshToken":"\ud800"}"#;
        assert_eq!(
            read::<RefreshRequest>(body).unwrap_err(),
            ["refreshToken: type"]
        );
    }

    #[test]
    fn fields_reach_the_contract_under_their_names() {
        let given = read::<Credentials>(r#"{"email":"a@example.com","password":"p"}"#).unwrap();
        assert_eq!(
            (given.email.0.as_str(), given.password.as_str()),
            ("a@example.com", "p")
        );
        let given =
            read::<PasswordChange>(r#"{"currentPassword":"old","newPassword":"new"}"#).unwrap();
        assert_eq!(
            (
                given.current_password.as_str(),
                given.new_password.0.as_str()
            ),
            ("old", "new")
        );
        let given = read::<RefreshRequest>(r#"{"refreshToken":"abc"}"#).unwrap();
        assert_eq!(given.refresh_token, "abc");
        let given = read::<ProfileChanges>(r#"{"email":"b@example.com"}"#).unwrap();
        assert_eq!(
            (given.name, given.email.map(String::from)),
            (None, Some("b@example.com".to_owned()))
        );
        let given = read::<ProfileChanges>(r#"{"currentPassword":"p"}"#).unwrap();
        assert_eq!(given.current_password.as_deref(), Some("p"));
    }

    #[test]
    fn an_admin_sets_role_and_disabled_and_nothing_else() {
        let changes = |body| read::<AccountChangesBody>(body).map(AccountChanges::from);
        let promoted = changes(r#"{"role":"admin"}"#).unwrap();
        assert_eq!(
            (promoted.role, promoted.disabled),
            (Some(Role::Admin), None)
        );
        let disabled = changes(r#"{"role":"customer","disabled":true}"#).unwrap();
        assert_eq!(
            (disabled.role, disabled.disabled),
            (Some(Role::Customer), Some(true))
        );
        let error = changes(r#"{"role":"Admin","disabled":"yes","password":"x"}"#).unwrap_err();
        assert_eq!(
            error,
            ["role: format", "disabled: type", "password: unknown"]
        );
    }
}
