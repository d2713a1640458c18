//! The bytes of one client connection: a client that takes nothing is cut off, one that is still sending when it is
//! refused gets to read why, and what the HTTP library answers by itself becomes a problem document like all others.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::http::connections::ConnectionSlot;
use crate::http::head_scanner::{END_OF_HEAD, HeadScanner};
use crate::http::problem;
use crate::limits::{LINGER_BYTES, Limits};

/// Bytes read at a time from a client whose request is refused.
const SCRATCH_BYTES: usize = 8 << 10;

/// What has come of a client's requests so far.
#[derive(Clone, Default)]
pub(crate) struct ReceiveState(Arc<Received>);

#[derive(Default)]
struct Received {
    /// Something has come at all.
    has_begun: AtomicBool,
    /// Something has come that was not read to its end.
    is_open: AtomicBool,
    /// A whole request has come that is not answered yet. The next one may be on its way already.
    is_at_work: AtomicBool,
}

impl ReceiveState {
    /// The request has been read to its end.
    pub(crate) fn complete(&self) {
        self.0.is_open.store(false, Ordering::Relaxed);
        self.0.is_at_work.store(true, Ordering::Relaxed);
    }

    /// The request has been answered.
    pub(crate) fn answered(&self) {
        self.0.is_at_work.store(false, Ordering::Relaxed);
    }

    fn began(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
        self.0.is_open.store(true, Ordering::Relaxed);
    }

    /// Whether there may be more to come.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Relaxed)
    }

    /// Whether nothing has come that could be worked on: nothing at all yet, or part of a request.
    pub(crate) fn is_waiting(&self) -> bool {
        let has_begun = self.0.has_begun.load(Ordering::Relaxed);
        let is_at_work = self.0.is_at_work.load(Ordering::Relaxed);
        (self.is_open() || !has_begun) && !is_at_work
    }
}

/// The two sides of a connection.
pub(crate) struct ClientStream<S> {
    stream: S,
    reception: ReceiveState,
    slot: Arc<ConnectionSlot>,
    heads: HeadScanner,
    write_time: Duration,
    linger_time: Duration,
    /// Runs while the client takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
    /// What is sent in place of what the HTTP library wants to send.
    instead: Option<Bytes>,
    /// Set when our side is closed and the client's is waited for.
    lingering: Option<Linger>,
}

struct Linger {
    until: Pin<Box<Sleep>>,
    left_bytes: u64,
}

impl<S> ClientStream<S> {
    pub(crate) fn new(
        stream: S,
        reception: ReceiveState,
        slot: Arc<ConnectionSlot>,
        limits: &Limits,
    ) -> Self {
        Self {
            stream,
            reception,
            slot,
            heads: HeadScanner::default(),
            write_time: limits.response_write_time,
            linger_time: limits.linger_time,
            stuck: None,
            instead: None,
            lingering: None,
        }
    }

