//! Accounts and sessions as clients see them.

use mercato_edge::{Problem, Reply};
use mercato_platform::clock::rfc3339;
use serde::Serialize;

use crate::bindings::mercato::auth::accounts::{Renewal, Role, Session, User};

/// The `tokenType` of an access token (RFC 6750).
const TOKEN_TYPE: &str = "Bearer";

/// An account in the answer to a login.
#[derive(Debug, Serialize)]
struct UserSummary<'a> {
    id: &'a str,
    name: &'a str,
    email: &'a str,
    role: &'static str,
}

/// An account as its owner sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileResource<'a> {
    #[serde(flatten)]
    summary: UserSummary<'a>,
    version: u64,
    created_at: String,
    updated_at: String,
}

/// An account as an admin sees it.
#[derive(Debug, Serialize)]
pub struct AccountResource<'a> {
    #[serde(flatten)]
    profile: ProfileResource<'a>,
    disabled: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionResource<'a> {
    user: UserSummary<'a>,
    /// What clients of the first version read: the access token.
    token: &'a str,
    access_token: &'a str,
    refresh_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
}

#[derive(Debug, Serialize)]
struct RenewalResource<'a> {
    user: UserSummary<'a>,
    token: &'a str,
}

impl<'a> UserSummary<'a> {
    fn new(user: &'a User) -> Self {
        Self {
            id: &user.id,
            name: &user.name,
            email: &user.email,
            role: role_name(user.role),
        }
    }
}

impl<'a> ProfileResource<'a> {
    fn new(user: &'a User) -> Self {
        Self {
            summary: UserSummary::new(user),
            version: user.version,
            created_at: rfc3339(user.created_at),
            updated_at: rfc3339(user.updated_at),
        }
    }
}

impl<'a> AccountResource<'a> {
    /// The account as an admin sees it.
    pub fn new(user: &'a User) -> Self {
        Self {
            profile: ProfileResource::new(user),
            disabled: user.disabled,
        }
    }
}

/// The stable name of a role.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Admin => "admin",
    }
}

/// 200 with a session's account and tokens.
pub fn session(session: &Session) -> Result<Reply, Problem> {
    Reply::json(&SessionResource {
        user: UserSummary::new(&session.user),
        token: &session.tokens.access_token,
        access_token: &session.tokens.access_token,
        refresh_token: &session.tokens.refresh_token,
        token_type: TOKEN_TYPE,
        expires_in: session.tokens.expires_in,
    })
}

/// 200 with an account and its renewed access token.
pub fn renewal(renewal: &Renewal) -> Result<Reply, Problem> {
    Reply::json(&RenewalResource {
        user: UserSummary::new(&renewal.user),
        token: &renewal.access_token,
    })
}

/// 200 with an account as its owner sees it, and its entity tag.
pub fn profile(user: &User) -> Result<Reply, Problem> {
    Ok(Reply::json(&ProfileResource::new(user))?.with_version(user.version, &[]))
}

/// 200 with an account as an admin sees it, and its entity tag.
pub fn account(user: &User) -> Result<Reply, Problem> {
    Ok(Reply::json(&AccountResource::new(user))?.with_version(user.version, &[]))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::bindings::mercato::auth::accounts::TokenPair;

    /// An account with something in every field.
    pub fn ada() -> User {
        User {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            role: Role::Customer,
            disabled: false,
            created_at: 0,
            updated_at: 1_709_164_800_123,
            version: 3,
        }
    }

    fn text(reply: &Reply) -> &str {
        std::str::from_utf8(reply.body()).unwrap()
    }

    #[test]
    fn a_session_has_the_token_under_both_names() {
        let tokens = TokenPair {
            access_token: "aaa".to_owned(),
            refresh_token: "rrr".to_owned(),
            expires_in: 900,
        };
        let reply = session(&Session {
            user: ada(),
            tokens,
        })
        .unwrap();
        assert_eq!(
            text(&reply),
            concat!(
                r#"{"user":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","name":"Ada","email":"ada@example.com","#,
                r#""role":"customer"},"token":"aaa","accessToken":"aaa","refreshToken":"rrr","#,
                r#""tokenType":"Bearer","expiresIn":900}"#
            )
        );
    }

    #[test]
    fn a_renewal_is_the_account_and_a_token() {
        let user = User {
            role: Role::Admin,
            ..ada()
        };
        let access_token = "aaa".to_owned();
        let reply = renewal(&Renewal {
            user,
            access_token,
            expires_in: 900,
        })
        .unwrap();
        assert_eq!(
            text(&reply),
            concat!(
                r#"{"user":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","name":"Ada","email":"ada@example.com","#,
                r#""role":"admin"},"token":"aaa"}"#
            )
        );
    }

    #[test]
    fn an_owner_sees_the_profile() {
        assert_eq!(
            text(&profile(&ada()).unwrap()),
            concat!(
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","name":"Ada","email":"ada@example.com","#,
                r#""role":"customer","version":3,"createdAt":"1970-01-01T00:00:00.000Z","#,
                r#""updatedAt":"2024-02-29T00:00:00.123Z"}"#
            )
        );
    }

    #[test]
    fn an_admin_also_sees_whether_an_account_is_disabled() {
        let disabled = User {
            disabled: true,
            ..ada()
        };
        let value: serde_json::Value =
            serde_json::from_slice(account(&disabled).unwrap().body()).unwrap();
        assert_eq!(
            (&value["disabled"], &value["version"]),
            (&true.into(), &3.into())
        );
        assert_eq!(value.as_object().unwrap().len(), 8);
    }
}
