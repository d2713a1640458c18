use mercato_platform::random;

use crate::application::ports::Secrets;
use crate::domain::RefreshSecret;

/// Randomness in a refresh token: as much as its SHA-256 can hold.
const REFRESH_SECRET_BYTES: usize = 32;

/// Refresh tokens from the host's randomness.
pub struct RandomSecrets;

impl Secrets for RandomSecrets {
    fn refresh_secret(&self) -> RefreshSecret {
        RefreshSecret::new(random::hex::<REFRESH_SECRET_BYTES>())
    }

    fn salt(&self) -> String {
        random::hex::<REFRESH_SECRET_BYTES>()
    }
}
