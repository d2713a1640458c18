//! The work on a request: goes on by itself when its owner drops it, and at a low priority when it takes much computing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::client::Client;
use crate::gate::Sampled;
use crate::pace::Pace;
use crate::presence::Presence;
use crate::shutdown::Guard;
use crate::turns::{Turn, Waiting};
use crate::workers::Workers;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Work that may have to wait for turns on threads of low priority, a piece at a time. `None` when they have ended with it.
pub(crate) struct Paced<T> {
    place: Place<T>,
    pace: Arc<Pace>,
    /// None where all work is done in one place.
    workers: Option<Arc<Workers>>,
    client: Option<Client>,
    /// Wants to know what it costs.
    sampled: Option<Sampled>,
}

impl<T> Drop for Paced<T> {
    fn drop(&mut self) {
        self.pace.let_go();
    }
}

/// Where the work is.
enum Place<T> {
    /// On the threads that serve connections.
    Here(Boxed<T>),
    /// It waits for its turn.
    Queued(Boxed<T>, Waiting),
    /// A piece of it is being done on a thread of low priority.
    Away(oneshot::Receiver<(Boxed<T>, Poll<T>, Turn)>),
    Over,
}

impl<T: Send + 'static> Paced<T> {
    pub(crate) fn new(
        work: Boxed<T>,
        pace: Arc<Pace>,
        workers: Option<Arc<Workers>>,
        client: Option<Client>,
    ) -> Self {
        Self {
            place: Place::Here(work),
            pace,
            workers,
            client,
            sampled: None,
        }
    }

    /// The same work, whose processor time is taken.
    pub(crate) fn sampled(mut self, sampled: Option<Sampled>) -> Self {
        if sampled.is_some() {
            self.pace.time();
        }
        self.sampled = sampled;
        self
    }

    fn done(&mut self, result: T) -> Poll<Option<T>> {
        if let Some(sampled) = self.sampled.take() {
            sampled.cost(self.pace.used());
        }
        Poll::Ready(Some(result))
    }

    /// Where work goes that could go on at once: it has used so much already.
    fn put_off(&self, work: Boxed<T>) -> Place<T> {
        let turns = self.workers.as_ref().map(|workers| workers.turns());
        match turns.map(|turns| turns.queue(self.client)) {
            Some(Ok(waiting)) => Place::Queued(work, waiting),
            // Its yielding has woken it.
            Some(Err(_)) | None => Place::Here(work),
        }
    }

    /// Where work goes after a piece at low priority. Of one client, what was begun first is finished first.
    fn go_on(&self, work: Boxed<T>, turn: Turn, waker: &Waker) -> Place<T> {
        let workers = self.workers.as_ref();
        match workers.filter(|_| self.pace.wants_turn()) {
            None => Place::Here(work),
            Some(workers) if workers.turns().do_others_wait(self.client) => {
                drop(turn);
                match workers.turns().queue_again(self.client) {
                    Ok(waiting) => Place::Queued(work, waiting),
                    Err(_) => Place::Here(work),
                }
            }
            Some(workers) => self.send_away(workers, work, turn, waker.clone()),
        }
    }

    /// Lets a piece of the work be done on a thread of low priority.
    fn send_away(
        &self,
        workers: &Workers,
        mut work: Boxed<T>,
        turn: Turn,
        waker: Waker,
    ) -> Place<T> {
        // From here on it keeps nobody waiting.
        self.pace.let_go();
        let pace = Arc::clone(&self.pace);
        let (done, back) = oneshot::channel();
        workers.run(turn, move |turn| {
            pace.set_away(true);
            let polled = piece(&mut work, &pace, &mut Context::from_waker(&waker));
            pace.set_away(false);
            // Without a receiver everything ends.
            let _ = done.send((work, polled, turn));
        });
        Place::Away(back)
    }
}

impl<T: Send + 'static> Future for Paced<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match std::mem::replace(&mut self.place, Place::Over) {
                Place::Over => return Poll::Ready(None),
                Place::Here(mut work) => {
                    if let Poll::Ready(done) = piece(&mut work, &self.pace, cx) {
                        return self.done(done);
                    }
                    if self.pace.wants_turn() {
                        self.place = self.put_off(work);
                        if matches!(self.place, Place::Queued(..)) {
                            continue;
                        }
                    } else {
                        self.place = Place::Here(work);
                    }
                    return Poll::Pending;
                }
                Place::Queued(work, mut waiting) => {
                    match (&self.workers, Pin::new(&mut waiting).poll(cx)) {
                        (_, Poll::Pending) => {
                            self.place = Place::Queued(work, waiting);
                            return Poll::Pending;
                        }
                        (Some(workers), Poll::Ready(Ok(turn))) => {
                            self.place = self.send_away(workers, work, turn, cx.waker().clone());
                        }
                        // There is no place for it among those that wait.
                        (_, Poll::Ready(_)) => self.place = Place::Here(work),
                    }
                }
                Place::Away(mut back) => match Pin::new(&mut back).poll(cx) {
                    Poll::Pending => {
                        self.place = Place::Away(back);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(None),
                    Poll::Ready(Ok((_, Poll::Ready(done), _))) => return self.done(done),
                    // Whatever has woken it meanwhile: it is polled now.
                    Poll::Ready(Ok((work, Poll::Pending, turn))) => {
                        self.place = self.go_on(work, turn, cx.waker());
                    }
                },
            }
        }
    }
}

