//! Publishes events of the outbox.
//!
//! An event is published right after the transaction that appends it: it is appended as one that is published and waits for its
//! acknowledgement, so that nothing has to be written when that succeeds. After a crash between the two it is published again when
//! that time is over. What could not be published, and what has to wait for an older event of its order, is published by the relay
//! or after an acknowledgement.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::locks;
use crate::application::ports::{Ports, PublishError, Publisher, Store};
use crate::domain::{BACK_OFF, OutboxEntry, PaymentError, PaymentEvent};
use crate::store::{FirstPublication, Records};

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

/// Whether a run spares a broker that has just failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// A customer waits for the end of the run.
    Respected,
    /// Somebody asked for this run.
    Ignored,
}

/// Appends the events about one order in the caller's transaction. Gives the one that is to be published once that is committed;
/// none when it has to wait, because the broker is spared or an older event of the order is not acknowledged.
pub(super) fn append(
    records: &Records<'_>,
    events: Vec<PaymentEvent>,
    now: u64,
) -> Result<Option<PaymentEvent>, PaymentError> {
    let publication = FirstPublication {
        now,
        leased_until: now.saturating_add(BACK_OFF.pause_ms(0)),
        pause_ends_latest: now.saturating_add(BROKER_PAUSE_MS),
    };
    let mut first = None;
    for event in events {
        // Of one order only its first event that is not acknowledged.
        if records.append_to_publish(&event, &publication)? {
            first = Some(event);
        }
    }
    Ok(first)
}

/// Publishes the event that [`append`] gave. Nothing is written unless that fails: then it is due again, and the broker is spared.
pub(super) async fn publish_appended<P: Ports>(ports: &P, event: Option<PaymentEvent>) {
    let Some(event) = event else {
        return;
    };
    let Err(PublishError(cause)) = publish(ports, &event).await else {
        return;
    };
    warn_not_published(&event, &cause);
    let now = ports.clock().now_ms();
    let until = now.saturating_add(BROKER_PAUSE_MS);
    let kept = ports.store().write(locks::publishing(), |records| {
        records.pause_publishing(until)?;
        records.count_ahead()?;
        let Some(mut entry) = records.find_entry(event.id)? else {
            return Ok(());
        };
        entry.not_published_at_once(&cause, until);
        records.save_entry(&entry)
    });
    if let Err(error) = kept {
        log::warn("events not published yet", &[("cause", &error.to_string())]);
    }
}

async fn publish<P: Ports>(ports: &P, event: &PaymentEvent) -> Result<(), PublishError> {
    let ids = [
        ("order_id", &*event.order_id.text()),
        ("event_id", &*event.id.text()),
    ];
    log::in_span(&ids, ports.publisher().publish(event)).await
}

fn warn_not_published(event: &PaymentEvent, cause: &str) {
    log::warn(
        "event not published",
        &[
            ("order_id", &event.order_id.text()),
            ("event_id", &event.id.text()),
            ("error", cause),
        ],
    );
}

/// Publishes what is due, such as the event that has waited for another one. The change stands whatever happens here: the relay tries again.
pub(super) async fn publish_due<P: Ports>(ports: &P) {
    if let Err(error) = publish_batch(ports, Pause::Respected).await {
        log::warn("events not published yet", &[("cause", &error.to_string())]);
    }
}

pub(super) fn may_publish(
    records: &Records<'_>,
    now: u64,
    pause: Pause,
) -> Result<bool, PaymentError> {
    Ok(!records.due_entries(now, 1)?.is_empty()
        && (pause == Pause::Ignored || !is_paused(records, now)?))
}

/// Publishes one batch up to the first failure or the end of [`BATCH_TIME_MS`]; gives how many were published and how many failed.
pub(super) async fn publish_batch<P: Ports>(
    ports: &P,
    pause: Pause,
) -> Result<(u32, u32), PaymentError> {
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
        match publish(ports, &entry.event).await {
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
    ports.store().write(locks::publishing(), |records| {
        let batch = records.due_entries(now, RELAY_BATCH)?;
        for entry in &batch {
            let mut leased = entry.clone();
            leased.lease(now.saturating_add(LEASE_MS));
            records.save_entry(&leased)?;
        }
        Ok(batch)
    })
}

/// A pause that ends later than any could (the clock was set back) counts as over.
fn is_paused(records: &Records<'_>, now: u64) -> Result<bool, PaymentError> {
    let until = records.publishing_paused_until()?;
    Ok(until > now && until - now <= BROKER_PAUSE_MS)
}

/// Writes down what became of the batch: the first `published` entries wait for their acknowledgement, the one after
/// them failed, the rest is due as before. An entry whose handling failed meanwhile keeps that.
fn settle<P: Ports>(
    ports: &P,
    batch: Vec<OutboxEntry>,
    published: usize,
    failure: Option<PublishError>,
) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    if let (Some(PublishError(cause)), Some(entry)) = (&failure, batch.get(published)) {
        warn_not_published(&entry.event, cause);
    }
    ports.store().write(locks::publishing(), |records| {
        let mut failure = failure.as_ref();
        if failure.is_some() {
            records.pause_publishing(now.saturating_add(BROKER_PAUSE_MS))?;
        } else if published > 0 && is_paused(records, now)? {
            records.pause_publishing(0)?;
        }
        for (index, leased) in batch.iter().enumerate() {
            let Some(mut entry) = records.find_entry(leased.event.id)? else {
                continue;
            };
            if index < published {
                entry.published(leased, now);
            } else if let Some(PublishError(cause)) = failure.take() {
                entry.not_published(cause, now.saturating_add(BROKER_PAUSE_MS));
            } else {
                entry.release(leased);
            }
            records.save_entry(&entry)?;
        }
        Ok(())
    })
}
