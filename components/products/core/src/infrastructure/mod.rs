//! The adapters: SQLite behind the ports, WIT in front of the use cases.

pub mod settings;
pub mod sqlite;
pub mod wit;
