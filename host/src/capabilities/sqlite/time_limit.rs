//! How long a statement has taken: looked at every so many steps of SQLite's virtual machine, and interrupted at its limit.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::limits::{
    INLINE_READ_PROCESSOR_TIME, INLINE_READ_TIME, INLINE_WRITE_TIME, LONG_READ_TIME,
    LONG_READ_TIME_MAX, PROBED_READ_TIME, WRITE_TIME,
};
use crate::scheduling::workers::thread_time;
use crate::sync::lock;

/// What a statement may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TimeLimit {
    /// What it needs.
    #[default]
    None,
    /// A moment of a thread that serves connections.
    Inline,
    /// As long as it takes to find out whether it is long, on a thread of low priority.
    Probe,
    /// As long as a statement that reads may take at all.
    Long,
    /// As long as a statement that writes may take at all.
    Write,
}

impl TimeLimit {
    /// The time that it stands for; none is no time.
    pub(super) const fn time(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Inline => INLINE_READ_TIME,
            Self::Probe => PROBED_READ_TIME,
            Self::Long => LONG_READ_TIME,
            Self::Write => WRITE_TIME,
        }
    }
}

/// What became of a statement at its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing.
    #[default]
    None,
    /// It was interrupted, and may be begun again on another thread.
    Long,
    /// It was interrupted for good.
    TooLong,
    /// It was interrupted because its request was abandoned.
    Abandoned,
    /// It went on, but has kept its thread for long.
    Slow,
}

/// The timer of one connection. The code that runs a statement sets the limit; SQLite asks on the same thread.
#[derive(Default)]
pub(super) struct StatementTimer {
    statement: Mutex<Timed>,
    is_abandoned: AtomicBool,
}

#[derive(Clone, Copy, Default)]
struct Timed {
    /// Counts the statements, so that each is timed from its own beginning.
    run: u64,
    limit: TimeLimit,
    outcome: Outcome,
}

impl StatementTimer {
    /// A statement begins.
    pub(super) fn begin(&self, limit: TimeLimit) {
        let mut statement = lock(&self.statement);
        *statement = Timed {
            run: statement.run.wrapping_add(1),
            limit,
            outcome: Outcome::None,
        };
    }

    /// It has ended; says what became of it.
    pub(super) fn end(&self) -> Outcome {
        let mut statement = lock(&self.statement);
        statement.limit = TimeLimit::None;
        statement.outcome
    }

    /// Whether the last statement has kept its thread for long.
    pub(super) fn was_slow(&self) -> bool {
        lock(&self.statement).outcome == Outcome::Slow
    }

    /// Sets whether the request of a statement that runs on another thread was abandoned.
    pub(super) fn set_abandoned(&self, is_abandoned: bool) {
        self.is_abandoned.store(is_abandoned, Ordering::Relaxed);
    }
}

/// What SQLite asks every so many steps.
pub(super) struct ProgressCheck {
    run: u64,
    started: Instant,
    /// The thread's processor time when it was looked at first.
    used: Option<Duration>,
}

impl ProgressCheck {
    pub(super) fn new() -> Self {
        Self {
            run: 0,
            started: Instant::now(),
            used: None,
        }
    }

    /// True to interrupt the statement.
    pub(super) fn is_over(&mut self, timer: &StatementTimer) -> bool {
        let Timed { run, limit, .. } = *lock(&timer.statement);
        if run != self.run {
            *self = Self { run, ..Self::new() };
            if matches!(limit, TimeLimit::Probe | TimeLimit::Long) {
                self.used = thread_time();
            }
            return false;
        }
        let took = self.started.elapsed();
        let outcome = match limit {
            TimeLimit::None => Outcome::None,
            TimeLimit::Inline => self.inline(took),
            TimeLimit::Write if took >= WRITE_TIME => Outcome::TooLong,
            TimeLimit::Write if took >= INLINE_WRITE_TIME => Outcome::Slow,
            TimeLimit::Write => Outcome::None,
            TimeLimit::Probe | TimeLimit::Long if timer.is_abandoned.load(Ordering::Relaxed) => {
                Outcome::Abandoned
            }
            TimeLimit::Probe if self.has_used(PROBED_READ_TIME, took) => Outcome::Long,
            TimeLimit::Long if self.has_used(LONG_READ_TIME, took) => Outcome::TooLong,
            TimeLimit::Probe | TimeLimit::Long if took >= LONG_READ_TIME_MAX => Outcome::TooLong,
            TimeLimit::Probe | TimeLimit::Long => Outcome::None,
        };
        if outcome != Outcome::None {
            lock(&timer.statement).outcome = outcome;
        }
        !matches!(outcome, Outcome::None | Outcome::Slow)
    }

    fn inline(&mut self, took: Duration) -> Outcome {
        if took < INLINE_READ_TIME {
            return Outcome::None;
        }
        if self.used.is_none() {
            self.used = thread_time();
        }
        if self.has_used(INLINE_READ_PROCESSOR_TIME, took - INLINE_READ_TIME) {
            Outcome::Long
        } else {
            Outcome::None
        }
    }

    /// Whether the statement has used so much processor time; where the system does not offer that, the time that it
    /// `took`.
    fn has_used(&self, limit: Duration, took: Duration) -> bool {
        took >= limit
            && match (self.used, thread_time()) {
                (Some(before), Some(now)) => now.saturating_sub(before) >= limit,
                _ => true,
            }
    }
}
