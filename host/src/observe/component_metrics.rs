//! Metrics that components record in their logs: named by them, summed over their instances.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use mercato_metrics::Kind;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::limits::COMPONENT_METRICS_MAX;
use crate::sync::lock;

/// What the names must begin with.
const PREFIX: &str = "mercato_";
/// What the names of counters end with.
const COUNTER_SUFFIX: &str = "_total";
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Longest help text, in characters; the rest is left out.
const HELP_CHARS_MAX: usize = 200;

/// By name.
#[derive(Debug, Default)]
pub(crate) struct ComponentMetrics(Mutex<BTreeMap<String, Metric>>);

#[derive(Debug)]
struct Metric {
    kind: Kind,
    help: String,
    /// By component.
    values: BTreeMap<String, u64>,
}

impl ComponentMetrics {
    /// Changes a component's value. A component must not fill the memory nor break the format: names are of few characters,
    /// there are few of them, and none is the runner's own.
    ///
    /// # Errors
    /// Why there cannot be such a metric.
    pub(super) fn record(
        &self,
        component: &str,
        name: &str,
        help: &str,
        kind: Kind,
        change: impl FnOnce(u64) -> u64,
    ) -> Result<(), &'static str> {
        let mut metrics = lock(&self.0);
        if !metrics.contains_key(name) {
            if !is_allowed(name, kind) {
                return Err("its name is not one that components may use");
            }
            if metrics.len() >= COMPONENT_METRICS_MAX {
                return Err("components have recorded too many");
            }
        }
        let metric = metrics.entry(name.to_owned()).or_insert_with(|| Metric {
            kind,
            help: help.chars().take(HELP_CHARS_MAX).collect(),
            values: BTreeMap::new(),
        });
        if metric.kind != kind {
            return Err("it was of another kind before");
        }
        let value = metric.values.entry(component.to_owned()).or_default();
        *value = change(*value);
        Ok(())
    }
}

impl Collector for ComponentMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, metric) in &*lock(&self.0) {
            let counter = ConstCounter::new(0_u64).metric_type();
            let gauge = ConstGauge::new(0_u64).metric_type();
            // The format adds the suffix itself.
            let (name, kind) = match metric.kind {
                Kind::Counter => (name.trim_end_matches(COUNTER_SUFFIX), counter),
                _ => (name.as_str(), gauge),
            };
            let mut family = encoder.encode_descriptor(name, &metric.help, None, kind)?;
            for (component, value) in &metric.values {
                let labels = [("component", component.as_str())];
                let sample = family.encode_family(&labels)?;
                match metric.kind {
                    Kind::Counter => ConstCounter::new(*value).encode(sample)?,
                    _ => ConstGauge::new(*value).encode(sample)?,
                }
            }
        }
        Ok(())
    }
}

/// Whether a component may make up a metric of that name.
fn is_allowed(name: &str, kind: Kind) -> bool {
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(PREFIX)
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && (kind == Kind::Counter) == name.ends_with(COUNTER_SUFFIX)
}
