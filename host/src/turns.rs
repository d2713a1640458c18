//! Turns at something of which there are only so many at a time. Whoever has to wait does so in a bounded queue that is
//! fair between clients: each has its own, and they are served in rotation.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::client::Client;

/// A fixed number of turns.
pub(crate) struct Turns {
    state: Mutex<State>,
    count: usize,
    limits: QueueLimits,
}

/// How many may wait for a turn.
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
    /// Those who wait, by client; no queue is empty.
    queues: HashMap<Option<Client>, VecDeque<oneshot::Sender<()>>>,
    /// Every client with a queue, the next one to be served first.
    rotation: VecDeque<Option<Client>>,
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A turn; over when it is dropped.
pub(crate) struct Turn(Arc<Turns>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

impl Turns {
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

    /// Whether nobody has a turn.
    pub(crate) fn are_all_free(&self) -> bool {
        self.state().free == self.count
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// A turn, if one is free now.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Turn> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        drop(state);
        Some(Turn(Arc::clone(self)))
    }

    /// Whether a client other than this one waits.
    pub(crate) fn do_others_wait(&self, client: Option<Client>) -> bool {
        self.state().rotation.iter().any(|other| *other != client)
    }

    /// Puts the client into the queue, or gives it a turn at once.
    pub(crate) fn queue(self: &Arc<Self>, client: Option<Client>) -> Result<Waiting, Full> {
        self.enter(client, VecDeque::push_back)
    }

    /// Like [`Self::queue`], but before all others of the same client: for what has been begun.
    pub(crate) fn queue_again(self: &Arc<Self>, client: Option<Client>) -> Result<Waiting, Full> {
        self.enter(client, VecDeque::push_front)
    }

    fn enter(
        self: &Arc<Self>,
        client: Option<Client>,
        join: impl FnOnce(&mut VecDeque<oneshot::Sender<()>>, oneshot::Sender<()>),
    ) -> Result<Waiting, Full> {
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
        Ok(Waiting {
            turns: Arc::clone(self),
            client,
            granted: Some(receiver),
        })
    }

    /// Ends a turn: the next client in the rotation gets it.
    fn pass_on(&self) {
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sends the last one away of the client of whom most wait, if it has at least two more than somebody of whom so many
    /// wait: then whoever comes has a place, and the client that takes most has fewer.
    fn make_room(&mut self, waiting_of_newcomer: usize) -> bool {
        let most = self.queues.iter().max_by_key(|(_, queue)| queue.len());
        let Some((client, _)) = most.filter(|(_, queue)| queue.len() > waiting_of_newcomer + 1)
        else {
            return false;
        };
        let client = *client;
        // Whoever loses its sender is told that the queue is full.
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

    /// Takes those who have left out of a client's queue.
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

/// Resolves when it is one's turn, or when somebody else has got the place because one's client had many. Whoever drops it
/// leaves the queue.
pub(crate) struct Waiting {
    turns: Arc<Turns>,
    client: Option<Client>,
    granted: Option<oneshot::Receiver<()>>,
}

impl Future for Waiting {
    type Output = Result<Turn, Full>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Turn, Full>> {
        let Some(granted) = &mut self.granted else {
            // Polled again after it was ready, which no caller does.
            return Poll::Pending;
        };
        let is_granted = std::task::ready!(Pin::new(granted).poll(cx)).is_ok();
        self.granted = None;
        Poll::Ready(if is_granted {
            Ok(Turn(Arc::clone(&self.turns)))
        } else {
            Err(Full)
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(mut granted) = self.granted.take() else {
            return;
        };
        granted.close();
        if granted.try_recv().is_ok() {
            self.turns.pass_on();
        } else {
            self.turns.state().clean(self.client);
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

    fn queue(turns: &Arc<Turns>, number: u8) -> Waiting {
        turns.queue(client(number)).unwrap()
    }

    #[test]
    fn a_free_turn_is_had_at_once() {
        let turns = Turns::new(2, LIMITS);
        let first = turns.try_take().unwrap();
        let second = queue(&turns, 1).now_or_never().unwrap().unwrap();
        assert!(turns.try_take().is_none());
        drop((first, second));
        assert!(turns.are_all_free());
    }

    #[test]
    fn clients_are_served_in_rotation() {
        let turns = Turns::new(1, LIMITS);
        let turn = turns.try_take().unwrap();
        let mut flood: Vec<Waiting> = (0..3).map(|_| queue(&turns, 1)).collect();
        let mut other = queue(&turns, 2);
        drop(turn);
        let turn = (&mut flood[0]).now_or_never().unwrap().unwrap();
        assert!((&mut other).now_or_never().is_none());
        drop(turn);
        assert!((&mut flood[1]).now_or_never().is_none());
        assert!((&mut other).now_or_never().is_some());
        assert!((&mut flood[1]).now_or_never().is_some());
    }

    #[test]
    fn what_has_been_begun_goes_before_the_rest_of_its_client() {
        let turns = Turns::new(1, LIMITS);
        let turn = turns.try_take().unwrap();
        let waiting = queue(&turns, 1);
        assert!(turns.do_others_wait(client(2)) && !turns.do_others_wait(client(1)));
        let again = turns.queue_again(client(1)).unwrap();
        drop(turn);
        let turn = again.now_or_never().unwrap().unwrap();
        drop(turn);
        assert!(waiting.now_or_never().is_some());
    }

    #[test]
    fn the_queue_and_each_clients_share_of_it_are_bounded() {
        let turns = Turns::new(1, LIMITS);
        let _turn = turns.try_take().unwrap();
        let _flood: Vec<Waiting> = (0..3).map(|_| queue(&turns, 1)).collect();
        assert_eq!(turns.queue(client(1)).err(), Some(Full));
        drop(queue(&turns, 2));
        assert_eq!(turns.waiting(), 3);
        queue(&turns, 3);
    }

    #[test]
    fn whoever_has_many_in_a_full_queue_makes_room_for_others() {
        let turns = Turns::new(1, LIMITS);
        let turn = turns.try_take().unwrap();
        let mut flood: Vec<Waiting> = (0..3).map(|_| queue(&turns, 1)).collect();
        let second = queue(&turns, 2);
        // Full: whoever comes with nothing takes the place of the flood's last.
        let third = queue(&turns, 3);
        assert_eq!((&mut flood[2]).now_or_never().unwrap().err(), Some(Full));
        let fourth = queue(&turns, 4);
        assert_eq!((&mut flood[1]).now_or_never().unwrap().err(), Some(Full));
        // Now nobody has more than anybody else would have.
        assert_eq!(turns.queue(client(5)).err(), Some(Full));
        assert_eq!(turns.queue(client(2)).err(), Some(Full));
        assert_eq!(turns.waiting(), 4);
        drop(turn);
        for waiting in [flood.swap_remove(0), second, third, fourth] {
            drop(waiting.now_or_never().unwrap().unwrap());
        }
        drop(flood);
        assert!(turns.are_all_free());
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn whoever_leaves_is_passed_over_and_loses_no_turn() {
        let turns = Turns::new(1, LIMITS);
        let turn = turns.try_take().unwrap();
        let (leaves, granted, last) = (queue(&turns, 1), queue(&turns, 1), queue(&turns, 2));
        drop(leaves);
        drop(turn);
        // It has its turn, and goes without having looked.
        drop(granted);
        drop(last.now_or_never().unwrap());
        assert!(turns.are_all_free());
        assert_eq!(turns.waiting(), 0);
        let state = turns.state();
        assert!(state.queues.is_empty() && state.rotation.is_empty());
    }
}
