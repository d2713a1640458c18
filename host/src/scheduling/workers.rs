//! Threads of low priority, for work that takes long and must not make other requests wait.
//!
//! Half as many as cores compete with the threads that serve the connections, and the system prefers those. Where a kind of
//! work has more threads, the others get what nobody else wants. Work waits for a permit to use a thread in a queue that is fair
//! between clients.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::error::{Error, Result};
use crate::scheduling::semaphore::{FairSemaphore, Permit, QueueLimits};
use crate::sync::lock;

/// What a thread is nicer by than the others: where both want one core, it gets a tenth of it.
const NICENESS: i32 = 10;
/// The lowest priority there is.
const NICENESS_MAX: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// A number of threads, and a permit for each.
pub(crate) struct Workers {
    permits: Arc<FairSemaphore>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// How many cores the process may use, as far as the system says.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Half of the cores, but at least one.
pub(crate) fn half_of_the_cores() -> usize {
    (cores() / 2).max(1)
}

/// All cores, where the system keeps threads of the lowest priority from taking anything from the others: not where it
/// only has priorities for whole processes, and not under a quota of processor time, which all threads use up alike.
pub(crate) fn all_cores_or_half() -> usize {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    if allowed_cores(&status).is_some_and(|allowed| allowed == cores()) {
        cores()
    } else {
        half_of_the_cores()
    }
}

/// How many cores a thread may run on, by what `proc_pid_status(5)` says of it.
fn allowed_cores(status: &str) -> Option<usize> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed:"))?;
    let digits = mask.chars().filter_map(|digit| digit.to_digit(16));
    usize::try_from(digits.map(u32::count_ones).sum::<u32>()).ok()
}

impl Workers {
    /// Starts so many threads; those beyond half of the cores at the lowest priority. What runs on them may use the runtime.
    pub(crate) fn start(
        name: &str,
        count: usize,
        limits: QueueLimits,
        runtime: &Handle,
    ) -> Result<Arc<Self>> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let niceness = if number < half_of_the_cores() {
                NICENESS
            } else {
                NICENESS_MAX
            };
            let (receiver, runtime) = (Arc::clone(&receiver), runtime.clone());
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work(&receiver, &runtime, niceness))
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

fn work(jobs: &Mutex<mpsc::Receiver<Job>>, runtime: &Handle, niceness: i32) {
    lower_priority(niceness);
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
fn lower_priority(niceness: i32) {
    // On Linux that is this thread's priority alone, and not the process's.
    let lowered = rustix::process::getpriority_process(None).and_then(|own| {
        let nice = (own + niceness).min(NICENESS_MAX);
        rustix::process::setpriority_process(None, nice)
    });
    if let Err(cause) = lowered {
        tracing::warn!("long work runs at the priority of all other: {cause}");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority(_: i32) {}

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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn threads_beyond_half_of_the_cores_are_the_nicest() {
        let own = rustix::process::getpriority_process(None).unwrap();
        let count = half_of_the_cores() + 1;
        let runtime = Handle::current();
        let workers = Workers::start("test", count, QueueLimits::NONE, &runtime).unwrap();
        // Each thread keeps its job until all have one.
        let all_busy = Arc::new(std::sync::Barrier::new(count));
        let mut results = Vec::new();
        for _ in 0..count {
            let permit = workers.permits().acquire(None).unwrap().await.unwrap();
            let (done, result) = oneshot::channel();
            let all_busy = Arc::clone(&all_busy);
            workers.run(permit, move |_| {
                all_busy.wait();
                let _ = done.send(rustix::process::getpriority_process(None).unwrap());
            });
            results.push(result);
        }
        let mut found = Vec::new();
        for result in results {
            found.push(result.await.unwrap());
        }
        found.sort_unstable();
        let mut expected = vec![(own + NICENESS).min(NICENESS_MAX); half_of_the_cores()];
        expected.push(NICENESS_MAX);
        assert_eq!(found, expected);
        workers.close();
    }

    #[test]
    fn the_cores_that_a_thread_may_use_are_counted() {
        let status = |mask: &str| format!("Name:\tmercato\nCpus_allowed:\t{mask}\nSeccomp:\t2\n");
        assert_eq!(allowed_cores(&status("3")), Some(2));
        assert_eq!(allowed_cores(&status("ff,0000000f")), Some(12));
        assert_eq!(allowed_cores(""), None);
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
