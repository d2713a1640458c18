//! The adapters behind the application's ports, and the component's face.

mod inventory;
mod payments;
mod settings;
pub mod sqlite;
mod wit;
