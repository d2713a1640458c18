//! HTTP: connections, requests on their way to a component, and the runner's own answers.

pub(crate) mod admission;
mod body;
mod client_stream;
pub(crate) mod components;
pub(crate) mod connections;
pub(crate) mod handler;
mod head_scanner;
mod headers;
pub(crate) mod metrics_listener;
pub(crate) mod open_files;
pub(crate) mod probes;
mod problem;
mod request_body;
pub(crate) mod request_id;
mod response_body;
pub mod routes;
pub(crate) mod server;
mod upload;
