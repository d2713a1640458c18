//! One file per verb.

pub mod change_status;
pub mod create;
pub mod find;
pub mod list;
pub mod metrics;
pub mod ready;
pub mod stats;
pub mod sweep;
