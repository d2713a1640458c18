//! Keeps what the provider reports of disputes about a payment's charges, and publishes it.

use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::wording::{amount_of, words};
use crate::application::ports::Ports;
use crate::domain::{DISPUTES_MAX, Dispute, DisputeStatus, Payment, PaymentError, PaymentEvent};
use crate::store::Records;

/// Keeps a dispute about a charge that no payment has named yet; false when too many are kept.
pub(super) fn keep_of_nobody(
    records: &Records<'_>,
    reference: &str,
    dispute: &Dispute,
    now: u64,
) -> Result<bool, PaymentError> {
    let known = records.find_dispute(&dispute.id)?;
    if known.is_none() && !records.may_keep_dispute_of_nobody()? {
        return Ok(false);
    }
    let dispute = merged(known, dispute);
    records.keep_dispute(None, reference, &dispute, now)?;
    Ok(true)
}

/// Takes note of a dispute about a charge of the payment. Returns the event about it, if it is news.
pub(super) fn take_note<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    reported: &Dispute,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let known = records.find_dispute(&reported.id)?;
    if known.is_none() && records.disputes_of_payment(payment.id)?.len() >= DISPUTES_MAX {
        log::warn(
            "webhook ignored: too many disputes of this payment",
            &[("payment_id", &payment.id.text())],
        );
        return Ok(Vec::new());
    }
    let stood = |dispute: &Dispute| (dispute.status, dispute.amount, dispute.currency);
    let known_to_stand = known.as_ref().map(stood);
    let dispute = merged(known, reported);
    records.keep_dispute(Some(payment.id), reference, &dispute, now)?;
    let is_news = known_to_stand != Some(stood(&dispute));
    let news: Vec<_> = is_news.then_some(dispute).into_iter().collect();
    settle(ports, records, payment, &news, now)
}

/// The charge is known to be the payment's, its own or a duplicate one: applies what is known of disputes about it.
pub(super) fn adopt<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let adopted = records.adopt_disputes(payment.id, reference)?;
    settle(ports, records, payment, &adopted, now)
}

/// Puts the payment right. `news` are the disputes that stand otherwise than was known.
fn settle<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    news: &[Dispute],
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    if news.is_empty() {
        return Ok(Vec::new());
    }
    payment.record_disputes(&records.disputes_of_payment(payment.id)?, now);
    let events = news.iter().map(|dispute| {
        let reported = sentence(dispute);
        log::warn(
            "a customer's bank disputes a charge",
            &[("payment_id", &payment.id.text()), ("dispute", &reported)],
        );
        payment.remark(ports.ids().new_uuid().into(), reported, now)
    });
    Ok(events.collect())
}

fn merged(known: Option<Dispute>, reported: &Dispute) -> Dispute {
    match known {
        Some(known) => known.merged_with(reported.clone()),
        None => reported.clone(),
    }
}

/// What the history of the order says.
fn sentence(dispute: &Dispute) -> String {
    let what = match dispute.status {
        DisputeStatus::Open => {
            "was opened at the payment provider; until it ends nothing is delivered"
        }
        DisputeStatus::Closed => "ended without a decision",
        DisputeStatus::Won => "was won",
        DisputeStatus::Lost => "was lost: the customer has the money back",
    };
    format!(
        "A dispute about {} ({}, {}) {what}",
        amount_of(dispute.amount, dispute.currency),
        words(&dispute.reason),
        words(&dispute.id)
    )
}
