//! Bodies of answers that are made while they are sent.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::Either;
use spin_sdk::http::FullBody;

use crate::Problem;
use crate::stream::BoxError;

/// The piece that is on its way: one at a time, so that a body of any length takes the same memory.
type Slot = Rc<RefCell<Option<Bytes>>>;

type Work = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

/// Where the pieces of a body go.
#[derive(Debug)]
pub struct BodySender(Slot);

impl BodySender {
    /// Sends a piece, and waits until it has been taken. An empty one is left out.
    pub async fn send(&self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        if piece.is_empty() {
            return;
        }
        self.0.replace(Some(piece));
        // Whoever takes the piece asks again.
        let is_taken = || match *self.0.borrow() {
            None => Poll::Ready(()),
            Some(_) => Poll::Pending,
        };
        poll_fn(|_| is_taken()).await;
    }
}

/// A body that is made while it is sent. Where that fails, the body breaks off, so that no client takes a part for the whole.
pub struct StreamedBody {
    slot: Slot,
    work: Option<Work>,
}

impl StreamedBody {
    /// The body that `work` sends.
    pub fn of<F>(work: impl FnOnce(BodySender) -> F) -> Self
    where
        F: Future<Output = Result<(), Problem>> + 'static,
    {
        let slot = Slot::default();
        let work = work(BodySender(Rc::clone(&slot)));
        Self {
            slot,
            work: Some(Box::pin(work)),
        }
    }
}

impl fmt::Debug for StreamedBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StreamedBody")
    }
}

/// Why a body breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the answer could not be completed: {0}")]
struct BrokenOff(&'static str);

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let progress = this.work.as_mut().map(|work| work.as_mut().poll(context));
        if let Some(Poll::Ready(result)) = &progress {
            this.work = None;
            if let Err(problem) = result {
                this.slot.replace(None);
                return Poll::Ready(Some(Err(BrokenOff(problem.code()).into())));
            }
        }
        match this.slot.take() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if this.work.is_some() => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// The body of an answer: all of it, or one that is made while it is sent.
pub type ReplyBody = Either<FullBody<Bytes>, StreamedBody>;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http_body_util::BodyExt as _;
    use mercato_testing::run;

    use super::*;

    #[test]
    fn pieces_are_made_when_they_are_taken() {
        let made = Rc::new(Cell::new(0));
        let counted = Rc::clone(&made);
        let mut body = StreamedBody::of(|sender| async move {
            for piece in ["one", "", "two", "three"] {
                counted.set(counted.get() + 1);
                sender.send(piece).await;
            }
            Ok(())
        });
        assert_eq!(made.get(), 0);
        let mut next = || run(body.frame()).map(|frame| frame.unwrap().into_data().unwrap());
        assert_eq!(next().unwrap(), "one");
        assert_eq!(made.get(), 1);
        assert_eq!(next().unwrap(), "two");
        assert_eq!(made.get(), 3);
        assert_eq!(next().unwrap(), "three");
        assert_eq!(next(), None);
        assert_eq!(next(), None);
    }

    #[test]
    fn a_body_that_cannot_be_completed_breaks_off() {
        let body = StreamedBody::of(|sender| async move {
            sender.send("a part").await;
            Err(Problem::internal())
        });
        let error = run(body.collect()).unwrap_err();
        assert!(
            error.to_string().contains("could not be completed"),
            "{error}"
        );
    }
}
