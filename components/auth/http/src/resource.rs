//! Accounts and sessions as clients see them.

use auth::application::{Renewal, Session};
use auth::domain::{AccountView, Role, SessionSummary};
use mercato_edge::{Id, PageMeta, Problem, Reply, Timestamp};
use mercato_platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

/// How an access token is sent (RFC 6750).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = "Bearer")]
pub enum TokenType {
    /// `Authorization: Bearer …`.
    Bearer,
}

/// An account in the answer to a login.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserSummary<'a> {
    #[schema(value_type = Id)]
    id: String,
    #[schema(example = "Ada Lovelace")]
    name: &'a str,
    /// In lower case.
    #[schema(format = Email, example = "ada@example.com")]
    email: &'a str,
    role: Role,
}

/// An account as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Profile)]
pub struct ProfileResource<'a> {
    #[serde(flatten)]
    summary: UserSummary<'a>,
    /// Grows by one with every change; the `ETag` of the answer.
    #[schema(minimum = 1, example = 1)]
    version: u64,
    #[schema(value_type = Timestamp)]
    created_at: String,
    #[schema(value_type = Timestamp)]
    updated_at: String,
}

/// An account as an admin sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountResource<'a> {
    #[serde(flatten)]
    profile: ProfileResource<'a>,
    /// A disabled account has no sessions and gets none.
    #[schema(example = false)]
    disabled: bool,
}

/// One page of accounts.
#[derive(Debug, ToSchema)]
#[schema(as = AccountPage)]
#[allow(dead_code, reason = "describes what `paged` writes")]
pub struct AccountPage<'a> {
    /// Oldest first.
    data: Vec<AccountResource<'a>>,
    meta: PageMeta,
}

/// An account and the tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionResource<'a> {
    user: UserSummary<'a>,
    /// As `accessToken`: the name that clients of the first version read.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln"
    )]
    token: &'a str,
    /// For `Authorization: Bearer`.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln"
    )]
    access_token: &'a str,
    /// For the next pair of tokens; good for one use.
    #[schema(example = "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5")]
    refresh_token: &'a str,
    token_type: TokenType,
    /// Lifetime of the access token in seconds.
    #[schema(minimum = 1, example = 900)]
    expires_in: u64,
}

/// A session that has not ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummary)]
pub struct SessionSummaryResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    /// Whether the token that asks belongs to it.
    #[schema(example = true)]
    current: bool,
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// When its last pair of tokens was made.
    #[schema(value_type = Timestamp)]
    refreshed_at: String,
    /// When it ends unless it is refreshed.
    #[schema(value_type = Timestamp)]
    expires_at: String,
}

/// The sessions of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList<'a> {
    /// The one refreshed last first.
    data: Vec<SessionSummaryResource<'a>>,
}

/// An account and a renewed access token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Renewal)]
pub struct RenewalResource<'a> {
    user: UserSummary<'a>,
    /// For `Authorization: Bearer`.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln"
    )]
    token: &'a str,
}

impl<'a> UserSummary<'a> {
    fn new(account: &'a AccountView) -> Self {
        Self {
            id: account.id.to_string(),
            name: &account.name,
            email: &account.email,
            role: account.role,
        }
    }
}

impl<'a> ProfileResource<'a> {
    fn new(account: &'a AccountView) -> Self {
        Self {
            summary: UserSummary::new(account),
            version: account.version,
            created_at: rfc3339(account.created_at),
            updated_at: rfc3339(account.updated_at),
        }
    }
}

impl<'a> AccountResource<'a> {
    /// The account as an admin sees it.
    pub fn new(account: &'a AccountView) -> Self {
        Self {
            profile: ProfileResource::new(account),
            disabled: account.disabled,
        }
    }
}

impl<'a> SessionSummaryResource<'a> {
    fn new(session: &'a SessionSummary, own: Option<&str>) -> Self {
        Self {
            id: &session.id,
            current: own == Some(&session.id),
            created_at: rfc3339(session.created_at),
            refreshed_at: rfc3339(session.refreshed_at),
            expires_at: rfc3339(session.expires_at),
        }
    }
}

/// 200 with a session's account and tokens.
pub fn session(session: &Session) -> Result<Reply, Problem> {
    mercato_edge::opened_session_of(&session.account.id.text());
    Ok(Reply::json(&SessionResource {
        user: UserSummary::new(&session.account),
        token: &session.tokens.access_token,
        access_token: &session.tokens.access_token,
        refresh_token: session.tokens.refresh_token.expose(),
        token_type: TokenType::Bearer,
        expires_in: session.tokens.expires_in,
    })?
    .holding_secret())
}

/// 200 with the sessions of an account; `own` is the one that asks.
pub fn sessions(sessions: &[SessionSummary], own: Option<&str>) -> Result<Reply, Problem> {
    let resource = |session| SessionSummaryResource::new(session, own);
    let data = sessions.iter().map(resource).collect();
    Reply::json(&SessionList { data })
}

/// 200 with an account and its renewed access token.
pub fn renewal(renewal: &Renewal) -> Result<Reply, Problem> {
    Ok(Reply::json(&RenewalResource {
        user: UserSummary::new(&renewal.account),
        token: &renewal.access_token,
    })?
    .holding_secret())
}

/// 200 with an account as its owner sees it, and its entity tag.
pub fn profile(account: &AccountView) -> Result<Reply, Problem> {
    Ok(Reply::json(&ProfileResource::new(account))?.with_version(account.version, &[]))
}

/// 200 with an account as an admin sees it, and its entity tag.
pub fn account(account: &AccountView) -> Result<Reply, Problem> {
    Ok(Reply::json(&AccountResource::new(account))?.with_version(account.version, &[]))
}

#[cfg(test)]
pub mod tests {
    use auth::application::TokenPair;
    use auth::domain::{AccountId, RefreshSecret};

    use super::*;

    /// An account with something in every field.
    pub fn ada() -> AccountView {
        AccountView {
            id: AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
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
            refresh_token: RefreshSecret::new("rrr".to_owned()),
            expires_in: 900,
        };
        let reply = session(&Session {
            account: ada(),
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
        let account = AccountView {
            role: Role::Admin,
            ..ada()
        };
        let access_token = "aaa".to_owned();
        let reply = renewal(&Renewal {
            account,
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
        let disabled = AccountView {
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
