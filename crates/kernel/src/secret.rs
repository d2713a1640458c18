//! Secrets that somebody bears, and what is stored of them.

use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// How tokens of guests begin: nobody takes one for a token of an account.
pub const GUEST_TOKEN_PREFIX: &str = "guest_";

/// A type of random secrets that cannot be printed, and the type of their hashes, SHA-256 over the text behind it (which keeps hashes of
/// different secrets apart): `secret! { /// Opens the door. Key, /// What is kept of a key. KeyHash: b"key\0" }`
///
/// A fast hash is enough: the secret is random, there is nothing to guess. Two hashes are compared in a time that says nothing of where
/// they differ.
#[macro_export]
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $(#[$hash_doc:meta])* $hash:ident: $domain:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// A secret as it was made or presented.
            #[must_use]
            pub const fn new(text: String) -> Self {
                Self(text)
            }

            /// The secret itself, for its bearer.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// What is stored of it.
            #[must_use]
            pub fn hash(&self) -> $hash {
                $hash($crate::digest($domain, &self.0))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }

        $(#[$hash_doc])*
        #[derive(Debug, Clone)]
        pub struct $hash(String);

        impl $hash {
            /// A hash as it was stored; for the store alone.
            #[must_use]
            pub const fn stored(text: String) -> Self {
                Self(text)
            }

            /// Lower-case hexadecimal digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq for $hash {
            fn eq(&self, other: &Self) -> bool {
                $crate::same(&self.0, &other.0)
            }
        }

        impl Eq for $hash {}
    };
}

/// For [`secret!`]: the hash of a secret.
#[must_use]
pub fn digest(domain: &[u8], text: &str) -> String {
    let hash = Sha256::new().chain_update(domain).chain_update(text);
    to_hex(&hash.finalize())
}

/// For [`secret!`]: whether both are the same, in constant time.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

secret! {
    /// The token of a guest's checkout: whoever has it is its holder.
    CheckoutToken,
    /// What is stored of a [`CheckoutToken`].
    CheckoutTokenHash: b"mercato checkout token\0"
}

#[cfg(test)]
mod tests {
    use super::*;

    secret! {
        /// A secret without a text that keeps it apart.
        Plain,
        /// Its hash.
        PlainHash: b""
    }

    #[test]
    fn a_secret_is_known_by_its_hash_and_never_shown() {
        let token = CheckoutToken::new("secret".to_owned());
        assert_eq!(token.expose(), "secret");
        assert_eq!(token.hash(), token.hash());
        assert_ne!(token.hash(), CheckoutToken::new("other".to_owned()).hash());
        assert_eq!(format!("{token:?}"), "CheckoutToken(hidden)");
        let stored = CheckoutTokenHash::stored(token.hash().as_str().to_owned());
        assert_eq!(stored, token.hash());
    }

    #[test]
    fn the_hash_is_sha_256_apart_from_others() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hash = Plain::new("abc".to_owned()).hash();
        assert_eq!(hash, PlainHash::stored(abc.to_owned()));
        assert_eq!(hash.as_str(), abc);
        let other = CheckoutToken::new("abc".to_owned()).hash();
        assert!(other.as_str() != abc && other.as_str().len() == abc.len());
        assert_eq!(Plain::new("abc".to_owned()).expose(), "abc");
    }
}
