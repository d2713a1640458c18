//! How many wrong codes are too many, and how many checkouts: counted like guesses of passwords (docs/decisions/0013).

use mercato_platform::client::Client;
use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

/// Unknown codes from one client before it has to wait: an office shares an address.
pub const UNKNOWN_CODES_MAX: u32 = 20;

/// Checkouts that one client may open within a window.
pub const OPENED_CHECKOUTS_MAX: u32 = 600;

/// Both are counted for so long from the first of them, in milliseconds.
pub const WINDOW_MS: u64 = 15 * MINUTE_MS;

/// The first wait, in milliseconds; every further unknown code doubles it.
pub const WAIT_MIN_MS: u64 = MINUTE_MS;

/// The longest wait, in milliseconds.
pub const WAIT_MAX_MS: u64 = 15 * MINUTE_MS;

const MINUTE_MS: u64 = 60_000;

const MS_PER_SECOND: u64 = 1_000;

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

/// Events of late under one key, and the wait that they led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counter {
    /// How many.
    pub count: u32,
    /// Until when they count, in milliseconds since the Unix epoch.
    pub window_ends_at: u64,
    /// End of the last wait, in milliseconds since the Unix epoch; 0 when there was none.
    pub blocked_until: u64,
}

impl Counter {
    /// Seconds, at least 1, until another one is let through; none when it is at `now` (milliseconds since the Unix epoch).
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

    /// When nothing is left of them, in milliseconds since the Unix epoch. After a wait they are remembered for another window, so that
    /// whoever goes on at once waits longer.
    #[must_use]
    pub fn forgotten_at(&self) -> u64 {
        if self.blocked_until == 0 {
            self.window_ends_at
        } else {
            let after_wait = self.blocked_until.saturating_add(WINDOW_MS);
            self.window_ends_at.max(after_wait)
        }
    }
}

fn wait_ms(waits_before: u32) -> u64 {
    let factor = 1_u64.checked_shl(waits_before).unwrap_or(u64::MAX);
    WAIT_MIN_MS.saturating_mul(factor).min(WAIT_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_goes_on_guessing_waits_longer() {
        let mut counter = Counter::default();
        let mut waits = Vec::new();
        let mut now = 1_000;
        for _ in 0..7 {
            counter = counter.with_one_more(2, now);
            waits.push(counter.wait_seconds(now).unwrap_or(0));
            now = now.max(counter.blocked_until);
        }
        assert_eq!(waits, [0, 60, 120, 240, 480, 900, 900]);
        let later = counter.forgotten_at();
        assert_eq!(counter.with_one_more(2, later).count, 1);
    }

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
