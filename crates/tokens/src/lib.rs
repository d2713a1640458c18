//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 (`HS256`, RFC 7518 section 3.2).
//!
//! The `auth` component signs them, every component verifies them; both sides of that contract are here.

mod claims;
mod keys;
mod provider;

pub use claims::{AUDIENCE, Claims, ISSUER, Role};
pub use keys::{
    CLOCK_SKEW_MAX_SECONDS, KeyError, KeyRing, SECRET_MIN_BYTES, SignError, TOKEN_MAX_BYTES,
    VerifyError,
};

#[cfg(test)]
mod tests;
