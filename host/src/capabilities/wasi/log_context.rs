//! Lines that guests write, logged with the component and the request that they are about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mercato_platform::text::{escaped, loggable};
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::Level;

use crate::client::Client;
use crate::limits::{LOG_FIELDS_MAX, LOG_TEXT_CHARS};
use crate::observe::metrics::Metrics;
use crate::sync::lock;

/// What components say of a request that they have refused.
const REFUSED: &str = "a request was refused";

/// What the lines of an instance's log are about: the component, and the request or message it works on. An instance has one
/// at a time, so every line belongs to it, whichever part of the component writes it.
pub(crate) struct LogContext {
    component: Arc<str>,
    metrics: Arc<Metrics>,
    request_id: Mutex<String>,
    client: Mutex<Option<Client>>,
    /// What this instance contributes to gauges.
    gauges: Mutex<BTreeMap<String, u64>>,
}

impl LogContext {
    pub(crate) fn new(component: &Arc<str>, metrics: &Arc<Metrics>) -> Self {
        Self {
            component: Arc::clone(component),
            metrics: Arc::clone(metrics),
            request_id: Mutex::default(),
            client: Mutex::default(),
            gauges: Mutex::default(),
        }
    }

    /// The instance begins to work on that request.
    pub(crate) fn begin(&self, request_id: &str, client: Option<Client>) {
        request_id.clone_into(&mut lock(&self.request_id));
        *lock(&self.client) = client;
    }

    /// Whether a line about a refusal may be written: a client can cause as many as it likes.
    fn may_log_refusal(&self) -> bool {
        let client = *lock(&self.client);
        client.is_none_or(|client| self.metrics.log_limits.admit(client, true))
    }

    /// Logs a line of the guest's output.
    pub(super) fn log(&self, stream: &str, text: &str) {
        let component = &*self.component;
        let current = lock(&self.request_id).clone();
        let current = Some(current.as_str()).filter(|id| !id.is_empty());
        match serde_json::from_str::<Record>(text) {
            Ok(record) if record.level == "metric" => self.record(&record),
            Ok(record) if record.message == REFUSED && !self.may_log_refusal() => {}
            Ok(record) => record.log(component, stream, current),
            Err(_) if text.is_empty() => {}
            Err(_) => {
                let text = escaped(text, LOG_TEXT_CHARS);
                tracing::info!(target: "guest", component, stream, request_id = current, "{text}");
            }
        }
    }

    /// Records a metric of the guest; one that cannot be understood is logged.
    fn record(&self, record: &Record) {
        let text = |name: &str| record.more.get(name).and_then(Value::as_str);
        let component = &*self.component;
        let (Some(name), Some(value)) = (
            text("metric"),
            text("value").and_then(|value| value.parse::<u32>().ok()),
        ) else {
            tracing::warn!(component, "a metric without name or number was dropped");
            return;
        };
        let value = u64::from(value);
        let recorded = if text("kind") == Some("gauge") {
            let mut gauges = lock(&self.gauges);
            let before = gauges.get(name).copied().unwrap_or_default();
            let recorded =
                self.metrics
                    .record_gauge(component, name, &record.message, before, value);
            if recorded.is_ok() {
                gauges.insert(name.to_owned(), value);
            }
            recorded
        } else {
            self.metrics
                .record_counter(component, name, &record.message, value)
        };
        if let Err(reason) = recorded {
            tracing::warn!(component, "a metric was dropped: {reason}");
        }
    }
}

impl Drop for LogContext {
    /// An instance that has ended contributes nothing.
    fn drop(&mut self) {
        for (name, value) in std::mem::take(&mut *lock(&self.gauges)) {
            // It was taken before, so it is taken now.
            let _ = self
                .metrics
                .record_gauge(&self.component, &name, "", value, 0);
        }
    }
}

