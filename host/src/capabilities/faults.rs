//! A seam for tests: before each call of a guest that reaches outside, a plan may let it pass, fail it, or stop
//! the guest dead, as a crash at that point would. It may also let calls wait for their turn, and so put the calls of
//! several guests in an order of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// What a guest is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// A statement on a database; the detail is its text.
    Sqlite,
    /// A message to a channel; the detail is the channel.
    Publish,
    /// A request; the detail is its scheme and authority.
    Http,
    /// Reading the wall clock; no detail. It cannot fail or wait.
    Clock,
    /// A pause; the detail is its length in nanoseconds. It cannot fail.
    Sleep,
    /// The answer to a request; the detail is its status. It cannot fail.
    Respond,
}

/// One call of a guest.
#[derive(Clone, Copy, Debug)]
pub struct HostCall<'a> {
    /// The component's id in the manifest.
    pub component: &'a str,
    /// What kind of call it is.
    pub kind: CallKind,
    /// Statement text, channel, authority, pause or status.
    pub detail: &'a str,
    /// The message that is published; empty for every other kind.
    pub payload: &'a [u8],
    /// Counts the calls of all components since the shop started, from 0.
    pub number: u64,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It happens.
    Pass,
    /// It does not happen, and the guest sees this error.
    Fail(String),
    /// It does not happen, and the guest goes no further.
    Stop,
    /// It happens, but the guest goes no further.
    StopAfter,
    /// It does not happen, and the guest believes it did: a message that is lost, a pause that takes no time.
    /// Everything else happens all the same.
    Pretend,
    /// The statement happens, and after it these on the same connection: how a test breaks a transaction on purpose.
    /// Everything but statements just happens.
    Then(String),
}

/// Resolves when a call's turn has come.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Decides what becomes of each call.
pub trait FaultPlan: Send + Sync + 'static {
    /// Called before the call, once its turn has come; must not block.
    fn decide(&self, call: &HostCall<'_>) -> Fault;

    /// What the call has to wait for before it is decided; by default nothing. The clock cannot wait, and is not asked.
    fn turn(&self, call: &HostCall<'_>) -> Option<Turn> {
        let _ = call;
        None
    }
}

impl<F: Fn(&HostCall<'_>) -> Fault + Send + Sync + 'static> FaultPlan for F {
    fn decide(&self, call: &HostCall<'_>) -> Fault {
        self(call)
    }
}

/// The plan of one shop and its counter.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    plan: Option<Arc<dyn FaultPlan>>,
    number: Arc<AtomicU64>,
}

/// The trap that a stopped guest ends with.
#[derive(Debug, thiserror::Error)]
#[error("stopped by the fault plan")]
pub(crate) struct Stopped;

/// Stops an instance from where it cannot trap: it ends at its next statement or message, or when it gives up its thread.
#[derive(Default)]
pub(crate) struct StopSign {
    is_up: AtomicBool,
    change: Notify,
}

impl StopSign {
    /// Stops the instance.
    pub(crate) fn put_up(&self) {
        self.is_up.store(true, Ordering::SeqCst);
        self.change.notify_one();
    }

    /// An error when the instance is to stop.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if self.is_up.load(Ordering::SeqCst) {
            Err(Stopped)
        } else {
            Ok(())
        }
    }

    /// Resolves when the instance is to stop.
    pub(crate) async fn seen(&self) {
        self.change.notified().await;
    }
}

impl Faults {
    pub(crate) fn new(plan: Option<Arc<dyn FaultPlan>>) -> Self {
        Self {
            plan,
            number: Arc::default(),
        }
    }

    /// Whether there is a plan at all.
    pub(crate) fn are_planned(&self) -> bool {
        self.plan.is_some()
    }

    /// What becomes of a call that cannot wait.
    pub(crate) fn decide(&self, component: &str, kind: CallKind, detail: &str) -> Fault {
        let Some(plan) = &self.plan else {
            return Fault::Pass;
        };
        plan.decide(&self.call(component, kind, detail, &[]))
    }

    /// What becomes of a call, once its turn has come.
    pub(crate) async fn ask(
        &self,
        component: &str,
        kind: CallKind,
        detail: &str,
        payload: &[u8],
    ) -> Fault {
        let Some(plan) = &self.plan else {
            return Fault::Pass;
        };
        let call = self.call(component, kind, detail, payload);
        if let Some(turn) = plan.turn(&call) {
            turn.await;
        }
        plan.decide(&call)
    }

    fn call<'a>(
        &self,
        component: &'a str,
        kind: CallKind,
        detail: &'a str,
        payload: &'a [u8],
    ) -> HostCall<'a> {
        HostCall {
            component,
            kind,
            detail,
            payload,
            number: self.number.fetch_add(1, Ordering::SeqCst),
        }
    }
}
