//! What calls components beside HTTP: messages and timers.

pub(crate) mod redis;
pub(crate) mod timer;
