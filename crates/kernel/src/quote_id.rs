//! Names of quotes: a digest of all that an order would keep.

use std::fmt;
use std::hash::{Hash, Hasher};

use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::Refusal;

/// How the name of a quote begins.
const QUOTE_ID_PREFIX: &str = "q_";

/// Bytes of the digest that are kept: nobody finds two contents of one name.
const DIGEST_BYTES: usize = 20;

/// Keeps these digests apart from any other one of the same content.
const DOMAIN: &[u8] = b"mercato quote\0";

/// Names what a quote says: the same content has the same name, and another content another one. It holds as long as a quote lives;
/// another version of the shop may name the same content otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ToSchema)]
#[schema(
    as = QuoteName,
    pattern = "^q_[0-9a-f]{40}$",
    example = "q_4b825dc642cb6eb9a060e54bf8d69288fbee4904"
)]
pub struct QuoteId(String);

impl QuoteId {
    /// The name of that content.
    #[must_use]
    pub fn of(content: &impl Hash) -> Self {
        let mut digest = Sha256::new();
        digest.update(DOMAIN);
        let mut hasher = DigestHasher(digest);
        content.hash(&mut hasher);
        let digest = hasher.0.finalize();
        let kept = digest.get(..DIGEST_BYTES).unwrap_or_default();
        Self(format!("{QUOTE_ID_PREFIX}{}", to_hex(kept)))
    }

    /// The name that somebody sent.
    ///
    /// # Errors
    /// When no quote can have it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let digits = text.strip_prefix(QUOTE_ID_PREFIX).unwrap_or_default();
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() == 2 * DIGEST_BYTES && digits.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(("format", "must be the quote of a checkout".into()))
        }
    }

    /// The name as it was stored; for the store alone.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QuoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::read_from_text!(QuoteId, Self::parse, Self(String::new()));

impl serde::Serialize for QuoteId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Feeds a digest with what is hashed: every type of a quote says by `Hash` what it consists of.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks for the short hash.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_name() {
        let id = QuoteId::of(&("tea", 2));
        assert_eq!(id, QuoteId::of(&("tea", 2)));
        for other in [("tea", 3), ("te", 2)] {
            assert_ne!(id, QuoteId::of(&other));
        }
        assert_eq!(QuoteId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn what_names_no_quote_is_refused() {
        let long = format!("q_{}", "0".repeat(41));
        for text in ["", "q_", "0000", &long, &format!("q_{}", "G".repeat(40))] {
            assert_eq!(QuoteId::parse(text).unwrap_err().0, "format", "{text}");
        }
    }
}
