//! WASI itself: no files, no sockets, no environment but the manifest's; output goes to the log line by line.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use serde::Deserialize;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::clock::{GuestClock, GuestSteadyClock};
use crate::guest::{ComponentGrants, Services};
use crate::limits::LOG_LINE_BYTES;

/// What WASI gives to an instance of a component.
pub(crate) fn context(
    component: &Arc<ComponentGrants>,
    services: &Arc<Services>,
    stop: &Arc<Notify>,
) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder
        .wall_clock(GuestClock {
            component: Arc::clone(component),
            services: Arc::clone(services),
            stop: Arc::clone(stop),
        })
        .stdout(Output::new(component, "stdout"))
        .stderr(Output::new(component, "stderr"))
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
    for (name, value) in &component.environment {
        builder.env(name, value);
    }
    builder.build()
}

/// Output of a guest, logged in lines with the component's name.
#[derive(Clone)]
struct Output {
    component: Arc<ComponentGrants>,
    stream: &'static str,
    line: Arc<Mutex<Vec<u8>>>,
}

impl Output {
    fn new(component: &Arc<ComponentGrants>, stream: &'static str) -> Self {
        Self {
            component: Arc::clone(component),
            stream,
            line: Arc::default(),
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
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
        let text = text.trim_end();
        let (component, stream) = (self.component.id.as_str(), self.stream);
        match serde_json::from_str::<Record>(text) {
            Ok(record) => record.log(component, stream),
            Err(_) if text.is_empty() => {}
            Err(_) => tracing::info!(target: "guest", component, stream, "{text}"),
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
    more: serde_json::Map<String, serde_json::Value>,
}

impl Record {
    fn log(&self, component: &str, stream: &str) {
        let (request_id, order_id) = (self.request_id.as_deref(), self.order_id.as_deref());
        let (event_id, error) = (self.event_id.as_deref(), self.error.as_deref());
        let more =
            (!self.more.is_empty()).then(|| serde_json::to_string(&self.more).unwrap_or_default());
        let more = more.as_deref();
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(target: "guest", $level, component, stream, request_id, order_id, event_id, error, more, "{}", self.message)
            };
        }
        match self.level.as_str() {
            "error" => log!(Level::ERROR),
            "warn" => log!(Level::WARN),
            _ => log!(Level::INFO),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if Arc::strong_count(&self.line) == 1 {
            let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            self.log(&line);
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
