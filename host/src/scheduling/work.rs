//! The work on a request: goes on by itself when its owner drops it, and at a low priority when it takes much computing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::scheduling::cpu::CpuUsage;
use crate::scheduling::limiter::CpuSample;
use crate::scheduling::request::CurrentRequest;
use crate::scheduling::semaphore::{Acquire, Permit};
use crate::scheduling::workers::Workers;
use crate::shutdown::Guard;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Work that may have to wait for threads of low priority, a piece at a time. `None` when they have ended with it.
pub(crate) struct PrioritizedWork<T> {
    place: Place<T>,
    request: Arc<CurrentRequest>,
    /// None where all work is done in one place.
    workers: Option<Arc<Workers>>,
    /// Records what the work costs.
    sampled: Option<CpuSample>,
}

impl<T> Drop for PrioritizedWork<T> {
    fn drop(&mut self) {
        self.request.cpu.release_permits();
    }
}

/// Where the work is.
enum Place<T> {
    /// On the threads that serve connections.
    Foreground(Boxed<T>),
    /// It waits for a thread of low priority.
    Queued(Boxed<T>, Acquire),
    /// A piece of it is being done on a thread of low priority.
    Background(oneshot::Receiver<(Boxed<T>, Poll<T>, Permit)>),
    Done,
}

impl<T: Send + 'static> PrioritizedWork<T> {
    pub(crate) fn new(
        work: Boxed<T>,
        request: &Arc<CurrentRequest>,
        workers: Option<&Arc<Workers>>,
    ) -> Self {
        Self {
            place: Place::Foreground(work),
            request: Arc::clone(request),
            workers: workers.cloned(),
            sampled: None,
        }
    }

    /// The same work, whose processor time is taken.
    pub(crate) fn sampled(mut self, sampled: Option<CpuSample>) -> Self {
        if sampled.is_some() {
            self.request.cpu.start_timing();
        }
        self.sampled = sampled;
        self
    }

    fn done(&mut self, result: T) -> Poll<Option<T>> {
        if let Some(sampled) = self.sampled.take() {
            sampled.cost(self.request.cpu.used());
        }
        Poll::Ready(Some(result))
    }

    /// Where work goes that could go on at once: it has used so much already.
    fn put_off(&self, work: Boxed<T>) -> Place<T> {
        let permits = self.workers.as_ref().map(|workers| workers.permits());
        match permits.map(|permits| permits.acquire(self.request.client)) {
            Some(Ok(waiting)) => Place::Queued(work, waiting),
            // Its yielding has woken it.
            Some(Err(_)) | None => Place::Foreground(work),
        }
    }

    /// Where work goes after a piece at low priority. Of one client, what was begun first is finished first.
    fn go_on(&self, work: Boxed<T>, permit: Permit, waker: &Waker) -> Place<T> {
        let workers = self.workers.as_ref();
        match workers.filter(|_| self.request.cpu.is_over_allowance()) {
            None => Place::Foreground(work),
            Some(workers) if workers.permits().has_other_waiters(self.request.client) => {
                drop(permit);
                match workers.permits().acquire_first(self.request.client) {
                    Ok(waiting) => Place::Queued(work, waiting),
                    Err(_) => Place::Foreground(work),
                }
            }
            Some(workers) => self.send_away(workers, work, permit, waker.clone()),
        }
    }

    /// Lets a piece of the work be done on a thread of low priority.
    fn send_away(
        &self,
        workers: &Workers,
        mut work: Boxed<T>,
        permit: Permit,
        waker: Waker,
    ) -> Place<T> {
        // In the background it makes no other request wait.
        self.request.cpu.release_permits();
        let request = Arc::clone(&self.request);
        let (done, back) = oneshot::channel();
        workers.run(permit, move |permit| {
            let cpu = &request.cpu;
            cpu.set_in_background(true);
            let polled = piece(&mut work, cpu, &mut Context::from_waker(&waker));
            cpu.set_in_background(false);
            // Without a receiver everything ends.
            let _ = done.send((work, polled, permit));
        });
        Place::Background(back)
    }
}

