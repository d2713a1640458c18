//! Counters in Prometheus' text format, served on a listener of their own.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mercato_metrics::{Exposition, Family, Kind};

use crate::limits::COMPONENT_METRICS_MAX;
use crate::observe::log_limits::LogShares;
use crate::observe::log_queue::LogLosses;
use crate::sync::lock;

/// Upper bounds of the histogram of request durations, in milliseconds.
const BUCKETS_MS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000];

/// What the names of metrics that components tell must begin with.
const TOLD_PREFIX: &str = "mercato_";
/// Longest name of such a metric, in characters.
const TOLD_NAME_CHARS_MAX: usize = 80;
/// Longest text of such a metric, in characters; the rest is left out.
const TOLD_HELP_CHARS_MAX: usize = 200;

/// All counters of one shop.
pub(crate) struct Metrics {
    started: Instant,
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    durations: Mutex<BTreeMap<String, Durations>>,
    messages: Mutex<BTreeMap<(String, bool), u64>>,
    timer_calls: Mutex<BTreeMap<(String, bool), u64>>,
    /// Families of the runner's own.
    own: Vec<Family>,
    /// By name.
    told: Mutex<BTreeMap<String, Told>>,
    /// By component.
    scrapes: Mutex<BTreeMap<String, Scrapes>>,
    traps: AtomicU64,
    memory_refusals: AtomicU64,
    instances: AtomicI64,
    instances_memory_bytes: AtomicUsize,
    connections: AtomicI64,
    connections_cut: AtomicU64,
    sqlite_statements: AtomicU64,
    long_reads: AtomicU64,
    long_reads_refused: AtomicU64,
    published: AtomicU64,
    publish_failures: AtomicU64,
    log_losses: LogLosses,
    /// What each client may cause in the log.
    pub log_shares: LogShares,
}

#[derive(Default)]
struct Durations {
    sum: Duration,
    buckets: [u64; BUCKETS_MS.len()],
    count: u64,
}

/// A metric that components tell in their logs.
struct Told {
    kind: Kind,
    help: String,
    /// By component.
    values: BTreeMap<String, u64>,
}