fn piece<T>(work: &mut Boxed<T>, pace: &Pace, cx: &mut Context<'_>) -> Poll<T> {
    pace.begin();
    let polled = work.as_mut().poll(cx);
    pace.end();
    polled
}

/// Work that goes on by itself when its owner drops it.
pub(crate) struct Finishing<T: Send + 'static> {
    pub work: Option<Paced<T>>,
    pub guard: Option<Guard>,
    /// Whom it tells that nobody waits any more, if nothing is lost then.
    pub presence: Option<Arc<Presence>>,
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(None);
        };
        let done = std::task::ready!(Pin::new(work).poll(cx));
        self.work = None;
        self.guard = None;
        Poll::Ready(done)
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let guard = self.guard.take();
            if let Some(presence) = &self.presence {
                presence.leave();
            }
            runtime.spawn(async move {
                work.await;
                drop(guard);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;

    use tokio::runtime::Handle;
    use tokio::sync::Notify;

    use super::*;
    use crate::limits::GUEST_TIME;
    use crate::turns::QueueLimits;
    use crate::workers::thread_time;

    const WORKERS: &str = "test-heavy";

    /// Computes in pieces as a guest does, notes which threads did them, and waits once in between.
    async fn compute(pace: Arc<Pace>, wait: Arc<Notify>, threads: Arc<Mutex<Vec<String>>>) -> u8 {
        let note = || {
            let name = thread::current().name().unwrap_or_default().to_owned();
            threads.lock().unwrap().push(name);
        };
        for pieces in [4, 2] {
            for _ in 0..pieces {
                note();
                let started = thread_time().unwrap();
                while thread_time().unwrap() - started < GUEST_TIME / 2 {}
                pace.tick(false);
                tokio::task::yield_now().await;
            }
            pace.come_back().await;
            note();
            wait.notified().await;
            note();
        }
        7
    }

    fn start() -> Arc<Workers> {
        Workers::start(WORKERS, 1, QueueLimits::NONE, &Handle::current()).unwrap()
    }

    #[tokio::test]
    async fn what_computes_for_long_goes_on_at_low_priority_and_comes_back() {
        let (workers, pace) = (start(), Arc::<Pace>::default());
        let (wait, threads) = (Arc::<Notify>::default(), Arc::default());
        let work = compute(Arc::clone(&pace), Arc::clone(&wait), Arc::clone(&threads));
        let paced = Paced::new(Box::pin(work), pace, Some(Arc::clone(&workers)), None);
        wait.notify_one();
        let waking = async {
            while threads.lock().unwrap().len() < 9 {
                tokio::task::yield_now().await;
            }
            wait.notify_one();
        };
        let (done, ()) = tokio::join!(paced, waking);
        assert_eq!(done, Some(7));
        let is_away = |name: &String| name == WORKERS;
        let places: Vec<bool> = threads.lock().unwrap().iter().map(is_away).collect();
        assert!(places[3], "{places:?}");
        for here in [0, 4, 5, 6, 8, 9] {
            assert!(!places[here], "{here} of {places:?}");
        }
        workers.close();
    }

    #[tokio::test]
    async fn without_such_threads_work_stays_where_it_is() {
        let (pace, wait) = (Arc::<Pace>::default(), Arc::<Notify>::default());
        let threads = Arc::default();
        let work = compute(Arc::clone(&pace), Arc::clone(&wait), Arc::clone(&threads));
        let mut paced = Paced::new(Box::pin(work), pace, None, None);
        let done = loop {
            tokio::select! {
                done = &mut paced => break done,
                () = tokio::task::yield_now() => wait.notify_one(),
            }
        };
        assert_eq!(done, Some(7));
        assert!(threads.lock().unwrap().iter().all(|name| name != WORKERS));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_finished_all_the_same() {
        let (workers, pace) = (start(), Arc::<Pace>::default());
        let wait = Arc::<Notify>::default();
        let work = compute(Arc::clone(&pace), Arc::clone(&wait), Arc::default());
        let (ended, end) = oneshot::channel();
        let work = async move {
            work.await;
            let _ = ended.send(());
        };
        let work = Paced::new(Box::pin(work), pace, Some(Arc::clone(&workers)), None);
        let presence = Arc::<Presence>::default();
        let finishing = Finishing {
            work: Some(work),
            guard: None,
            presence: Some(Arc::clone(&presence)),
        };
        drop(finishing);
        presence.left().await;
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut end => break ended.unwrap(),
                () = tokio::task::yield_now() => wait.notify_one(),
            }
        }
        workers.close();
    }
}
