//! The log of the process: lines are put into a queue, and one thread writes the queue to standard error.
//!
//! A pipe that nobody reads, a reader that is gone or a full disk keeps that thread busy and no other. What does not
//! fit into the queue, or cannot be written, is lost and counted; as soon as writing works again, a line says how much.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mercato_platform::clock::{Clock, SystemClock, rfc3339};
use mercato_platform::text::loggable;
use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::limits::{LOG_GATHER_TIME, LOG_QUEUE_BYTES, LOG_RETRY_PAUSE};
use crate::sync::lock;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LOG: &str = "info,wasmtime=warn,wasmtime_wasi=warn,wasmtime_wasi_http=warn";

/// How many lines of a log were lost.
#[derive(Clone, Debug, Default)]
pub struct LogLosses(Counter);

impl LogLosses {
    /// Lines lost since the start.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.0.get()
    }

    fn add(&self, lines: u64) {
        self.0.inc_by(lines);
    }

    /// The metric that counts them.
    pub(super) fn counter(&self) -> Counter {
        self.0.clone()
    }
}

/// Lines on their way to an output.
#[derive(Clone)]
pub(crate) struct LineQueue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or it is time to end.
    wanted: Condvar,
    /// Everything has been written.
    finished: Condvar,
    losses: LogLosses,
    bytes_max: usize,
}

#[derive(Default)]
struct State {
    /// Whole lines.
    waiting: Vec<u8>,
    /// The thread waits to be woken.
    is_asleep: bool,
    is_closing: bool,
    is_finished: bool,
}

impl LineQueue {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        Self::start_with(output, LOG_QUEUE_BYTES)
    }

    fn start_with(output: impl Write + Send + 'static, bytes_max: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wanted: Condvar::new(),
            finished: Condvar::new(),
            losses: LogLosses::default(),
            bytes_max,
        });
        let writer = Writer {
            output,
            losses: shared.losses.clone(),
            reported: 0,
            is_inside_line: false,
        };
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || theirs.write(writer))?;
        Ok(Self { shared })
    }

    /// Queues a line, which ends with a line break, or counts it as lost. Never waits for the output.
    pub(crate) fn push(&self, line: &[u8]) {
        let shared = &self.shared;
        let mut state = shared.lock();
        if state.waiting.len() + line.len() > shared.bytes_max {
            shared.losses.add(lines_of(line));
            return;
        }
        state.waiting.extend_from_slice(line);
        if std::mem::take(&mut state.is_asleep) {
            shared.wanted.notify_one();
        }
    }

    /// How many lines were lost.
    pub(crate) fn losses(&self) -> &LogLosses {
        &self.shared.losses
    }

    /// Writes what waits, for so long at most; what comes later may be lost.
    pub(crate) fn finish(&self, within: Duration) {
        let shared = &self.shared;
        let mut state = shared.lock();
        state.is_closing = true;
        shared.wanted.notify_one();
        // Nothing is left to do about what has not been written by then.
        drop(
            shared
                .finished
                .wait_timeout_while(state, within, |state| !state.is_finished),
        );
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Writes what is queued until the queue is closed and empty.
    fn write<W: Write>(&self, mut writer: Writer<W>) {
        let mut batch = Vec::new();
        while self.next(&mut batch) {
            writer.write(&batch);
            batch.clear();
            self.gather();
        }
        self.lock().is_finished = true;
        self.finished.notify_all();
    }

    /// Takes what waits as soon as there is something; false when there will be nothing any more.
    fn next(&self, batch: &mut Vec<u8>) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() && !state.is_closing {
            state.is_asleep = true;
            state = self
                .wanted
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.is_asleep = false;
        std::mem::swap(&mut state.waiting, batch);
        !batch.is_empty()
    }

    /// Lets further lines come, so that a busy shop neither wakes the thread nor writes for each of them.
    fn gather(&self) {
        let state = self.lock();
        // Only the closing of the queue ends this early.
        drop(
            self.wanted
                .wait_timeout_while(state, LOG_GATHER_TIME, |state| !state.is_closing),
        );
    }
}

