//! What a guest can reach, one file per capability.

pub(crate) mod http;
pub(crate) mod pauses;
pub(crate) mod redis;
pub(crate) mod sqlite;
pub(crate) mod variables;
pub(crate) mod wasi;
