//! Where the shop crashes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mercato::{CallKind, Fault, FaultPlan, HostCall};

use crate::sabotage::Sabotage;
use crate::world::VirtualClock;

/// Pauses from this length on are limits on how long something may take.
pub(crate) const LONG_PAUSE: Duration = Duration::from_secs(3);

/// On which side of a call the shop crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The call does not happen any more.
    Before,
    /// The call happens, but its answer is lost.
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
    sabotage: Mutex<Option<Sabotage>>,
    armed: AtomicBool,
    crashed: AtomicBool,
    calls: Mutex<Vec<String>>,
    target: Mutex<Option<(u64, Side)>>,
    reached: Mutex<Option<(CallKind, String)>>,
    stall: Mutex<Option<Stall>>,
}

/// A call before which time goes by.
#[derive(Debug)]
struct Stall {
    call: u64,
    clock: VirtualClock,
    time: Duration,
}

/// Counts calls while it is armed, lets short pauses take no time, and crashes the shop at one of them: from then on no call happens at all.
#[derive(Debug, Clone, Default)]
pub struct Plan(Arc<State>);

impl Plan {
    /// Breaks the shop on purpose, or mends it.
    pub fn set_sabotage(&self, sabotage: Option<Sabotage>) {
        *lock(&self.0.sabotage) = sabotage;
    }

    /// What becomes of a call that the plan has nothing against.
    fn pass(&self, call: &HostCall<'_>) -> Fault {
        if call.kind == CallKind::Sleep && is_short(call.detail) {
            return Fault::Pretend;
        }
        let broken = lock(&self.0.sabotage).and_then(|sabotage| sabotage.breaks(call));
        broken.map_or(Fault::Pass, |statements| Fault::Then(statements.to_owned()))
    }

    /// Begins to count; with a target, crashes there.
    pub fn arm(&self, target: Option<(u64, Side)>) {
        *lock(&self.0.target) = target;
        *lock(&self.0.stall) = None;
        *lock(&self.0.reached) = None;
        lock(&self.0.calls).clear();
        self.0.crashed.store(false, Ordering::SeqCst);
        self.0.armed.store(true, Ordering::SeqCst);
    }

    /// Begins to count; just before that call time goes by, as when a machine sleeps.
    pub fn arm_stall(&self, call: u64, clock: &VirtualClock, time: Duration) {
        self.arm(None);
        let clock = clock.clone();
        *lock(&self.0.stall) = Some(Stall { call, clock, time });
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

    /// The call at which it crashed, and the same in words.
    pub fn reached(&self) -> Option<(CallKind, String)> {
        lock(&self.0.reached).clone()
    }

    /// Every call since it was armed, in words, but for those after the crash.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.0.calls).clone()
    }
}

impl FaultPlan for Plan {
    fn decide(&self, call: &HostCall<'_>) -> Fault {
        if !self.0.armed.load(Ordering::SeqCst) {
            return self.pass(call);
        }
        if self.has_crashed() {
            return Fault::Stop;
        }
        let number = {
            let mut calls = lock(&self.0.calls);
            calls.push(describe(call));
            u64::try_from(calls.len()).unwrap_or(u64::MAX) - 1
        };
        if let Some(stall) = lock(&self.0.stall).take_if(|stall| stall.call == number) {
            stall.clock.advance(stall.time);
        }
        match *lock(&self.0.target) {
            Some((target, side)) if target == number => {
                self.0.crashed.store(true, Ordering::SeqCst);
                *lock(&self.0.reached) = Some((call.kind, describe(call)));
                match side {
                    Side::Before => Fault::Stop,
                    Side::After => Fault::StopAfter,
                }
            }
            _ => self.pass(call),
        }
    }
}

/// A call in words: who makes it, and the beginning of what it is.
pub(crate) fn describe(call: &HostCall<'_>) -> String {
    let kind = match call.kind {
        CallKind::Sqlite => "",
        CallKind::Publish => "PUBLISH ",
        CallKind::Http => "HTTP ",
        CallKind::Clock => "CLOCK",
        CallKind::Sleep => "SLEEP ",
        CallKind::Respond => "RESPOND ",
    };
    let detail = call.detail.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "{}: {kind}{}",
        call.component,
        detail.chars().take(100).collect::<String>()
    )
}

/// Whether a pause is one that something is waited for; a longer one is the time after which it is waited for no more.
fn is_short(nanoseconds: &str) -> bool {
    let nanoseconds = nanoseconds.parse().map(Duration::from_nanos);
    nanoseconds.is_ok_and(|pause| pause < LONG_PAUSE)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
