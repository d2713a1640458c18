//! The token of a guest's checkout: random, kept only as a hash.

use std::fmt;

use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// Randomness in a token, in bytes: as much as its SHA-256 can hold.
pub const TOKEN_BYTES: usize = 32;

/// How tokens of guests begin: nobody takes one for a token of an account.
pub const TOKEN_PREFIX: &str = "guest_";

/// Keeps these hashes apart from any other hash of the same text.
const DOMAIN: &[u8] = b"mercato checkout token\0";

/// A token as its bearer has it. Cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckoutToken(String);

impl CheckoutToken {
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
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(&self.0);
        TokenHash(to_hex(&hash.finalize()))
    }
}

impl fmt::Debug for CheckoutToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckoutToken(hidden)")
    }
}

/// SHA-256 of a token in lower-case hexadecimal digits.
#[derive(Debug, Clone)]
pub struct TokenHash(String);

impl TokenHash {
    /// A hash as it was stored; for the store alone.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Compares in a time that says nothing of where two hashes differ.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for TokenHash {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_never_shown() {
        let token = CheckoutToken::new("secret".to_owned());
        assert_eq!(token.hash(), token.hash());
        assert_ne!(token.hash(), CheckoutToken::new("other".to_owned()).hash());
        assert_eq!(token.hash().as_str().len(), 64);
        assert_eq!(format!("{token:?}"), "CheckoutToken(hidden)");
    }
}
