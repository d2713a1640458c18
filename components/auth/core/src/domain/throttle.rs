//! How many wrong passwords are too many: see docs/decisions/0013.

use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

use super::Client;

/// Wrong passwords for one account from one client before it has to wait.
pub const PAIR_FAILURES_MAX: u32 = 10;

/// Wrong passwords for one account from all clients that are new to it.
pub const SUBJECT_FAILURES_MAX: u32 = 100;

/// Wrong passwords from one client for all accounts that are new to it: an office shares an address.
pub const CLIENT_FAILURES_MAX: u32 = 100;

/// Failures are counted for so long from the first of them, in milliseconds.
pub const WINDOW_MS: u64 = 15 * MINUTE_MS;

/// The first wait, in milliseconds; every further failure doubles it.
pub const WAIT_MIN_MS: u64 = MINUTE_MS;

/// The longest wait, in milliseconds.
pub const WAIT_MAX_MS: u64 = 15 * MINUTE_MS;

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

const MS_PER_SECOND: u64 = 1_000;

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

/// Failures of late under one key, and the wait that they led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    count: u32,
    window_ends_at: u64,
    blocked_until: u64,
}

impl Failures {
    /// The failures as they were stored; for the store alone.
    #[must_use]
    pub const fn restore(count: u32, window_ends_at: u64, blocked_until: u64) -> Self {
        Self {
            count,
            window_ends_at,
            blocked_until,
        }
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Until when they count, unless they have led to a wait; milliseconds since the Unix epoch.
    #[must_use]
    pub const fn window_ends_at(&self) -> u64 {
        self.window_ends_at
    }

    /// End of the last wait, in milliseconds since the Unix epoch; 0 when there was none.
    #[must_use]
    pub const fn blocked_until(&self) -> u64 {
        self.blocked_until
    }

    /// Seconds, at least 1, until the next attempt is let through; none when it is let through at `now` (milliseconds
    /// since the Unix epoch).
    #[must_use]
    pub fn wait_seconds(&self, now: u64) -> Option<u64> {
        let wait_ms = self.blocked_until.checked_sub(now)?;
        (wait_ms > 0).then(|| wait_ms.div_ceil(MS_PER_SECOND))
    }

    /// These and one more at `now` (milliseconds since the Unix epoch). From the `max`th on there is a wait.
    #[must_use]
    pub fn with_one_more(self, max: u32, now: u64) -> Self {
        let before = if now < self.forgotten_at() {
            self
        } else {
            Self {
                window_ends_at: now.saturating_add(WINDOW_MS),
                ..Self::default()
            }
        };
        let count = before.count.saturating_add(1);
        let blocked_until = match count.checked_sub(max) {
            None => 0,
            Some(waits_before) => now.saturating_add(wait_ms(waits_before)),
        };
        Self {
            count,
            blocked_until,
            ..before
        }
    }

    /// Seconds, at least 1, until the window ends in which there may be `max` of them and have been; none while there may be
    /// another one at `now` (milliseconds since the Unix epoch). 0 means that there is no limit.
    #[must_use]
    pub fn quota_wait_seconds(&self, max: u32, now: u64) -> Option<u64> {
        let left_ms = self.window_ends_at.checked_sub(now)?;
        let is_used_up = max > 0 && left_ms > 0 && self.count >= max;
        is_used_up.then(|| left_ms.div_ceil(MS_PER_SECOND))
    }

    /// These and one more at `now` (milliseconds since the Unix epoch), in windows of so many milliseconds. Leads to no wait of
    /// its own.
    #[must_use]
    pub const fn with_one_more_in(self, window_ms: u64, now: u64) -> Self {
        if now < self.window_ends_at {
            Self {
                count: self.count.saturating_add(1),
                ..self
            }
        } else {
            Self {
                count: 1,
                window_ends_at: now.saturating_add(window_ms),
                blocked_until: 0,
            }
        }
    }

    /// When nothing is left of them, in milliseconds since the Unix epoch: after a wait they are remembered for another
    /// window, so that whoever goes on at once waits longer.
    #[must_use]
    pub const fn forgotten_at(&self) -> u64 {
        let after_wait = self.blocked_until.saturating_add(WINDOW_MS);
        if self.blocked_until > 0 && after_wait > self.window_ends_at {
            after_wait
        } else {
            self.window_ends_at
        }
    }
}

fn wait_ms(waits_before: u32) -> u64 {
    let factor = 1_u64.checked_shl(waits_before).unwrap_or(u64::MAX);
    WAIT_MIN_MS.saturating_mul(factor).min(WAIT_MAX_MS)
}

/// One attempt under one key, counted as a failure until it is known to be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is counted by.
    pub key: CounterKey,
    /// From which failure on there is a wait.
    pub max: u32,
    /// The failures before.
    pub before: Failures,
    /// The failures with this one.
    pub after: Failures,
}

