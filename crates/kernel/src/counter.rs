//! How much of something there was of late, and how long whoever goes on has to wait: see docs/decisions/0013.

/// Events are counted for so long from the first of them, in milliseconds.
pub const WINDOW_MS: u64 = 15 * MINUTE_MS;

/// The first wait, in milliseconds; every further event doubles it.
pub const WAIT_MIN_MS: u64 = MINUTE_MS;

/// The longest wait, in milliseconds.
pub const WAIT_MAX_MS: u64 = 15 * MINUTE_MS;

const MINUTE_MS: u64 = 60_000;

const MS_PER_SECOND: u64 = 1_000;

/// Events of late under one key, and the wait that they led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counter {
    count: u32,
    window_ends_at: u64,
    blocked_until: u64,
}

impl Counter {
    /// The events as they were stored; for the store alone.
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

    /// These without the one that made `after` of `before`, and without the wait that it led to, where `max` lead to one.
    #[must_use]
    pub const fn without_one(self, max: u32, before: Self, after: Self) -> Self {
        let count = self.count.saturating_sub(1);
        let blocked_until = if count < max {
            0
        } else if self.blocked_until == after.blocked_until {
            before.blocked_until
        } else {
            self.blocked_until
        };
        Self {
            count,
            blocked_until,
            ..self
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn counted(count: u32, max: u32) -> Counter {
        (0..count).fold(Counter::default(), |counter, _| {
            counter.with_one_more(max, NOW)
        })
    }

    #[test]
    fn the_last_event_that_is_let_through_leads_to_a_wait() {
        assert_eq!(Counter::default().wait_seconds(NOW), None);
        assert_eq!(counted(9, 10).wait_seconds(NOW), None);
        assert_eq!(counted(10, 10).wait_seconds(NOW), Some(60));
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let minutes = |count| counted(count, 10).wait_seconds(NOW).unwrap() / 60;
        let found: Vec<u64> = (10..=16).map(minutes).collect();
        assert_eq!(found, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(minutes(200), 15);
    }

    #[test]
    fn a_wait_is_in_whole_seconds_and_never_0() {
        let blocked = counted(10, 10);
        assert_eq!(blocked.wait_seconds(NOW + 59_001), Some(1));
        assert_eq!(blocked.wait_seconds(NOW + 59_999), Some(1));
        assert_eq!(blocked.wait_seconds(NOW + 60_000), None);
        assert_eq!(blocked.wait_seconds(NOW + 1), Some(60));
    }

    #[test]
    fn events_are_forgotten_a_window_after_the_first() {
        let nine = counted(9, 10);
        let last = nine.with_one_more(10, NOW + WINDOW_MS - 1);
        assert_eq!(last.count, 10);
        let first = nine.with_one_more(10, NOW + WINDOW_MS);
        assert_eq!((first.count, first.blocked_until), (1, 0));
        assert_eq!(first.forgotten_at(), NOW + 2 * WINDOW_MS);
    }

    #[test]
    fn a_wait_is_remembered_for_a_window_after_its_end() {
        let blocked = counted(10, 10);
        let end = blocked.blocked_until;
        let again = blocked.with_one_more(10, end + WINDOW_MS - 1);
        assert_eq!(again.wait_seconds(end + WINDOW_MS - 1), Some(120));
        assert_eq!(blocked.with_one_more(10, end + WINDOW_MS).count, 1);
    }

    #[test]
    fn a_quota_is_used_up_until_its_window_ends() {
        let one_more = |counter: Counter, now| counter.with_one_more_in(WINDOW_MS, now);
        let first = one_more(Counter::default(), NOW);
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
}