fn lines_of(text: &[u8]) -> u64 {
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(lines).unwrap_or(u64::MAX)
}

/// The side of the thread.
struct Writer<W> {
    output: W,
    losses: LogLosses,
    /// So many losses have been reported.
    reported: u64,
    /// The last thing that was written is part of a line.
    is_inside_line: bool,
}

impl<W: Write> Writer<W> {
    /// Writes lines, and counts those that could not be written whole.
    fn write(&mut self, lines: &[u8]) {
        let written_bytes = if self.report_losses() {
            self.write_all(lines)
        } else {
            0
        };
        let unwritten = lines.get(written_bytes..).unwrap_or_default();
        self.losses.add(lines_of(unwritten));
    }

    /// Ends a line that broke off, and says how many lines were lost since that was last said. False when that cannot be
    /// written.
    fn report_losses(&mut self) -> bool {
        if self.is_inside_line && self.write_all(b"\n") == 0 {
            return false;
        }
        let lost = self.losses.lines();
        let unreported = lost - self.reported;
        if unreported > 0 {
            let line = loss_line(unreported);
            if self.write_all(line.as_bytes()) < line.len() {
                return false;
            }
            self.reported = lost;
        }
        true
    }

    /// Gives how many bytes could be written.
    fn write_all(&mut self, text: &[u8]) -> usize {
        let mut written_bytes = 0;
        while let Some(rest) = text.get(written_bytes..).filter(|rest| !rest.is_empty()) {
            match self.output.write(rest) {
                Ok(0) => break,
                Ok(bytes) => {
                    let bytes = bytes.min(rest.len());
                    self.is_inside_line = !rest.split_at(bytes).0.ends_with(b"\n");
                    written_bytes += bytes;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                // Another process has made the pipe non-blocking.
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(LOG_RETRY_PAUSE);
                }
                Err(_) => break,
            }
        }
        written_bytes
    }
}

/// Looks like the lines around it.
fn loss_line(lines: u64) -> String {
    let line = serde_json::json!({
        "timestamp": rfc3339(SystemClock.now_ms()),
        "level": "WARN",
        "message": format!("{lines} log lines were lost: they could not be written, or not in time"),
        "lines_lost": lines,
        "target": "log",
    });
    format!("{line}\n")
}

/// What the subscriber writes one event to.
pub(crate) struct EventWriter<'a>(&'a LineQueue);

impl Write for EventWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = EventWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        EventWriter(self)
    }
}

/// A queue to standard error or output. It has a descriptor of its own: users of the standard library's handle wait
/// for each other.
///
/// # Errors
/// When there is no further descriptor or thread.
pub(crate) fn to_standard(stream: &impl StandardStream) -> io::Result<LineQueue> {
    LineQueue::start(stream.duplicate()?)
}

/// Standard error or output.
pub(crate) trait StandardStream {
    fn duplicate(&self) -> io::Result<File>;
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd> StandardStream for S {
    fn duplicate(&self) -> io::Result<File> {
        Ok(File::from(self.as_fd().try_clone_to_owned()?))
    }
}

#[cfg(windows)]
impl<S: std::os::windows::io::AsHandle> StandardStream for S {
    fn duplicate(&self) -> io::Result<File> {
        Ok(File::from(self.as_handle().try_clone_to_owned()?))
    }
}

/// Lets everything that this process traces, and its panics, go through the queue, one JSON object a line.
pub(crate) fn install(queue: &LineQueue) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(queue.clone())
        .init();
    // The standard library's hook writes to standard error itself, and waits for it.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or_default();
        tracing::error!(target: "panic", location, "{}", loggable(message));
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    /// Only matters when something is broken.
    const LONG: Duration = Duration::from_secs(30);

