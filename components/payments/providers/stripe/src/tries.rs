//! How often and for how long Stripe is asked the same.

/// Most tries of one call.
pub const TRIES_MAX: u32 = 3;

/// How long one try may take, in milliseconds. Stripe answers within one or two seconds.
pub const TRY_MS: u64 = 6_000;
