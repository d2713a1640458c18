//! Randomness from the host, fit for secrets.

/// So many random bytes.
///
/// A host that cannot give randomness cannot run a shop: the instance ends there, before anything predictable is
/// handed out as a secret.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the seam")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

/// A secret of so many random bytes, written as twice as many hexadecimal digits.
#[must_use]
pub fn hex<const N: usize>() -> String {
    to_hex(&bytes::<N>())
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (first, second) = (hex::<32>(), hex::<32>());
        assert_eq!(first.len(), 64);
        assert_ne!(first, second);
        assert_eq!(to_hex(&[0, 15, 255]), "000fff");
    }
}
