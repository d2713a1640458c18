//! Time as the guests see it. Tests move it; the runner's own timeouts do not use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

use crate::capabilities::faults::{CallKind, Fault};
use crate::capabilities::host_context::HostContext;

/// Where guests get the wall-clock time from.
pub trait Clock: Send + Sync + 'static {
    /// Time since the Unix epoch.
    fn now(&self) -> Duration;

    /// Time that only ever goes on, since some moment; `None`, the default, for the machine's own.
    fn steady(&self) -> Option<Duration> {
        None
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        Duration::from_millis(mercato_platform::clock::Clock::now_ms(
            &mercato_platform::clock::SystemClock,
        ))
    }
}

/// The machine's clock, moved by an offset that a test changes while the shop runs.
#[derive(Clone, Debug, Default)]
pub struct OffsetClock {
    offset_ms: Arc<AtomicI64>,
}

impl OffsetClock {
    /// A clock that shows the machine's time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward, on top of earlier moves.
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// Moves the clock back, on top of earlier moves.
    pub fn rewind(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_sub(by_ms, Ordering::SeqCst);
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Duration {
        let offset_ms = self.offset_ms.load(Ordering::SeqCst);
        let offset = Duration::from_millis(offset_ms.unsigned_abs());
        if offset_ms < 0 {
            SystemClock.now().saturating_sub(offset)
        } else {
            SystemClock.now().saturating_add(offset)
        }
    }
}

/// What a guest reads as the wall clock.
pub(crate) struct GuestClock {
    pub host: HostContext,
    pub clock: Arc<dyn Clock>,
}

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        let HostContext {
            component,
            faults,
            stop,
            ..
        } = &self.host;
        if matches!(
            faults.decide(component, CallKind::Clock, ""),
            Fault::Stop | Fault::StopAfter
        ) {
            stop.put_up();
        }
        self.clock.now()
    }
}

/// What a guest reads as the monotonic clock, when that is not the machine's.
pub(crate) struct GuestSteadyClock(pub(crate) Arc<dyn Clock>);

impl HostMonotonicClock for GuestSteadyClock {
    fn resolution(&self) -> u64 {
        u64::try_from(Duration::from_millis(1).as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        let now = self.0.steady().unwrap_or_default();
        u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_clock_moves_both_ways() {
        let clock = OffsetClock::new();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() > SystemClock.now() + Duration::from_secs(3599));
        clock.rewind(Duration::from_secs(7200));
        assert!(clock.now() < SystemClock.now());
    }
}
