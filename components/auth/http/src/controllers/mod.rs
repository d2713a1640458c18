//! One function per route.

pub mod login;
pub mod logout;
pub mod me;
pub mod password;
pub mod ready;
pub mod refresh;
pub mod register;
pub mod revocations;
pub mod sessions;
pub mod settings;
pub mod users;
pub mod verify;