impl<T: Send + 'static> Future for PrioritizedWork<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match std::mem::replace(&mut self.place, Place::Done) {
                Place::Done => return Poll::Ready(None),
                Place::Foreground(mut work) => {
                    if let Poll::Ready(done) = piece(&mut work, &self.request.cpu, cx) {
                        return self.done(done);
                    }
                    if self.request.cpu.is_over_allowance() {
                        self.place = self.put_off(work);
                        if matches!(self.place, Place::Queued(..)) {
                            continue;
                        }
                    } else {
                        self.place = Place::Foreground(work);
                    }
                    return Poll::Pending;
                }
                Place::Queued(work, mut waiting) => {
                    match (&self.workers, Pin::new(&mut waiting).poll(cx)) {
                        (_, Poll::Pending) => {
                            self.place = Place::Queued(work, waiting);
                            return Poll::Pending;
                        }
                        (Some(workers), Poll::Ready(Ok(permit))) => {
                            self.place = self.send_away(workers, work, permit, cx.waker().clone());
                        }
                        // There is no place for it among those that wait.
                        (_, Poll::Ready(_)) => self.place = Place::Foreground(work),
                    }
                }
                Place::Background(mut back) => match Pin::new(&mut back).poll(cx) {
                    Poll::Pending => {
                        self.place = Place::Background(back);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(None),
                    Poll::Ready(Ok((_, Poll::Ready(done), _))) => return self.done(done),
                    // Whatever has woken it meanwhile: it is polled now.
                    Poll::Ready(Ok((work, Poll::Pending, permit))) => {
                        self.place = self.go_on(work, permit, cx.waker());
                    }
                },
            }
        }
    }
}

fn piece<T>(work: &mut Boxed<T>, cpu: &CpuUsage, cx: &mut Context<'_>) -> Poll<T> {
    cpu.begin();
    let polled = work.as_mut().poll(cx);
    cpu.end();
    polled
}

/// Work that goes on by itself when its owner drops it.
pub(crate) struct DetachedOnDrop<T: Send + 'static> {
    pub work: Option<PrioritizedWork<T>>,
    pub guard: Option<Guard>,
    /// The request that is abandoned then, if nothing is lost by that.
    pub abandons: Option<Arc<CurrentRequest>>,
}

impl<T: Send + 'static> Future for DetachedOnDrop<T> {
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

impl<T: Send + 'static> Drop for DetachedOnDrop<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let guard = self.guard.take();
            if let Some(request) = &self.abandons {
                request.abandon();
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
    use crate::scheduling::semaphore::QueueLimits;
    use crate::scheduling::workers::thread_time;

    const WORKERS: &str = "test-heavy";

    /// Computes in pieces as a guest does, notes which threads did them, and waits once in between.
    async fn compute(
        request: Arc<CurrentRequest>,
        wait: Arc<Notify>,
        threads: Arc<Mutex<Vec<String>>>,
    ) -> u8 {
        let note = || {
            let name = thread::current().name().unwrap_or_default().to_owned();
            threads.lock().unwrap().push(name);
        };
        for pieces in [4, 2] {
            for _ in 0..pieces {
                note();
                let started = thread_time().unwrap();
                while thread_time().unwrap() - started < GUEST_TIME / 2 {}
                request.cpu.on_yield(false);
                tokio::task::yield_now().await;
            }
            request.cpu.leave_background().await;
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
    async fn long_computing_goes_on_at_low_priority_and_comes_back() {
        let (workers, request) = (start(), Arc::<CurrentRequest>::default());
        let (wait, threads) = (Arc::<Notify>::default(), Arc::default());
        let work = compute(
            Arc::clone(&request),
            Arc::clone(&wait),
            Arc::clone(&threads),
        );
        let paced = PrioritizedWork::new(Box::pin(work), &request, Some(&workers));
        wait.notify_one();
        let waking = async {
            while threads.lock().unwrap().len() < 9 {
                tokio::task::yield_now().await;
            }
            wait.notify_one();
        };
        let (done, ()) = tokio::join!(paced, waking);
        assert_eq!(done, Some(7));
        let is_in_background = |name: &String| name == WORKERS;
        let places: Vec<bool> = threads
            .lock()
            .unwrap()
            .iter()
            .map(is_in_background)
            .collect();
        assert!(places[3], "{places:?}");
        for here in [0, 4, 5, 6, 8, 9] {
            assert!(!places[here], "{here} of {places:?}");
        }
        workers.close();
    }

    #[tokio::test]
    async fn without_such_threads_work_stays_where_it_is() {
        let (request, wait) = (Arc::<CurrentRequest>::default(), Arc::<Notify>::default());
        let threads = Arc::default();
        let work = compute(
            Arc::clone(&request),
            Arc::clone(&wait),
            Arc::clone(&threads),
        );
        let mut paced = PrioritizedWork::new(Box::pin(work), &request, None);
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
    async fn abandoned_work_is_finished_all_the_same() {
        let (workers, request) = (start(), Arc::<CurrentRequest>::default());
        let wait = Arc::<Notify>::default();
        let work = compute(Arc::clone(&request), Arc::clone(&wait), Arc::default());
        let (ended, end) = oneshot::channel();
        let work = async move {
            work.await;
            let _ = ended.send(());
        };
        let work = PrioritizedWork::new(Box::pin(work), &request, Some(&workers));
        let finishing = DetachedOnDrop {
            work: Some(work),
            guard: None,
            abandons: Some(Arc::clone(&request)),
        };
        drop(finishing);
        request.abandoned().await;
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
