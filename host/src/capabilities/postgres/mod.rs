//! `spin:postgres`: databases of real servers.
//!
//! What a guest holds is no connection but a place for one: it takes one of the database's pool for a transaction, or for a
//! statement outside of any, and gives it back. So a few connections do for many instances. What a connection remembers beyond a
//! transaction (`SET`, temporary tables, locks of the session) is not there for the next statement.

pub(crate) mod address;
mod connection;
pub(crate) mod host;
pub(crate) mod servers;
#[cfg(test)]
mod tests;
mod transaction;
mod values;
