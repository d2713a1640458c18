//! The recurring maintenance: events, refunds, sessions, old records.

use mercato_platform::clock::Clock;

use super::end_sessions::end_due_sessions;
use super::finish_refund::resume_due_refund;
use super::publish_events::{Pause, RELAY_BATCH, may_publish, publish_batch};
use super::purge::{self, purge};
use crate::application::locks;
use crate::application::ports::{Ports, Store};
use crate::domain::PaymentError;
use crate::store::{PurgeTimes, Records};

/// A run that somebody asks for, or that a request of a customer starts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Command {
    /// Nothing is done when the last run is younger, in milliseconds; 0 when somebody asks for the run.
    pub min_interval_ms: u32,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayReport {
    /// Events published.
    pub published: u32,
    /// Events that could not be published.
    pub failed: u32,
    /// Events not acknowledged afterwards, parked ones left out.
    pub pending: u64,
    /// Whether there may be more to do at once.
    pub more: bool,
}

/// Publishes what is due, oldest first, resumes a refund that a crash interrupted, ends sessions at the provider in which nobody
/// is to pay any more, and removes what is old; with nothing to do
/// it writes nothing. With `min_interval_ms`, does nothing when the last run, of whichever instance, is younger, and
/// publishes nothing while a broker that failed is spared.
///
/// # Errors
/// `Unavailable`, `Internal`. A broker that is down is no error: it is in the report.
pub async fn handle<P: Ports>(
    ports: &P,
    Command { min_interval_ms }: Command,
) -> Result<RelayReport, PaymentError> {
    let before = purge::times(ports).await?;
    let pause = if min_interval_ms == 0 {
        Pause::Ignored
    } else {
        Pause::Respected
    };
    let mut report = RelayReport::default();
    if may_run(ports, min_interval_ms, pause, before)? {
        (report.published, report.failed) = publish_batch(ports, pause).await?;
        let is_full = report.published >= RELAY_BATCH && report.failed == 0;
        report.more = purge(ports, before) || is_full;
        // Last: a provider that does not answer must not hold up the events.
        resume_due_refund(ports).await?;
        report.more |= end_due_sessions(ports).await?;
    }
    report.pending = ports.store().read(|records| records.lag())?.pending;
    Ok(report)
}

/// Whether there is anything to do, and this call is the one to do it. Reads first, so that the many calls that come too
/// early or find nothing take no write lock. A run that somebody asked for waits for that lock; any other is left to the
/// next one.
fn may_run<P: Ports>(
    ports: &P,
    min_interval_ms: u32,
    pause: Pause,
    before: PurgeTimes,
) -> Result<bool, PaymentError> {
    let now = ports.clock().now_ms();
    // A last run in the future (the clock was set back) does not stop the relay.
    let too_early = |last: u64| now >= last && now - last < u64::from(min_interval_ms);
    let is_due = ports.store().read(|records| {
        Ok(!too_early(records.last_relay_run()?) && has_work(records, now, pause, before)?)
    })?;
    if !is_due {
        return Ok(false);
    }
    let claim = |records: &Records<'_>| {
        if too_early(records.last_relay_run()?) {
            return Ok(false);
        }
        records.record_relay_run(now)?;
        Ok(true)
    };
    if min_interval_ms == 0 {
        return ports.store().write(locks::relay(), claim);
    }
    Ok(ports
        .store()
        .write_if_free(locks::relay(), claim)?
        .unwrap_or(false))
}

fn has_work(
    records: &Records<'_>,
    now: u64,
    pause: Pause,
    before: PurgeTimes,
) -> Result<bool, PaymentError> {
    Ok(may_publish(records, now, pause)?
        || records.find_due_refund(now)?.is_some()
        || records.find_session_to_end(now)?.is_some()
        || records.has_old(before)?)
}
