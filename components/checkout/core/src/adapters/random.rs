use mercato_platform::random;

use crate::application::ports::Secrets;
use crate::domain::{CheckoutToken, TOKEN_BYTES, TOKEN_PREFIX};

/// Tokens from the host's randomness.
pub struct RandomSecrets;

impl Secrets for RandomSecrets {
    fn token(&self) -> CheckoutToken {
        CheckoutToken::new(format!("{TOKEN_PREFIX}{}", random::hex::<TOKEN_BYTES>()))
    }
}
