//! Puts the refunded sum of a payment right whenever something is reported of the refunds of its charges.

use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::wording::{amount_of, words};
use crate::application::ports::Ports;
use crate::domain::{EventType, Payment, PaymentError, PaymentEvent, ProviderRefund};
use crate::store::Records;

/// Takes note of a refund of a charge of the payment, its own or a duplicate one. Returns the events about what has
/// changed by it.
pub(super) fn take_note<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    refund: &ProviderRefund,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let known = records.find_provider_refund(&refund.id)?;
    let had_failed = known.is_some_and(|known| known.failure.is_some());
    records.keep_provider_refund(Some(payment.id), reference, refund, now)?;
    let has_failed_now = refund.failure.is_some() && !had_failed;
    let failed: Vec<_> = has_failed_now.then_some(refund).into_iter().collect();
    settle(ports, records, payment, reference, &failed, now)
}

/// The charge is known to be the payment's own: applies what is known of its refunds.
pub(super) fn adopt<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    records.adopt_provider_refunds(payment.id, reference)?;
    let refunds = records.provider_refunds(reference)?;
    let failed: Vec<_> = refunds
        .iter()
        .filter(|refund| refund.failure.is_some())
        .collect();
    settle(ports, records, payment, reference, &failed, now)
}

/// Computes the sum anew from all that is known of that charge. `failed` are the refunds of which it is news that they have
/// failed.
pub(super) fn settle<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    failed: &[&ProviderRefund],
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let is_own = payment.provider_reference.as_deref() == Some(reference);
    let mut events = if is_own {
        sum_own(ports, records, payment, reference, now)?
    } else {
        sum_duplicates(ports, records, payment, reference, now)?
    };
    for refund in failed {
        let sentence = failure_of(payment, reference, refund);
        let message = if is_own {
            "a refund failed after the provider had taken it: the customer does not have the money, refund it anew"
        } else {
            "a refund of a second charge failed after the provider had taken it: refund that charge at the provider"
        };
        log::error(
            message,
            &[("payment_id", &payment.id.text()), ("refund", &sentence)],
        );
        let cause = refund
            .failure
            .as_ref()
            .map(|failure| failure.reason.as_str());
        records.fail_refund(&refund.id, cause.unwrap_or_default(), now)?;
        events.push(payment.remark(ports.ids().new_uuid().into(), sentence, now));
    }
    Ok(events)
}

fn sum_own<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let refunds = records.provider_refunds(reference)?;
    let totals = records.refund_totals(payment.id, reference)?;
    let before = payment.refunded;
    payment.record_refunds(&refunds, &totals, now);
    let has_grown = payment.refunded > before;
    let event =
        has_grown.then(|| payment.event(ports.ids().new_uuid().into(), EventType::Refunded, now));
    Ok(event.into_iter().collect())
}

fn sum_duplicates<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let charges = records.duplicate_charges(payment.id)?;
    let before = payment.duplicates_refunded;
    payment.record_duplicates(&charges, now);
    let charge = charges
        .iter()
        .find(|charge| charge.reference == reference)
        .filter(|_| payment.duplicates_refunded > before);
    let event = charge.map(|charge| {
        let sentence = format!(
            "{} of the second charge of {} ({}) given back",
            amount_of(charge.refunded, payment.currency),
            amount_of(charge.amount, payment.currency),
            words(reference)
        );
        payment.remark(ports.ids().new_uuid().into(), sentence, now)
    });
    Ok(event.into_iter().collect())
}

/// What the history of the order says. No request to the shop refunds a duplicate charge again.
fn failure_of(payment: &Payment, reference: &str, refund: &ProviderRefund) -> String {
    let amount = amount_of(refund.amount, payment.currency);
    let reason = refund
        .failure
        .as_ref()
        .map(|failure| words(&failure.reason));
    let why = format!("({}, {})", reason.unwrap_or_default(), words(&refund.id));
    if payment.provider_reference.as_deref() == Some(reference) {
        return format!("A refund of {amount} failed at the payment provider {why}");
    }
    format!(
        "A refund of {amount} of the second charge ({}) failed at the payment provider {why}; it has to be refunded there",
        words(reference)
    )
}
