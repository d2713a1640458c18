use mercato_platform::clock::Clock;
use mercato_platform::log;

use super::end_sessions::end_due_sessions;
use super::purge::{self, purge};
use super::refund_payment::resume_due_refund;
use crate::domain::{OutboxEntry, PaymentError};
use crate::ports::{PAUSE_LONGEST_MS, Ports, PublishError, Publisher, PurgeTimes, Records, Store};

/// Most events that one run publishes.
pub const RELAY_BATCH: u32 = 50;

/// How long a run keeps others away from the entries it publishes, in milliseconds: longer than a batch takes.
const LEASE_MS: u64 = 5_000;

/// How long a run goes on, in milliseconds: a slow broker must not keep a customer waiting. What is left stays due.
const BATCH_TIME_MS: u64 = 1_500;

/// How long nothing is published after a failure while customers wait, and when the event that failed is tried again,
/// in milliseconds. A run stops at the first failure, so a broker that is down costs one attempt per pause, whatever
/// is waiting.
const BROKER_PAUSE_MS: u64 = 2_000;

const BACK_OFF_FIRST_MS: u64 = 5_000;

/// Whether a run spares a broker that has just failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// A customer waits for the end of the run.
    Respected,
    /// Somebody asked for this run.
    Ignored,
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

/// Publishes what is due, oldest first, takes up a refund that a crash left, ends sessions at the provider in which nobody
/// is to pay any more, and removes what is old; with nothing to do
/// it writes nothing. With `min_interval_ms`, does nothing when the last run, of whichever instance, is younger, and
/// publishes nothing while a broker that failed is spared.
///
/// # Errors
/// `Unavailable`, `Internal`. A broker that is down is no error: it is in the report.
pub async fn relay_outbox<P: Ports>(
    ports: &P,
    min_interval_ms: u32,
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

/// Publishes what is due right after a change. The change stands whatever happens here: the relay tries again.
pub(super) async fn publish_due<P: Ports>(ports: &P) {
    if let Err(error) = publish_batch(ports, Pause::Respected).await {
        log::warn("events not published yet", &[("cause", &error.to_string())]);
    }
}

/// When an event or a refund is tried again after so many times, in milliseconds: twice as long each time.
pub(super) fn back_off_ms(times: u32) -> u64 {
    BACK_OFF_FIRST_MS
        .saturating_mul(2_u64.saturating_pow(times))
        .min(PAUSE_LONGEST_MS)
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
    let claim = |records: &dyn Records| {
        if too_early(records.last_relay_run()?) {
            return Ok(false);
        }
        records.record_relay_run(now)?;
        Ok(true)
    };
    if min_interval_ms == 0 {
        return ports.store().write(claim);
    }
    Ok(ports.store().write_if_free(claim)?.unwrap_or(false))
}

fn has_work(
    records: &dyn Records,
    now: u64,
    pause: Pause,
    before: PurgeTimes,
) -> Result<bool, PaymentError> {
    Ok(may_publish(records, now, pause)?
        || records.find_due_refund(now)?.is_some()
        || records.find_session_to_end(now)?.is_some()
        || records.has_old(before)?)
}

fn may_publish(records: &dyn Records, now: u64, pause: Pause) -> Result<bool, PaymentError> {
    Ok(!records.due_entries(now, 1)?.is_empty()
        && (pause == Pause::Ignored || !is_paused(records, now)?))
}

/// Publishes one batch up to the first failure or the end of [`BATCH_TIME_MS`]; gives how many were published and how many failed.
async fn publish_batch<P: Ports>(ports: &P, pause: Pause) -> Result<(u32, u32), PaymentError> {
    let batch = lease(ports, pause)?;
    if batch.is_empty() {
        return Ok((0, 0));
    }
    let deadline = ports.clock().now_ms().saturating_add(BATCH_TIME_MS);
    let mut published = 0_usize;
    let mut failure = None;
    for entry in &batch {
        if ports.clock().now_ms() >= deadline {
            break;
        }
        let ids = [
            ("order_id", entry.event.order_id.as_str()),
            ("event_id", entry.event.id.as_str()),
        ];
        match log::in_span(&ids, ports.publisher().publish(&entry.event)).await {
            Ok(()) => published += 1,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let failed = u32::from(failure.is_some());
    settle(ports, batch, published, failure)?;
    Ok((u32::try_from(published).unwrap_or(RELAY_BATCH), failed))
}

/// Takes what is due out of others' reach. A crash gives it back when the lease ends.
fn lease<P: Ports>(ports: &P, pause: Pause) -> Result<Vec<OutboxEntry>, PaymentError> {
    let now = ports.clock().now_ms();
    let may_publish = ports
        .store()
        .read(|records| may_publish(records, now, pause))?;
    if !may_publish {
        return Ok(Vec::new());
    }
    ports.store().write(|records| {
        let batch = records.due_entries(now, RELAY_BATCH)?;
        for entry in &batch {
            let leased = OutboxEntry {
                next_attempt_at: now.saturating_add(LEASE_MS),
                ..entry.clone()
            };
            records.save_entry(&leased)?;
        }
        Ok(batch)
    })
}

/// A pause that ends later than any could (the clock was set back) counts as over.
fn is_paused(records: &dyn Records, now: u64) -> Result<bool, PaymentError> {
    let until = records.publishing_paused_until()?;
    Ok(until > now && until - now <= BROKER_PAUSE_MS)
}

/// Writes down what became of the batch: the first `published` entries wait for their acknowledgement, the one after
/// them failed, the rest is due as before. An entry whose handling failed meanwhile keeps that.
fn settle<P: Ports>(
    ports: &P,
    batch: Vec<OutboxEntry>,
    published: usize,
    mut failure: Option<PublishError>,
) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    if let (Some(PublishError(cause)), Some(entry)) = (&failure, batch.get(published)) {
        let event = &entry.event;
        log::warn(
            "event not published",
            &[
                ("order_id", &event.order_id),
                ("event_id", &event.id),
                ("error", cause),
            ],
        );
    }
    ports.store().write(|records| {
        if failure.is_some() {
            records.pause_publishing(now.saturating_add(BROKER_PAUSE_MS))?;
        } else if published > 0 && is_paused(records, now)? {
            records.pause_publishing(0)?;
        }
        for (index, leased) in batch.into_iter().enumerate() {
            let Some(mut entry) = records.find_entry(&leased.event.id)? else {
                continue;
            };
            if index < published {
                entry.attempts = entry.attempts.saturating_add(1);
                if entry.failures == leased.failures {
                    entry.next_attempt_at = now.saturating_add(back_off_ms(leased.attempts));
                }
            } else if let Some(PublishError(cause)) = failure.take() {
                entry.next_attempt_at = now.saturating_add(BROKER_PAUSE_MS);
                entry.last_error = Some(format!("not published: {cause}"));
            } else {
                entry.next_attempt_at = leased.next_attempt_at;
            }
            records.save_entry(&entry)?;
        }
        Ok(())
    })
}
