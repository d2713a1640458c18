//! Transactions that are in each other's way.
//!
//! Whoever shares a key waits. What no key names may still meet: two transactions change the same rows in another order, or a database
//! that runs them as if one after the other finds that it cannot. It takes one of them back, and asks for the same again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// So often a transaction is run at the most.
const TRIES_MAX: u32 = 5;

/// The pause before it is run again is between these.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(30);

/// Runs a transaction, and again as long as others were in its way.
pub fn run<T, E>(
    attempt: impl Fn() -> Result<T, E>,
    has_conflict: impl Fn() -> bool,
    pause: impl Fn(Duration),
) -> Result<T, E> {
    for _ in 1..TRIES_MAX {
        let result = attempt();
        if result.is_ok() || !has_conflict() {
            return result;
        }
        pause(pause_of(RandomState::new().hash_one(())));
    }
    attempt()
}

/// A pause that `random` chooses, so that two do not meet again.
fn pause_of(random: u64) -> Duration {
    let thousandths = u32::try_from(random % 1_001).unwrap_or(0);
    PAUSE_MIN + (PAUSE_MAX - PAUSE_MIN) * thousandths / 1_000
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_transaction_in_the_way_is_run_again_but_not_for_ever() {
        for (conflicts, outcome, pauses) in [(0, Ok(1), 0), (2, Ok(3), 2), (9, Err(5), 4)] {
            let (tries, paused) = (Cell::new(0), Cell::new(0));
            let attempt = || {
                tries.set(tries.get() + 1);
                if tries.get() > conflicts {
                    Ok(tries.get())
                } else {
                    Err(tries.get())
                }
            };
            let pause = |time| {
                assert!((PAUSE_MIN..=PAUSE_MAX).contains(&time));
                paused.set(paused.get() + 1);
            };
            assert_eq!(run(attempt, || true, pause), outcome);
            assert_eq!(paused.get(), pauses);
        }
    }

    #[test]
    fn a_transaction_that_fails_by_itself_is_not_run_again() {
        let never = |_| panic!("run again");
        assert_eq!(run(|| Err::<(), _>("no"), || false, never), Err("no"));
    }

    #[test]
    fn pauses_are_short_and_differ() {
        assert_eq!(pause_of(0), PAUSE_MIN);
        assert_eq!(pause_of(1_000), PAUSE_MAX);
    }
}
