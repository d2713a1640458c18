use std::cell::Cell;

/// How long to wait before something is tried again: twice as long each time, up to a longest pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// The first pause, in milliseconds.
    pub first_ms: u64,
    /// The longest pause, in milliseconds.
    pub longest_ms: u64,
}

impl BackOff {
    /// The pause after that many failed attempts before this one, in milliseconds.
    #[must_use]
    pub fn pause_ms(&self, attempts: u32) -> u64 {
        self.first_ms
            .saturating_mul(2_u64.saturating_pow(attempts))
            .min(self.longest_ms)
    }
}

/// Lets something happen at most once in an interval, within one instance.
#[derive(Debug, Default)]
pub struct Throttle {
    /// In milliseconds since the Unix epoch.
    last: Cell<u64>,
}

impl Throttle {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: Cell::new(0) }
    }

    /// Returns true if `interval_ms` milliseconds have passed at `now` (milliseconds since the Unix epoch) since it last
    /// returned true. A clock that was set back stops nothing.
    pub fn is_due(&self, now: u64, interval_ms: u32) -> bool {
        let is_due = now.abs_diff(self.last.get()) >= u64::from(interval_ms);
        if is_due {
            self.last.set(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pause_is_twice_as_long_up_to_the_longest() {
        let back_off = BackOff {
            first_ms: 500,
            longest_ms: 60_000,
        };
        let pauses = [0, 1, 2, 6, 7, 64, u32::MAX].map(|attempts| back_off.pause_ms(attempts));
        assert_eq!(pauses, [500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn it_is_due_once_in_an_interval() {
        let throttle = Throttle::new();
        let due = [5_000, 5_001, 5_999, 6_000, 6_500, 7_000].map(|now| throttle.is_due(now, 1_000));
        assert_eq!(due, [true, false, false, true, false, true]);
        assert!(
            throttle.is_due(100, 1_000),
            "a clock that was set back must not stop it"
        );
        assert!(throttle.is_due(100, 0));
    }
}
