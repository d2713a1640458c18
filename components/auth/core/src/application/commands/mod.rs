//! What changes something: one file per command.

/// Agree on the key that signs access tokens.
pub mod agree_on_key;
/// Change one's password.
pub mod change_password;
/// Create the first admin.
pub mod create_first_admin;
/// End all of one's other sessions.
pub mod end_other_sessions;
/// End one of one's sessions.
pub mod end_session;
/// Log in.
pub mod login;
/// Log out.
pub mod logout;
/// Trade a refresh token.
pub mod refresh;
/// Open an account.
pub mod register;
/// Renew an access token.
pub mod renew;
/// Replace one's address book.
pub mod replace_addresses;
/// Change somebody's role, or disable an account.
pub mod update_account;
/// Change one's name or address.
pub mod update_profile;
