//! A circuit breaker: whoever does not answer is left alone for a while, and customers are not kept waiting for nothing.
//!
//! A pure state machine; the caller brings the time. One lives in each instance of the component. Instances are reused
//! for many requests, so that is enough to spare both sides, and it needs no database.

use crate::tries::{TRIES_MAX, TRY_MS};

/// So many failures in a row open the breaker: as many as one call has tries, so that a call that failed altogether is
/// the last one to wait.
pub const FAILURES_MAX: u32 = TRIES_MAX;

/// How long an open breaker lets nothing through, in milliseconds.
pub const OPEN_MS: u64 = 10_000;

/// A probe that has not ended after this time never will: its request was given up. In milliseconds.
pub const PROBE_MS: u64 = 2 * TRY_MS;

/// The breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything passes; so many have failed in a row.
    Closed { failures: u32 },
    /// Nothing passes until then.
    Open { until_ms: u64 },
    /// One is on its way since then, and decides.
    HalfOpen { since_ms: u64 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed { failures: 0 },
        }
    }
}

impl Breaker {
    /// Whether a request may be sent now. After a yes the caller must record how it ended.
    pub fn admits(&mut self, now_ms: u64) -> bool {
        let admits = match self.state {
            State::Closed { .. } => return true,
            State::Open { until_ms } => now_ms >= until_ms,
            State::HalfOpen { since_ms } => now_ms >= since_ms.saturating_add(PROBE_MS),
        };
        if admits {
            self.state = State::HalfOpen { since_ms: now_ms };
        }
        admits
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// The other side answered, be it with a no.
    pub fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// The other side did not answer, or said that it is broken.
    pub fn failed(&mut self, now_ms: u64) {
        let opened = State::Open {
            until_ms: now_ms.saturating_add(OPEN_MS),
        };
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < FAILURES_MAX => State::Closed {
                failures: failures + 1,
            },
            // Others that were under way when it opened do not keep it open for longer.
            State::Open { until_ms } => State::Open { until_ms },
            State::Closed { .. } | State::HalfOpen { .. } => opened,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened_at(now_ms: u64) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            assert!(breaker.admits(now_ms));
            breaker.failed(now_ms);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_only_then() {
        let mut breaker = Breaker::default();
        for _ in 0..10 * FAILURES_MAX {
            for _ in 1..FAILURES_MAX {
                breaker.failed(5);
            }
            assert!(breaker.admits(5));
            breaker.succeeded();
        }
        let mut breaker = opened_at(5);
        assert!(!breaker.admits(5) && !breaker.admits(5 + OPEN_MS - 1));
    }

    #[test]
    fn after_a_while_one_may_try_and_its_success_closes_it() {
        let mut breaker = opened_at(0);
        assert!(!breaker.is_closed());
        assert!(breaker.admits(OPEN_MS), "the probe");
        assert!(
            !breaker.admits(OPEN_MS),
            "nobody else while it is on its way"
        );
        breaker.succeeded();
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn a_probe_that_fails_opens_it_again() {
        let mut breaker = opened_at(0);
        assert!(breaker.admits(OPEN_MS));
        breaker.failed(OPEN_MS + 7);
        assert!(!breaker.admits(2 * OPEN_MS + 6));
        assert!(breaker.admits(2 * OPEN_MS + 7));
    }

    #[test]
    fn a_probe_that_was_given_up_does_not_block_it_for_ever() {
        let mut breaker = opened_at(0);
        assert!(breaker.admits(OPEN_MS));
        assert!(!breaker.admits(OPEN_MS + PROBE_MS - 1));
        assert!(breaker.admits(OPEN_MS + PROBE_MS));
    }

    #[test]
    fn late_failures_do_not_prolong_the_pause() {
        let mut breaker = opened_at(0);
        breaker.failed(OPEN_MS - 1);
        assert!(breaker.admits(OPEN_MS));
    }
}
