//! The runner's own metrics, served on a listener of their own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use mercato_metrics::Kind;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::observe::component_metrics::ComponentMetrics;
use crate::observe::log_limits::LogLimits;
use crate::observe::log_queue::LogLosses;

/// Upper bounds of the histogram of request durations, in seconds.
const BUCKETS_S: [f64; 11] = [
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ByComponent {
    component: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByStatus {
    component: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByOutcome {
    component: String,
    outcome: &'static str,
}

type Durations = Family<ByComponent, Histogram, fn() -> Histogram>;

/// All metrics of one shop.
pub(crate) struct Metrics {
    registry: Registry,
    /// Names of the runner's own metrics, and of the samples of each.
    reserved: Vec<String>,
    started: Instant,
    uptime: Gauge,
    requests: Family<ByStatus, Counter>,
    durations: Durations,
    messages: Family<ByOutcome, Counter>,
    timer_calls: Family<ByOutcome, Counter>,
    component_up: Family<ByComponent, Gauge>,
    scrape_failures: Family<ByComponent, Counter>,
    recorded: Arc<ComponentMetrics>,
    pub traps: Counter,
    pub memory_refusals: Counter,
    pub instances: Gauge,
    pub instances_memory_bytes: Gauge<u64, AtomicU64>,
    pub connections: Gauge,
    pub connections_cut: Counter,
    pub sqlite_statements: Counter,
    pub postgres_statements: Counter,
    pub postgres_connections: Gauge,
    pub postgres_waits: Counter,
    pub postgres_failures: Counter,
    pub long_reads: Counter,
    pub long_reads_refused: Counter,
    published: Counter,
    publish_failures: Counter,
    log_losses: LogLosses,
    /// What each client may cause in the log.
    pub log_limits: LogLimits,
}

/// Makes metrics and registers them. The library ends names of counters with `_total`, and texts with a full stop.
#[derive(Default)]
struct Registration {
    registry: Registry,
    reserved: Vec<String>,
}

impl Registration {
    fn counter<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        self.register(name, help, M::default(), &["_total"])
    }

    fn gauge<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        self.register(name, help, M::default(), &[""])
    }

    fn register<M: Metric + Clone>(
        &mut self,
        name: &str,
        help: &str,
        metric: M,
        suffixes: &[&str],
    ) -> M {
        let name = format!("mercato_{name}");
        let samples = suffixes.iter().map(|suffix| format!("{name}{suffix}"));
        self.reserved.extend(samples);
        self.registry.register(name, help, metric.clone());
        metric
    }
}

impl Metrics {
    pub(crate) fn new(log_losses: LogLosses) -> Self {
        let mut r = Registration::default();
        let durations = "From the request's head to the response's, by component";
        let durations = r.register(
            "request_duration_seconds",
            durations,
            Durations::new_with_constructor(|| Histogram::new(BUCKETS_S)),
            &["", "_bucket", "_sum", "_count"],
        );
        let lost = "Lines of the log that could not be written, or not in time";
        r.register("log_lines_lost", lost, log_losses.counter(), &["_total"]);
        let refused =
            "SQLite statements given up because too many long ones waited or they took too long";
        let cut = "Client connections ended because others needed their place or memory";
        let failures = "Times that the component did not tell its metrics, or not in time";
        let recorded = Arc::<ComponentMetrics>::default();
        r.registry
            .register_collector(Box::new(Arc::clone(&recorded)));
        Self {
            started: Instant::now(),
            uptime: r.gauge("uptime_seconds", "Seconds since the start"),
            requests: r.counter("requests", "Requests answered, by component and status"),
            durations,
            messages: r.counter("messages", "Messages handed to components, by outcome"),
            timer_calls: r.counter("timer_calls", "Calls of the components' timers, by outcome"),
            component_up: r.gauge("component_up", "Whether the component told its metrics"),
            scrape_failures: r.counter("metrics_scrape_failures", failures),
            recorded,
            traps: r.counter("traps", "Instances that trapped"),
            memory_refusals: r.counter(
                "memory_refusals",
                "Requests that needed more memory than there was",
            ),
            instances: r.gauge("instances", "Instances alive, idle ones included"),
            instances_memory_bytes: r.gauge(
                "instances_memory_bytes",
                "Linear memory that all instances have grown by",
            ),
            connections: r.gauge("connections", "Client connections open"),
            connections_cut: r.counter("connections_cut", cut),
            sqlite_statements: r.counter("sqlite_statements", "SQLite statements"),
            postgres_statements: r.counter("postgres_statements", "PostgreSQL statements"),
            postgres_connections: r.gauge("postgres_connections", "Connections to PostgreSQL"),
            postgres_waits: r.counter(
                "postgres_waits",
                "Times that all connections to a PostgreSQL database were in use",
            ),
            postgres_failures: r.counter(
                "postgres_failures",
                "Connections to PostgreSQL that could not be made, or were lost or given up",
            ),
            long_reads: r.counter(
                "sqlite_long_reads",
                "SQLite statements that were moved to a thread of low priority",
            ),
            long_reads_refused: r.counter("sqlite_long_reads_refused", refused),
            published: r.counter("redis_published", "Messages published"),
            publish_failures: r.counter(
                "redis_publish_failures",
                "Messages that could not be published",
            ),
            log_losses,
            log_limits: LogLimits::default(),
            registry: r.registry,
            reserved: r.reserved,
        }
    }

    /// Whether a name is one of the runner's own.
    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        self.reserved.iter().any(|reserved| reserved == name)
    }

    /// Lines of the log that were lost since the start.
    pub(crate) fn log_lines_lost(&self) -> u64 {
        self.log_losses.lines()
    }

    pub(crate) fn request(&self, component: &str, status: u16, took: Duration) {
        let component = component.to_owned();
        let labels = ByComponent { component };
        let durations = self.durations.get_or_create(&labels);
        durations.observe(took.as_secs_f64());
        drop(durations);
        let ByComponent { component } = labels;
        self.requests
            .get_or_create(&ByStatus { component, status })
            .inc();
    }

    pub(crate) fn message(&self, component: &str, is_handled: bool) {
        let outcome = if is_handled { "handled" } else { "failed" };
        count(&self.messages, component, outcome);
    }

    /// A component has answered a call of its timer, or failed to.
    pub(crate) fn timer_call(&self, component: &str, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        count(&self.timer_calls, component, outcome);
    }

    pub(crate) fn redis_publish(&self, is_done: bool) {
        let counter = if is_done {
            &self.published
        } else {
            &self.publish_failures
        };
        counter.inc();
    }

    /// A component has answered with its metrics, or has failed to.
    pub(crate) fn scrape(&self, component: &str, is_done: bool) {
        let component = component.to_owned();
        let labels = ByComponent { component };
        self.component_up
            .get_or_create(&labels)
            .set(i64::from(is_done));
        self.scrape_failures
            .get_or_create(&labels)
            .inc_by(u64::from(!is_done));
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
        self.record(component, name, help, Kind::Counter, |value| {
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
        self.record(component, name, help, Kind::Gauge, |value| {
            value.saturating_add(now).saturating_sub(before)
        })
    }

    fn record(
        &self,
        component: &str,
        name: &str,
        help: &str,
        kind: Kind,
        change: impl FnOnce(u64) -> u64,
    ) -> Result<(), &'static str> {
        if self.is_reserved(name) {
            return Err("its name is not one that components may use");
        }
        self.recorded.record(component, name, help, kind, change)
    }

    /// All metrics in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        let uptime = self.started.elapsed().as_secs();
        self.uptime.set(uptime.try_into().unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _: fmt::Result = prometheus_text::encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(LogLosses::default())
    }
}

fn count(family: &Family<ByOutcome, Counter>, component: &str, outcome: &'static str) {
    let component = component.to_owned();
    family
        .get_or_create(&ByOutcome { component, outcome })
        .inc();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::COMPONENT_METRICS_MAX;

    #[test]
    fn requests_are_counted_by_component_status_and_bucket() {
        let metrics = Metrics::default();
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

    #[test]
    fn everything_is_in_the_format_and_conventional() {
        let metrics = Metrics::default();
        metrics.request("", 404, Duration::from_millis(1));
        metrics.request("gateway", 200, Duration::from_secs(9));
        metrics.message("order-events", true);
        metrics.scrape("orders-api", false);
        metrics.scrape("orders-api", true);
        metrics
            .record_counter("a", "mercato_x_total", "X.", 2)
            .unwrap();
        let text = metrics.render();
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
    fn gauges_of_components_are_summed_over_instances() {
        let metrics = Metrics::default();
        let value = || {
            let text = metrics.render();
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
        let metrics = Metrics::default();
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
        let metrics = Metrics::default();
        metrics
            .record_gauge("a", "mercato_x", &"long\n".repeat(1_000), 0, 1)
            .unwrap();
        assert!(metrics.record_counter("a", "mercato_x", "", 1).is_err());
        let text = metrics.render();
        let families = mercato_metrics::parse(&text).unwrap();
        let metric = families.iter().find(|family| family.name == "mercato_x");
        assert!(metric.unwrap().help.len() < 400);
    }
}
