//! Takes the provider's word that the customer has paid.

use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::publish_events::{append, publish_appended};
use super::{duplicate_charges, settle_disputes, settle_refunds};
use crate::application::locks;
use crate::application::ports::{PaidSession, Ports, Store};
use crate::domain::{Charge, EventType, Payment, PaymentError, PaymentEvent};
use crate::store::Records;

/// Takes the provider's word that the customer has paid and the money is on its way.
pub(super) fn record_processing<P: Ports>(
    ports: &P,
    known: &Payment,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(locks::order(known.order_id), |records| {
            let mut payment = records
                .find_payment(known.id)?
                .ok_or(PaymentError::NotFound)?;
            if payment.await_money(now) {
                records.save_payment(&payment)?;
            }
            Ok(payment)
        })
}

/// Takes the provider's word that a session is paid, whether or not its webhook ever arrives. What does not fit the
/// payment decides nothing.
pub(super) async fn record_paid<P: Ports>(
    ports: &P,
    known: &Payment,
    paid: &PaidSession,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    let locks = locks::order(known.order_id).and(locks::charge(&paid.reference));
    let (payment, event) = ports.store().write(locks, |records| {
        let mut payment = records
            .find_payment(known.id)?
            .ok_or(PaymentError::NotFound)?;
        if paid.amount != payment.amount || paid.currency != payment.currency.code() {
            log::error(
                "a paid session does not fit its payment; compare both at the provider",
                &[("payment_id", &known.id.text())],
            );
            return Ok((payment, None));
        }
        let charge = Charge {
            reference: Some(paid.reference.clone()),
            receipt_url: None,
        };
        let version = payment.version;
        let events = take_payment(ports, records, &mut payment, &charge, now)?;
        if payment.version != version {
            records.save_payment(&payment)?;
        }
        let event = append(records, events, now)?;
        Ok((payment, event))
    })?;
    publish_appended(ports, event).await;
    Ok(payment)
}

/// The customer has paid by that charge, in a session of the payment. What is known of it already is applied: its receipt,
/// refunds and disputes. Returns the events about it, the payment before its refund. When the payment has another charge, the
/// customer has paid twice, and this one is given back.
pub(super) fn take_payment<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    charge: &Charge,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let mut events = Vec::new();
    let mut charge = charge.clone();
    if let (Some(known), Some(reported)) = (&payment.provider_reference, &charge.reference)
        && known != reported
    {
        return duplicate_charges::give_back(ports, records, payment, reported, now);
    }
    let is_first = payment.provider_reference.is_none() && charge.reference.is_some();
    // Mostly the session is the first to name its charge.
    let kept_of = match charge.reference.clone() {
        Some(reference) if is_first && records.has_kept(payment.id, &reference)? => Some(reference),
        _ => None,
    };
    if let Some(reference) = &kept_of
        && let Some(kept) = records.take_kept_charge(payment.id, reference)?
    {
        charge.receipt_url = charge.receipt_url.or(kept.receipt_url);
    }
    if payment.succeed(&charge, now) {
        events.push(payment.event(ports.ids().new_uuid().into(), EventType::Succeeded, now));
    }
    if let Some(reference) = &kept_of {
        events.extend(settle_refunds::adopt(
            ports, records, payment, reference, now,
        )?);
        events.extend(settle_disputes::adopt(
            ports, records, payment, reference, now,
        )?);
    }
    Ok(events)
}
