//! WASI itself: no files, no sockets, no environment but the manifest's; output goes to the log line by line.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use mercato_platform::text::{escaped, loggable};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::client::Client;
use crate::clock::{GuestClock, GuestSteadyClock};
use crate::faults::StopSign;
use crate::guest::{ComponentGrants, Services};
use crate::limits::{LOG_FIELDS_MAX, LOG_LINE_BYTES, LOG_TEXT_CHARS};
use crate::metrics::Metrics;

/// What WASI gives to an instance of a component.
pub(crate) fn context(
    voice: &Arc<Voice>,
    services: &Arc<Services>,
    stop: &Arc<StopSign>,
) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder
        .wall_clock(GuestClock {
            component: Arc::clone(&voice.component),
            services: Arc::clone(services),
            stop: Arc::clone(stop),
        })
        .stdout(Output::new(voice, "stdout"))
        .stderr(Output::new(voice, "stderr"))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if services.clock.steady().is_some() {
        builder.monotonic_clock(GuestSteadyClock(Arc::clone(&services.clock)));
    }
    if let Some(random) = &services.random {
        builder
            .secure_random(random.clone())
            .insecure_random(random.clone())
            .insecure_random_seed(random.draw_u128());
    }
    for (name, value) in &voice.component.environment {
        builder.env(name, value);
    }
    builder.build()
}

/// What components say of a request that they have refused.
const REFUSED: &str = "a request was refused";

/// Who speaks when an instance logs: the component, and the request or message it works on. An instance has one at a
/// time, so every line belongs to it, whichever part of the component writes it.
pub(crate) struct Voice {
    component: Arc<ComponentGrants>,
    metrics: Arc<Metrics>,
    request_id: Mutex<String>,
    /// Whom it works for.
    client: Mutex<Option<Client>>,
    /// What this instance contributes to gauges.
    gauges: Mutex<BTreeMap<String, u64>>,
}

impl Voice {
    pub(crate) fn new(component: &Arc<ComponentGrants>, metrics: &Arc<Metrics>) -> Self {
        Self {
            component: Arc::clone(component),
            metrics: Arc::clone(metrics),
            request_id: Mutex::default(),
            client: Mutex::default(),
            gauges: Mutex::default(),
        }
    }

    /// From now on the instance works on that request.
    pub(crate) fn work_on(&self, request_id: &str, client: Option<Client>) {
        request_id.clone_into(&mut locked(&self.request_id));
        *locked(&self.client) = client;
    }

    /// Whether a line that tells of a refusal may be written: a client can cause as many as it likes.
    fn may_tell_of_refusal(&self) -> bool {
        let client = *locked(&self.client);
        client.is_none_or(|client| self.metrics.log_shares.admit(client, true))
    }

    /// A line of the guest's.
    fn log(&self, stream: &str, text: &str) {
        let component = self.component.id.as_str();
        let current = locked(&self.request_id).clone();
        let current = Some(current.as_str()).filter(|id| !id.is_empty());
        match serde_json::from_str::<Record>(text) {
            Ok(record) if record.level == "metric" => self.measure(&record),
            Ok(record) if record.message == REFUSED && !self.may_tell_of_refusal() => {}
            Ok(record) => record.log(component, stream, current),
            Err(_) if text.is_empty() => {}
            Err(_) => {
                let text = escaped(text, LOG_TEXT_CHARS);
                tracing::info!(target: "guest", component, stream, request_id = current, "{text}");
            }
        }
    }

