//! Adapters behind [`crate::application::ports`].

mod bcrypt;
mod random;

pub use bcrypt::BcryptPasswords;
pub use random::RandomSecrets;