    /// What an output does with what is written to it.
    type Act = Box<dyn FnMut(&[u8]) -> io::Result<usize> + Send>;

    struct Output {
        act: Act,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = (self.act)(bytes)?;
            self.written.lock().unwrap().extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output(
        act: impl FnMut(&[u8]) -> io::Result<usize> + Send + 'static,
    ) -> (Output, Arc<Mutex<Vec<u8>>>) {
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let output = Output {
            act: Box::new(act),
            written: Arc::clone(&written),
        };
        (output, written)
    }

    /// How many lines the lines that say so report as lost, one after the other.
    fn reported(text: &str) -> Vec<u64> {
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines
            .filter_map(|line| line["lines_lost"].as_u64())
            .collect()
    }

    fn text(written: &Mutex<Vec<u8>>) -> String {
        String::from_utf8(written.lock().unwrap().clone()).unwrap()
    }

    fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < LONG, "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let mut pieces = [1, 7, 3].into_iter().cycle();
        let (output, written) =
            output(move |bytes| Ok(bytes.len().min(pieces.next().unwrap_or(1))));
        let queue = LineQueue::start(output).unwrap();
        let lines: Vec<String> = (0..500).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            queue.push(line.as_bytes());
        }
        queue.finish(LONG);
        assert_eq!(text(&written), lines.concat());
        assert_eq!(queue.losses().lines(), 0);
    }

    #[test]
    fn an_output_that_takes_nothing_blocks_no_caller() {
        let (go_on, blocked) = mpsc::channel::<()>();
        let mut is_blocked = true;
        let (output, written) = output(move |bytes| {
            if std::mem::take(&mut is_blocked) {
                let _ = blocked.recv();
            }
            Ok(bytes.len())
        });
        let queue = LineQueue::start_with(output, 100).unwrap();
        // One batch is with the thread at most, and the queue takes ten lines.
        for _ in 0..1_000 {
            queue.push(b"123456789\n");
        }
        let lost = queue.losses().lines();
        assert!((980..=990).contains(&lost), "{lost}");
        queue.finish(Duration::from_millis(1));
        drop(go_on);
        queue.finish(LONG);
        let text = text(&written);
        // The thread may have begun to write while lines were still being pushed: then it reports twice.
        let reported: u64 = reported(&text).into_iter().sum();
        assert_eq!(reported, lost, "{text}");
        assert_eq!(text.matches("123456789\n").count() as u64, 1_000 - lost);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported() {
        let fails = Arc::new(Mutex::new(true));
        let is_failing = Arc::clone(&fails);
        let (output, written) = output(move |bytes| {
            if *is_failing.lock().unwrap() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(bytes.len())
        });
        let queue = LineQueue::start(output).unwrap();
        queue.push(b"one\n");
        queue.push(b"two\n");
        wait_until("two losses", || queue.losses().lines() == 2);
        *fails.lock().unwrap() = false;
        queue.push(b"three\n");
        queue.finish(LONG);
        let text = text(&written);
        let (_, rest) = text.split_once('\n').unwrap();
        assert_eq!((reported(&text), rest), (vec![2], "three\n"));
    }

    #[test]
    fn a_line_that_broke_off_is_ended_before_others_follow() {
        let mut left = 6;
        let mut is_full = true;
        let (output, written) = output(move |bytes| {
            if left == 0 && std::mem::take(&mut is_full) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = if is_full {
                bytes.len().min(left)
            } else {
                bytes.len()
            };
            left -= taken.min(left);
            Ok(taken)
        });
        let queue = LineQueue::start(output).unwrap();
        queue.push(b"1234\n6789\n");
        wait_until("a loss", || queue.losses().lines() == 1);
        queue.push(b"next\n");
        queue.finish(LONG);
        let text = text(&written);
        assert!(text.starts_with("1234\n6\n{\""), "{text}");
        assert!(text.ends_with("}\nnext\n"), "{text}");
    }
}
