//! A request's body that an instance takes while the client still sends it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::Error;

use super::client_stream::ReceiveState;
use super::connections::MemoryReservation;
use super::problem::Problem;
use crate::limits::{Limits, UPLOAD_PIECE_BYTES};
use crate::sync::lock;

/// How a body is doing that an instance takes while the client sends it.
pub(crate) struct Upload {
    state: Mutex<State>,
    piece_time: Duration,
    wait_time: Duration,
}

#[derive(Default)]
struct State {
    /// How long the instance has waited for the client, not counting the wait that goes on now.
    waited: Duration,
    waiting_since: Option<Instant>,
    /// Of that, for the piece that is due, and what of it has come.
    waited_for_piece: Duration,
    piece_bytes: u64,
    refusal: Option<Refusal>,
}

#[derive(Clone, Copy)]
enum Refusal {
    TooLarge,
    TooSlow,
    Broken,
}

impl Upload {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            piece_time: limits.upload_piece_time,
            wait_time: limits.upload_wait_time,
        }
    }

    /// How long the instance has waited for the client: time in which it could not work.
    pub(crate) fn waited(&self) -> Duration {
        let state = self.lock();
        let now = state
            .waiting_since
            .map_or(Duration::ZERO, |since| since.elapsed());
        (state.waited + now).min(self.wait_time)
    }

    /// The answer to a client that did not send what it was to send.
    pub(crate) fn refusal(&self) -> Option<Problem> {
        self.lock().refusal.map(|refusal| match refusal {
            Refusal::TooLarge => Problem::TOO_LARGE,
            Refusal::TooSlow => Problem::BODY_TOO_SLOW,
            Refusal::Broken => Problem::BODY_BROKEN,
        })
    }

    fn refuse(&self, refusal: Refusal) {
        self.lock().refusal = Some(refusal);
    }

    /// The instance begins to wait; until when it may.
    fn wait(&self) -> Instant {
        let mut state = self.lock();
        let since = *state.waiting_since.get_or_insert_with(Instant::now);
        let left_of_piece = self.piece_time.saturating_sub(state.waited_for_piece);
        let left = self.wait_time.saturating_sub(state.waited);
        since + left_of_piece.min(left)
    }

    /// Something has come.
    fn took(&self, bytes: u64) {
        let mut state = self.lock();
        let waited = state
            .waiting_since
            .take()
            .map_or(Duration::ZERO, |since| since.elapsed());
        state.waited += waited;
        state.waited_for_piece += waited;
        state.piece_bytes += bytes;
        if state.piece_bytes >= UPLOAD_PIECE_BYTES {
            state.piece_bytes = 0;
            state.waited_for_piece = Duration::ZERO;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A body of which only the beginning is here.
pub(super) struct StreamingBody<B> {
    /// What is here, and the memory that it takes until the instance has it.
    pub(super) start: Option<(Bytes, Option<MemoryReservation>)>,
    pub(super) body: B,
    pub(super) left_bytes: u64,
    pub(super) upload: Arc<Upload>,
    pub(super) reception: ReceiveState,
    /// Runs while the client is waited for.
    pub(super) timer: Option<Pin<Box<Sleep>>>,
}

impl<B> StreamingBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let upload = &self.upload;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(upload.wait())));
        ready!(timer.as_mut().poll(cx));
        upload.refuse(Refusal::TooSlow);
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }
}

impl<B> Body for StreamingBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some((start, _memory)) = self.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return self.wait(cx);
        };
        self.timer = None;
        let Some(frame) = frame else {
            self.upload.took(0);
            self.reception.complete();
            return Poll::Ready(None);
        };
        let frame = frame.map_err(|cause| {
            self.upload.refuse(Refusal::Broken);
            cause.into()
        })?;
        let bytes = frame.data_ref().map_or(0, |data| len(data));
        self.upload.took(bytes);
        let Some(left_bytes) = self.left_bytes.checked_sub(bytes) else {
            self.upload.refuse(Refusal::TooLarge);
            return Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))));
        };
        self.left_bytes = left_bytes;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

pub(super) fn len(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