/// A line that is a JSON object of the guest's own logging: its level and ids become those of our line.
#[derive(Deserialize)]
struct Record {
    level: String,
    message: String,
    request_id: Option<String>,
    order_id: Option<String>,
    event_id: Option<String>,
    error: Option<String>,
    /// Ours says when.
    #[serde(rename = "time")]
    _time: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Record {
    /// `current` is the request that the instance works on: not every part of a component knows its id.
    fn log(&self, component: &str, stream: &str, current: Option<&str>) {
        let message = loggable(&self.message);
        let request_id = self.request_id.as_deref().map(loggable);
        let request_id = request_id.as_deref().or(current);
        let [order_id, event_id, error] = [&self.order_id, &self.event_id, &self.error]
            .map(|field| field.as_deref().map(loggable));
        let (order_id, event_id, error) =
            (order_id.as_deref(), event_id.as_deref(), error.as_deref());
        let more = (!self.more.is_empty()).then(|| bounded(&self.more).to_string());
        let more = more.as_deref();
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(target: "guest", $level, component, stream, request_id, order_id, event_id, error, more, "{message}")
            };
        }
        match self.level.as_str() {
            "error" => log!(Level::ERROR),
            "warn" => log!(Level::WARN),
            _ => log!(Level::INFO),
        }
    }
}

/// The first fields, each as short as any value in the log.
fn bounded(fields: &Map<String, Value>) -> Value {
    let fields = fields.iter().take(LOG_FIELDS_MAX).map(|(name, value)| {
        let value = match value {
            Value::String(text) => Value::from(loggable(text)),
            Value::Array(_) | Value::Object(_) => Value::from(loggable(&value.to_string())),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        };
        (loggable(name).into_owned(), value)
    });
    Value::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_context(metrics: &Arc<Metrics>) -> LogContext {
        LogContext::new(&"box".into(), metrics)
    }

    fn metric_line(kind: &str, name: &str, value: &str) -> String {
        let line = serde_json::json!({
            "time": "t", "level": "metric", "message": "What it is.", "metric": name, "kind": kind, "value": value,
        });
        line.to_string()
    }

    #[test]
    fn gauges_of_an_instance_end_with_it_and_counters_stay() {
        let metrics = Arc::new(Metrics::default());
        let shown = |line: &str| metrics.render().lines().any(|shown| shown == line);
        let (first, second) = (log_context(&metrics), log_context(&metrics));
        for (log_context, value) in [(&first, "1"), (&first, "1"), (&second, "1")] {
            log_context.log("stderr", &metric_line("gauge", "mercato_open", value));
            log_context.log(
                "stderr",
                &metric_line("counter", "mercato_openings_total", "1"),
            );
        }
        assert!(shown("mercato_open{component=\"box\"} 2"));
        drop(first);
        assert!(shown("mercato_open{component=\"box\"} 1"));
        second.log("stderr", &metric_line("gauge", "mercato_open", "0"));
        assert!(shown("mercato_open{component=\"box\"} 0"));
        assert!(shown("mercato_openings_total{component=\"box\"} 3"));
    }

    #[test]
    fn further_fields_of_a_line_are_few_and_short() {
        let long = "\u{202e}".repeat(3_000);
        let mut fields = Map::new();
        fields.insert("a".into(), long.clone().into());
        fields.insert("b".into(), vec![long.clone(); 9].into());
        fields.insert("c".into(), 7.into());
        fields.insert(long, 7.into());
        for number in 0..100 {
            fields.insert(format!("n{number}"), Value::Null);
        }
        let shown = bounded(&fields);
        assert_eq!(shown["c"], 7);
        assert_eq!(shown.as_object().unwrap().len(), LOG_FIELDS_MAX);
        let text = shown.to_string();
        assert!(text.len() < 1_000 && !text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn lines_without_a_number_change_no_metric() {
        let metrics = Arc::new(Metrics::default());
        let log_context = log_context(&metrics);
        for line in [
            metric_line("counter", "mercato_x_total", "-1"),
            metric_line("counter", "mercato_x_total", "many"),
            metric_line("counter", "mercato_x_total", "4294967296"),
            metric_line("counter", "x_total", "1"),
            metric_line("gauge", "mercato_x_total", "1"),
            "{\"level\":\"metric\",\"message\":\"\"}".to_owned(),
        ] {
            log_context.log("stderr", &line);
        }
        drop(log_context);
        let text = metrics.render();
        assert!(!text.contains("x_total"), "{text}");
    }
}
