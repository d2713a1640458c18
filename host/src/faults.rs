//! A seam for tests: before each call of a guest that reaches outside, a plan may let it pass, fail it, or stop
//! the guest dead, as a crash at that point would.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a guest is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A statement on a database; the detail is its text.
    Sqlite,
    /// A message to a channel; the detail is the channel.
    Publish,
    /// A request; the detail is its scheme and authority.
    Http,
}

/// One call of a guest.
#[derive(Clone, Copy, Debug)]
pub struct HostCall<'a> {
    /// The component's id in the manifest.
    pub component: &'a str,
    /// What kind of call it is.
    pub kind: CallKind,
    /// Statement text, channel, or authority.
    pub detail: &'a str,
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
}

/// Decides what becomes of each call.
pub trait FaultPlan: Send + Sync + 'static {
    /// Called before the call; must not block.
    fn decide(&self, call: &HostCall<'_>) -> Fault;
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

impl Faults {
    pub(crate) fn new(plan: Option<Arc<dyn FaultPlan>>) -> Self {
        Self {
            plan,
            number: Arc::default(),
        }
    }

    pub(crate) fn decide(&self, component: &str, kind: CallKind, detail: &str) -> Fault {
        let Some(plan) = &self.plan else {
            return Fault::Pass;
        };
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        plan.decide(&HostCall {
            component,
            kind,
            detail,
            number,
        })
    }
}
