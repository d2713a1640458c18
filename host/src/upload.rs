//! A request's body on its way from the client to an instance.
//!
//! A short body is received before an instance is asked for, so that a slow client keeps nobody busy. What is longer
//! streams on into the instance, and the client has to keep up a least pace.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::limits::{Limits, REQUEST_BODY_BUFFER_BYTES, UPLOAD_PIECE_BYTES};
use crate::problem::Problem;
use crate::wire::Reception;

/// What the memory for bodies is counted in.
const KIBIBYTE: u64 = 1 << 10;

/// Receives the bodies of all connections.
pub(crate) struct Uploads {
    limits: Limits,
    /// Memory that is left for bodies, in KiB.
    memory_kib: Arc<Semaphore>,
}

/// A body that an instance can be asked to take.
pub(crate) struct Received {
    pub body: WasiBody,
    /// Set when part of it is still with the client.
    pub upload: Option<Arc<Upload>>,
    /// What it takes, to be held until the request is answered.
    pub memory: Option<OwnedSemaphorePermit>,
}

impl Uploads {
    pub(crate) fn new(limits: &Limits) -> Self {
        let kib = usize::try_from(limits.bodies_buffer_bytes / KIBIBYTE).unwrap_or(usize::MAX);
        Self {
            limits: limits.clone(),
            memory_kib: Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Receives a body that is short, or the beginning of a longer one.
    ///
    /// # Errors
    /// The answer to a client that sends too much, too slowly, or breaks off.
    pub(crate) async fn receive<B>(
        &self,
        mut body: B,
        reception: Reception,
    ) -> Result<Received, Problem>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        if body.is_end_stream() {
            reception.complete();
            return Ok(Received {
                body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
                upload: None,
                memory: None,
            });
        }
        let mut start = Start::default();
        let deadline = Instant::now() + self.limits.request_body_time;
        while start.len() <= REQUEST_BODY_BUFFER_BYTES {
            let frame = timeout_at(deadline, body.frame());
            let frame = frame.await.map_err(|_| Problem::BODY_TOO_SLOW)?;
            let Some(frame) = frame else {
                reception.complete();
                let (data, memory) = start.into_parts();
                return Ok(Received {
                    body: Full::new(data)
                        .map_err(|never| match never {})
                        .boxed_unsync(),
                    upload: None,
                    memory,
                });
            };
            // Trailers say nothing that anyone here asks for.
            if let Ok(data) = frame.map_err(|_| Problem::BODY_BROKEN)?.into_data() {
                start.push(data, &self.memory_kib)?;
            }
            if start.len() > self.limits.request_body_bytes {
                return Err(Problem::TOO_LARGE);
            }
        }
        let upload = Arc::new(Upload::new(&self.limits));
        let (data, memory) = start.into_parts();
        let rest = Rest {
            left_bytes: self.limits.request_body_bytes.saturating_sub(len(&data)),
            start: Some(data),
            body,
            upload: Arc::clone(&upload),
            reception,
            timer: None,
        };
        Ok(Received {
            body: rest.boxed_unsync(),
            upload: Some(upload),
            memory,
        })
    }
}

fn len(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

/// What has come of a body so far.
#[derive(Default)]
struct Start {
    first: Bytes,
    more: BytesMut,
    memory: Option<OwnedSemaphorePermit>,
}

impl Start {
    fn len(&self) -> u64 {
        len(&self.first) + len(&self.more)
    }

    fn push(&mut self, data: Bytes, memory_kib: &Arc<Semaphore>) -> Result<(), Problem> {
        let needed_kib = (self.len() + len(&data)).div_ceil(KIBIBYTE);
        let held_kib = self
            .memory
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let further = usize::try_from(needed_kib)
            .unwrap_or(usize::MAX)
            .saturating_sub(held_kib);
        let further = u32::try_from(further).unwrap_or(u32::MAX);
        let further = Arc::clone(memory_kib)
            .try_acquire_many_owned(further)
            .map_err(|_| Problem::BUSY)?;
        match &mut self.memory {
            Some(memory) => memory.merge(further),
            none => *none = Some(further),
        }
        if self.len() == 0 {
            self.first = data;
        } else {
            self.more.extend_from_slice(&data);
        }
        Ok(())
    }

    fn into_parts(mut self) -> (Bytes, Option<OwnedSemaphorePermit>) {
        if self.more.is_empty() {
            return (self.first, self.memory);
        }
        let mut all = BytesMut::with_capacity(self.first.len() + self.more.len());
        all.extend_from_slice(&self.first);
        all.extend_from_slice(&self.more);
        self.more.clear();
        (all.freeze(), self.memory)
    }
}

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
    fn new(limits: &Limits) -> Self {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body of which only the beginning is here.
struct Rest<B> {
    start: Option<Bytes>,
    body: B,
    left_bytes: u64,
    upload: Arc<Upload>,
    reception: Reception,
    /// Runs while the client is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> Rest<B>
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

impl<B> Body for Rest<B>
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
        if let Some(start) = self.start.take() {
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

#[cfg(test)]
mod tests {
    use futures::stream::{BoxStream, StreamExt, iter, pending, unfold};
    use http_body_util::StreamBody;

    use super::*;

    /// Long enough that it never passes in a test that goes well.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    type Piece = Result<Frame<Bytes>, Error>;
    type Client = StreamBody<BoxStream<'static, Piece>>;

    fn piece(text: &'static str) -> Piece {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    /// More than is received beforehand.
    fn much() -> Piece {
        let bytes = usize::try_from(REQUEST_BODY_BUFFER_BYTES).unwrap() + 1;
        Ok(Frame::data(Bytes::from(vec![b'x'; bytes])))
    }

    fn sends(pieces: Vec<Piece>) -> Client {
        StreamBody::new(iter(pieces).boxed())
    }

    fn sends_and_stops(pieces: Vec<Piece>) -> Client {
        StreamBody::new(iter(pieces).chain(pending()).boxed())
    }

    /// Sends a byte every few milliseconds after that, for ever.
    fn sends_and_trickles(pieces: Vec<Piece>) -> Client {
        let trickle = unfold((), async |()| {
            tokio::time::sleep(SHORT / 10).await;
            Some((piece("x"), ()))
        });
        StreamBody::new(iter(pieces).chain(trickle).boxed())
    }

    fn limits() -> Limits {
        Limits {
            request_body_time: LONG,
            upload_piece_time: LONG,
            upload_wait_time: LONG,
            ..Limits::default()
        }
    }

    async fn receive(limits: &Limits, client: Client) -> Result<Received, u16> {
        let uploads = Uploads::new(limits);
        let received = uploads.receive(client, Reception::default()).await;
        received.map_err(|problem| problem.status.as_u16())
    }

    /// What the instance gets of a body that streams, and how the client is answered then.
    async fn stream(limits: &Limits, client: Client) -> (usize, Option<u16>) {
        let received = receive(limits, client).await.unwrap();
        let (mut body, mut taken) = (received.body, 0);
        while let Some(Ok(frame)) = body.frame().await {
            taken += frame.data_ref().map_or(0, Bytes::len);
        }
        let refusal = received.upload.unwrap().refusal();
        (taken, refusal.map(|problem| problem.status.as_u16()))
    }

    #[tokio::test]
    async fn a_short_body_is_there_as_a_whole() {
        let client = sends(vec![
            piece("ab"),
            piece("c"),
            Ok(Frame::trailers(http::HeaderMap::new())),
            piece("de"),
        ]);
        let received = receive(&limits(), client).await.unwrap();
        assert!(received.upload.is_none());
        assert_eq!(received.body.size_hint().exact(), Some(5));
        let body = received.body.collect().await.unwrap().to_bytes();
        assert_eq!(body, "abcde");
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_in_time_is_given_up() {
        let limits = Limits {
            request_body_time: SHORT,
            ..limits()
        };
        for client in [
            sends_and_stops(vec![piece("ab")]),
            sends_and_trickles(vec![]),
        ] {
            assert_eq!(receive(&limits, client).await.err(), Some(408));
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let client = sends(vec![piece("ab"), Err(Error::ConnectionTerminated)]);
        assert_eq!(receive(&limits(), client).await.err(), Some(400));
    }

    #[tokio::test]
    async fn a_body_is_refused_as_soon_as_it_is_too_long() {
        let limits = Limits {
            request_body_bytes: 3,
            ..limits()
        };
        let client = sends_and_stops(vec![piece("ab"), piece("cd")]);
        assert_eq!(receive(&limits, client).await.err(), Some(413));
        assert!(receive(&limits, sends(vec![piece("abc")])).await.is_ok());
    }

    #[tokio::test]
    async fn bodies_share_a_bounded_memory() {
        let limits = Limits {
            bodies_buffer_bytes: 2 * KIBIBYTE,
            ..limits()
        };
        let uploads = Uploads::new(&limits);
        let receive = async |client| {
            let received = uploads.receive(client, Reception::default()).await;
            received.map_err(|problem| problem.status.as_u16())
        };
        let held = receive(sends(vec![piece("a"), piece("b")])).await.unwrap();
        let also_held = receive(sends(vec![piece("a")])).await.unwrap();
        assert_eq!(receive(sends(vec![piece("a")])).await.err(), Some(503));
        drop(held);
        assert!(receive(sends(vec![piece("a")])).await.is_ok());
        drop(also_held);
    }

    #[tokio::test]
    async fn a_long_body_streams_on_in_order() {
        let received = receive(&limits(), sends(vec![much(), piece("a"), piece("b")]))
            .await
            .unwrap();
        let upload = received.upload.unwrap();
        let body = received.body.collect().await.unwrap().to_bytes();
        assert_eq!(len(&body), REQUEST_BODY_BUFFER_BYTES + 3);
        assert!(body.ends_with(b"xab"));
        assert!(upload.refusal().is_none());
    }

    #[tokio::test]
    async fn a_long_body_that_breaks_off_or_is_too_long_says_so() {
        let broken = sends(vec![much(), Err(Error::ConnectionTerminated)]);
        assert_eq!(stream(&limits(), broken).await.1, Some(400));
        let limits = Limits {
            request_body_bytes: REQUEST_BODY_BUFFER_BYTES + 2,
            ..limits()
        };
        let (taken, refusal) = stream(&limits, sends(vec![much(), piece("a"), piece("b")])).await;
        assert_eq!(u64::try_from(taken).unwrap(), limits.request_body_bytes);
        assert_eq!(refusal, Some(413));
        assert_eq!(
            stream(&limits, sends(vec![much(), piece("a")])).await.1,
            None
        );
    }

    #[tokio::test]
    async fn a_long_body_must_make_progress() {
        let limits = Limits {
            upload_piece_time: SHORT,
            ..limits()
        };
        for client in [
            sends_and_stops(vec![much()]),
            sends_and_trickles(vec![much()]),
        ] {
            assert_eq!(stream(&limits, client).await.1, Some(408));
        }
    }

    #[tokio::test]
    async fn a_long_body_must_end_some_time() {
        let limits = Limits {
            upload_wait_time: SHORT,
            ..limits()
        };
        let client = sends_and_trickles(vec![much()]);
        assert_eq!(stream(&limits, client).await.1, Some(408));
    }

    #[tokio::test]
    async fn only_the_wait_for_the_client_is_waiting() {
        let received = receive(&limits(), sends_and_trickles(vec![much()]))
            .await
            .unwrap();
        let (mut body, upload) = (received.body, received.upload.unwrap());
        body.frame().await.unwrap().unwrap();
        assert_eq!(upload.waited(), Duration::ZERO);
        body.frame().await.unwrap().unwrap();
        let waited = upload.waited();
        assert!(waited >= SHORT / 10, "{waited:?}");
        // The instance works.
        tokio::time::sleep(SHORT).await;
        assert_eq!(upload.waited(), waited);
    }
}
