//! A request's body on its way from the client to an instance.
//!
//! A body is received before an instance is asked for, so that a slow client keeps no instance busy. A long one
//! that is taken piece by piece streams on into the instance. Either way the client has to keep up a least pace.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::{self, Pieces};
use super::client_stream::ReceiveState;
use super::connections::{Budget, ConnectionSlot, Cut, MemoryReservation};
use super::problem::Problem;
use super::upload::{StreamingBody, Upload, len};
use crate::limits::{
    BODY_BYTES_LEAST, BODY_BYTES_PER_SECOND, Limits, REQUEST_BODY_BUFFER_BYTES, SMALL_BODY_BYTES,
    SMALL_BODY_TIME,
};

/// What bodies a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The largest, in bytes.
    pub max_bytes: u64,
    /// Whether an instance takes it while it comes.
    pub is_streamed: bool,
}

/// A body that an instance can be asked to take.
pub(crate) struct Received {
    pub body: WasiBody,
    /// Set when part of it is still with the client.
    pub upload: Option<Arc<Upload>>,
    /// What it takes, to be held until the request is answered.
    pub memory: Option<MemoryReservation>,
}

/// A body that is being received.
pub(crate) struct IncomingBody<B> {
    body: B,
    slot: Arc<ConnectionSlot>,
    reception: ReceiveState,
    started: Instant,
    data: Pieces,
    memory: Option<MemoryReservation>,
    is_small: bool,
    is_complete: bool,
}

/// How far receiving has come.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// All of it is here.
    Complete,
    /// There is more than was asked for.
    Long,
    /// The time is over.
    Late,
}

impl<B> IncomingBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Error>,
{
    pub(crate) fn new(body: B, slot: &Arc<ConnectionSlot>, reception: ReceiveState) -> Self {
        let is_complete = body.is_end_stream();
        if is_complete {
            reception.complete();
        }
        Self {
            body,
            slot: Arc::clone(slot),
            reception,
            started: Instant::now(),
            data: Pieces::default(),
            memory: None,
            is_small: true,
            is_complete,
        }
    }

    /// Waits a moment for a short body; true when all of it is here.
    ///
    /// # Errors
    /// The answer to a client that breaks off, or has to go.
    pub(crate) async fn is_here_soon(&mut self) -> Result<bool, Problem> {
        if self.is_complete {
            return Ok(true);
        }
        let until = self.started + SMALL_BODY_TIME;
        let progress = self.receive(SMALL_BODY_BYTES, |_| until).await?;
        Ok(progress == Progress::Complete)
    }

    /// Receives a body that a route takes, or the beginning of one that it takes piece by piece.
    ///
    /// # Errors
    /// The answer to a client that sends too much, too slowly, breaks off, or has to go.
    pub(crate) async fn receive_all(
        mut self,
        rule: Rule,
        limits: &Limits,
    ) -> Result<Received, Problem> {
        if !self.is_complete {
            let beforehand_bytes = if rule.is_streamed {
                rule.max_bytes.min(REQUEST_BODY_BUFFER_BYTES)
            } else {
                rule.max_bytes
            };
            let end = self.started + limits.request_body_time;
            let patience = self.started + limits.body_grace_time;
            let until = |bytes| end.min(patience + least_pace(bytes));
            match self.receive(beforehand_bytes, until).await? {
                Progress::Complete => {}
                Progress::Late => return Err(Problem::BODY_TOO_SLOW),
                Progress::Long if self.len() > rule.max_bytes => {
                    return Err(Problem::larger_than(rule.max_bytes));
                }
                Progress::Long => return Ok(self.stream(rule, limits)),
            }
        }
        // A short body may have come before the component was asked for its limit.
        if self.len() > rule.max_bytes {
            return Err(Problem::larger_than(rule.max_bytes));
        }
        Ok(self.whole())
    }

    /// Receives until all is here, or more than so many bytes, or it is too late for what is here.
    async fn receive(
        &mut self,
        enough_bytes: u64,
        until: impl Fn(u64) -> Instant,
    ) -> Result<Progress, Problem> {
        if self.len() > enough_bytes {
            return Ok(Progress::Long);
        }
        self.slot.receives();
        let progress = self.receive_frames(enough_bytes, until).await;
        self.slot.works();
        progress
    }

