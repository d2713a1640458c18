//! Counters in Prometheus' text format, served on a listener of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Upper bounds of the histogram of request durations, in milliseconds.
const BUCKETS_MS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000];

/// All counters of one shop.
pub(crate) struct Metrics {
    started: Instant,
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    durations: Mutex<BTreeMap<String, Durations>>,
    messages: Mutex<BTreeMap<(String, bool), u64>>,
    traps: AtomicU64,
    instances: AtomicI64,
    sqlite_statements: AtomicU64,
    published: AtomicU64,
    publish_failures: AtomicU64,
}

#[derive(Default)]
struct Durations {
    sum: Duration,
    buckets: [u64; BUCKETS_MS.len()],
    count: u64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            requests: Mutex::default(),
            durations: Mutex::default(),
            messages: Mutex::default(),
            traps: AtomicU64::new(0),
            instances: AtomicI64::new(0),
            sqlite_statements: AtomicU64::new(0),
            published: AtomicU64::new(0),
            publish_failures: AtomicU64::new(0),
        }
    }

    pub(crate) fn request(&self, component: &str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((component.to_owned(), status)).or_default() += 1;
        drop(requests);
        let mut durations = self
            .durations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        durations.entry(component.to_owned()).or_default().add(took);
    }

    pub(crate) fn message(&self, component: &str, handled: bool) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        *messages.entry((component.to_owned(), handled)).or_default() += 1;
    }

    pub(crate) fn trap(&self) {
        self.traps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_made(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_dropped(&self) {
        self.instances.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn sqlite_statement(&self) {
        self.sqlite_statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn redis_publish(&self, done: bool) {
        let counter = if done {
            &self.published
        } else {
            &self.publish_failures
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// All counters as text.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        self.render_requests(&mut text);
        self.render_durations(&mut text);
        self.render_messages(&mut text);
        let simple = [
            (
                "mercato_traps_total",
                "counter",
                "Instances that trapped.",
                self.traps.load(Ordering::Relaxed),
            ),
            (
                "mercato_sqlite_statements_total",
                "counter",
                "SQLite statements.",
                self.sqlite_statements.load(Ordering::Relaxed),
            ),
            (
                "mercato_redis_published_total",
                "counter",
                "Messages published.",
                self.published.load(Ordering::Relaxed),
            ),
            (
                "mercato_redis_publish_failures_total",
                "counter",
                "Messages that could not be published.",
                self.publish_failures.load(Ordering::Relaxed),
            ),
            (
                "mercato_uptime_seconds",
                "gauge",
                "Seconds since the start.",
                self.started.elapsed().as_secs(),
            ),
            (
                "mercato_instances",
                "gauge",
                "Instances alive, idle ones included.",
                u64::try_from(self.instances.load(Ordering::Relaxed)).unwrap_or_default(),
            ),
        ];
        for (name, kind, help, value) in simple {
            head(&mut text, name, kind, help);
            line(&mut text, name, "", value);
        }
        text
    }

    fn render_requests(&self, text: &mut String) {
        head(
            text,
            "mercato_requests_total",
            "counter",
            "Requests answered, by component and status.",
        );
        for ((component, status), count) in
            &*self.requests.lock().unwrap_or_else(PoisonError::into_inner)
        {
            line(
                text,
                "mercato_requests_total",
                &format!("component=\"{component}\",status=\"{status}\""),
                count,
            );
        }
    }

    fn render_durations(&self, text: &mut String) {
        const NAME: &str = "mercato_request_duration_seconds";
        head(
            text,
            NAME,
            "histogram",
            "From the request's head to the response's, by component.",
        );
        for (component, durations) in &*self
            .durations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            for (bound_ms, count) in BUCKETS_MS.iter().zip(durations.buckets) {
                let bound = Duration::from_millis(*bound_ms).as_secs_f64();
                line(
                    text,
                    &format!("{NAME}_bucket"),
                    &format!("component=\"{component}\",le=\"{bound}\""),
                    count,
                );
            }
            line(
                text,
                &format!("{NAME}_bucket"),
                &format!("component=\"{component}\",le=\"+Inf\""),
                durations.count,
            );
            line(
                text,
                &format!("{NAME}_sum"),
                &format!("component=\"{component}\""),
                durations.sum.as_secs_f64(),
            );
            line(
                text,
                &format!("{NAME}_count"),
                &format!("component=\"{component}\""),
                durations.count,
            );
        }
    }

    fn render_messages(&self, text: &mut String) {
        head(
            text,
            "mercato_messages_total",
            "counter",
            "Messages handed to components, by outcome.",
        );
        for ((component, handled), count) in
            &*self.messages.lock().unwrap_or_else(PoisonError::into_inner)
        {
            let outcome = if *handled { "handled" } else { "failed" };
            line(
                text,
                "mercato_messages_total",
                &format!("component=\"{component}\",outcome=\"{outcome}\""),
                count,
            );
        }
    }
}

impl Durations {
    fn add(&mut self, took: Duration) {
        self.sum += took;
        self.count += 1;
        for (bucket, bound_ms) in self.buckets.iter_mut().zip(BUCKETS_MS) {
            if took <= Duration::from_millis(bound_ms) {
                *bucket += 1;
            }
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = if labels.is_empty() {
        writeln!(text, "{name} {value}")
    } else {
        writeln!(text, "{name}{{{labels}}} {value}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_component_status_and_bucket() {
        let metrics = Metrics::new();
        metrics.request("gateway", 200, Duration::from_millis(3));
        metrics.request("gateway", 200, Duration::from_millis(30));
        metrics.request("gateway", 404, Duration::from_millis(1));
        let text = metrics.render();
        for expected in [
            "mercato_requests_total{component=\"gateway\",status=\"200\"} 2",
            "mercato_requests_total{component=\"gateway\",status=\"404\"} 1",
            "mercato_request_duration_seconds_bucket{component=\"gateway\",le=\"0.005\"} 2",
            "mercato_request_duration_seconds_bucket{component=\"gateway\",le=\"+Inf\"} 3",
            "mercato_request_duration_seconds_count{component=\"gateway\"} 3",
            "mercato_instances 0",
        ] {
            assert!(
                text.lines().any(|line| line == expected),
                "{expected} is missing in\n{text}"
            );
        }
    }
}
