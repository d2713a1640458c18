//! How many wrong passwords are too many: see docs/decisions/0013.

use mercato_kernel::{Counter, WINDOW_MS};
use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

use super::Client;

/// Wrong passwords for one account from one client before it has to wait.
pub const PAIR_FAILURES_MAX: u32 = 10;

/// Wrong passwords for one account from all clients that are new to it.
pub const SUBJECT_FAILURES_MAX: u32 = 100;

/// Wrong passwords from one client for all accounts that are new to it: an office shares an address.
pub const CLIENT_FAILURES_MAX: u32 = 100;

/// A client is familiar to an account for so long after a login, in milliseconds.
pub const FAMILIAR_MS: u64 = 30 * 24 * 60 * MINUTE_MS;

/// The registrations of one client are counted for so long from the first of them, in milliseconds.
pub const REGISTRATIONS_WINDOW_MS: u64 = WINDOW_MS;

/// All registrations are counted for so long from the first of them, in milliseconds.
pub const ALL_REGISTRATIONS_WINDOW_MS: u64 = MINUTE_MS;

/// A client with fewer registrations of late is let through until there are twice as many in all as the limit says: whoever
/// registers again and again does not keep the others out.
pub const FIRST_REGISTRATIONS: u32 = 3;

const MINUTE_MS: u64 = 60_000;

/// Keeps these hashes apart from any other hash of the same text.
const KEY_DOMAIN: &str = "mercato login throttle";

/// What failures are counted by. Only its hash is kept, so that the database holds no list of addresses that somebody
/// tried.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterKey(String);

impl CounterKey {
    /// One account, by its address or id, as it is tried from one client; a client that is not known is one, too.
    #[must_use]
    pub fn pair(subject: &str, client: Option<&Client>) -> Self {
        let network = client.map(Client::network).unwrap_or_default();
        Self::new("pair", &[subject, &network])
    }

    /// One account, by its address or id, whoever tries it.
    #[must_use]
    pub fn subject(subject: &str) -> Self {
        Self::new("subject", &[subject])
    }

    /// One client, whatever it tries.
    #[must_use]
    pub fn client(client: &Client) -> Self {
        Self::new("client", &[&client.network()])
    }

    /// The registrations from one client.
    #[must_use]
    pub fn registrations(client: &Client) -> Self {
        Self::new("registrations", &[&client.network()])
    }

    /// All registrations.
    #[must_use]
    pub fn all_registrations() -> Self {
        Self::new("all registrations", &[])
    }

    /// The addresses that were found taken from one client.
    #[must_use]
    pub fn taken_addresses(client: &Client) -> Self {
        Self::new("taken addresses", &[&client.network()])
    }

    /// The hash, as it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// None of the parts can hold a NUL, so no two lists of parts make the same text.
    fn new(kind: &str, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in [KEY_DOMAIN, kind].iter().chain(parts) {
            hash.update(part);
            hash.update([0]);
        }
        Self(to_hex(&hash.finalize()))
    }
}

/// One attempt under one key, counted as a failure until it is known to be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is counted by.
    pub key: CounterKey,
    /// From which failure on there is a wait.
    pub max: u32,
    /// The failures before.
    pub before: Counter,
    /// The failures with this one.
    pub after: Counter,
}

impl Mark {
    /// One more attempt at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub fn new(key: CounterKey, max: u32, before: Counter, now: u64) -> Self {
        let after = before.with_one_more(max, now);
        Self {
            key,
            max,
            before,
            after,
        }
    }

    /// The failures of now without this attempt, which was none, and without the wait that it led to.
    #[must_use]
    pub const fn taken_back_from(&self, now: Counter) -> Counter {
        now.without_one(self.max, self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn failures(count: u32, max: u32) -> Counter {
        (0..count).fold(Counter::default(), |failures, _| {
            failures.with_one_more(max, NOW)
        })
    }

    #[test]
    fn a_success_takes_its_attempt_and_its_wait_back() {
        for count in [0, 5, 98, 99] {
            let before = failures(count, 100);
            let mark = Mark::new(CounterKey::subject("a"), 100, before, NOW);
            let left = mark.taken_back_from(mark.after);
            assert_eq!((left.count(), left.wait_seconds(NOW)), (count, None));
        }
        let before = failures(101, 100);
        let later = before.blocked_until();
        let mark = Mark::new(CounterKey::subject("a"), 100, before, later);
        assert_eq!(mark.after.wait_seconds(later), Some(240));
        assert_eq!(mark.taken_back_from(mark.after), before);
    }

    #[test]
    fn a_success_leaves_the_wait_of_others_alone() {
        let mark = Mark::new(CounterKey::subject("a"), 2, failures(1, 2), NOW);
        let others = mark
            .after
            .with_one_more(2, NOW + 5)
            .with_one_more(2, NOW + 6);
        let left = mark.taken_back_from(others);
        assert_eq!(left.count(), 3);
        assert_eq!(left.blocked_until(), others.blocked_until());
    }

    #[test]
    fn every_way_to_count_has_a_key_of_its_own_that_shows_nothing() {
        let (here, there) = (
            Client::parse("192.0.2.1").unwrap(),
            Client::parse("192.0.2.2").unwrap(),
        );
        let keys = [
            CounterKey::pair("ada@example.com", Some(&here)),
            CounterKey::pair("ada@example.com", Some(&there)),
            CounterKey::pair("ada@example.com", None),
            CounterKey::pair("grace@example.com", Some(&here)),
            CounterKey::subject("ada@example.com"),
            CounterKey::client(&here),
            CounterKey::client(&there),
            CounterKey::registrations(&here),
            CounterKey::all_registrations(),
            CounterKey::taken_addresses(&here),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        for key in &keys {
            assert!(key.as_str().len() == 64 && !key.as_str().contains("ada"));
        }
        assert_eq!(keys[0], CounterKey::pair("ada@example.com", Some(&here)));
    }
}
