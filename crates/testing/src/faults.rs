use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, Waker};

use crate::tasks::{Task, pause};

/// On which side of a call's effect the process crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The call has no effect.
    Before,
    /// The call has its effect, and its answer is lost.
    After,
}

/// Both sides.
pub const SIDES: [Side; 2] = [Side::Before, Side::After];

/// What a crash unwinds with.
struct Crash;

/// Counts the calls that leave the application, crashes at one of them, and lets other tasks run before and after each.
#[derive(Debug, Default)]
pub struct Faults {
    calls: Cell<u64>,
    crash_at: Cell<Option<(u64, Side)>>,
    /// Whether calls let others run.
    pub yields: Cell<bool>,
}

impl Faults {
    /// Calls so far, since the last crash was planned.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// A call whose effect is `work`.
    pub fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        let call = self.calls.replace(self.calls.get() + 1);
        let is_fatal = |side| self.crash_at.get() == Some((call, side));
        if is_fatal(Side::Before) {
            resume_unwind(Box::new(Crash));
        }
        let result = work();
        if is_fatal(Side::After) {
            resume_unwind(Box::new(Crash));
        }
        result
    }

    /// [`Self::around`], where others may run before and after it.
    pub async fn around_async<T>(&self, work: impl FnOnce() -> T) -> T {
        self.let_others_run().await;
        let result = self.around(work);
        self.let_others_run().await;
        result
    }

    /// Waits once while tasks take turns.
    pub async fn let_others_run(&self) {
        pause(self.yields.get()).await;
    }

    /// Runs `work` and crashes at that call, counted from 0; none when it has crashed.
    pub fn crash_at<T>(&self, call: u64, side: Side, work: impl FnOnce() -> T) -> Option<T> {
        self.calls.set(0);
        self.crash_at.set(Some((call, side)));
        let result = catch_unwind(AssertUnwindSafe(work));
        self.crash_at.set(None);
        match result {
            Ok(result) => Some(result),
            Err(panic) if panic.is::<Crash>() => None,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Polls both tasks to their ends. `whose` says whose turn it is, as long as none has ended.
    pub fn interleave<T>(
        &self,
        mut tasks: [Task<'_, T>; 2],
        whose: impl Fn(u32) -> usize,
    ) -> [T; 2] {
        self.yields.set(true);
        let mut results = [None, None];
        let mut turns = 0..;
        while let Some(left) = results.iter().position(Option::is_none) {
            let next = if results.iter().all(Option::is_none) {
                whose(turns.next().unwrap())
            } else {
                left
            };
            let task = tasks[next].as_mut();
            if let Poll::Ready(value) = task.poll(&mut Context::from_waker(Waker::noop())) {
                results[next] = Some(value);
            }
        }
        self.yields.set(false);
        results.map(Option::unwrap)
    }
}
