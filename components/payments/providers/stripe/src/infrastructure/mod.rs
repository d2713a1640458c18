//! HTTP, time and variables of a Spin component, and its exports.

pub mod http;
pub mod pace;
pub mod settings;
pub mod wit;