    /// A number that the guest tells; one that cannot be understood is logged.
    fn measure(&self, record: &Record) {
        let text = |name: &str| record.more.get(name).and_then(Value::as_str);
        let component = self.component.id.as_str();
        let (Some(name), Some(value)) = (
            text("metric"),
            text("value").and_then(|value| value.parse::<u32>().ok()),
        ) else {
            tracing::warn!(component, "a metric without name or number was dropped");
            return;
        };
        let value = u64::from(value);
        let told = if text("kind") == Some("gauge") {
            let mut gauges = locked(&self.gauges);
            let before = gauges.get(name).copied().unwrap_or_default();
            let told = self
                .metrics
                .tell_gauge(component, name, &record.message, before, value);
            if told.is_ok() {
                gauges.insert(name.to_owned(), value);
            }
            told
        } else {
            self.metrics
                .tell_counter(component, name, &record.message, value)
        };
        if let Err(reason) = told {
            tracing::warn!(component, "a metric was dropped: {reason}");
        }
    }
}

impl Drop for Voice {
    /// What has ended contributes nothing.
    fn drop(&mut self) {
        for (name, value) in std::mem::take(&mut *locked(&self.gauges)) {
            // It was taken before, so it is taken now.
            let _ = self
                .metrics
                .tell_gauge(&self.component.id, &name, "", value, 0);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Output of a guest, logged in lines with the component's name.
#[derive(Clone)]
struct Output {
    voice: Arc<Voice>,
    stream: &'static str,
    line: Arc<Mutex<Vec<u8>>>,
}

impl Output {
    fn new(voice: &Arc<Voice>, stream: &'static str) -> Self {
        Self {
            voice: Arc::clone(voice),
            stream,
            line: Arc::default(),
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = locked(&self.line);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() >= LOG_LINE_BYTES {
                self.log(&line);
                line.clear();
            }
        }
    }

    fn log(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        self.voice.log(self.stream, text.trim_end());
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
    /// `current` is the request that the instance works on: not every part of a component is told its id.
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

impl Drop for Output {
    fn drop(&mut self) {
        if Arc::strong_count(&self.line) == 1 {
            self.log(&locked(&self.line));
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::AllowedHosts;

    fn voice(metrics: &Arc<Metrics>) -> Voice {
        let component = Arc::new(ComponentGrants {
            id: "box".into(),
            environment: BTreeMap::new(),
            variables: BTreeMap::new(),
            hosts: AllowedHosts::parse([], &[]).unwrap(),
            databases: BTreeMap::new(),
        });
        Voice::new(&component, metrics)
    }

    fn told(kind: &str, name: &str, value: &str) -> String {
        let line = serde_json::json!({
            "time": "t", "level": "metric", "message": "What it is.", "metric": name, "kind": kind, "value": value,
        });
        line.to_string()
    }

    #[test]
    fn what_an_instance_adds_to_a_gauge_ends_with_it_and_what_it_counted_stays() {
        let metrics = Arc::new(Metrics::new());
        let shown = |line: &str| {
            metrics
                .render()
                .into_text()
                .lines()
                .any(|shown| shown == line)
        };
        let (first, second) = (voice(&metrics), voice(&metrics));
        for (voice, value) in [(&first, "1"), (&first, "1"), (&second, "1")] {
            voice.log("stderr", &told("gauge", "mercato_open", value));
            voice.log("stderr", &told("counter", "mercato_openings_total", "1"));
        }
        assert!(shown("mercato_open{component=\"box\"} 2"));
        drop(first);
        assert!(shown("mercato_open{component=\"box\"} 1"));
        second.log("stderr", &told("gauge", "mercato_open", "0"));
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
    fn lines_that_tell_no_number_change_nothing() {
        let metrics = Arc::new(Metrics::new());
        let voice = voice(&metrics);
        for line in [
            told("counter", "mercato_x_total", "-1"),
            told("counter", "mercato_x_total", "many"),
            told("counter", "mercato_x_total", "4294967296"),
            told("counter", "x_total", "1"),
            told("gauge", "mercato_x_total", "1"),
            "{\"level\":\"metric\",\"message\":\"\"}".to_owned(),
        ] {
            voice.log("stderr", &line);
        }
        drop(voice);
        let text = metrics.render().into_text();
        assert!(!text.contains("x_total"), "{text}");
    }
}
