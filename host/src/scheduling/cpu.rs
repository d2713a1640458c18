//! How much processor time a guest's code has used for a request. What has used more than its allowance goes on at a low
//! priority, and only so much of it at a time: see `PrioritizedWork`.
//!
//! A guest yields at the first function or loop that it comes to in a new epoch, so one that computes does so once an
//! epoch. From the first time on, its thread's processor time is looked at around every piece of its work. One whose
//! transaction is open keeps its place: others may wait for its lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use crate::limits::GUEST_TIME;
use crate::scheduling::limiter::RequestPermits;
use crate::scheduling::workers::thread_time;
use crate::sync::lock;

/// The account of one request. One thread at a time works on it.
#[derive(Default)]
pub(crate) struct CpuUsage {
    is_timed: AtomicBool,
    used_ns: AtomicU64,
    /// The thread's processor time at the beginning of the piece of work.
    since_ns: AtomicU64,
    is_over_allowance: AtomicBool,
    is_in_background: AtomicBool,
    /// The permits that the request holds.
    permits: Mutex<Option<RequestPermits>>,
}

impl CpuUsage {
    /// Takes the time from the beginning.
    pub(crate) fn start_timing(&self) {
        self.is_timed.store(true, Ordering::Relaxed);
    }

    /// What was used while the time was taken.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed))
    }

    /// Keeps the permits until the request ends, waits for something else, or goes on in the background.
    pub(crate) fn hold_permits(&self, permits: RequestPermits) {
        *self.permits() = Some(permits);
    }

    /// Gives all permits back.
    pub(crate) fn release_permits(&self) {
        let permits = self.permits().take();
        drop(permits);
    }

    /// Lets others have the processor, while others of the same account go on waiting: they want what this one waits for.
    pub(crate) fn release_processor(&self) {
        if let Some(permits) = &mut *self.permits() {
            permits.release_processor();
        }
    }

    fn permits(&self) -> MutexGuard<'_, Option<RequestPermits>> {
        lock(&self.permits)
    }

    /// A piece of work begins on this thread.
    pub(crate) fn begin(&self) {
        self.is_over_allowance.store(false, Ordering::Relaxed);
        if self.is_timed.load(Ordering::Relaxed) {
            self.since_ns.store(now_ns(), Ordering::Relaxed);
        }
    }

    /// It ends, on the same thread.
    pub(crate) fn end(&self) {
        if self.is_timed.load(Ordering::Relaxed) {
            self.count();
        }
    }

    /// The guest's code yields, on the same thread; it would go on at once.
    pub(crate) fn on_yield(&self, has_transaction: bool) {
        if self.is_timed.swap(true, Ordering::Relaxed) {
            self.count();
        } else {
            self.since_ns.store(now_ns(), Ordering::Relaxed);
        }
        let is_over_allowance = self.used() >= GUEST_TIME && !has_transaction;
        self.is_over_allowance
            .store(is_over_allowance, Ordering::Relaxed);
    }

    fn count(&self) {
        let now_ns = now_ns();
        let since_ns = self.since_ns.swap(now_ns, Ordering::Relaxed);
        let used_ns = now_ns.saturating_sub(since_ns);
        self.used_ns.fetch_add(used_ns, Ordering::Relaxed);
    }

    /// Whether the next piece of work has to wait for a thread of low priority.
    pub(crate) fn is_over_allowance(&self) -> bool {
        self.is_over_allowance.load(Ordering::Relaxed)
    }

    /// Says whether the work is on a thread of low priority.
    pub(crate) fn set_in_background(&self, is_in_background: bool) {
        self.is_in_background
            .store(is_in_background, Ordering::Relaxed);
    }

    /// Brings the work back to the threads that serve connections, if it is not there: before it does something that others
    /// may have to wait for.
    pub(crate) async fn leave_background(&self) {
        if !self.is_in_background.load(Ordering::Relaxed) {
            return;
        }
        let mut has_yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Without a clock for threads nothing is ever used.
fn now_ns() -> u64 {
    let time = thread_time().unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// Computes for a while.
    fn burn(time: Duration) {
        let started = thread_time().unwrap();
        while thread_time().unwrap() - started < time {}
    }

    #[test]
    fn work_over_its_allowance_waits() {
        let cpu = CpuUsage::default();
        cpu.begin();
        cpu.on_yield(false);
        cpu.end();
        assert!(!cpu.is_over_allowance());
        cpu.begin();
        burn(GUEST_TIME);
        cpu.on_yield(false);
        assert!(cpu.is_over_allowance());
        cpu.end();
        cpu.begin();
        assert!(!cpu.is_over_allowance(), "not before it yields again");
        cpu.on_yield(true);
        assert!(
            !cpu.is_over_allowance(),
            "not while its transaction is open"
        );
        cpu.on_yield(false);
        assert!(cpu.is_over_allowance());
    }

    #[test]
    fn the_time_of_a_request_can_be_taken_from_the_beginning() {
        const USED: Duration = Duration::from_millis(2);
        let cpu = CpuUsage::default();
        cpu.begin();
        burn(USED);
        cpu.end();
        assert_eq!(cpu.used(), Duration::ZERO);
        cpu.start_timing();
        for _ in 0..2 {
            cpu.begin();
            burn(USED);
            cpu.end();
        }
        assert!(cpu.used() >= 2 * USED);
    }

    #[test]
    fn time_between_pieces_of_work_is_not_counted() {
        let cpu = CpuUsage::default();
        cpu.begin();
        cpu.on_yield(false);
        cpu.end();
        burn(GUEST_TIME);
        cpu.begin();
        cpu.on_yield(false);
        assert!(!cpu.is_over_allowance());
    }

    #[test]
    fn work_comes_back_by_yielding_once_where_it_is_away() {
        let cpu = CpuUsage::default();
        assert!(cpu.leave_background().now_or_never().is_some());
        cpu.set_in_background(true);
        let mut back = Box::pin(cpu.leave_background());
        assert!((&mut back).now_or_never().is_none());
        assert!((&mut back).now_or_never().is_some());
    }
}
