//! Where the shop crashes.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mercato::{CallKind, Fault, FaultPlan, HostCall};

/// On which side of a call the shop crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The call does not happen any more.
    Before,
    /// The call happens, but nobody hears of it.
    After,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

#[derive(Debug, Default)]
struct State {
    armed: AtomicBool,
    crashed: AtomicBool,
    calls: AtomicU64,
    target: Mutex<Option<(u64, Side)>>,
    reached: Mutex<Option<String>>,
}

/// Counts calls while it is armed, and crashes the shop at one of them: from then on no call happens at all.
#[derive(Debug, Clone, Default)]
pub struct Plan(Arc<State>);

impl Plan {
    /// Begins to count; with a target, crashes there.
    pub fn arm(&self, target: Option<(u64, Side)>) {
        *lock(&self.0.target) = target;
        *lock(&self.0.reached) = None;
        self.0.calls.store(0, Ordering::SeqCst);
        self.0.crashed.store(false, Ordering::SeqCst);
        self.0.armed.store(true, Ordering::SeqCst);
    }

    /// Lets every call pass again.
    pub fn disarm(&self) {
        self.0.armed.store(false, Ordering::SeqCst);
        self.0.crashed.store(false, Ordering::SeqCst);
    }

    /// Whether the shop has crashed and was not started again yet.
    pub fn has_crashed(&self) -> bool {
        self.0.crashed.load(Ordering::SeqCst)
    }

    /// The call at which it crashed, in words.
    pub fn reached(&self) -> Option<String> {
        lock(&self.0.reached).clone()
    }

    /// Calls counted so far.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }
}

impl FaultPlan for Plan {
    fn decide(&self, call: &HostCall<'_>) -> Fault {
        if !self.0.armed.load(Ordering::SeqCst) {
            return Fault::Pass;
        }
        if self.has_crashed() {
            return Fault::Stop;
        }
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst);
        match *lock(&self.0.target) {
            Some((target, side)) if target == number => {
                self.0.crashed.store(true, Ordering::SeqCst);
                *lock(&self.0.reached) = Some(describe(call));
                match side {
                    Side::Before => Fault::Stop,
                    Side::After => Fault::StopAfter,
                }
            }
            _ => Fault::Pass,
        }
    }
}

fn describe(call: &HostCall<'_>) -> String {
    let kind = match call.kind {
        CallKind::Sqlite => "",
        CallKind::Publish => "PUBLISH ",
        CallKind::Http => "HTTP ",
    };
    let detail = call.detail.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "{}: {kind}{}",
        call.component,
        detail.chars().take(100).collect::<String>()
    )
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
