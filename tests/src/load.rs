//! How long answers take, as ratios to an idle server in the same run: absolute times say more about the machine.

use std::{
    io,
    sync::{
        Arc, Barrier, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often something is measured before it counts as slow.
const TRIES: usize = 3;

/// Keeps the other tests of a program waiting until it is dropped: what one of them measures must not be another's crowd.
#[must_use = "others wait only while this is held"]
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed has left nothing behind.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the answers to a series of equal requests took, shortest first.
#[derive(Debug, Clone)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Times `ask`, `count` times, one after the other.
    pub fn of(count: usize, mut ask: impl FnMut()) -> Self {
        let mut all: Vec<Duration> = (0..count)
            .map(|_| {
                let started = Instant::now();
                ask();
                started.elapsed()
            })
            .collect();
        all.sort_unstable();
        Self(all)
    }

    /// The time within which so many in a hundred answers came.
    ///
    /// # Panics
    /// When nothing was timed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().checked_sub(1).expect("something was timed");
        self.0[(self.0.len() * percent / 100).min(last)]
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.percentile(50)
    }

    /// What only one answer in a hundred took longer than.
    pub fn p99(&self) -> Duration {
        self.percentile(99)
    }

    /// Expects that answers take at most `ratio_max` times as long as these at that percentile. `measure` has three tries,
    /// because the machine may be busy with something else for a moment; what somebody does to the server goes on meanwhile.
    ///
    /// # Panics
    /// When they took longer each time.
    #[track_caller]
    pub fn expect_no_slower(
        &self,
        percent: usize,
        ratio_max: f64,
        mut measure: impl FnMut() -> Self,
    ) {
        let idle = self.percentile(percent);
        let mut seen = Vec::new();
        for _ in 0..TRIES {
            let busy = measure().percentile(percent);
            if Self::ratio(busy, idle) <= ratio_max {
                return;
            }
            seen.push(busy);
        }
        panic!("p{percent} is {seen:?}, more than {ratio_max} times {idle:?}");
    }

    /// How many times as long as that something took; a base below five milliseconds, a turn of the scheduler, counts as five, so that a
    /// busy machine decides no test.
    pub fn ratio(of: Duration, base: Duration) -> f64 {
        of.as_secs_f64() / base.as_secs_f64().max(0.005)
    }
}

/// Does the same thing in so many threads at the same moment; returns what came of it, in the order of their numbers.
///
/// # Panics
/// When one of them panics.
pub fn all_at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let one = |index| {
            let (start, act) = (&start, &act);
            scope.spawn(move || {
                start.wait();
                act(index)
            })
        };
        let threads: Vec<_> = (0..count).map(one).collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results.map(|result| result.expect("a result")).collect()
    })
}

/// Threads that do the same again and again until this is dropped.
#[derive(Debug)]
pub struct Crowd {
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Starts so many threads; each is given its number.
    ///
    /// # Panics
    /// When the machine gives no threads.
    pub fn start(count: usize, act: impl Fn(usize) + Send + Sync + 'static) -> Self {
        let (ends, act) = (Arc::new(AtomicBool::new(false)), Arc::new(act));
        let one = |number| -> io::Result<JoinHandle<()>> {
            let (ends, act) = (Arc::clone(&ends), Arc::clone(&act));
            thread::Builder::new().spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    act(number);
                }
            })
        };
        let threads = (0..count).map(one).collect::<io::Result<_>>();
        Self {
            threads: threads.expect("threads"),
            ends,
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has printed why.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = Latencies((1..=200).map(Duration::from_millis).collect());
        assert_eq!(times.p50(), Duration::from_millis(101));
        assert_eq!(times.p99(), Duration::from_millis(199));
        let ratio = Latencies::ratio(Duration::from_millis(90), Duration::from_millis(9));
        assert!((ratio - 10.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_slow_each_time_is_slow() {
        let took = |ms| Latencies(vec![Duration::from_millis(ms)]);
        let idle = took(10);
        let mut times = [31, 31, 30].into_iter();
        idle.expect_no_slower(99, 3.0, || took(times.next().expect("three tries")));
        let slow = std::panic::catch_unwind(|| idle.expect_no_slower(50, 3.0, || took(31)));
        assert!(slow.is_err());
    }

    #[test]
    fn a_crowd_ends_when_it_is_dropped() {
        let acts = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&acts);
        let crowd = Crowd::start(2, move |_| seen.store(true, Ordering::Relaxed));
        crate::wait_until("an act", || acts.load(Ordering::Relaxed).then_some(()));
        drop(crowd);
    }
}
