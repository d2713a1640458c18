//! A semaphore that is fair between clients: requests that find no permit wait in a bounded queue, one for each client, and
//! the clients are served in rotation.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::client::Client;
use crate::sync::lock;

/// A fixed number of permits, and the requests that wait for one.
pub(crate) struct FairSemaphore {
    state: Mutex<State>,
    count: usize,
    limits: QueueLimits,
}

/// How many requests may wait for a permit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// All together.
    pub all: usize,
    /// Of one client.
    pub per_client: usize,
}

impl QueueLimits {
    /// As many as there are: something else bounds them.
    pub(crate) const NONE: Self = Self {
        all: usize::MAX,
        per_client: usize::MAX,
    };
}

struct State {
    free: usize,
    waiting: usize,
    /// The requests that wait, by client; no queue is empty.
    queues: HashMap<Option<Client>, VecDeque<oneshot::Sender<()>>>,
    /// Every client with a queue, the next one to be served first.
    rotation: VecDeque<Option<Client>>,
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A permit; dropping it gives it to the next.
pub(crate) struct Permit(Arc<FairSemaphore>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl FairSemaphore {
    /// So many at a time.
    pub(crate) fn new(count: usize, limits: QueueLimits) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                free: count,
                waiting: 0,
                queues: HashMap::new(),
                rotation: VecDeque::new(),
            }),
            count,
            limits,
        })
    }

    /// Whether no permit is taken.
    pub(crate) fn is_all_free(&self) -> bool {
        self.state().free == self.count
    }

    /// Whether all permits are taken.
    pub(crate) fn is_all_taken(&self) -> bool {
        self.state().free == 0
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// A permit, if one is free now.
    pub(crate) fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        drop(state);
        Some(Permit(Arc::clone(self)))
    }

    /// Whether a client other than this one waits.
    pub(crate) fn has_other_waiters(&self, client: Option<Client>) -> bool {
        self.state().rotation.iter().any(|other| *other != client)
    }

    /// Puts the client into the queue, or gives it a permit at once.
    pub(crate) fn acquire(self: &Arc<Self>, client: Option<Client>) -> Result<Acquire, Full> {
        self.enter(client, VecDeque::push_back)
    }

    /// Like [`Self::queue`], but before all others of the same client: for what has been begun.
    pub(crate) fn acquire_first(self: &Arc<Self>, client: Option<Client>) -> Result<Acquire, Full> {
        self.enter(client, VecDeque::push_front)
    }

    fn enter(
        self: &Arc<Self>,
        client: Option<Client>,
        join: impl FnOnce(&mut VecDeque<oneshot::Sender<()>>, oneshot::Sender<()>),
    ) -> Result<Acquire, Full> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
            // The receiver is still here.
            let _ = sender.send(());
        } else {
            let queued = state.queues.get(&client).map_or(0, VecDeque::len);
            if queued >= self.limits.per_client {
                return Err(Full);
            }
            if state.waiting >= self.limits.all && !state.make_room(queued) {
                return Err(Full);
            }
            state.waiting += 1;
            if queued == 0 {
                state.rotation.push_back(client);
            }
            join(state.queues.entry(client).or_default(), sender);
        }
        drop(state);
        Ok(Acquire {
            permits: Arc::clone(self),
            client,
            granted: Some(receiver),
        })
    }

    /// Gives a permit back: the next client in the rotation gets it.
    fn release(&self) {
        let mut state = self.state();
        loop {
            let Some(next) = state.next() else {
                state.free += 1;
                return;
            };
            state.waiting -= 1;
            if next.send(()).is_ok() {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Drops the last request of the client that has most waiting, if it has at least two more than the newcomer's client:
    /// then the newcomer has a place, and the client that takes most has fewer.
    fn make_room(&mut self, waiting_of_newcomer: usize) -> bool {
        let most = self.queues.iter().max_by_key(|(_, queue)| queue.len());
        let Some((client, _)) = most.filter(|(_, queue)| queue.len() > waiting_of_newcomer + 1)
        else {
            return false;
        };
        let client = *client;
        // A waiting request whose sender is dropped gets `Full`.
        let last = self.queues.get_mut(&client).and_then(VecDeque::pop_back);
        self.waiting -= usize::from(last.is_some());
        last.is_some()
    }

    fn next(&mut self) -> Option<oneshot::Sender<()>> {
        let client = self.rotation.pop_front()?;
        let queue = self.queues.get_mut(&client)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&client);
        } else {
            self.rotation.push_back(client);
        }
        next
    }

    /// Takes requests that were given up out of a client's queue.
    fn clean(&mut self, client: Option<Client>) {
        let Some(queue) = self.queues.get_mut(&client) else {
            return;
        };
        let before = queue.len();
        queue.retain(|waiting| !waiting.is_closed());
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.queues.remove(&client);
            self.rotation.retain(|other| *other != client);
        }
    }
}

/// Resolves with a permit, or with [`Full`] when another client's request has got the place. Dropping it leaves the queue.
pub(crate) struct Acquire {
    permits: Arc<FairSemaphore>,
    client: Option<Client>,
    granted: Option<oneshot::Receiver<()>>,
}

