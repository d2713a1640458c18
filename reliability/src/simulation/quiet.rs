//! Knows when nothing moves any more.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Notices when the thread of a runtime has nothing left to do: everything there is then waits for its turn.
#[derive(Debug, Clone, Default)]
pub struct Quiet(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_quiet: bool,
    waker: Option<Waker>,
}

impl Quiet {
    /// To be called when the thread is about to sleep.
    pub fn note(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = state.waker.take() {
            state.is_quiet = true;
            drop(state);
            waker.wake();
        }
    }

    /// Resolves when nothing moves but whoever waits for this.
    pub async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::take(&mut state.is_quiet) {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use tokio::task::{LocalSet, yield_now};

    use super::*;

    #[test]
    fn it_is_quiet_when_everybody_waits() {
        let quiet = Quiet::default();
        let hook = quiet.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || hook.note())
            .build()
            .expect("a runtime");
        let steps = Rc::new(Cell::new(0));
        let local = LocalSet::new();
        let worker = Rc::clone(&steps);
        local.block_on(&runtime, async move {
            let (go, turn) = tokio::sync::oneshot::channel::<()>();
            let working = tokio::task::spawn_local(async move {
                for _ in 0..100 {
                    worker.set(worker.get() + 1);
                    yield_now().await;
                }
                turn.await.ok();
                worker.set(1_000);
            });
            quiet.wait().await;
            assert_eq!(steps.get(), 100, "as far as it can come");
            go.send(()).expect("somebody waits");
            quiet.wait().await;
            assert_eq!(steps.get(), 1_000);
            working.await.expect("it ends");
        });
    }
}