    async fn receive_frames(
        &mut self,
        enough_bytes: u64,
        until: impl Fn(u64) -> Instant,
    ) -> Result<Progress, Problem> {
        let slot = Arc::clone(&self.slot);
        loop {
            let frame = timeout_at(until(self.len()), self.body.frame());
            let frame = tokio::select! {
                biased;
                frame = frame => frame,
                () = slot.cut() => return Err(Problem::BODY_TOO_SLOW),
            };
            let Ok(frame) = frame else {
                return Ok(Progress::Late);
            };
            let Some(frame) = frame else {
                self.is_complete = true;
                self.reception.complete();
                return Ok(Progress::Complete);
            };
            // Trailers say nothing that anyone here asks for.
            if let Ok(data) = frame.map_err(|_| Problem::BODY_BROKEN)?.into_data() {
                self.push(data).map_err(|Cut| Problem::BUSY)?;
            }
            if self.len() > enough_bytes {
                return Ok(Progress::Long);
            }
        }
    }

    fn len(&self) -> u64 {
        u64::try_from(self.data.len()).unwrap_or(u64::MAX)
    }

    fn push(&mut self, data: Bytes) -> Result<(), Cut> {
        let bytes = self.len() + len(&data);
        if self.is_small && bytes > SMALL_BODY_BYTES {
            self.is_small = false;
            self.memory = None;
        }
        let budget = if self.is_small {
            Budget::SmallBodies
        } else {
            Budget::LargeBodies
        };
        self.memory
            .get_or_insert_with(|| self.slot.hold(budget))
            .grow_to(bytes.max(BODY_BYTES_LEAST))?;
        self.data.push(data);
        Ok(())
    }

    fn whole(self) -> Received {
        Received {
            body: body::full(self.data.join()),
            upload: None,
            memory: self.memory,
        }
    }

    fn stream(self, rule: Rule, limits: &Limits) -> Received {
        let upload = Arc::new(Upload::new(limits));
        let data = self.data.join();
        let rest = StreamingBody {
            left_bytes: rule.max_bytes.saturating_sub(len(&data)),
            start: Some((data, self.memory)),
            body: self.body,
            upload: Arc::clone(&upload),
            reception: self.reception,
            timer: None,
        };
        Received {
            body: rest.boxed_unsync(),
            upload: Some(upload),
            memory: None,
        }
    }
}

