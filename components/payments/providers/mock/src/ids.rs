//! Ids in Stripe's manner, each made from what it stands for: the same question gives the same id, so that the mock
//! needs no memory to make repeating safe.

use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

/// Digits after the prefix: 128 bits, which nobody guesses without knowing what they stand for.
const DIGITS: usize = 32;

/// `prefix` and the hash of what the id stands for.
#[must_use]
pub fn derived(prefix: &str, subject: &str) -> String {
    let hash = to_hex(&Sha256::digest(format!("{prefix}:{subject}")));
    prefix.chars().chain(hash.chars().take(DIGITS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_subject_gives_the_same_id_and_no_other_does() {
        assert_eq!(derived("re_", "a"), derived("re_", "a"));
        assert_ne!(derived("re_", "a"), derived("re_", "b"));
        assert_ne!(derived("re_", "a")[3..], derived("pi_", "a")[3..]);
        assert_eq!(derived("cs_test_", "a").len(), "cs_test_".len() + DIGITS);
    }
}
