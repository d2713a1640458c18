//! How a transaction that writes waits for those of others.
//!
//! The runner lets them queue, and gives each its turn. Elsewhere SQLite itself waits, on a thread of the host: it looks again
//! and again, the more rarely the longer it has waited, so who has just come is mostly the first, and of many writers some wait
//! for seconds. There, a transaction waits inside SQLite for a moment only, and tries again after a pause, which is long at first
//! and the shorter the longer it has waited.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::{BUSY_TIMEOUT_MS, Connection, Error};

/// How long SQLite itself waits each time, where it does, in milliseconds.
pub(crate) const TRY_MS: u32 = 100;

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// Who has waited for so long makes no pauses any more.
const PATIENT_TIME: Duration = Duration::from_secs(1);

/// Who lets writers wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// The host, which never lets SQLite wait.
    Host,
    /// SQLite, and this code.
    Sqlite,
}

/// Finds out who lets writers wait, after [`set_timeout`]: a host that has a queue sets no time for SQLite.
pub(crate) fn configure(connection: &Connection) -> Result<Queue, Error> {
    let row = connection.query_one("PRAGMA busy_timeout", &[])?;
    let sqlite_waits = row.is_some_and(|row| row.get::<u32>(0) != Ok(0));
    if !sqlite_waits {
        return Ok(Queue::Host);
    }
    set_timeout(connection, TRY_MS)?;
    Ok(Queue::Sqlite)
}

/// Sets how long the next statements wait, in milliseconds.
pub(crate) fn set_timeout(connection: &Connection, milliseconds: u32) -> Result<(), Error> {
    connection.query(&format!("PRAGMA busy_timeout = {milliseconds}"), &[])?;
    Ok(())
}

/// Begins a transaction that writes, when others have let go.
pub(crate) fn begin(connection: &Connection, queue: Queue) -> Result<(), Error> {
    match queue {
        Queue::Host => begin_at_once(connection),
        Queue::Sqlite => {
            let started = Instant::now();
            let attempt = || begin_at_once(connection);
            retry(attempt, || started.elapsed(), std::thread::sleep)
        }
    }
}

/// Begins a transaction that writes, when others let go within the time that is set.
pub(crate) fn begin_at_once(connection: &Connection) -> Result<(), Error> {
    connection.execute("BEGIN IMMEDIATE", &[])
}

fn retry<T>(
    mut attempt: impl FnMut() -> Result<T, Error>,
    waited: impl Fn() -> Duration,
    mut pause: impl FnMut(Duration),
) -> Result<T, Error> {
    let patience = Duration::from_millis(u64::from(BUSY_TIMEOUT_MS));
    loop {
        let result = attempt();
        if !matches!(result, Err(Error::Busy(_))) {
            return result;
        }
        let waited = waited();
        if waited >= patience {
            return result;
        }
        pause(pause_after(waited, RandomState::new().hash_one(())));
    }
}

/// A part of the longest pause, which `random` chooses.
fn pause_after(waited: Duration, random: u64) -> Duration {
    let left = PATIENT_TIME.saturating_sub(waited);
    let longest = PAUSE_MAX.mul_f64(left.div_duration_f64(PATIENT_TIME));
    let thousandths = u32::try_from(random % 1_001).unwrap_or(0);
    longest * thousandths / 1_000
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn busy<T>() -> Result<T, Error> {
        Err(Error::Busy("database is locked".to_owned()))
    }

    #[test]
    fn a_writer_tries_again_until_others_let_go() {
        let mut tries = 0;
        let clock = Cell::new(Duration::ZERO);
        let pauses = RefCell::new(Vec::new());
        let attempt = || {
            tries += 1;
            clock.set(clock.get() + Duration::from_millis(TRY_MS.into()));
            if tries < 12 { busy() } else { Ok(tries) }
        };
        let done = retry(
            attempt,
            || clock.get(),
            |time| pauses.borrow_mut().push(time),
        );
        assert_eq!(done, Ok(12));
        let pauses = pauses.into_inner();
        assert_eq!(pauses.len(), 11);
        assert!(pauses.iter().all(|pause| *pause <= PAUSE_MAX));
        assert_eq!(
            pauses[10],
            Duration::ZERO,
            "who waits for long does not pause"
        );
    }

    #[test]
    fn a_writer_gives_up_in_the_end_and_at_other_errors_at_once() {
        let clock = Cell::new(Duration::ZERO);
        let attempt = || {
            clock.set(clock.get() + Duration::from_millis(TRY_MS.into()));
            busy::<()>()
        };
        assert_eq!(retry(attempt, || clock.get(), |_| {}), busy());
        let given_up = clock.get().as_millis();
        assert_eq!(given_up, u128::from(BUSY_TIMEOUT_MS));
        let full = || Err::<(), _>(Error::Full);
        let never = |_| panic!("tried again");
        assert_eq!(retry(full, || Duration::ZERO, never), Err(Error::Full));
    }

    #[test]
    fn pauses_are_shared_out_and_shrink() {
        let longest = |waited| pause_after(waited, 1_000);
        assert_eq!(longest(Duration::ZERO), PAUSE_MAX);
        assert_eq!(longest(PATIENT_TIME / 2), PAUSE_MAX / 2);
        assert_eq!(longest(PATIENT_TIME * 2), Duration::ZERO);
        assert_eq!(pause_after(Duration::ZERO, 500), PAUSE_MAX / 2);
        assert_eq!(pause_after(Duration::ZERO, 0), Duration::ZERO);
    }
}
