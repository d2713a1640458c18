//! Ending well: nothing new begins, what runs may finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// Counts what runs, and notifies it when the shop closes.
#[derive(Clone)]
pub(crate) struct Activity {
    running: Arc<Running>,
    closing: watch::Sender<bool>,
}

#[derive(Default)]
struct Running {
    count: AtomicUsize,
    none_left: Notify,
}

/// Something that runs; dropped when it is done.
pub(crate) struct Guard(Arc<Running>);

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// Notes that something runs.
    pub(crate) fn begin(&self) -> Guard {
        self.running.count.fetch_add(1, Ordering::AcqRel);
        Guard(Arc::clone(&self.running))
    }

    /// Asks everything to come to an end.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Resolves when the shop closes.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut closing = self.closing.subscribe();
        async move {
            // An error means that the shop is gone altogether.
            let _ = closing.wait_for(|closing| *closing).await;
        }
    }

    /// Waits until nothing runs; false when that takes too long.
    pub(crate) async fn finished(&self, within: Duration) -> bool {
        let wait = async {
            loop {
                let none_left = self.running.none_left.notified();
                if self.running.count.load(Ordering::Acquire) == 0 {
                    return;
                }
                none_left.await;
            }
        };
        tokio::time::timeout(within, wait).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_waits_for_what_runs() {
        let activity = Activity::new();
        let guard = activity.begin();
        assert!(!activity.finished(Duration::from_millis(5)).await);
        let closing = activity.closing();
        activity.close();
        closing.await;
        let (waited, ()) = tokio::join!(activity.finished(Duration::from_secs(5)), async {
            drop(guard)
        });
        assert!(waited);
    }
}
