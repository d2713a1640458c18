//! How many wrong codes are too many, and how many checkouts: counted like guesses of passwords (docs/decisions/0013).

use mercato_platform::client::Client;
use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

/// Unknown codes from one client before it has to wait: an office shares an address.
pub const UNKNOWN_CODES_MAX: u32 = 20;

/// Checkouts that one client may open within a window.
pub const OPENED_CHECKOUTS_MAX: u32 = 600;

/// Keeps these hashes apart from any other hash of the same text.
const KEY_DOMAIN: &str = "mercato checkout throttle";

/// What is counted by. Only its hash is kept: the database holds no list of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterKey(String);

impl CounterKey {
    /// The unknown codes of one client; clients without a known address are one.
    #[must_use]
    pub fn unknown_codes(client: Option<&Client>) -> Self {
        Self::new("unknown codes", client)
    }

    /// The checkouts that one client has opened.
    #[must_use]
    pub fn opened_checkouts(client: &Client) -> Self {
        Self::new("opened checkouts", Some(client))
    }

    /// The hash, as it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(kind: &str, client: Option<&Client>) -> Self {
        let network = client.map(Client::network).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [KEY_DOMAIN, kind, &network] {
            hash.update(part);
            hash.update([0]);
        }
        Self(to_hex(&hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_kinds_are_counted_apart() {
        let here = Client::parse("192.0.2.1");
        let keys = [
            CounterKey::unknown_codes(here.as_ref()),
            CounterKey::unknown_codes(None),
            CounterKey::opened_checkouts(here.as_ref().unwrap()),
        ];
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
        assert_eq!(keys[0], CounterKey::unknown_codes(here.as_ref()));
    }
}
