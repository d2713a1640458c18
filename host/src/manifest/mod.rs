//! What the files of an application say: `spin.toml`, `runtime-config.toml`, variables and grants.

pub mod allowed_hosts;
pub mod runtime_config;
pub mod spin;
pub mod variables;
