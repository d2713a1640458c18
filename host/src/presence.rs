//! Whether anybody still waits for what an instance works on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// What an instance knows of whom it works for.
#[derive(Default)]
pub(crate) struct Presence {
    has_left: AtomicBool,
    change: Notify,
    excused_ms: AtomicU64,
    is_refused: AtomicBool,
}

impl Presence {
    /// Another request begins.
    pub(crate) fn renew(&self) {
        self.has_left.store(false, Ordering::Relaxed);
        self.excused_ms.store(0, Ordering::Relaxed);
        self.is_refused.store(false, Ordering::Relaxed);
    }

    /// Nobody waits for the answer any more, and nothing is lost without it.
    pub(crate) fn leave(&self) {
        self.has_left.store(true, Ordering::SeqCst);
        self.change.notify_waiters();
    }

    /// Resolves when nobody waits any more.
    pub(crate) async fn left(&self) {
        loop {
            let change = self.change.notified();
            if self.has_left.load(Ordering::SeqCst) {
                return;
            }
            change.await;
        }
    }

    /// The request wants more than there is at the moment.
    pub(crate) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }

    /// Whether it wanted more than there was.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Time that does not count for the request: it is of no use to cut it.
    pub(crate) fn excuse(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.excused_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// All such time of this request.
    pub(crate) fn excused(&self) -> Duration {
        Duration::from_millis(self.excused_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn whoever_has_left_is_noticed_until_the_next_request() {
        let presence = Presence::default();
        let mut waiting = Box::pin(presence.left());
        assert!((&mut waiting).now_or_never().is_none());
        presence.leave();
        assert!((&mut waiting).now_or_never().is_some());
        assert!(presence.left().now_or_never().is_some());
        presence.renew();
        assert!(presence.left().now_or_never().is_none());
    }
}
