//! The request or message that an instance works on: its client, what it has cost, and whether its answer is still wanted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::client::Client;
use crate::scheduling::cpu::CpuUsage;
use crate::sync::lock;

/// Sends an answer that is held back.
type SendAnswer = Box<dyn FnOnce() + Send>;

/// What an instance and its host calls know of the request.
#[derive(Default)]
pub(crate) struct CurrentRequest {
    pub client: Option<Client>,
    /// How many requests between components led to it.
    pub depth: u32,
    pub cpu: CpuUsage,
    is_abandoned: AtomicBool,
    change: Notify,
    excluded_ms: AtomicU64,
    is_refused: AtomicBool,
    held_answer: Mutex<Option<SendAnswer>>,
}

impl CurrentRequest {
    pub(crate) fn new(client: Option<Client>, depth: u32) -> Self {
        Self {
            client,
            depth,
            ..Self::default()
        }
    }

    /// The client has left, and nothing is lost without an answer.
    pub(crate) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::SeqCst);
        self.change.notify_waiters();
    }

    /// Resolves when the client has left.
    pub(crate) async fn abandoned(&self) {
        loop {
            let change = self.change.notified();
            if self.is_abandoned.load(Ordering::SeqCst) {
                return;
            }
            change.await;
        }
    }

    /// Keeps what sends the answer, until the request is done or waits for something.
    pub(crate) fn hold_answer(&self, send: impl FnOnce() + Send + 'static) {
        *lock(&self.held_answer) = Some(Box::new(send));
    }

    /// A host call is about to wait for other requests or programs. While it does, nothing else of the instance goes on: an
    /// answer that is complete goes out now, and others may have the processor. Who has been answered keeps nobody of the same
    /// account waiting either.
    pub(crate) fn begin_waiting(&self) {
        let send = lock(&self.held_answer).take();
        if let Some(send) = send {
            send();
            self.cpu.release_permits();
        } else {
            self.cpu.release_processor();
        }
    }

    /// Notes that the request wants more than there is at the moment.
    pub(crate) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }

    /// Whether it wanted more than there was.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Excludes time from the limit of the request, such as that of a migration: cutting it would be of no use.
    pub(crate) fn exclude(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.excluded_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// All such time of this request.
    pub(crate) fn excluded(&self) -> Duration {
        Duration::from_millis(self.excluded_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_held_answer_goes_out_once_when_the_request_waits() {
        let request = CurrentRequest::default();
        request.begin_waiting();
        let (send, mut sent) = tokio::sync::mpsc::unbounded_channel();
        request.hold_answer(move || send.send(()).unwrap());
        assert!(sent.try_recv().is_err());
        request.begin_waiting();
        request.begin_waiting();
        assert_eq!(sent.try_recv(), Ok(()));
        assert!(sent.try_recv().is_err());
    }

    #[test]
    fn an_abandoned_request_is_noticed_before_and_after() {
        let request = CurrentRequest::default();
        let mut waiting = Box::pin(request.abandoned());
        assert!((&mut waiting).now_or_never().is_none());
        request.abandon();
        assert!((&mut waiting).now_or_never().is_some());
        assert!(request.abandoned().now_or_never().is_some());
        let next = CurrentRequest::default();
        assert!(next.abandoned().now_or_never().is_none());
    }
}
