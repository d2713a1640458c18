//! What transactions of this database are about: the names of all that they read in order to change something.

pub use mercato_sql::Locks;

use crate::domain::{AccountId, Client, Email, TokenHash};

/// An account with its sessions and the attempts at its password.
pub fn account(id: AccountId) -> Locks {
    Locks::id("account", id)
}

/// An address, which perhaps no account has, with the attempts at its password.
pub fn email(email: &Email) -> Locks {
    Locks::name("email", email.as_str())
}

/// Which accounts are admins: the last one must stay, and the first one is made once.
pub fn admins() -> Locks {
    Locks::name("admins", "")
}

/// A refresh token that was presented: whose it is, is not known before it is read.
pub fn refresh_token(hash: &TokenHash) -> Locks {
    Locks::name("refresh token", hash.as_str())
}

/// What was attempted from a client.
pub fn client(client: Option<&Client>) -> Locks {
    let network = client.map(Client::network);
    Locks::name("client", &network.unwrap_or_default())
}

/// How many have registered lately.
pub fn registrations() -> Locks {
    Locks::name("registrations", "")
}

/// Which key signs access tokens.
pub fn signing_key() -> Locks {
    Locks::name("signing key", "")
}

/// The line for the slots in which passwords are hashed.
pub fn line() -> Locks {
    Locks::name("line", "")
}
