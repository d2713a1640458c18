//! Crashes on demand, and turns for tasks that take turns.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::Shop;

/// On which side of a call's effect the crash happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

pub const SIDES: [Side; 2] = [Side::Before, Side::After];

/// What a crash unwinds with.
struct Crash;

/// Counts the calls that leave the application and crashes at one of them.
#[derive(Default)]
pub struct Faults {
    calls: Cell<u64>,
    crash_at: Cell<Option<(u64, Side)>>,
    yields: Cell<bool>,
}

impl Faults {
    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    pub fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        let call = self.calls.replace(self.calls.get() + 1);
        let crash = self
            .crash_at
            .get()
            .filter(|(at, _)| *at == call)
            .map(|(_, side)| side);
        if crash == Some(Side::Before) {
            resume_unwind(Box::new(Crash));
        }
        let result = work();
        if crash == Some(Side::After) {
            resume_unwind(Box::new(Crash));
        }
        result
    }

    pub async fn around_async<T>(&self, work: impl FnOnce() -> T) -> T {
        self.let_others_run().await;
        let result = self.around(work);
        self.let_others_run().await;
        result
    }

    pub async fn let_others_run(&self) {
        let mut waited = !self.yields.get();
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Shop {
    /// Runs `work` and crashes at that call; gives whether the crash happened.
    pub fn crash_at(&self, call: u64, side: Side, work: impl FnOnce(&Self)) -> bool {
        self.faults.calls.set(0);
        self.faults.crash_at.set(Some((call, side)));
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        self.faults.crash_at.set(None);
        match result {
            Ok(()) => false,
            Err(panic) if panic.is::<Crash>() => true,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Polls both futures to their ends, in the order that the bits of `schedule` say.
    pub fn interleave<T>(
        &self,
        futures: [Pin<Box<dyn Future<Output = T> + '_>>; 2],
        schedule: u32,
    ) -> [T; 2] {
        self.faults.yields.set(true);
        let mut futures = futures;
        let mut results = [None, None];
        let mut turn = 0;
        while let Some(left) = results.iter().position(Option::is_none) {
            let wanted = usize::from(schedule.rotate_right(turn) & 1 == 1);
            let next = if results[wanted].is_none() {
                wanted
            } else {
                left
            };
            if let Poll::Ready(value) = futures[next]
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                results[next] = Some(value);
            }
            turn += 1;
        }
        self.faults.yields.set(false);
        results.map(Option::unwrap)
    }
}
