//! What a token says.

use mercato_kernel::named;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// The `iss` claim of every access token.
pub const ISSUER: &str = "mercato";

/// The `aud` claim of every access token.
pub const AUDIENCE: &str = "mercato-api";

/// What an account may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantArray, IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schema(example = "customer")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Admin,
}

named!(Role);

/// The claims of an access token (RFC 7519 section 4.1). A token that lacks one is not ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made the token: [`ISSUER`].
    pub iss: String,
    /// Whom it is for: [`AUDIENCE`].
    pub aud: String,
    /// The account's id.
    pub sub: String,
    /// What the account may do.
    pub role: Role,
    /// When it was made, in seconds since the Unix epoch.
    pub iat: u64,
    /// When it ends, in seconds since the Unix epoch; at that second it is no longer valid.
    pub exp: u64,
    /// Id of this token.
    pub jti: String,
    /// Id of the session that it belongs to. Tokens of versions before sessions were claimed have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The account's generation of tokens when it was made: it grows when all tokens of the account end at once.
    #[serde(default, rename = "gen")]
    pub generation: u64,
}

impl Claims {
    /// Claims of a new token that is valid for `lifetime_seconds` from `issued_at` (seconds since the Unix epoch) and
    /// belongs to no session.
    #[must_use]
    pub fn new(
        user_id: &str,
        role: Role,
        token_id: String,
        issued_at: u64,
        lifetime_seconds: u64,
    ) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id.to_owned(),
            role,
            iat: issued_at,
            exp: issued_at.saturating_add(lifetime_seconds),
            jti: token_id,
            sid: None,
            generation: 0,
        }
    }

    /// These claims as those of a session, or of none, in a generation of the account's tokens.
    #[must_use]
    pub fn of_session(self, session_id: Option<String>, generation: u64) -> Self {
        Self {
            sid: session_id,
            generation,
            ..self
        }
    }

    /// These claims with an end that is not after `latest` (seconds since the Unix epoch).
    #[must_use]
    pub fn ending_by(self, latest: u64) -> Self {
        Self {
            exp: self.exp.min(latest),
            ..self
        }
    }
}
