//! The keys that sign and verify.

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use mercato_platform::random::to_hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::claims::{AUDIENCE, Claims, ISSUER};
use crate::provider;

/// A key must not be shorter than the hash it keys (RFC 7518 section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;

/// Longest token that is looked at; ours have about 400 bytes.
pub const TOKEN_MAX_BYTES: usize = 4_096;

/// How far the clocks of one installation's machines may differ, in seconds: a token from so far ahead is accepted.
pub const CLOCK_SKEW_MAX_SECONDS: u64 = 60;

/// So many bytes of a secret's hash make its `kid`: enough to tell two keys apart.
const KEY_ID_BYTES: usize = 8;

/// Keeps the hash behind a `kid` apart from any other hash of the same secret.
const KEY_ID_DOMAIN: &[u8] = b"mercato access token key id\0";

/// A secret that cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The current secret is missing.
    #[error("jwt_secret is empty: set it to a random text of at least {SECRET_MIN_BYTES} bytes")]
    Missing,
    /// A secret is too short.
    #[error(
        "{variable} has {bytes} bytes: HS256 needs at least {SECRET_MIN_BYTES} (RFC 7518 section 3.2)"
    )]
    TooShort {
        /// Name of the variable.
        variable: &'static str,
        /// Its length.
        bytes: usize,
    },
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("signing a token failed: {0}")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not a JWT or not one of ours: another algorithm, an unknown `kid`, missing claims.
    #[error("malformed token")]
    Malformed,
    /// The signature does not fit the key that the token names.
    #[error("bad signature")]
    BadSignature,
    /// `exp` has passed.
    #[error("expired token")]
    Expired,
    /// `iat` or `nbf` lies ahead.
    #[error("token from the future")]
    NotYetValid,
    /// `iss` or `aud` is somebody else's.
    #[error("token for another audience")]
    WrongAudience,
}

/// The claims of a token as it comes. Ours say nothing of `nbf`, and it is heeded all the same (RFC 7519 section 4.1.5).
#[derive(Deserialize)]
struct Received {
    #[serde(flatten)]
    claims: Claims,
    nbf: Option<u64>,
}

struct Key {
    id: String,
    secret: DecodingKey,
}

impl Key {
    fn new(variable: &'static str, secret: &str) -> Result<Self, KeyError> {
        if secret.len() < SECRET_MIN_BYTES {
            return Err(KeyError::TooShort {
                variable,
                bytes: secret.len(),
            });
        }
        let hash = Sha256::new()
            .chain_update(KEY_ID_DOMAIN)
            .chain_update(secret)
            .finalize();
        let id = to_hex(hash.get(..KEY_ID_BYTES).unwrap_or(&hash));
        Ok(Self {
            id,
            secret: DecodingKey::from_secret(secret.as_bytes()),
        })
    }
}

/// The current key, which signs, and the previous one, whose tokens are still accepted while a secret is replaced.
pub struct KeyRing {
    signing: EncodingKey,
    current: Key,
    previous: Option<Key>,
    validation: Validation,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous = self.previous.as_ref().map(|key| &key.id);
        f.debug_struct("KeyRing")
            .field("current", &self.current.id)
            .field("previous", &previous)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Keys from the variables `jwt_secret` and `jwt_previous_secret`; an empty previous secret is none.
    ///
    /// # Errors
    /// Names the variable that is missing or too short, never its value.
    pub fn new(secret: &str, previous_secret: &str) -> Result<Self, KeyError> {
        provider::install();
        if secret.is_empty() {
            return Err(KeyError::Missing);
        }
        let current = Key::new("jwt_secret", secret)?;
        let previous = match previous_secret {
            "" => None,
            text => Some(Key::new("jwt_previous_secret", text)?),
        };
        Ok(Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            current,
            previous,
            validation: validation(),
        })
    }

    /// What the key that signs is called (`kid`).
    #[must_use]
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    /// What the key is called whose tokens are still accepted.
    #[must_use]
    pub fn previous_id(&self) -> Option<&str> {
        self.previous.as_ref().map(|key| key.id.as_str())
    }

    /// A signed token with these claims, in the compact form (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// When the claims cannot be written as JSON, which no claims of ours bring about.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        let header = Header {
            kid: Some(self.current.id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        Ok(jsonwebtoken::encode(&header, claims, &self.signing)?)
    }

    /// The claims of a token that is ours and valid at `now` (seconds since the Unix epoch).
    ///
    /// There is no leeway for `exp`: whoever is a little late gets a new token. There is some for the beginning, since a
    /// token is used at once, and perhaps on a machine whose clock is a little behind.
    ///
    /// # Errors
    /// Says what is wrong; a client is told none of it.
    pub fn verify(&self, token: &str, now: u64) -> Result<Claims, VerifyError> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(VerifyError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyError::Malformed)?;
        let key = self.key_for(&header)?;
        let Received { claims, nbf } =
            jsonwebtoken::decode::<Received>(token, &key.secret, &self.validation)
                .map_err(refusal)?
                .claims;
        if now >= claims.exp {
            return Err(VerifyError::Expired);
        }
        let latest = now.saturating_add(CLOCK_SKEW_MAX_SECONDS);
        if claims.iat > latest || nbf.is_some_and(|not_before| not_before > latest) {
            return Err(VerifyError::NotYetValid);
        }
        Ok(claims)
    }

    fn key_for(&self, header: &Header) -> Result<&Key, VerifyError> {
        // A header that names extensions which must be understood is refused (RFC 7515 section 4.1.11).
        if header.alg != Algorithm::HS256 || header.crit.is_some() {
            return Err(VerifyError::Malformed);
        }
        let id = header.kid.as_deref().ok_or(VerifyError::Malformed)?;
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        keys.find(|key| key.id == id).ok_or(VerifyError::Malformed)
    }
}

/// What the library checks beside the signature. `exp` is compared by [`KeyRing::verify`], whose clock can be set.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation
}

fn refusal(error: jsonwebtoken::errors::Error) -> VerifyError {
    match error.kind() {
        ErrorKind::InvalidSignature => VerifyError::BadSignature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => VerifyError::WrongAudience,
        _ => VerifyError::Malformed,
    }
}