    /// Notes what a write of so many bytes leaves unread, and lets one that cannot go on wait only for so long.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        bytes: usize,
        polled: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let left = |taken: usize| u64::try_from(bytes.saturating_sub(taken)).unwrap_or(u64::MAX);
        match &polled {
            Poll::Pending => self.slot.has_unread(left(0)),
            Poll::Ready(Ok(taken)) if self.slot.is_unread() => self.slot.has_unread(left(*taken)),
            Poll::Ready(_) => {}
        }
        self.bounded(cx, polled)
    }

    /// Lets a write that cannot go on wait only for so long.
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stuck = None;
            return polled;
        }
        let write_time = self.write_time;
        let stuck = self
            .stuck
            .get_or_insert_with(|| Box::pin(sleep(write_time)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if let Some(new) = buffer
            .filled_mut()
            .get_mut(before..)
            .filter(|new| !new.is_empty())
        {
            self.reception.began();
            if self.heads.scan(new) && buffer.remaining() >= END_OF_HEAD.len() {
                buffer.put_slice(END_OF_HEAD);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_none() {
            this.instead = problem::in_place_of(bytes, &this.slot);
        }
        let Some(instead) = &mut this.instead else {
            let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
            return this.written(cx, bytes.len(), polled);
        };
        while instead.has_remaining() {
            let polled = Pin::new(&mut this.stream).poll_write(cx, instead);
            match polled {
                Poll::Ready(Ok(written)) => instead.advance(written.min(instead.len())),
                polled => return this.bounded(cx, polled),
            }
        }
        this.instead = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty()) {
            if self.instead.is_none() {
                self.instead = problem::in_place_of(first, &self.slot);
            }
            if self.instead.is_some() {
                return self.poll_write(cx, first);
            }
        }
        let this = &mut *self;
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(cx, slices.iter().map(|slice| slice.len()).sum(), polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.bounded(cx, polled)
    }

    /// Closes our side. Were the other side closed too while the client still sends, the system would answer its bytes
    /// with a reset, and the client might never see the answer that is on its way.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        if !this.reception.is_open() {
            return Poll::Ready(Ok(()));
        }
        let linger_time = this.linger_time;
        let linger = this.lingering.get_or_insert_with(|| Linger {
            until: Box::pin(sleep(linger_time)),
            left_bytes: LINGER_BYTES,
        });
        let mut scratch = [0; SCRATCH_BYTES];
        loop {
            if linger.until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer))?;
            let taken = u64::try_from(buffer.filled().len()).unwrap_or(u64::MAX);
            linger.left_bytes = linger.left_bytes.saturating_sub(taken);
            if taken == 0 || linger.left_bytes == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Empty;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::http::connections::Connections;
    use crate::observe::metrics::Metrics;

    const SHORT: Duration = Duration::from_millis(50);

    /// Of a connection that counts nowhere.
    fn slot() -> Arc<ConnectionSlot> {
        let metrics = Arc::new(Metrics::default());
        Connections::new(&limits(), 1, true, metrics).detached()
    }

    fn limits() -> Limits {
        Limits {
            response_write_time: SHORT,
            linger_time: SHORT,
            ..Limits::default()
        }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let (ours, _theirs) = duplex(4);
        let mut wire = ClientStream::new(ours, ReceiveState::default(), slot(), &limits());
        let error = wire.write_all(b"more than four").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_a_little_at_a_time_is_served() {
        let (ours, mut theirs) = duplex(4);
        let mut wire = ClientStream::new(ours, ReceiveState::default(), slot(), &limits());
        let writing = async {
            wire.write_all(b"more than four").await.unwrap();
            drop(wire);
        };
        let mut taken = Vec::new();
        tokio::join!(writing, async {
            theirs.read_to_end(&mut taken).await.unwrap();
        });
        assert_eq!(taken, b"more than four");
    }

    /// The parser looks at the pieces of a head only when it sees the end of it.
    #[tokio::test]
    async fn an_ambiguous_head_is_refused_however_it_comes() {
        for head in [
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\n",
            "GET / HTTP/1.1\n",
        ] {
            for piece_bytes in [1, 7, 4096] {
                let (ours, mut sent) = duplex(piece_bytes);
                let (answers, mut received) = duplex(usize::from(u16::MAX));
                let ours = tokio::io::join(ours, answers);
                let wire = ClientStream::new(ours, ReceiveState::default(), slot(), &limits());
                let service = hyper::service::service_fn(async |_| {
                    Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(wire), service);
                let asking = async {
                    // The rest of a request that is refused early may find a closed connection.
                    let _ = sent.write_all(head.as_bytes()).await;
                    let mut answer = String::new();
                    received.read_to_string(&mut answer).await.unwrap();
                    answer
                };
                let (_, answer) = tokio::join!(serving, asking);
                assert!(answer.starts_with("HTTP/1.1 400 "), "{head:?}: {answer}");
            }
        }
    }

    #[test]
    fn part_of_the_next_request_does_not_hide_the_one_at_work() {
        let reception = ReceiveState::default();
        assert!(reception.is_waiting());
        reception.began();
        assert!(reception.is_waiting());
        reception.complete();
        assert!(!reception.is_waiting());
        reception.began();
        assert!(reception.is_open() && !reception.is_waiting());
        reception.answered();
        assert!(reception.is_waiting());
        reception.complete();
        reception.answered();
        assert!(!reception.is_waiting());
    }

    #[tokio::test]
    async fn closing_waits_for_a_client_that_is_still_sending() {
        let (ours, mut theirs) = duplex(4);
        let reception = ReceiveState::default();
        let mut wire = ClientStream::new(ours, reception.clone(), slot(), &Limits::default());
        theirs.write_all(b"PO").await.unwrap();
        assert_eq!(wire.read(&mut [0; 2]).await.unwrap(), 2);
        assert!(reception.is_open());
        let sending = async move {
            theirs.write_all(b"ST / and much more").await.unwrap();
        };
        let (closed, ()) = tokio::join!(wire.shutdown(), sending);
        closed.unwrap();
    }

    #[tokio::test]
    async fn closing_waits_only_for_unread_bytes_and_only_so_long() {
        let (ours, mut theirs) = duplex(4);
        let reception = ReceiveState::default();
        let mut wire = ClientStream::new(ours, reception.clone(), slot(), &limits());
        theirs.write_all(b"PO").await.unwrap();
        assert_eq!(wire.read(&mut [0; 2]).await.unwrap(), 2);
        wire.shutdown().await.unwrap();

        let (ours, mut theirs) = duplex(4);
        let mut wire = ClientStream::new(
            ours,
            reception.clone(),
            slot(),
            &Limits {
                linger_time: Duration::MAX,
                ..limits()
            },
        );
        theirs.write_all(b"PO").await.unwrap();
        assert_eq!(wire.read(&mut [0; 2]).await.unwrap(), 2);
        reception.complete();
        wire.shutdown().await.unwrap();
    }
}
