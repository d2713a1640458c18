//! What requests bring, as the contract of accounts takes it. Its rules are checked there.

use mercato_edge::{Fields, Problem};

use crate::bindings::mercato::auth::accounts::{
    AccountChanges, ProfileChanges, Registration, Role,
};

/// An address and a password.
pub struct Credentials {
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: String,
}

/// The current password and the one to come.
pub struct Passwords {
    /// As typed.
    pub current: String,
    /// As typed.
    pub new: String,
}

/// `{name, email, password}`.
pub fn registration(mut fields: Fields) -> Result<Registration, Problem> {
    let registration = Registration {
        name: fields.required("name"),
        email: fields.required("email"),
        password: fields.required("password"),
    };
    fields.finish().map(|()| registration)
}

/// `{email, password}`.
pub fn credentials(mut fields: Fields) -> Result<Credentials, Problem> {
    let credentials = Credentials {
        email: fields.required("email"),
        password: fields.required("password"),
    };
    fields.finish().map(|()| credentials)
}

/// `{refreshToken}`.
pub fn refresh_token(mut fields: Fields) -> Result<String, Problem> {
    let token = fields.required("refreshToken");
    fields.finish().map(|()| token)
}

/// `{currentPassword, newPassword}`.
pub fn passwords(mut fields: Fields) -> Result<Passwords, Problem> {
    let passwords = Passwords {
        current: fields.required("currentPassword"),
        new: fields.required("newPassword"),
    };
    fields.finish().map(|()| passwords)
}

/// Any of `{name, email}`.
pub fn profile_changes(mut fields: Fields) -> Result<ProfileChanges, Problem> {
    let changes = ProfileChanges {
        name: fields.optional("name"),
        email: fields.optional("email"),
    };
    fields.finish().map(|()| changes)
}

/// Any of `{role, disabled}`.
pub fn account_changes(mut fields: Fields) -> Result<AccountChanges, Problem> {
    let role = fields.optional::<String>("role").and_then(|name| {
        let role = role(&name);
        if role.is_none() {
            fields.reject("role", "format", "must be customer or admin");
        }
        role
    });
    let changes = AccountChanges {
        role,
        disabled: fields.optional("disabled"),
    };
    fields.finish().map(|()| changes)
}

fn role(name: &str) -> Option<Role> {
    match name {
        "customer" => Some(Role::Customer),
        "admin" => Some(Role::Admin),
        _ => None,
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

    #[test]
    fn a_registration_cannot_choose_a_role() {
        let body = r#"{"name":"Ada","email":"ada@example.com","password":"x","role":"admin"}"#;
        assert_eq!(read(body, registration).unwrap_err(), ["role: unknown"]);
        let body = body.replace(r#","role":"admin""#, "");
        let registration = read(&body, registration).unwrap();
        assert_eq!(registration.name, "Ada");
        assert_eq!(
            (registration.email.as_str(), registration.password.as_str()),
            ("ada@example.com", "x")
        );
    }

    #[test]
    fn missing_misshapen_and_unknown_fields_are_all_named() {
        let error = read(r#"{"name":7,"password":null,"isAdmin":true}"#, registration).unwrap_err();
        assert_eq!(
            error,
            [
                "name: type",
                "email: required",
                "password: type",
                "isAdmin: unknown"
            ]
        );
        assert_eq!(
            read("{}", credentials).err().unwrap(),
            ["email: required", "password: required"]
        );
        assert_eq!(
            read("{}", refresh_token).unwrap_err(),
            ["refreshToken: required"]
        );
        assert_eq!(
            read("{}", passwords).err().unwrap(),
            ["currentPassword: required", "newPassword: required"]
        );
        assert_eq!(
            read(r#"{"role":"admin"}"#, profile_changes).unwrap_err(),
            ["role: unknown"]
        );
    }

    #[test]
    fn fields_reach_the_contract_under_their_names() {
        let given = read(r#"{"email":"a@example.com","password":"p"}"#, credentials).unwrap();
        assert_eq!(
            (given.email.as_str(), given.password.as_str()),
            ("a@example.com", "p")
        );
        let given = read(
            r#"{"currentPassword":"old","newPassword":"new"}"#,
            passwords,
        )
        .unwrap();
        assert_eq!((given.current.as_str(), given.new.as_str()), ("old", "new"));
        assert_eq!(
            read(r#"{"refreshToken":"abc"}"#, refresh_token).unwrap(),
            "abc"
        );
        let given = read(r#"{"email":"b@example.com"}"#, profile_changes).unwrap();
        assert_eq!(
            (given.name, given.email.as_deref()),
            (None, Some("b@example.com"))
        );
    }

    #[test]
    fn an_admin_sets_role_and_disabled_and_nothing_else() {
        let changes = read(r#"{"role":"admin"}"#, account_changes).unwrap();
        assert_eq!((changes.role, changes.disabled), (Some(Role::Admin), None));
        let changes = read(r#"{"role":"customer","disabled":true}"#, account_changes).unwrap();
        assert_eq!(
            (changes.role, changes.disabled),
            (Some(Role::Customer), Some(true))
        );
        let error = read(
            r#"{"role":"Admin","disabled":"yes","password":"x"}"#,
            account_changes,
        )
        .unwrap_err();
        assert_eq!(
            error,
            ["role: format", "disabled: type", "password: unknown"]
        );
    }
}
