//! An answer, and what is done when it has been given.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::ReplyBody;

/// How long a host has for sending a complete answer before the work that follows it begins. Longer than the runner
/// holds an answer back to see whether anything follows.
const LEAD: Duration = Duration::from_millis(20);

/// Waits until the answer to the request has gone out. Work that follows it and uses a database does this first: a
/// statement that waits for a lock keeps the host from sending what is complete.
pub async fn let_the_answer_go() {
    spin_sdk::time::sleep(LEAD).await;
}

/// A body and the work that begins when it has been taken, or when nobody wants it any more: not before, because a
/// statement that waits in a database would hold the body up with the whole instance.
pub struct Followed {
    body: ReplyBody,
    work: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Followed {
    /// A body that work follows.
    pub(crate) fn by(body: ReplyBody, work: impl Future<Output = ()> + 'static) -> Self {
        Self {
            body,
            work: Some(Box::pin(work)),
        }
    }

    /// A body that nothing follows.
    pub(crate) const fn by_nothing(body: ReplyBody) -> Self {
        Self { body, work: None }
    }
}

impl Body for Followed {
    type Data = Bytes;
    type Error = <ReplyBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            spin_sdk::wasip3::spawn(work);
        }
    }
}