impl Mark {
    /// One more attempt at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub fn new(key: CounterKey, max: u32, before: Failures, now: u64) -> Self {
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
    pub fn taken_back_from(&self, now: Failures) -> Failures {
        let count = now.count.saturating_sub(1);
        let blocked_until = if count < self.max {
            0
        } else if now.blocked_until == self.after.blocked_until {
            self.before.blocked_until
        } else {
            now.blocked_until
        };
        Failures {
            count,
            blocked_until,
            ..now
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn failures(count: u32, max: u32) -> Failures {
        (0..count).fold(Failures::default(), |failures, _| {
            failures.with_one_more(max, NOW)
        })
    }

    #[test]
    fn the_last_failure_that_is_let_through_leads_to_a_wait() {
        assert_eq!(Failures::default().wait_seconds(NOW), None);
        assert_eq!(failures(9, 10).wait_seconds(NOW), None);
        assert_eq!(failures(10, 10).wait_seconds(NOW), Some(60));
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let minutes = |count| failures(count, 10).wait_seconds(NOW).unwrap() / 60;
        let found: Vec<u64> = (10..=16).map(minutes).collect();
        assert_eq!(found, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(minutes(200), 15);
    }

    #[test]
    fn a_wait_is_in_whole_seconds_and_never_0() {
        let blocked = failures(10, 10);
        assert_eq!(blocked.wait_seconds(NOW + 59_001), Some(1));
        assert_eq!(blocked.wait_seconds(NOW + 59_999), Some(1));
        assert_eq!(blocked.wait_seconds(NOW + 60_000), None);
        assert_eq!(blocked.wait_seconds(NOW + 1), Some(60));
    }

    #[test]
    fn failures_are_forgotten_a_window_after_the_first() {
        let nine = failures(9, 10);
        let last = nine.with_one_more(10, NOW + WINDOW_MS - 1);
        assert_eq!(last.count, 10);
        let first = nine.with_one_more(10, NOW + WINDOW_MS);
        assert_eq!((first.count, first.blocked_until), (1, 0));
        assert_eq!(first.forgotten_at(), NOW + 2 * WINDOW_MS);
    }

    #[test]
    fn a_wait_is_remembered_for_a_window_after_its_end() {
        let blocked = failures(10, 10);
        let end = blocked.blocked_until;
        let again = blocked.with_one_more(10, end + WINDOW_MS - 1);
        assert_eq!(again.wait_seconds(end + WINDOW_MS - 1), Some(120));
        assert_eq!(blocked.with_one_more(10, end + WINDOW_MS).count, 1);
    }

    #[test]
    fn a_success_takes_its_attempt_and_its_wait_back() {
        for count in [0, 5, 98, 99] {
            let before = failures(count, 100);
            let mark = Mark::new(CounterKey::subject("a"), 100, before, NOW);
            let left = mark.taken_back_from(mark.after);
            assert_eq!((left.count, left.wait_seconds(NOW)), (count, None));
        }
        let before = failures(101, 100);
        let later = before.blocked_until;
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
        assert_eq!(left.count, 3);
        assert_eq!(left.blocked_until, others.blocked_until);
    }

    #[test]
    fn a_quota_is_used_up_until_its_window_ends() {
        let one_more = |failures: Failures, now| failures.with_one_more_in(WINDOW_MS, now);
        let first = one_more(Failures::default(), NOW);
        let second = one_more(first, NOW + 1_000);
        assert_eq!(second.window_ends_at, NOW + WINDOW_MS);
        assert_eq!(first.quota_wait_seconds(2, NOW), None);
        assert_eq!(second.quota_wait_seconds(2, NOW), Some(900));
        assert_eq!(second.quota_wait_seconds(0, NOW), None, "no limit");
        let end = NOW + WINDOW_MS;
        assert_eq!(second.quota_wait_seconds(2, end - 1), Some(1));
        assert_eq!(second.quota_wait_seconds(2, end), None);
        assert_eq!(one_more(second, end).count, 1);
        assert_eq!(second.forgotten_at(), end);
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
