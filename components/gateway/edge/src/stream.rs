//! A request's body, taken piece by piece.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::Problem;

/// Whatever may go wrong while a body arrives.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

type BoxBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError>>>;

/// A request's body, taken piece by piece, up to a number of bytes. Clones share the body: what one has taken is gone for the others.
#[derive(Clone, Default)]
pub struct BodyStream {
    body: Rc<RefCell<Option<BoxBody>>>,
    max_bytes: u64,
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BodyStream")
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

impl BodyStream {
    /// A body of which at most `max_bytes` are taken.
    pub fn new<B>(body: B, max_bytes: u64) -> Self
    where
        B: http_body::Body<Data = Bytes> + 'static,
        B::Error: Into<BoxError>,
    {
        let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let body: BoxBody = Box::pin(Limited::new(body, limit));
        Self {
            body: Rc::new(RefCell::new(Some(body))),
            max_bytes,
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// 413 when the body is larger than it may be, 400 when it breaks off.
    pub async fn next(&self) -> Result<Option<Bytes>, Problem> {
        // Taken out while it is awaited: nobody else may hold the cell meanwhile.
        let Some(mut body) = self.body.take() else {
            return Ok(None);
        };
        loop {
            match body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.broken(&error)),
                Some(Ok(frame)) => {
                    // Trailers say nothing that anyone here asks for.
                    if let Ok(data) = frame.into_data() {
                        self.body.replace(Some(body));
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body at once.
    ///
    /// # Errors
    /// As [`BodyStream::next`].
    pub async fn collect(&self) -> Result<Bytes, Problem> {
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await? else {
            return Ok(first);
        };
        let mut all = BytesMut::from(first);
        all.extend_from_slice(&second);
        while let Some(data) = self.next().await? {
            all.extend_from_slice(&data);
        }
        Ok(all.freeze())
    }

    fn broken(&self, error: &BoxError) -> Problem {
        if error.is::<LengthLimitError>() {
            return too_large(self.max_bytes);
        }
        Problem::bad_request("incomplete-body", "the body ended early")
    }
}

/// 413, naming the limit.
pub fn too_large(max_bytes: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload-too-large",
        "Payload too large",
        format!("the body must not be larger than {max_bytes} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    use http_body::Frame;

    use super::*;

    struct Pieces(VecDeque<Result<Frame<Bytes>, &'static str>>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| piece.map_err(Into::into)))
        }
    }

    fn stream(pieces: &[&'static str], max_bytes: u64) -> BodyStream {
        let frame = |piece: &&'static str| match *piece {
            "!" => Err("reset"),
            "trailers" => Ok(Frame::trailers(http::HeaderMap::new())),
            text => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
        };
        BodyStream::new(Pieces(pieces.iter().map(frame).collect()), max_bytes)
    }

    /// These bodies never wait.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match Box::pin(future)
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the body waits"),
        }
    }

    #[test]
    fn pieces_come_one_by_one_and_trailers_are_passed_over() {
        let stream = stream(&["ab", "trailers", "c"], 10);
        assert_eq!(now(stream.next()).unwrap().unwrap(), "ab");
        assert_eq!(now(stream.clone().next()).unwrap().unwrap(), "c");
        assert_eq!(now(stream.next()).unwrap(), None);
        assert_eq!(now(stream.next()).unwrap(), None);
        assert_eq!(now(BodyStream::default().next()).unwrap(), None);
    }

    #[test]
    fn a_body_is_collected_up_to_its_limit() {
        assert_eq!(
            now(stream(&["ab", "c", "de"], 5).collect()).unwrap(),
            "abcde"
        );
        let problem = now(stream(&["ab", "c", "def"], 5).collect()).unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (413, "payload-too-large")
        );
    }

    #[test]
    fn a_body_that_breaks_off_is_a_bad_request() {
        let problem = now(stream(&["ab", "!"], 5).collect()).unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (400, "incomplete-body")
        );
    }
}
