//! Refresh tokens: random, kept only as a hash, each good for one use.
//!
//! The tokens that follow from one login are a family. Using a spent one again means that two parties hold the same
//! token, so the family ends (RFC 9700 section 4.14.2).

use std::fmt;

use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

use super::AccountId;

/// A refresh token as its bearer has it. Cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshSecret(String);

impl RefreshSecret {
    /// A token as it was made or presented.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The token itself, for its bearer.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A fast hash is enough: the token is random, there is nothing to guess.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(to_hex(&Sha256::digest(&self.0)))
    }
}

impl fmt::Debug for RefreshSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshSecret(hidden)")
    }
}

/// SHA-256 of a refresh token in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(String);

impl TokenHash {
    /// A hash as it was stored.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The token's hash.
    pub hash: TokenHash,
    /// Id of the family: the login it follows from.
    pub family: String,
    /// Whose session it is.
    pub account: AccountId,
    /// Milliseconds since the Unix epoch.
    pub issued_at: u64,
    /// Milliseconds since the Unix epoch.
    pub expires_at: u64,
    /// When it was traded for the next one, in milliseconds since the Unix epoch.
    pub spent_at: Option<u64>,
}

/// What a refresh token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May be traded for a new pair.
    Usable,
    /// Was traded before: its family must end.
    Spent,
    /// Too old.
    Expired,
}

impl RefreshToken {
    /// The standing at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub const fn standing(&self, now: u64) -> Standing {
        if self.spent_at.is_some() {
            Standing::Spent
        } else if now >= self.expires_at {
            Standing::Expired
        } else {
            Standing::Usable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> RefreshToken {
        RefreshToken {
            hash: RefreshSecret::new("abc".to_owned()).hash(),
            family: "family".to_owned(),
            account: AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            issued_at: 1_000,
            expires_at: 2_000,
            spent_at: None,
        }
    }

    #[test]
    fn a_token_is_usable_until_it_is_spent_or_expires() {
        assert_eq!(token().standing(1_999), Standing::Usable);
        assert_eq!(token().standing(2_000), Standing::Expired);
        let spent = RefreshToken {
            spent_at: Some(1_500),
            ..token()
        };
        assert_eq!(spent.standing(1_600), Standing::Spent);
        assert_eq!(spent.standing(2_000), Standing::Spent);
    }

    #[test]
    fn the_hash_is_sha_256_and_the_secret_stays_hidden() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            token().hash.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            format!("{:?}", RefreshSecret::new("abc".to_owned())),
            "RefreshSecret(hidden)"
        );
    }
}
