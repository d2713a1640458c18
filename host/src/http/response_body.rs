//! A component's response on its way to the client: a short body is collected, a long or slow one streams.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::{Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::{self, Pieces};
use crate::limits::{RESPONSE_BUFFER_BYTES, RESPONSE_FRAMES};
use crate::scheduling::cpu::CpuUsage;
use crate::sync::lock;

/// Takes a response to its client while its instance still works.
pub(super) type Early = oneshot::Sender<Response<WasiBody>>;

/// What a request has become when its instance is done with it.
pub(super) enum Reply {
    /// Complete.
    Whole(Response<WasiBody>),
    /// Its head has gone out before, and its body with it or after it.
    Streamed,
    /// The guest answered with an error instead.
    Refused(ErrorCode),
}

/// A reply that is held back to see whether its instance is done.
#[derive(Clone)]
pub(super) struct HeldReply(Arc<Mutex<(Option<Reply>, Option<Early>)>>);

impl HeldReply {
    pub(super) fn new(reply: Reply, early: Option<Early>) -> Self {
        Self(Arc::new(Mutex::new((Some(reply), early))))
    }

    /// Lets a complete response go out before its instance has come to rest.
    pub(super) fn send_ahead(&self) {
        let (reply, early) = &mut *lock(&self.0);
        match (reply.take(), early.take()) {
            (Some(Reply::Whole(response)), Some(early)) => {
                // Without a receiver the client is gone.
                let _ = early.send(response);
            }
            (held, _) => *reply = held,
        }
    }

    /// What the request has become.
    pub(super) fn take(&self) -> Reply {
        lock(&self.0).0.take().unwrap_or(Reply::Streamed)
    }
}

/// Collects a short body; sends the head early when the body is long, or not complete within the time.
pub(super) async fn deliver(
    response: Response<WasiBody>,
    early: Early,
    buffer_time: Duration,
    cpu: &CpuUsage,
) -> wasmtime::Result<(Reply, Option<Early>)> {
    let (head, mut body) = response.into_parts();
    let mut start = Collected::default();
    match timeout(buffer_time, start.fill(&mut body)).await {
        Ok(Ok(true)) => return Ok((Reply::Whole(start.whole(head)), Some(early))),
        Ok(Ok(false)) | Err(_) => {}
        Ok(Err(cause)) => {
            return Err(wasmtime::Error::msg(format!(
                "the response's body failed: {cause}"
            )));
        }
    }
    // From here on the client decides how long it takes.
    cpu.release_permits();
    let (frames, queue) = mpsc::channel(RESPONSE_FRAMES);
    // Without a receiver the client is gone; the guest may still finish.
    let _ = early.send(Response::from_parts(
        head,
        StreamBody::new(stream_of(queue)).boxed_unsync(),
    ));
    let mut gone = false;
    for frame in start.into_frames() {
        gone = gone || frames.send(Piece::Frame(frame)).await.is_err();
    }
    while let Some(frame) = body.frame().await {
        let piece = frame.map_or_else(Piece::Broken, Piece::Frame);
        gone = gone || frames.send(piece).await.is_err();
    }
    // The client may be gone here, too.
    let _ = frames.send(Piece::End).await;
    Ok((Reply::Streamed, None))
}

/// What travels from an instance to the connection.
enum Piece {
    Frame(Frame<Bytes>),
    Broken(Error),
    End,
}

/// The rest of a body. One that stops without [`Piece::End`], because its instance trapped or ran out of time, ends
/// with an error: the client must see that something is missing.
fn stream_of(queue: mpsc::Receiver<Piece>) -> impl Stream<Item = Result<Frame<Bytes>, Error>> {
    futures::stream::unfold(Some(queue), async |queue| {
        let mut queue = queue?;
        match queue.recv().await {
            Some(Piece::Frame(frame)) => Some((Ok(frame), Some(queue))),
            Some(Piece::Broken(error)) => Some((Err(error), None)),
            Some(Piece::End) => None,
            None => Some((Err(Error::HttpResponseIncomplete), None)),
        }
    })
}

/// The beginning of a body.
#[derive(Default)]
struct Collected {
    data: Pieces,
    trailers: Option<http::HeaderMap>,
}

impl Collected {
    /// Reads frames; true when the body is complete, false when it is too long to be kept.
    async fn fill(&mut self, body: &mut WasiBody) -> Result<bool, Error> {
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) => self.data.push(data),
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
            if self.data.len() > RESPONSE_BUFFER_BYTES && !body.is_end_stream() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn whole(self, mut head: http::response::Parts) -> Response<WasiBody> {
        let data = self.data.join();
        if !matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            head.headers
                .entry(header::CONTENT_LENGTH)
                .or_insert_with(|| data.len().into());
        }
        let full = body::full(data);
        let body = match self.trailers {
            None => full,
            Some(trailers) => full
                .with_trailers(async move { Some(Ok(trailers)) })
                .boxed_unsync(),
        };
        Response::from_parts(head, body)
    }

    fn into_frames(self) -> impl Iterator<Item = Frame<Bytes>> {
        let data = self.data.join();
        let trailers = self.trailers.map(Frame::trailers);
        (!data.is_empty())
            .then(|| Frame::data(data))
            .into_iter()
            .chain(trailers)
    }
}
