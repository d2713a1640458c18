//! One file per route.

pub mod create;
pub mod delete;
pub mod find;
pub mod import;
pub mod list;
pub mod metrics;
pub mod ready;
pub mod stats;
pub mod update;
