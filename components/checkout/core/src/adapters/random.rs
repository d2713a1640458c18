use mercato_platform::random;

use crate::application::ports::Secrets;
use crate::domain::{CheckoutToken, GUEST_TOKEN_PREFIX};

/// Randomness in a token, in bytes: as much as its SHA-256 can hold.
const TOKEN_BYTES: usize = 32;

/// Tokens from the host's randomness.
pub struct RandomSecrets;

impl Secrets for RandomSecrets {
    fn token(&self) -> CheckoutToken {
        CheckoutToken::new(format!(
            "{GUEST_TOKEN_PREFIX}{}",
            random::hex::<TOKEN_BYTES>()
        ))
    }
}
