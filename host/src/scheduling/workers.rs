//! Threads of low priority, for work that takes long and must not make other requests wait.
//!
//! There are at most half as many as cores, so the other half is left whatever they do; and where they compete with the
//! threads that serve the connections, the system prefers those. Work waits for a permit to use a thread in a queue that is
//! fair between clients.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::error::{Error, Result};
use crate::scheduling::semaphore::{FairSemaphore, Permit, QueueLimits};
use crate::sync::lock;

/// What a thread is nicer by than the others: where both want one core, it gets a tenth of it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// The lowest priority there is.
#[cfg(target_os = "linux")]
const NICENESS_MAX: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// A number of threads, and a permit for each.
pub(crate) struct Workers {
    permits: Arc<FairSemaphore>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Half of the cores, but at least one.
pub(crate) fn half_of_the_cores() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

impl Workers {
    /// Starts so many threads. What runs on them may use the runtime.
    pub(crate) fn start(
        name: &str,
        count: usize,
        limits: QueueLimits,
        runtime: &Handle,
    ) -> Result<Arc<Self>> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(count);
        for _ in 0..count {
            let (receiver, runtime) = (Arc::clone(&receiver), runtime.clone());
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work(&receiver, &runtime))
                .map_err(|cause| Error::Machine(format!("cannot start a thread: {cause}")))?;
            threads.push(thread);
        }
        Ok(Arc::new(Self {
            permits: FairSemaphore::new(count, limits),
            jobs: Mutex::new(Some(sender)),
            threads: Mutex::new(threads),
        }))
    }

    /// The permits to use the threads.
    pub(crate) fn permits(&self) -> &Arc<FairSemaphore> {
        &self.permits
    }

    /// Does the job on a thread; another job may use the thread when this one drops the permit. When the threads have ended, drops it.
    pub(crate) fn run(&self, permit: Permit, job: impl FnOnce(Permit) + Send + 'static) {
        let job: Job = Box::new(move || job(permit));
        if let Some(jobs) = &*lock(&self.jobs) {
            // Without a receiver the threads have ended.
            let _ = jobs.send(job);
        }
    }

    /// Ends the threads, each after the job that it does now; blocks until then.
    pub(crate) fn close(&self) {
        drop(lock(&self.jobs).take());
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A job that panicked has ended no thread.
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>, runtime: &Handle) {
    lower_priority();
    let _context = runtime.enter();
    loop {
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a long job panicked");
        }
    }
}

#[cfg(target_os = "linux")]
fn lower_priority() {
    // On Linux that is this thread's priority alone, and not the process's.
    let lowered = rustix::process::getpriority_process(None).and_then(|own| {
        let nice = (own + NICENESS).min(NICENESS_MAX);
        rustix::process::setpriority_process(None, nice)
    });
    if let Err(cause) = lowered {
        tracing::warn!("long work runs at the priority of all other: {cause}");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

/// Processor time that this thread has used; none where the system does not offer it.
pub(crate) fn thread_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).ok()
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::sync::oneshot;

    use super::*;

    async fn on_a_thread<T: Send + 'static>(
        workers: &Arc<Workers>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let permit = workers.permits().acquire(None).unwrap();
        let (done, result) = oneshot::channel();
        workers.run(permit.await.unwrap(), move |permit| {
            let result = job();
            drop(permit);
            let _ = done.send(result);
        });
        result.await.ok()
    }

    fn start() -> Arc<Workers> {
        Workers::start("test", 1, QueueLimits::NONE, &Handle::current()).unwrap()
    }

    #[tokio::test]
    async fn jobs_run_in_the_runtime_and_the_turn_ends_with_them() {
        let workers = start();
        let inside = on_a_thread(&workers, || Handle::try_current().is_ok()).await;
        assert_eq!(inside, Some(true));
        assert_eq!(on_a_thread(&workers, || 2).await, Some(2));
        workers.close();
        assert!(workers.permits().is_all_free());
        assert_eq!(on_a_thread(&workers, || 3).await, None);
    }

    #[tokio::test]
    async fn a_job_that_panics_leaves_the_thread_to_the_next() {
        let workers = start();
        assert_eq!(
            on_a_thread(&workers, || panic!("on purpose")).await,
            None::<()>
        );
        assert_eq!(on_a_thread(&workers, || 1).await, Some(1));
        workers.close();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_are_nicer_than_the_others() {
        let niceness = || rustix::process::getpriority_process(None);
        let workers = start();
        let theirs = on_a_thread(&workers, niceness).await.unwrap().unwrap();
        assert_eq!(theirs, (niceness().unwrap() + NICENESS).min(NICENESS_MAX));
        workers.close();
    }

    #[test]
    fn a_threads_time_goes_on_while_it_works() {
        let (started, before) = (Instant::now(), thread_time().unwrap());
        while thread_time().unwrap() - before < Duration::from_millis(5) {
            assert!(started.elapsed() < Duration::from_secs(60));
        }
        assert!(started.elapsed() >= Duration::from_millis(5));
    }
}
