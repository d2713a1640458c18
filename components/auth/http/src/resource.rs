//! Accounts and sessions as clients see them.

use auth::application::{Renewal, Session};
use auth::domain::{AccountId, AccountView, Role, SessionId, SessionSummary};
use mercato_edge::{Json, Listed, Secret, Tagged, Timestamp};
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
pub struct UserSummary {
    id: AccountId,
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// In lower case.
    #[schema(format = Email, example = "ada@example.com")]
    email: String,
    role: Role,
}

/// An account as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Profile)]
pub struct ProfileResource {
    #[serde(flatten)]
    summary: UserSummary,
    /// Grows by one with every change; the `ETag` of the answer.
    #[schema(minimum = 1, example = 1)]
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An account as an admin sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountResource {
    #[serde(flatten)]
    profile: ProfileResource,
    /// A disabled account has no sessions and gets none.
    #[schema(example = false)]
    disabled: bool,
}

/// An account and the tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionResource {
    user: UserSummary,
    /// As `accessToken`: the name that clients of the first version read.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln"
    )]
    token: String,
    /// For `Authorization: Bearer`.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln"
    )]
    access_token: String,
    /// For the next pair of tokens; good for one use.
    #[schema(example = "7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5")]
    refresh_token: String,
    token_type: TokenType,
    /// Lifetime of the access token in seconds.
    #[schema(minimum = 1, example = 900)]
    expires_in: u64,
}

/// A session that has not ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummary)]
pub struct SessionSummaryResource {
    id: SessionId,
    /// Whether the token that asks belongs to it.
    #[schema(example = true)]
    current: bool,
    created_at: Timestamp,
    /// When its last pair of tokens was made.
    refreshed_at: Timestamp,
    /// When it ends unless it is refreshed.
    expires_at: Timestamp,
}

/// The sessions of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    /// The one refreshed last first.
    data: Vec<SessionSummaryResource>,
}

/// An account and a renewed access token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Renewal)]
pub struct RenewalResource {
    user: UserSummary,
    /// For `Authorization: Bearer`.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjdkMWYwYzViMmE0OWU4ZDMifQ.e30.c2ln"
    )]
    token: String,
}

impl From<AccountView> for UserSummary {
    fn from(account: AccountView) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            role: account.role,
        }
    }
}

impl From<AccountView> for ProfileResource {
    fn from(account: AccountView) -> Self {
        Self {
            version: account.version,
            created_at: Timestamp(account.created_at),
            updated_at: Timestamp(account.updated_at),
            summary: account.into(),
        }
    }
}

impl From<AccountView> for AccountResource {
    fn from(account: AccountView) -> Self {
        Self {
            disabled: account.disabled,
            profile: account.into(),
        }
    }
}

impl Listed for AccountResource {
    const PAGE: &'static str = "AccountPage";
    const MEANING: &'static str = "One page of accounts.";
    const ORDER: &'static str = "Oldest first.";
}

impl SessionList {
    /// The sessions of an account; `own` is the one that asks.
    pub fn new(sessions: Vec<SessionSummary>, own: Option<SessionId>) -> Self {
        let shown = sessions.into_iter().map(|session| SessionSummaryResource {
            id: session.id,
            current: own == Some(session.id),
            created_at: Timestamp(session.created_at),
            refreshed_at: Timestamp(session.refreshed_at),
            expires_at: Timestamp(session.expires_at),
        });
        Self {
            data: shown.collect(),
        }
    }
}

impl From<Session> for SessionResource {
    fn from(session: Session) -> Self {
        let tokens = session.tokens;
        Self {
            user: session.account.into(),
            token: tokens.access_token.clone(),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token.expose().to_owned(),
            token_type: TokenType::Bearer,
            expires_in: tokens.expires_in,
        }
    }
}

impl From<Renewal> for RenewalResource {
    fn from(renewal: Renewal) -> Self {
        Self {
            user: renewal.account.into(),
            token: renewal.access_token,
        }
    }
}

/// A session's account and tokens; the log says whose they are.
pub fn opened(session: Session) -> Secret<Json<SessionResource>> {
    mercato_edge::opened_session_of(&session.account.id.text());
    Secret(Json(session.into()))
}

/// An account and its entity tag.
pub fn tagged<T: From<AccountView>>(account: AccountView) -> Tagged<T> {
    let version = account.version;
    Tagged::new(account.into(), version)
}

#[cfg(test)]
pub mod tests {
    use auth::application::TokenPair;
    use auth::domain::RefreshSecret;
    use mercato_edge::Answer;

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

    fn text(answer: impl Answer) -> String {
        let reply = answer.into_reply().unwrap();
        String::from_utf8(reply.body().to_vec()).unwrap()
    }

    #[test]
    fn a_session_has_the_token_under_both_names() {
        let tokens = TokenPair {
            access_token: "aaa".to_owned(),
            refresh_token: RefreshSecret::new("rrr".to_owned()),
            expires_in: 900,
        };
        let session = Session {
            account: ada(),
            tokens,
        };
        assert_eq!(
            text(opened(session)),
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
        let renewal = Renewal {
            account,
            access_token,
            expires_in: 900,
        };
        assert_eq!(
            text(Json(RenewalResource::from(renewal))),
            concat!(
                r#"{"user":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","name":"Ada","email":"ada@example.com","#,
                r#""role":"admin"},"token":"aaa"}"#
            )
        );
    }

    #[test]
    fn an_owner_sees_the_profile() {
        assert_eq!(
            text(tagged::<ProfileResource>(ada())),
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
            serde_json::from_str(&text(tagged::<AccountResource>(disabled))).unwrap();
        assert_eq!(
            (&value["disabled"], &value["version"]),
            (&true.into(), &3.into())
        );
        assert_eq!(value.as_object().unwrap().len(), 8);
    }
}
