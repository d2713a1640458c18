//! How long a statement has taken: looked at every so many steps of SQLite's virtual machine, and interrupted at its bound.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::limits::{
    INLINE_READ_PROCESSOR_TIME, INLINE_READ_TIME, INLINE_WRITE_TIME, LONG_READ_TIME,
    LONG_READ_TIME_MAX, PROBED_READ_TIME, WRITE_TIME,
};
use crate::workers::thread_time;

/// What a statement may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Bound {
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

impl Bound {
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

/// What became of a statement at its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Verdict {
    /// Nothing.
    None,
    /// It was interrupted, and may be begun again elsewhere.
    Long,
    /// It was interrupted for good.
    TooLong,
    /// It was interrupted because nobody waits for its rows.
    Deserted,
    /// It went on, but has kept its thread for long.
    Slow,
}

/// The watch over one connection. Whoever runs its statements sets the bound; SQLite asks on the same thread.
#[derive(Default)]
pub(super) struct Watch {
    /// Counts the statements, so that each is timed from its own beginning.
    run: AtomicU64,
    bound: AtomicU8,
    verdict: AtomicU8,
    is_deserted: AtomicBool,
}

impl Watch {
    /// A statement begins.
    pub(super) fn begin(&self, bound: Bound) {
        // Nobody else writes it: a connection does one thing at a time.
        let run = self.run.load(Ordering::Relaxed).wrapping_add(1);
        self.run.store(run, Ordering::Relaxed);
        self.verdict.store(Verdict::None as u8, Ordering::Relaxed);
        self.bound.store(bound as u8, Ordering::Relaxed);
    }

    /// It has ended; says what became of it.
    pub(super) fn end(&self) -> Verdict {
        self.bound.store(Bound::None as u8, Ordering::Relaxed);
        self.verdict()
    }

    /// Whether the last statement has kept its thread for long.
    pub(super) fn was_slow(&self) -> bool {
        self.verdict() == Verdict::Slow
    }

    fn verdict(&self) -> Verdict {
        match self.verdict.load(Ordering::Relaxed) {
            verdict if verdict == Verdict::Long as u8 => Verdict::Long,
            verdict if verdict == Verdict::TooLong as u8 => Verdict::TooLong,
            verdict if verdict == Verdict::Deserted as u8 => Verdict::Deserted,
            verdict if verdict == Verdict::Slow as u8 => Verdict::Slow,
            _ => Verdict::None,
        }
    }

    /// Says whether anybody waits for the rows of what runs on another thread.
    pub(super) fn set_deserted(&self, is_deserted: bool) {
        self.is_deserted.store(is_deserted, Ordering::Relaxed);
    }

    fn bound(&self) -> Bound {
        match self.bound.load(Ordering::Relaxed) {
            bound if bound == Bound::Inline as u8 => Bound::Inline,
            bound if bound == Bound::Probe as u8 => Bound::Probe,
            bound if bound == Bound::Long as u8 => Bound::Long,
            bound if bound == Bound::Write as u8 => Bound::Write,
            _ => Bound::None,
        }
    }

    fn give(&self, verdict: Verdict) {
        self.verdict.store(verdict as u8, Ordering::Relaxed);
    }
}

/// What SQLite asks every so many steps.
pub(super) struct Stopwatch {
    run: u64,
    started: Instant,
    /// The thread's processor time when it was looked at first.
    used: Option<Duration>,
}

impl Stopwatch {
    pub(super) fn new() -> Self {
        Self {
            run: 0,
            started: Instant::now(),
            used: None,
        }
    }

    /// True to interrupt the statement.
    pub(super) fn is_over(&mut self, watch: &Watch) -> bool {
        let bound = watch.bound();
        let run = watch.run.load(Ordering::Relaxed);
        if run != self.run {
            *self = Self { run, ..Self::new() };
            if matches!(bound, Bound::Probe | Bound::Long) {
                self.used = thread_time();
            }
            return false;
        }
        let took = self.started.elapsed();
        let verdict = match bound {
            Bound::None => Verdict::None,
            Bound::Inline => self.inline(took),
            Bound::Write if took >= WRITE_TIME => Verdict::TooLong,
            Bound::Write if took >= INLINE_WRITE_TIME => Verdict::Slow,
            Bound::Write => Verdict::None,
            Bound::Probe | Bound::Long if watch.is_deserted.load(Ordering::Relaxed) => {
                Verdict::Deserted
            }
            Bound::Probe if self.has_used(PROBED_READ_TIME, took) => Verdict::Long,
            Bound::Long if self.has_used(LONG_READ_TIME, took) => Verdict::TooLong,
            Bound::Probe | Bound::Long if took >= LONG_READ_TIME_MAX => Verdict::TooLong,
            Bound::Probe | Bound::Long => Verdict::None,
        };
        if verdict != Verdict::None {
            watch.give(verdict);
        }
        !matches!(verdict, Verdict::None | Verdict::Slow)
    }

    fn inline(&mut self, took: Duration) -> Verdict {
        if took < INLINE_READ_TIME {
            return Verdict::None;
        }
        if self.used.is_none() {
            self.used = thread_time();
        }
        if self.has_used(INLINE_READ_PROCESSOR_TIME, took - INLINE_READ_TIME) {
            Verdict::Long
        } else {
            Verdict::None
        }
    }

    /// Whether the statement has used so much processor time; where the system does not tell that, the time that it
    /// `took`.
    fn has_used(&self, limit: Duration, took: Duration) -> bool {
        took >= limit
            && match (self.used, thread_time()) {
                (Some(before), Some(now)) => now.saturating_sub(before) >= limit,
                _ => true,
            }
    }
}
