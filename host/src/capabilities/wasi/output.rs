//! Standard output and error of guests, cut into lines.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::log_context::LogContext;
use crate::limits::LOG_LINE_BYTES;
use crate::sync::lock;

/// An output of one instance.
#[derive(Clone)]
pub(super) struct Output {
    log_context: Arc<LogContext>,
    stream: &'static str,
    line: Arc<Mutex<Vec<u8>>>,
}

impl Output {
    pub(super) fn new(log_context: &Arc<LogContext>, stream: &'static str) -> Self {
        Self {
            log_context: Arc::clone(log_context),
            stream,
            line: Arc::default(),
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = lock(&self.line);
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
        self.log_context.log(self.stream, text.trim_end());
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if Arc::strong_count(&self.line) == 1 {
            self.log(&lock(&self.line));
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
