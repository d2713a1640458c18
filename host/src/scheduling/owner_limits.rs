//! Limits for each account or client: while others have requests, too, an owner's requests leave them some of the processor.
//! Nothing is kept of an owner that has no requests.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::scheduling::semaphore::Full;
use crate::sync::lock;

/// All requests that run, and those of each owner.
pub(crate) struct OwnerLimits {
    /// Seeded at random: an attacker cannot find two owners that count as one.
    hasher: RandomState,
    state: Mutex<State>,
    limit: OwnerLimit,
}

/// How many requests of one owner there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnerLimit {
    /// That run while no other owner's do.
    pub alone: usize,
    /// That run beside others'.
    pub beside_others: usize,
    /// That wait.
    pub waiting: usize,
}

#[derive(Default)]
struct State {
    /// Of everybody, with an owner or without.
    running: usize,
    owners: HashMap<u64, Owner>,
}

/// An owner with requests that wait has one that runs.
#[derive(Default)]
struct Owner {
    running: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

/// A request that runs, until it is dropped.
pub(crate) struct Slot {
    limits: Arc<OwnerLimits>,
    key: Option<u64>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limits.leave(self.key);
    }
}

impl OwnerLimits {
    pub(crate) fn new(limit: OwnerLimit) -> Arc<Self> {
        Arc::new(Self {
            hasher: RandomState::new(),
            state: Mutex::default(),
            limit,
        })
    }

    /// Lets a request run, or puts it behind the others of its owner. One without an owner runs.
    pub(crate) fn enter(self: &Arc<Self>, owner: Option<impl Hash>) -> Result<Entered, Full> {
        let key = owner.map(|owner| self.hasher.hash_one(owner));
        let state = &mut *self.state();
        if let Some(key) = key {
            let owner = state.owners.entry(key).or_default();
            if owner.running >= owner.may_run(state.running, self.limit) {
                if owner.waiting.len() >= self.limit.waiting {
                    return Err(Full);
                }
                let (sender, receiver) = oneshot::channel();
                owner.waiting.push_back(sender);
                return Ok(Entered::Waits(Wait {
                    limits: Arc::clone(self),
                    key,
                    granted: Some(receiver),
                }));
            }
            owner.running += 1;
        }
        state.running += 1;
        Ok(Entered::Runs(Slot {
            limits: Arc::clone(self),
            key,
        }))
    }

    fn leave(&self, key: Option<u64>) {
        let state = &mut *self.state();
        state.running -= 1;
        let Some(key) = key else { return };
        let Some(owner) = state.owners.get_mut(&key) else {
            return;
        };
        owner.running -= 1;
        while owner.running < owner.may_run(state.running, self.limit) {
            let Some(next) = owner.waiting.pop_front() else {
                break;
            };
            if next.send(()).is_ok() {
                owner.running += 1;
                state.running += 1;
            }
        }
        if owner.running == 0 {
            state.owners.remove(&key);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Owner {
    fn may_run(&self, all_running: usize, limit: OwnerLimit) -> usize {
        if all_running == self.running {
            limit.alone
        } else {
            limit.beside_others
        }
    }
}

/// What becomes of a request at first.
pub(crate) enum Entered {
    Runs(Slot),
    Waits(Wait),
}

/// Resolves when the request may run. Dropping it leaves the queue.
pub(crate) struct Wait {
    limits: Arc<OwnerLimits>,
    key: u64,
    granted: Option<oneshot::Receiver<()>>,
}

impl Wait {
    fn runs(&self) -> Slot {
        Slot {
            limits: Arc::clone(&self.limits),
            key: Some(self.key),
        }
    }
}

impl Future for Wait {
    type Output = Slot;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Slot> {
        let Some(granted) = &mut self.granted else {
            // Polled again after it was ready, which no caller does.
            return Poll::Pending;
        };
        // The sender is always used before it is dropped: see `leave`.
        let granted = std::task::ready!(Pin::new(granted).poll(cx)).is_ok();
        self.granted = None;
        if granted {
            Poll::Ready(self.runs())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let Some(mut granted) = self.granted.take() else {
            return;
        };
        granted.close();
        if granted.try_recv().is_ok() {
            drop(self.runs());
        } else if let Some(owner) = self.limits.state().owners.get_mut(&self.key) {
            owner.waiting.retain(|waiting| !waiting.is_closed());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MOST: OwnerLimit = OwnerLimit {
        alone: 4,
        beside_others: 2,
        waiting: 3,
    };

    fn runs(limits: &Arc<OwnerLimits>, owner: Option<&'static str>) -> Slot {
        match limits.enter(owner) {
            Ok(Entered::Runs(running)) => running,
            _ => panic!("has to wait"),
        }
    }

    fn waits(limits: &Arc<OwnerLimits>, owner: Option<&'static str>) -> Wait {
        match limits.enter(owner) {
            Ok(Entered::Waits(waiting)) => waiting,
            _ => panic!("does not have to wait"),
        }
    }

    fn is_empty(limits: &OwnerLimits) -> bool {
        let state = limits.state();
        state.running == 0 && state.owners.is_empty()
    }

    #[test]
    fn an_owner_that_is_alone_has_everything() {
        let limits = OwnerLimits::new(MOST);
        let running: Vec<_> = (0..4).map(|_| runs(&limits, Some("a"))).collect();
        let mut waiting: Vec<_> = (0..3).map(|_| waits(&limits, Some("a"))).collect();
        assert!(limits.enter(Some("a")).is_err());
        drop(running);
        let running: Vec<_> = waiting
            .iter_mut()
            .filter_map(FutureExt::now_or_never)
            .collect();
        assert_eq!(running.len(), 3);
        drop((running, waiting));
        assert!(is_empty(&limits));
    }

    #[test]
    fn beside_others_an_owner_leaves_them_some() {
        for other in [None, Some("b")] {
            let limits = OwnerLimits::new(MOST);
            let mut running: Vec<_> = (0..4).map(|_| runs(&limits, Some("a"))).collect();
            let beside = runs(&limits, other);
            let mut waiting = waits(&limits, Some("a"));
            running.truncate(2);
            assert!((&mut waiting).now_or_never().is_none());
            running.truncate(1);
            running.push((&mut waiting).now_or_never().unwrap());
            let mut waiting = [waits(&limits, Some("a")), waits(&limits, Some("a"))];
            drop(beside);
            assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
            running.clear();
            for one in &mut waiting {
                running.push(one.now_or_never().unwrap());
            }
            drop(running);
            assert!(is_empty(&limits));
        }
    }

    #[test]
    fn requests_without_an_owner_do_not_wait() {
        let limits = OwnerLimits::new(MOST);
        let running: Vec<_> = (0..100).map(|_| runs(&limits, None)).collect();
        drop(running);
        assert!(is_empty(&limits));
    }

    #[test]
    fn requests_that_are_given_up_leave_nothing_behind() {
        let limits = OwnerLimits::new(MOST);
        let mut running: Vec<_> = (0..4).map(|_| runs(&limits, Some("a"))).collect();
        let leaves = waits(&limits, Some("a"));
        let granted = waits(&limits, Some("a"));
        let last = waits(&limits, Some("a"));
        drop(leaves);
        running.pop();
        // It may run, and goes without having looked.
        drop(granted);
        let last = last.now_or_never().unwrap();
        drop((running, last));
        assert!(is_empty(&limits));
    }
}