/// How long a client may take for so many bytes.
fn least_pace(bytes: u64) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1000) / BODY_BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use futures::stream::{BoxStream, FuturesUnordered, StreamExt, iter, pending, unfold};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::time::timeout;

    use super::*;
    use crate::http::connections::{Connections, OccupiedSlot};
    use crate::observe::metrics::Metrics;

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
            body_grace_time: LONG,
            upload_piece_time: LONG,
            upload_wait_time: LONG,
            ..Limits::default()
        }
    }

    const STREAMED: Rule = Rule {
        max_bytes: u64::MAX,
        is_streamed: true,
    };

    fn connections(limits: &Limits) -> Connections {
        Connections::new(limits, 100, true, Arc::new(Metrics::default()))
    }

    /// A connection of a client of its own.
    async fn enter(connections: &Connections, client: u8) -> OccupiedSlot {
        let client = Ipv4Addr::new(192, 0, 2, client);
        let entered = connections.enter(IpAddr::from(client).into()).await;
        entered.unwrap()
    }

    async fn receive(limits: &Limits, rule: Rule, client: Client) -> Result<Received, u16> {
        let connections = connections(limits);
        let slot = enter(&connections, 1).await;
        let incoming = IncomingBody::new(client, &slot.0, ReceiveState::default());
        let received = incoming.receive_all(rule, limits).await;
        received.map_err(|problem| problem.status.as_u16())
    }

    /// What the instance gets of a body that streams, and how the client is answered then.
    async fn stream(limits: &Limits, rule: Rule, client: Client) -> (usize, Option<u16>) {
        let received = receive(limits, rule, client).await.unwrap();
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
        let received = receive(&limits(), STREAMED, client).await.unwrap();
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
            assert_eq!(receive(&limits, STREAMED, client).await.err(), Some(408));
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let client = sends(vec![piece("ab"), Err(Error::ConnectionTerminated)]);
        assert_eq!(receive(&limits(), STREAMED, client).await.err(), Some(400));
    }

    #[tokio::test]
    async fn a_short_body_too_must_make_progress() {
        let limits = Limits {
            body_grace_time: SHORT,
            ..limits()
        };
        let client = sends_and_stops(vec![piece("ab")]);
        assert_eq!(receive(&limits, STREAMED, client).await.err(), Some(408));
        assert!(least_pace(SMALL_BODY_BYTES) > Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_body_is_refused_as_soon_as_it_is_too_long() {
        for is_streamed in [false, true] {
            let rule = Rule {
                max_bytes: 3,
                is_streamed,
            };
            let client = sends_and_stops(vec![piece("ab"), piece("cd")]);
            assert_eq!(receive(&limits(), rule, client).await.err(), Some(413));
            let client = sends(vec![piece("abc")]);
            assert!(receive(&limits(), rule, client).await.is_ok());
        }
    }

    #[tokio::test]
    async fn only_a_short_body_that_comes_at_once_is_here_soon() {
        let connections = connections(&limits());
        let slot = enter(&connections, 1).await;
        let is_soon = async |client| {
            let mut incoming = IncomingBody::new(client, &slot.0, ReceiveState::default());
            incoming.is_here_soon().await.ok()
        };
        assert_eq!(is_soon(sends(vec![])).await, Some(true));
        assert_eq!(is_soon(sends(vec![piece("ab")])).await, Some(true));
        assert_eq!(is_soon(sends(vec![much()])).await, Some(false));
        assert_eq!(
            is_soon(sends_and_stops(vec![piece("ab")])).await,
            Some(false)
        );
        let broken = sends(vec![Err(Error::ConnectionTerminated)]);
        assert_eq!(is_soon(broken).await, None);
    }

    #[tokio::test]
    async fn what_came_before_the_component_was_asked_counts() {
        let connections = connections(&limits());
        let slot = enter(&connections, 1).await;
        let pieces = || sends(vec![piece("ab"), piece("cd")]);
        let receive = async |max_bytes| {
            let mut incoming = IncomingBody::new(pieces(), &slot.0, ReceiveState::default());
            assert!(matches!(incoming.is_here_soon().await, Ok(true)));
            let rule = Rule {
                max_bytes,
                is_streamed: false,
            };
            let received = incoming.receive_all(rule, &limits()).await;
            received.map_err(|problem| problem.status.as_u16())
        };
        let received = receive(4).await.unwrap();
        assert_eq!(received.body.collect().await.unwrap().to_bytes(), "abcd");
        assert_eq!(receive(3).await.err(), Some(413));
    }

    #[tokio::test]
    async fn a_newcomer_takes_the_memory_of_somebody_slower() {
        let limits = Limits {
            small_bodies_bytes: 4 * BODY_BYTES_LEAST,
            ..limits()
        };
        let connections = connections(&limits);
        let receive = async |client: u8, body| {
            let slot = enter(&connections, client).await;
            let incoming = IncomingBody::new(body, &slot.0, ReceiveState::default());
            let received = incoming.receive_all(STREAMED, &limits).await;
            received.err().map(|problem| problem.status.as_u16())
        };
        let mut slow: FuturesUnordered<_> = (1..=4)
            .map(|client| receive(client, sends_and_stops(vec![piece("a")])))
            .collect();
        let newcomer = async {
            // No client is slow before its time.
            let mut answers = vec![receive(9, sends(vec![piece("a")])).await];
            while answers.last() != Some(&None) {
                tokio::task::yield_now().await;
                answers.push(receive(9, sends(vec![piece("a")])).await);
            }
            answers
        };
        let (cut_off, answers) = timeout(LONG, futures::future::join(slow.next(), newcomer))
            .await
            .unwrap();
        assert_eq!(cut_off, Some(Some(408)));
        assert!(answers.len() > 1 && answers.iter().rev().skip(1).all(|one| *one == Some(503)));
    }

    #[tokio::test]
    async fn a_long_body_streams_on_in_order() {
        let received = receive(
            &limits(),
            STREAMED,
            sends(vec![much(), piece("a"), piece("b")]),
        )
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
        assert_eq!(stream(&limits(), STREAMED, broken).await.1, Some(400));
        let rule = Rule {
            max_bytes: REQUEST_BODY_BUFFER_BYTES + 2,
            is_streamed: true,
        };
        let too_long = sends(vec![much(), piece("a"), piece("b")]);
        let (taken, refusal) = stream(&limits(), rule, too_long).await;
        assert_eq!(u64::try_from(taken).unwrap(), rule.max_bytes);
        assert_eq!(refusal, Some(413));
        let just_right = sends(vec![much(), piece("a")]);
        assert_eq!(stream(&limits(), rule, just_right).await.1, None);
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
            assert_eq!(stream(&limits, STREAMED, client).await.1, Some(408));
        }
    }

    #[tokio::test]
    async fn a_long_body_must_end_some_time() {
        let limits = Limits {
            upload_wait_time: SHORT,
            ..limits()
        };
        let client = sends_and_trickles(vec![much()]);
        assert_eq!(stream(&limits, STREAMED, client).await.1, Some(408));
    }

    #[tokio::test]
    async fn only_the_wait_for_the_client_is_waiting() {
        let received = receive(&limits(), STREAMED, sends_and_trickles(vec![much()]))
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