impl Future for Acquire {
    type Output = Result<Permit, Full>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Permit, Full>> {
        let Some(granted) = &mut self.granted else {
            // Polled again after it was ready, which no caller does.
            return Poll::Pending;
        };
        let is_granted = std::task::ready!(Pin::new(granted).poll(cx)).is_ok();
        self.granted = None;
        Poll::Ready(if is_granted {
            Ok(Permit(Arc::clone(&self.permits)))
        } else {
            Err(Full)
        })
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(mut granted) = self.granted.take() else {
            return;
        };
        granted.close();
        if granted.try_recv().is_ok() {
            self.permits.release();
        } else {
            self.permits.state().clean(self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures::FutureExt;

    use super::*;

    const LIMITS: QueueLimits = QueueLimits {
        all: 4,
        per_client: 3,
    };

    fn client(number: u8) -> Option<Client> {
        Some(Client::from(IpAddr::from([192, 0, 2, number])))
    }

    fn queue(permits: &Arc<FairSemaphore>, number: u8) -> Acquire {
        permits.acquire(client(number)).unwrap()
    }

    #[test]
    fn a_free_permit_is_taken_at_once() {
        let permits = FairSemaphore::new(2, LIMITS);
        let first = permits.try_acquire().unwrap();
        let second = queue(&permits, 1).now_or_never().unwrap().unwrap();
        assert!(permits.try_acquire().is_none());
        drop((first, second));
        assert!(permits.is_all_free());
    }

    #[test]
    fn clients_are_served_in_rotation() {
        let permits = FairSemaphore::new(1, LIMITS);
        let permit = permits.try_acquire().unwrap();
        let mut flood: Vec<Acquire> = (0..3).map(|_| queue(&permits, 1)).collect();
        let mut other = queue(&permits, 2);
        drop(permit);
        let permit = (&mut flood[0]).now_or_never().unwrap().unwrap();
        assert!((&mut other).now_or_never().is_none());
        drop(permit);
        assert!((&mut flood[1]).now_or_never().is_none());
        assert!((&mut other).now_or_never().is_some());
        assert!((&mut flood[1]).now_or_never().is_some());
    }

    #[test]
    fn what_has_been_begun_goes_before_the_rest_of_its_client() {
        let permits = FairSemaphore::new(1, LIMITS);
        let permit = permits.try_acquire().unwrap();
        let waiting = queue(&permits, 1);
        assert!(permits.has_other_waiters(client(2)) && !permits.has_other_waiters(client(1)));
        let again = permits.acquire_first(client(1)).unwrap();
        drop(permit);
        let permit = again.now_or_never().unwrap().unwrap();
        drop(permit);
        assert!(waiting.now_or_never().is_some());
    }

    #[test]
    fn the_queue_and_each_clients_share_of_it_are_bounded() {
        let permits = FairSemaphore::new(1, LIMITS);
        let _permit = permits.try_acquire().unwrap();
        let _flood: Vec<Acquire> = (0..3).map(|_| queue(&permits, 1)).collect();
        assert_eq!(permits.acquire(client(1)).err(), Some(Full));
        drop(queue(&permits, 2));
        assert_eq!(permits.waiting(), 3);
        queue(&permits, 3);
    }

    #[test]
    fn a_client_with_many_in_a_full_queue_makes_room_for_others() {
        let permits = FairSemaphore::new(1, LIMITS);
        let permit = permits.try_acquire().unwrap();
        let mut flood: Vec<Acquire> = (0..3).map(|_| queue(&permits, 1)).collect();
        let second = queue(&permits, 2);
        // Full: a newcomer without waiting requests takes the place of the flood's last.
        let third = queue(&permits, 3);
        assert_eq!((&mut flood[2]).now_or_never().unwrap().err(), Some(Full));
        let fourth = queue(&permits, 4);
        assert_eq!((&mut flood[1]).now_or_never().unwrap().err(), Some(Full));
        // Now no client has more than another.
        assert_eq!(permits.acquire(client(5)).err(), Some(Full));
        assert_eq!(permits.acquire(client(2)).err(), Some(Full));
        assert_eq!(permits.waiting(), 4);
        drop(permit);
        for waiting in [flood.swap_remove(0), second, third, fourth] {
            drop(waiting.now_or_never().unwrap().unwrap());
        }
        drop(flood);
        assert!(permits.is_all_free());
        assert_eq!(permits.waiting(), 0);
    }

    #[test]
    fn requests_that_are_given_up_lose_no_permit() {
        let permits = FairSemaphore::new(1, LIMITS);
        let permit = permits.try_acquire().unwrap();
        let (leaves, granted, last) = (queue(&permits, 1), queue(&permits, 1), queue(&permits, 2));
        drop(leaves);
        drop(permit);
        // It has its permit, and is dropped before it was polled.
        drop(granted);
        drop(last.now_or_never().unwrap());
        assert!(permits.is_all_free());
        assert_eq!(permits.waiting(), 0);
        let state = permits.state();
        assert!(state.queues.is_empty() && state.rotation.is_empty());
    }
}
