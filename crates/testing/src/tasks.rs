use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A request on its way.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs a future in which nothing waits.
///
/// # Panics
/// When something waits.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("something waits"),
    }
}

/// Starts a request that waits for something slow, until [`run`] goes on with it.
///
/// # Panics
/// When nothing waits.
pub fn started<'a, T>(future: impl Future<Output = T> + 'a) -> Task<'a, T> {
    let mut task: Task<'a, T> = Box::pin(future);
    let poll = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending(), "nothing was slow");
    task
}

/// Lets a task go on for so many turns; what it came to when that ended it.
///
/// # Panics
/// When it goes on after its end.
pub fn take_turns<T>(task: &mut Task<'_, T>, turns: u32) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    (0..turns).find_map(|_| match task.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

/// Waits once, if at all.
pub async fn pause(mut waits: bool) {
    poll_fn(|_| {
        if std::mem::take(&mut waits) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}
