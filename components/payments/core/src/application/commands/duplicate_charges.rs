//! Charges beside the payment's own: no two sessions of a payment are open at once, so there should be none; but if a
//! customer has paid twice, the second charge is given back without anybody asking.

use mercato_kernel::PaymentId;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::settle_disputes;
use super::wording::{amount_of, words};
use crate::application::ports::Ports;
use crate::domain::{
    DisputeStatus, DuplicateCharge, MinorUnits, Payment, PaymentError, PaymentEvent, Refund,
    RefundState,
};
use crate::store::Records;

/// Why the shop gives a duplicate charge back.
const DUPLICATE_REASON: &str = "duplicate";

/// The duplicate charge of that reference, if the payment has it.
pub(super) fn find(
    records: &Records<'_>,
    payment: &Payment,
    reference: &str,
) -> Result<Option<DuplicateCharge>, PaymentError> {
    if payment.duplicates.is_zero() {
        return Ok(None);
    }
    let charges = records.duplicate_charges(payment.id)?;
    Ok(charges
        .into_iter()
        .find(|charge| charge.reference == reference))
}

/// Writes down that a charge is to be given back, which the relay does; nothing when that is known, when it is a charge of
/// nothing, or when one of the two is not known to be a charge at all. Its amount is the payment's: no session is opened for another one,
/// and an event about another one is refused.
pub(super) fn give_back<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    if payment.amount.is_zero() || find(records, payment, reference)?.is_some() {
        return Ok(Vec::new());
    }
    let own = payment.provider_reference.clone().unwrap_or_default();
    if is_session(records, &own)? || is_session(records, reference)? {
        log::error(
            "perhaps a customer was charged a second time; compare both at the provider",
            &[
                ("payment_id", &payment.id.text()),
                ("known", &own),
                ("told", reference),
            ],
        );
        return Ok(Vec::new());
    }
    // Somebody may have been faster, and given some or all of it back by hand.
    records.adopt_provider_refunds(payment.id, reference)?;
    let charge = DuplicateCharge {
        reference: reference.to_owned(),
        amount: payment.amount,
        refunded: MinorUnits::ZERO,
    };
    let charge = charge.with_refunds(
        &records.provider_refunds(reference)?,
        &records.refund_totals(payment.id, reference)?,
    );
    let refund = Refund {
        id: ports.ids().new_uuid().into(),
        payment_id: payment.id,
        duplicate_charge: Some(reference.to_owned()),
        amount: charge.amount.saturating_sub(charge.refunded),
        refunded_before: MinorUnits::ZERO,
        reason: Some(DUPLICATE_REASON.to_owned()),
        idempotency_key: None,
        fingerprint: Vec::new(),
        state: RefundState::Pending,
        attempts: 0,
        created_at: now,
        answer: None,
    };
    records.insert_refund(&refund, now)?;
    payment.record_duplicates(&records.duplicate_charges(payment.id)?, now);
    let sentence = format!(
        "The customer was charged a second time, {} ({}); {}",
        amount_of(payment.amount, payment.currency),
        words(reference),
        if charge.has_gone_back() {
            "it has gone back already"
        } else {
            "it is given back"
        }
    );
    log::error(
        "a customer was charged a second time; it is given back",
        &[("payment_id", &payment.id.text()), ("charge", reference)],
    );
    let mut events = vec![payment.remark(ports.ids().new_uuid().into(), sentence, now)];
    events.extend(settle_disputes::adopt(
        ports, records, payment, reference, now,
    )?);
    Ok(events)
}

/// Whether a reference is that of a session: a session that names no charge is its own reference, and may be about the charge that
/// another event names.
fn is_session(records: &Records<'_>, reference: &str) -> Result<bool, PaymentError> {
    Ok(records.find_payment_of_session(reference)?.is_some())
}

/// How the disputes about a duplicate charge stand in the way of giving it back.
pub(super) enum Obstacle {
    /// Not at all.
    None,
    /// One is not decided: a provider may refuse until it is.
    Dispute,
    /// One was lost: the customer has the money.
    Lost,
}

/// What stands in the way of giving a duplicate charge back.
pub(super) fn obstacle(
    records: &Records<'_>,
    payment_id: PaymentId,
    reference: &str,
) -> Result<Obstacle, PaymentError> {
    let disputes = records.disputes_of_charge(payment_id, reference)?;
    let any = |status| disputes.iter().any(|dispute| dispute.status == status);
    Ok(if any(DisputeStatus::Lost) {
        Obstacle::Lost
    } else if any(DisputeStatus::Open) {
        Obstacle::Dispute
    } else {
        Obstacle::None
    })
}

/// The provider refuses to give it back: an admin must. Why is with the refund.
pub(super) fn refused<P: Ports>(
    ports: &P,
    payment: &Payment,
    reference: &str,
    now: u64,
) -> PaymentEvent {
    let sentence = format!(
        "The second charge ({}) could not be given back; it has to be refunded at the payment provider",
        words(reference)
    );
    log::error(
        "a second charge could not be given back: refund it at the payment provider",
        &[("payment_id", &payment.id.text()), ("charge", reference)],
    );
    payment.remark(ports.ids().new_uuid().into(), sentence, now)
}
