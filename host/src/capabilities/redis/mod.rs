//! `spin:redis`: to a real server, or, without one, publish only and inside this process.

pub(crate) mod broker;
pub(crate) mod host;
mod link;
