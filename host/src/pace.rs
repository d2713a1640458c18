//! How much processor time a guest's code has used for a request. What has used more than its allowance goes on at a low
//! priority, and only so much of it at a time: see [`crate::triggers::work`].
//!
//! A guest yields at the first function or loop that it comes to in a new epoch, so one that computes does so once an
//! epoch. From the first time on, its thread's processor time is looked at around every piece of its work. One whose
//! transaction is open keeps its place: others may wait for its lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use crate::gate::Admitted;
use crate::limits::GUEST_TIME;
use crate::workers::thread_time;

/// The account of one request. One thread at a time works on it.
#[derive(Default)]
pub(crate) struct Pace {
    is_timed: AtomicBool,
    used_ns: AtomicU64,
    /// The thread's processor time at the beginning of the piece of work.
    since_ns: AtomicU64,
    wants_turn: AtomicBool,
    is_away: AtomicBool,
    /// The request's turns.
    admitted: Mutex<Option<Admitted>>,
}

impl Pace {
    /// Takes the time from the beginning.
    pub(crate) fn time(&self) {
        self.is_timed.store(true, Ordering::Relaxed);
    }

    /// What was used while the time was taken.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed))
    }

    /// Keeps the turns until the request ends, waits for others, or goes on where it keeps nobody waiting.
    pub(crate) fn hold(&self, admitted: Admitted) {
        *self.admitted() = Some(admitted);
    }

    /// Ends all turns.
    pub(crate) fn let_go(&self) {
        let admitted = self.admitted().take();
        drop(admitted);
    }

    /// Lets others have the processor, while others of the same account go on waiting: they want what this one waits for.
    pub(crate) fn let_go_of_processor(&self) {
        if let Some(admitted) = &mut *self.admitted() {
            admitted.let_go_of_processor();
        }
    }

    fn admitted(&self) -> MutexGuard<'_, Option<Admitted>> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece of work begins on this thread.
    pub(crate) fn begin(&self) {
        self.wants_turn.store(false, Ordering::Relaxed);
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
    pub(crate) fn tick(&self, has_transaction: bool) {
        if self.is_timed.swap(true, Ordering::Relaxed) {
            self.count();
        } else {
            self.since_ns.store(now_ns(), Ordering::Relaxed);
        }
        let wants_turn = self.used() >= GUEST_TIME && !has_transaction;
        self.wants_turn.store(wants_turn, Ordering::Relaxed);
    }

    fn count(&self) {
        let now_ns = now_ns();
        let since_ns = self.since_ns.swap(now_ns, Ordering::Relaxed);
        let used_ns = now_ns.saturating_sub(since_ns);
        self.used_ns.fetch_add(used_ns, Ordering::Relaxed);
    }

    /// Whether the next piece of work has to wait for a turn.
    pub(crate) fn wants_turn(&self) -> bool {
        self.wants_turn.load(Ordering::Relaxed)
    }

    /// Says whether the work is on a thread of low priority.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }

    /// Brings the work back to the threads that serve connections, if it is not there: before it does something that others
    /// may have to wait for.
    pub(crate) async fn come_back(&self) {
        if !self.is_away.load(Ordering::Relaxed) {
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
    fn what_has_used_its_allowance_waits_for_turns() {
        let pace = Pace::default();
        pace.begin();
        pace.tick(false);
        pace.end();
        assert!(!pace.wants_turn());
        pace.begin();
        burn(GUEST_TIME);
        pace.tick(false);
        assert!(pace.wants_turn());
        pace.end();
        pace.begin();
        assert!(!pace.wants_turn(), "not before it yields again");
        pace.tick(true);
        assert!(!pace.wants_turn(), "not while its transaction is open");
        pace.tick(false);
        assert!(pace.wants_turn());
    }

    #[test]
    fn the_time_of_a_request_can_be_taken_from_the_beginning() {
        const USED: Duration = Duration::from_millis(2);
        let pace = Pace::default();
        pace.begin();
        burn(USED);
        pace.end();
        assert_eq!(pace.used(), Duration::ZERO);
        pace.time();
        for _ in 0..2 {
            pace.begin();
            burn(USED);
            pace.end();
        }
        assert!(pace.used() >= 2 * USED);
    }

    #[test]
    fn time_between_pieces_of_work_is_not_counted() {
        let pace = Pace::default();
        pace.begin();
        pace.tick(false);
        pace.end();
        burn(GUEST_TIME);
        pace.begin();
        pace.tick(false);
        assert!(!pace.wants_turn());
    }

    #[test]
    fn work_comes_back_by_yielding_once_where_it_is_away() {
        let pace = Pace::default();
        assert!(pace.come_back().now_or_never().is_some());
        pace.set_away(true);
        let mut back = Box::pin(pace.come_back());
        assert!((&mut back).now_or_never().is_none());
        assert!((&mut back).now_or_never().is_some());
    }
}
