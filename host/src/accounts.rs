//! Turns of accounts: while others want something too, one account's requests leave them half of the cores.
//!
//! Those who come with the same credentials are one account here, whether or not these are good for anything. Nothing is
//! kept of an account that has no requests.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::HeaderValue;
use tokio::sync::oneshot;

use crate::turns::Full;

/// All requests that run, and those of each account.
pub(crate) struct Accounts {
    /// Nobody who does not know it can find two credentials that count as one account.
    hasher: RandomState,
    state: Mutex<State>,
    most: Most,
}

/// How many requests of one account there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// That run, while nobody else's do.
    pub alone: usize,
    /// That run beside others'.
    pub beside_others: usize,
    /// That wait.
    pub waiting: usize,
}

#[derive(Default)]
struct State {
    /// Of everybody, with an account or without.
    running: usize,
    accounts: HashMap<u64, Account>,
}

/// Whoever has requests that wait has one that runs.
#[derive(Default)]
struct Account {
    running: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

/// A request that runs, until it is dropped.
pub(crate) struct Running {
    accounts: Arc<Accounts>,
    key: Option<u64>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accounts.leave(self.key);
    }
}

impl Accounts {
    pub(crate) fn new(most: Most) -> Arc<Self> {
        Arc::new(Self {
            hasher: RandomState::new(),
            state: Mutex::default(),
            most,
        })
    }

    /// Lets a request run, or puts it behind the others of its account.
    pub(crate) fn enter(
        self: &Arc<Self>,
        credentials: Option<&HeaderValue>,
    ) -> Result<Entered, Full> {
        let key = credentials.map(|text| self.hasher.hash_one(text.as_bytes()));
        let state = &mut *self.state();
        if let Some(key) = key {
            let account = state.accounts.entry(key).or_default();
            if account.running >= account.may_run(state.running, self.most) {
                if account.waiting.len() >= self.most.waiting {
                    return Err(Full);
                }
                let (sender, receiver) = oneshot::channel();
                account.waiting.push_back(sender);
                return Ok(Entered::Waits(Waiting {
                    accounts: Arc::clone(self),
                    key,
                    granted: Some(receiver),
                }));
            }
            account.running += 1;
        }
        state.running += 1;
        Ok(Entered::Runs(Running {
            accounts: Arc::clone(self),
            key,
        }))
    }

    fn leave(&self, key: Option<u64>) {
        let state = &mut *self.state();
        state.running -= 1;
        let Some(key) = key else { return };
        let Some(account) = state.accounts.get_mut(&key) else {
            return;
        };
        account.running -= 1;
        while account.running < account.may_run(state.running, self.most) {
            let Some(next) = account.waiting.pop_front() else {
                break;
            };
            if next.send(()).is_ok() {
                account.running += 1;
                state.running += 1;
            }
        }
        if account.running == 0 {
            state.accounts.remove(&key);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn may_run(&self, all_running: usize, most: Most) -> usize {
        if all_running == self.running {
            most.alone
        } else {
            most.beside_others
        }
    }
}

/// What becomes of a request at first.
pub(crate) enum Entered {
    Runs(Running),
    Waits(Waiting),
}

/// Resolves when the request may run. Whoever drops it waits no more.
pub(crate) struct Waiting {
    accounts: Arc<Accounts>,
    key: u64,
    granted: Option<oneshot::Receiver<()>>,
}

impl Waiting {
    fn runs(&self) -> Running {
        Running {
            accounts: Arc::clone(&self.accounts),
            key: Some(self.key),
        }
    }
}

impl Future for Waiting {
    type Output = Running;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Running> {
        let Some(granted) = &mut self.granted else {
            // Polled again after it was ready, which no caller does.
            return Poll::Pending;
        };
        // Nobody drops the sender without using it: see `leave`.
        let granted = std::task::ready!(Pin::new(granted).poll(cx)).is_ok();
        self.granted = None;
        if granted {
            Poll::Ready(self.runs())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(mut granted) = self.granted.take() else {
            return;
        };
        granted.close();
        if granted.try_recv().is_ok() {
            drop(self.runs());
        } else if let Some(account) = self.accounts.state().accounts.get_mut(&self.key) {
            account.waiting.retain(|waiting| !waiting.is_closed());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MOST: Most = Most {
        alone: 4,
        beside_others: 2,
        waiting: 3,
    };

    fn enter(accounts: &Arc<Accounts>, account: Option<&'static str>) -> Result<Entered, Full> {
        accounts.enter(account.map(HeaderValue::from_static).as_ref())
    }

    fn runs(accounts: &Arc<Accounts>, account: Option<&'static str>) -> Running {
        match enter(accounts, account) {
            Ok(Entered::Runs(running)) => running,
            _ => panic!("has to wait"),
        }
    }

    fn waits(accounts: &Arc<Accounts>, account: Option<&'static str>) -> Waiting {
        match enter(accounts, account) {
            Ok(Entered::Waits(waiting)) => waiting,
            _ => panic!("does not have to wait"),
        }
    }

    fn is_empty(accounts: &Accounts) -> bool {
        let state = accounts.state();
        state.running == 0 && state.accounts.is_empty()
    }

    #[test]
    fn whoever_is_alone_has_everything() {
        let accounts = Accounts::new(MOST);
        let running: Vec<_> = (0..4).map(|_| runs(&accounts, Some("a"))).collect();
        let mut waiting: Vec<_> = (0..3).map(|_| waits(&accounts, Some("a"))).collect();
        assert!(enter(&accounts, Some("a")).is_err());
        drop(running);
        let running: Vec<_> = waiting
            .iter_mut()
            .filter_map(FutureExt::now_or_never)
            .collect();
        assert_eq!(running.len(), 3);
        drop((running, waiting));
        assert!(is_empty(&accounts));
    }

    #[test]
    fn beside_others_an_account_leaves_them_some() {
        for other in [None, Some("b")] {
            let accounts = Accounts::new(MOST);
            let mut running: Vec<_> = (0..4).map(|_| runs(&accounts, Some("a"))).collect();
            let beside = runs(&accounts, other);
            let mut waiting = waits(&accounts, Some("a"));
            running.truncate(2);
            assert!((&mut waiting).now_or_never().is_none());
            running.truncate(1);
            running.push((&mut waiting).now_or_never().unwrap());
            let mut waiting = [waits(&accounts, Some("a")), waits(&accounts, Some("a"))];
            drop(beside);
            assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
            running.clear();
            for one in &mut waiting {
                running.push(one.now_or_never().unwrap());
            }
            drop(running);
            assert!(is_empty(&accounts));
        }
    }

    #[test]
    fn without_credentials_nobody_waits() {
        let accounts = Accounts::new(MOST);
        let running: Vec<_> = (0..100).map(|_| runs(&accounts, None)).collect();
        drop(running);
        assert!(is_empty(&accounts));
    }

    #[test]
    fn whoever_leaves_loses_no_turn_and_leaves_nothing_behind() {
        let accounts = Accounts::new(MOST);
        let mut running: Vec<_> = (0..4).map(|_| runs(&accounts, Some("a"))).collect();
        let leaves = waits(&accounts, Some("a"));
        let granted = waits(&accounts, Some("a"));
        let last = waits(&accounts, Some("a"));
        drop(leaves);
        running.pop();
        // It may run, and goes without having looked.
        drop(granted);
        let last = last.now_or_never().unwrap();
        drop((running, last));
        assert!(is_empty(&accounts));
    }
}