/// How well a component tells its metrics.
#[derive(Default)]
struct Scrapes {
    is_up: bool,
    failures: u64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self::unnamed();
        let own = metrics.render().into_text();
        metrics.own = mercato_metrics::parse(&own).unwrap_or_default();
        metrics
    }

    /// Does not know yet which names are its own.
    fn unnamed() -> Self {
        Self {
            started: Instant::now(),
            own: Vec::new(),
            requests: Mutex::default(),
            durations: Mutex::default(),
            messages: Mutex::default(),
            timer_calls: Mutex::default(),
            told: Mutex::default(),
            scrapes: Mutex::default(),
            traps: AtomicU64::new(0),
            memory_refusals: AtomicU64::new(0),
            instances: AtomicI64::new(0),
            instances_memory_bytes: AtomicUsize::new(0),
            connections: AtomicI64::new(0),
            connections_cut: AtomicU64::new(0),
            sqlite_statements: AtomicU64::new(0),
            long_reads: AtomicU64::new(0),
            long_reads_refused: AtomicU64::new(0),
            published: AtomicU64::new(0),
            publish_failures: AtomicU64::new(0),
            log_losses: LogLosses::default(),
            log_shares: LogShares::default(),
        }
    }

    /// Also tells how much of the log was lost.
    pub(crate) fn with_log_losses(mut self, losses: LogLosses) -> Self {
        self.log_losses = losses;
        self
    }

    /// Lines of the log that were lost since the start.
    pub(crate) fn log_lines_lost(&self) -> u64 {
        self.log_losses.lines()
    }

    pub(crate) fn request(&self, component: &str, status: u16, took: Duration) {
        *lock(&self.requests)
            .entry((component.to_owned(), status))
            .or_default() += 1;
        lock(&self.durations)
            .entry(component.to_owned())
            .or_default()
            .add(took);
    }

    pub(crate) fn message(&self, component: &str, handled: bool) {
        *lock(&self.messages)
            .entry((component.to_owned(), handled))
            .or_default() += 1;
    }

    /// A component has answered a call of its timer, or failed to.
    pub(crate) fn timer_call(&self, component: &str, done: bool) {
        *lock(&self.timer_calls)
            .entry((component.to_owned(), done))
            .or_default() += 1;
    }

    pub(crate) fn trap(&self) {
        self.traps.fetch_add(1, Ordering::Relaxed);
    }

    /// A request needed more memory than there was.
    pub(crate) fn memory_refused(&self) {
        self.memory_refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_made(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_dropped(&self) {
        self.instances.fetch_sub(1, Ordering::Relaxed);
    }

    /// Linear memory of all instances has changed.
    pub(crate) fn instances_memory(&self, bytes: usize) {
        self.instances_memory_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn connection_opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection was told to go, because others needed what it had.
    pub(crate) fn connection_cut(&self) {
        self.connections_cut.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sqlite_statement(&self) {
        self.sqlite_statements.fetch_add(1, Ordering::Relaxed);
    }

    /// A statement is long.
    pub(crate) fn long_read(&self) {
        self.long_reads.fetch_add(1, Ordering::Relaxed);
    }

    /// A long statement was given up: too many wait, or it took too long.
    pub(crate) fn long_read_refused(&self) {
        self.long_reads_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn redis_publish(&self, done: bool) {
        let counter = if done {
            &self.published
        } else {
            &self.publish_failures
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A component has told its metrics, or could not.
    pub(crate) fn scrape(&self, component: &str, done: bool) {
        let mut scrapes = lock(&self.scrapes);
        let scrapes = scrapes.entry(component.to_owned()).or_default();
        scrapes.is_up = done;
        scrapes.failures += u64::from(!done);
    }

    /// A component adds to a counter of its own making.
    ///
    /// # Errors
    /// Why there cannot be such a counter.
    pub(crate) fn record_counter(
        &self,
        component: &str,
        name: &str,
        help: &str,
        by: u64,
    ) -> Result<(), &'static str> {
        self.tell(component, name, help, Kind::Counter, |value| {
            value.saturating_add(by)
        })
    }

    /// An instance of a component changes what it contributes to a gauge of the component's own making.
    ///
    /// # Errors
    /// Why there cannot be such a gauge.
    pub(crate) fn record_gauge(
        &self,
        component: &str,
        name: &str,
        help: &str,
        before: u64,
        now: u64,
    ) -> Result<(), &'static str> {
        self.tell(component, name, help, Kind::Gauge, |value| {
            value.saturating_add(now).saturating_sub(before)
        })
    }

    /// What a component makes up must not fill the memory nor break the format: names are of few characters and few, and
    /// none is the runner's own.
    fn tell(
        &self,
        component: &str,
        name: &str,
        help: &str,
        kind: Kind,
        change: impl FnOnce(u64) -> u64,
    ) -> Result<(), &'static str> {
        let mut told = lock(&self.told);
        if !told.contains_key(name) {
            if !may_be_told(name, kind) || self.own.iter().any(|own| own.takes(name)) {
                return Err("its name is not one that components may use");
            }
            if told.len() >= COMPONENT_METRICS_MAX {
                return Err("components have told too many");
            }
        }
        let metric = told.entry(name.to_owned()).or_insert_with(|| Told {
            kind,
            help: help.chars().take(TOLD_HELP_CHARS_MAX).collect(),
            values: BTreeMap::new(),
        });
        if metric.kind != kind {
            return Err("it was of another kind before");
        }
        let value = metric.values.entry(component.to_owned()).or_default();
        *value = change(*value);
        Ok(())
    }

    /// All counters as text.
    pub(crate) fn render(&self) -> Exposition {
        let mut text = Exposition::default();
        self.render_requests(&mut text);
        self.render_durations(&mut text);
        self.render_messages(&mut text);
        self.render_timer_calls(&mut text);
        self.render_process(&mut text);
        self.render_connections(&mut text);
        self.render_scrapes(&mut text);
        self.render_told(&mut text);
        text
    }

    fn render_process(&self, text: &mut Exposition) {
        text.single(
            "mercato_traps_total",
            Kind::Counter,
            "Instances that trapped.",
            self.traps.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_memory_refusals_total",
            Kind::Counter,
            "Requests that needed more memory than there was.",
            self.memory_refusals.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_sqlite_statements_total",
            Kind::Counter,
            "SQLite statements.",
            self.sqlite_statements.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_sqlite_long_reads_total",
            Kind::Counter,
            "SQLite statements that were moved to a thread of low priority.",
            self.long_reads.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_sqlite_long_reads_refused_total",
            Kind::Counter,
            "SQLite statements given up because too many long ones waited or they took too long.",
            self.long_reads_refused.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_redis_published_total",
            Kind::Counter,
            "Messages published.",
            self.published.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_redis_publish_failures_total",
            Kind::Counter,
            "Messages that could not be published.",
            self.publish_failures.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_log_lines_lost_total",
            Kind::Counter,
            "Lines of the log that could not be written, or not in time.",
            self.log_lines_lost(),
        );
        text.single(
            "mercato_uptime_seconds",
            Kind::Gauge,
            "Seconds since the start.",
            self.started.elapsed().as_secs(),
        );
        text.single(
            "mercato_instances",
            Kind::Gauge,
            "Instances alive, idle ones included.",
            u64::try_from(self.instances.load(Ordering::Relaxed)).unwrap_or_default(),
        );
    }

    fn render_connections(&self, text: &mut Exposition) {
        text.single(
            "mercato_instances_memory_bytes",
            Kind::Gauge,
            "Linear memory that all instances have grown by.",
            self.instances_memory_bytes.load(Ordering::Relaxed),
        );
        text.single(
            "mercato_connections",
            Kind::Gauge,
            "Client connections open.",
            u64::try_from(self.connections.load(Ordering::Relaxed)).unwrap_or_default(),
        );
        text.single(
            "mercato_connections_cut_total",
            Kind::Counter,
            "Client connections ended because others needed their place or memory.",
            self.connections_cut.load(Ordering::Relaxed),
        );
    }

    fn render_requests(&self, text: &mut Exposition) {
        const NAME: &str = "mercato_requests_total";
        text.family(
            NAME,
            Kind::Counter,
            "Requests answered, by component and status.",
        );
        for ((component, status), count) in &*lock(&self.requests) {
            let status = status.to_string();
            text.sample(
                NAME,
                &[("component", component), ("status", &status)],
                count,
            );
        }
    }

    fn render_durations(&self, text: &mut Exposition) {
        const NAME: &str = "mercato_request_duration_seconds";
        let (bucket, sum, count) = (
            &format!("{NAME}_bucket"),
            &format!("{NAME}_sum"),
            &format!("{NAME}_count"),
        );
        text.family(
            NAME,
            Kind::Histogram,
            "From the request's head to the response's, by component.",
        );
        for (component, durations) in &*lock(&self.durations) {
            let of = ("component", component.as_str());
            for (bound_ms, count) in BUCKETS_MS.iter().zip(durations.buckets) {
                let bound = Duration::from_millis(*bound_ms).as_secs_f64().to_string();
                text.sample(bucket, &[of, ("le", &bound)], count);
            }
            text.sample(bucket, &[of, ("le", "+Inf")], durations.count);
            text.sample(sum, &[of], durations.sum.as_secs_f64());
            text.sample(count, &[of], durations.count);
        }
    }

    fn render_messages(&self, text: &mut Exposition) {
        const NAME: &str = "mercato_messages_total";
        text.family(
            NAME,
            Kind::Counter,
            "Messages handed to components, by outcome.",
        );
        for ((component, handled), count) in &*lock(&self.messages) {
            let outcome = if *handled { "handled" } else { "failed" };
            text.sample(
                NAME,
                &[("component", component), ("outcome", outcome)],
                count,
            );
        }
    }

    fn render_timer_calls(&self, text: &mut Exposition) {
        const NAME: &str = "mercato_timer_calls_total";
        text.family(
            NAME,
            Kind::Counter,
            "Calls of the components' timers, by outcome.",
        );
        for ((component, done), count) in &*lock(&self.timer_calls) {
            let outcome = if *done { "done" } else { "failed" };
            text.sample(
                NAME,
                &[("component", component), ("outcome", outcome)],
                count,
            );
        }
    }

    fn render_scrapes(&self, text: &mut Exposition) {
        const UP: &str = "mercato_component_up";
        const FAILURES: &str = "mercato_metrics_scrape_failures_total";
        let scrapes = lock(&self.scrapes);
        text.family(UP, Kind::Gauge, "Whether the component told its metrics.");
        for (component, scrapes) in &*scrapes {
            text.sample(UP, &[("component", component)], u8::from(scrapes.is_up));
        }
        text.family(
            FAILURES,
            Kind::Counter,
            "Times that the component did not tell its metrics, or not in time.",
        );
        for (component, scrapes) in &*scrapes {
            text.sample(FAILURES, &[("component", component)], scrapes.failures);
        }
    }

    fn render_told(&self, text: &mut Exposition) {
        for (name, told) in &*lock(&self.told) {
            text.family(name, told.kind, &told.help);
            for (component, value) in &told.values {
                text.sample(name, &[("component", component)], value);
            }
        }
    }
}

/// Whether a component may make up a metric of that name.
fn may_be_told(name: &str, kind: Kind) -> bool {
    name.len() <= TOLD_NAME_CHARS_MAX
        && name.starts_with(TOLD_PREFIX)
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && (kind == Kind::Counter) == name.ends_with("_total")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_component_status_and_bucket() {
        let metrics = Metrics::new();
        metrics.request("gateway", 200, Duration::from_millis(3));
        metrics.request("gateway", 200, Duration::from_millis(30));
        metrics.request("gateway", 404, Duration::from_millis(1));
        let text = metrics.render().into_text();
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

    #[test]
    fn everything_is_in_the_format_and_conventional() {
        let metrics = Metrics::new();
        metrics.request("", 404, Duration::from_millis(1));
        metrics.request("gateway", 200, Duration::from_secs(9));
        metrics.message("order-events", true);
        metrics.scrape("orders-api", false);
        metrics.scrape("orders-api", true);
        metrics
            .record_counter("a", "mercato_x_total", "X.", 2)
            .unwrap();
        let text = metrics.render().into_text();
        let families = mercato_metrics::parse(&text).unwrap();
        assert_eq!(
            mercato_metrics::unconventional(&families),
            Vec::<String>::new()
        );
        for expected in [
            "mercato_component_up{component=\"orders-api\"} 1",
            "mercato_metrics_scrape_failures_total{component=\"orders-api\"} 1",
            "mercato_x_total{component=\"a\"} 2",
        ] {
            assert!(text.lines().any(|line| line == expected), "{text}");
        }
    }

    #[test]
    fn gauges_that_components_tell_are_summed_over_instances() {
        let metrics = Metrics::new();
        let value = || {
            let text = metrics.render().into_text();
            let line = text.lines().find(|line| line.starts_with("mercato_open{"));
            line.unwrap().rsplit_once(' ').unwrap().1.to_owned()
        };
        metrics
            .record_gauge("a", "mercato_open", "Open.", 0, 1)
            .unwrap();
        metrics
            .record_gauge("a", "mercato_open", "Open.", 0, 1)
            .unwrap();
        assert_eq!(value(), "2");
        metrics
            .record_gauge("a", "mercato_open", "Open.", 1, 0)
            .unwrap();
        assert_eq!(value(), "1");
    }

    #[test]
    fn components_cannot_make_up_any_name_nor_many() {
        let metrics = Metrics::new();
        let counter = |name: &str| metrics.record_counter("a", name, "help", 1);
        for name in [
            "",
            "x_total",
            "mercato_x",
            "mercato_X_total",
            "mercato_x{y=\"z\"}_total",
            "mercato_x 1\nmercato_y_total",
            "mercato_traps_total",
            &format!("mercato_{}_total", "x".repeat(80)),
        ] {
            assert!(counter(name).is_err(), "{name}");
        }
        for name in [
            "mercato_x_total",
            "mercato_instances",
            "mercato_request_duration_seconds",
            "mercato_request_duration_seconds_sum",
        ] {
            assert!(metrics.record_gauge("a", name, "", 0, 1).is_err(), "{name}");
        }
        for number in 0..COMPONENT_METRICS_MAX {
            counter(&format!("mercato_{number}_total")).unwrap();
        }
        assert!(counter("mercato_another_total").is_err());
        counter("mercato_0_total").unwrap();
    }

    #[test]
    fn a_metric_keeps_its_kind_and_a_text_of_bounded_length() {
        let metrics = Metrics::new();
        metrics
            .record_gauge("a", "mercato_x", &"long\n".repeat(1_000), 0, 1)
            .unwrap();
        assert!(metrics.record_counter("a", "mercato_x", "", 1).is_err());
        let text = metrics.render().into_text();
        let families = mercato_metrics::parse(&text).unwrap();
        let told = families.iter().find(|family| family.name == "mercato_x");
        assert!(told.unwrap().help.len() < 2 * TOLD_HELP_CHARS_MAX);
    }
}
