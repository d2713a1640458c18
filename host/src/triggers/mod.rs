//! What makes a component run: requests, messages, timers.

pub(crate) mod http;
pub(crate) mod redis;
pub(crate) mod timer;
pub(crate) mod work;
