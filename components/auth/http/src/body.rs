//! What requests bring. The rules for it are the domain's.

use auth::application::commands::register::Register;
use auth::domain::{self, Role};
use mercato_edge::{Draft, Fields, Problem};
use utoipa::ToSchema;

use crate::schemas::{EmailAddress, NewPassword, PersonName};

/// Opens an account.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace", "email": "ada@example.com", "password": "Engine-No-1"}))]
pub struct Registration {
    #[schema(value_type = PersonName)]
    pub name: String,
    #[schema(value_type = EmailAddress)]
    pub email: String,
    #[schema(value_type = NewPassword)]
    pub password: String,
}

/// Opens a session.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "password": "Engine-No-1"}))]
pub struct Credentials {
    #[schema(value_type = EmailAddress)]
    pub email: String,
    /// The account's password.
    #[schema(format = Password, min_length = 1, example = "Engine-No-1")]
    pub password: String,
}

/// Names a session.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"refreshToken": "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5"}))]
pub struct RefreshRequest {
    /// The `refreshToken` of the last answer.
    #[schema(example = "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5")]
    pub refresh_token: String,
}

/// Changes a password.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"currentPassword": "Engine-No-1", "newPassword": "Engine-No-2"}))]
pub struct PasswordChange {
    /// The password of now.
    #[schema(format = Password, example = "Engine-No-1")]
    pub current_password: String,
    #[schema(value_type = NewPassword)]
    pub new_password: String,
}

/// Changes one's own account; what is not given stays.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Ada King"}))]
pub struct ProfileChanges {
    #[schema(value_type = PersonName, required = false)]
    pub name: Option<String>,
    #[schema(value_type = EmailAddress, required = false)]
    pub email: Option<String>,
    /// The password of now: needed to change the address, and not looked at otherwise.
    #[schema(value_type = String, format = Password, required = false, example = "Engine-No-1")]
    pub current_password: Option<String>,
}

/// Changes somebody's account; what is not given stays.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"disabled": true}))]
pub struct AccountChanges {
    #[schema(value_type = Role, required = false)]
    pub role: Option<Role>,
    /// A disabled account has no sessions and gets none.
    #[schema(value_type = bool, required = false, example = true)]
    pub disabled: Option<bool>,
}

impl Registration {
    /// `{name, email, password}`.
    pub fn read(mut fields: Fields) -> Draft<Self> {
        let body = Self {
            name: fields.required("name"),
            email: fields.required("email"),
            password: fields.required("password"),
        };
        fields.draft(body)
    }
}

impl Credentials {
    /// `{email, password}`.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let body = Self {
            email: fields.required("email"),
            password: fields.required("password"),
        };
        fields.finish().map(|()| body)
    }
}

impl RefreshRequest {
    /// `{refreshToken}`.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let body = Self {
            refresh_token: fields.required("refreshToken"),
        };
        fields.finish().map(|()| body)
    }
}

impl PasswordChange {
    /// `{currentPassword, newPassword}`.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let body = Self {
            current_password: fields.required("currentPassword"),
            new_password: fields.required("newPassword"),
        };
        fields.finish().map(|()| body)
    }
}

impl ProfileChanges {
    /// Any of `{name, email, currentPassword}`.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let body = Self {
            name: fields.optional("name"),
            email: fields.optional("email"),
            current_password: fields.optional("currentPassword"),
        };
        fields.finish().map(|()| body)
    }
}

impl AccountChanges {
    /// Any of `{role, disabled}`.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let role = fields.optional::<String>("role").and_then(|name| {
            let role = name.parse::<Role>().ok();
            if role.is_none() {
                fields.reject("role", "format", "must be customer or admin");
            }
            role
        });
        let body = Self {
            role,
            disabled: fields.optional("disabled"),
        };
        fields.finish().map(|()| body)
    }
}

impl Registration {
    /// The command of that client.
    pub fn into_command(self, client: Option<String>) -> Register {
        let Self {
            name,
            email,
            password,
        } = self;
        Register {
            name,
            email,
            password,
            client,
        }
    }
}

impl From<AccountChanges> for domain::AccountChanges {
    fn from(body: AccountChanges) -> Self {
        Self {
            role: body.role,
            disabled: body.disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(
        body: &str,
        reader: impl FnOnce(Fields) -> Result<T, Problem>,
    ) -> Result<T, Vec<String>> {
        reader(Fields::parse(body.as_bytes()).unwrap()).map_err(|problem| {
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

    fn registration(fields: Fields) -> Result<Registration, Problem> {
        Registration::read(fields).check(|_| Vec::new())
    }

    #[test]
    fn a_registration_cannot_choose_a_role() {
        let body = r#"{"name":"Ada","email":"ada@example.com","password":"x","role":"admin"}"#;
        assert_eq!(read(body, registration).unwrap_err(), ["role: unknown"]);
        let body = body.replace(r#","role":"admin""#, "");
        let registration = read(&body, registration).unwrap().into_command(None);
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
            read(body, registration).unwrap_err(),
            [
                "name: type",
                "email: required",
                "password: type",
                "isAdmin: unknown"
            ]
        );
        assert_eq!(
            read("{}", Credentials::read).unwrap_err(),
            ["email: required", "password: required"]
        );
        assert_eq!(
            read("{}", RefreshRequest::read).unwrap_err(),
            ["refreshToken: required"]
        );
        assert_eq!(
            read("{}", PasswordChange::read).unwrap_err(),
            ["currentPassword: required", "newPassword: required"]
        );
        assert_eq!(
            read(r#"{"role":"admin"}"#, ProfileChanges::read).unwrap_err(),
            ["role: unknown"]
        );
    }

    #[test]
    fn a_text_with_half_a_character_is_no_text() {
        let body = r#"{"refreshToken":"\ud800"}"#;
        assert_eq!(
            read(body, RefreshRequest::read).unwrap_err(),
            ["refreshToken: type"]
        );
    }

    #[test]
    fn fields_reach_the_contract_under_their_names() {
        let given = read(
            r#"{"email":"a@example.com","password":"p"}"#,
            Credentials::read,
        )
        .unwrap();
        assert_eq!(
            (given.email.as_str(), given.password.as_str()),
            ("a@example.com", "p")
        );
        let given = read(
            r#"{"currentPassword":"old","newPassword":"new"}"#,
            PasswordChange::read,
        )
        .unwrap();
        assert_eq!(
            (given.current_password.as_str(), given.new_password.as_str()),
            ("old", "new")
        );
        let given = read(r#"{"refreshToken":"abc"}"#, RefreshRequest::read).unwrap();
        assert_eq!(given.refresh_token, "abc");
        let given = read(r#"{"email":"b@example.com"}"#, ProfileChanges::read).unwrap();
        assert_eq!(
            (given.name, given.email.as_deref()),
            (None, Some("b@example.com"))
        );
        let given = read(r#"{"currentPassword":"p"}"#, ProfileChanges::read).unwrap();
        assert_eq!(given.current_password.as_deref(), Some("p"));
    }

    #[test]
    fn an_admin_sets_role_and_disabled_and_nothing_else() {
        let changes = |body| read(body, AccountChanges::read).map(domain::AccountChanges::from);
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
