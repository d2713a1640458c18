//! Opens the payment of an order and its session.
//!
//! The provider is asked before anything is stored, and its answer is stored with the payment in one transaction. What it is asked
//! follows from the order and the request alone, the payment's id and the idempotency key too: after a crash in between, the
//! request that repeats it gets the same session. Whoever cancels the order instead of repeating the request says what was to
//! be opened ([`Cancellation`](super::Cancellation)), so that the session is found and ended.

use mercato_kernel::FieldError;
use mercato_money::Money;
use mercato_platform::clock::Clock;

use super::ensure_session::ensure_session;
use super::provider_error::refused;
use crate::application::locks;
use crate::application::ports::{Ports, Provider, SessionRequest, Store};
use crate::domain::{
    CHECKOUT_LINES_MAX, CheckoutLine, CheckoutSession, NewPayment, ORDER_NUMBER_MAX_CHARS, Payment,
    PaymentError, PaymentStatus, payment_id_of,
};
use crate::store::{OrderPayment, Records};

/// Why a payment was cancelled that was opened while its order was.
const CANCELLED_MEANWHILE: &str = "the order was cancelled while its payment was opened";

/// Opens a payment and its session at the provider. Idempotent by order id: a repeated request continues where the
/// first one ended, be that before or after the provider was asked. A payment that is decided is returned as it is. When the provider
/// opens no session, the payment is kept without one: an answer may have been lost, and with it a session that has to be ended.
///
/// # Errors
/// `Invalid`; `IdempotencyKeyReused` when the order has a payment of another customer, amount or currency; `Conflict` when
/// the order was cancelled before it had one;
/// `ProviderUnavailable`, `ProviderRejected`.
pub async fn handle<P: Ports>(ports: &P, new: &NewPayment) -> Result<Payment, PaymentError> {
    validate(new)?;
    let known = ports
        .store()
        .read(|records| records.order_payment(new.order_id))?;
    match known {
        OrderPayment::Known(payment) => ensure_session(ports, opened_by(payment, new)?).await,
        OrderPayment::Refused => Err(PaymentError::Conflict(PaymentStatus::Cancelled)),
        OrderPayment::None => open(ports, new).await,
    }
}

/// The payment that is opened so.
pub(super) fn payment_of<P: Ports>(ports: &P, new: &NewPayment, now: u64) -> Payment {
    let provider = ports.provider().name();
    Payment::open(payment_id_of(new.order_id), provider, new, now)
}

/// Opens the first payment of an order.
async fn open<P: Ports>(ports: &P, new: &NewPayment) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    if new.expires_at <= now {
        let message = "expiresAt must lie in the future";
        return Err(PaymentError::invalid("expiresAt", "min", message));
    }
    let payment = payment_of(ports, new, now);
    let request = SessionRequest {
        payment: payment.clone(),
        order_number: Some(new.order_number.clone()),
        lines: new.lines.clone(),
    };
    match ports.provider().create_session(&request).await {
        Ok(session) => keep(ports, new, payment, Some(session)),
        Err(error) => {
            let payment_id = payment.id;
            keep(ports, new, payment, None)?;
            Err(refused("open a session", payment_id, error))
        }
    }
}

/// Stores the payment with its session, unless another request has stored it or refused it meanwhile.
fn keep<P: Ports>(
    ports: &P,
    new: &NewPayment,
    mut payment: Payment,
    session: Option<CheckoutSession>,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    if let Some(session) = session.clone() {
        payment.record_session(payment.session.number, session, now);
    }
    let known = ports.store().write(locks::order(new.order_id), |records| {
        if records.insert_first_payment(&payment, &new.order_number, &new.lines)? {
            return Ok(Ok(None));
        }
        match records.find_payment_of_order(new.order_id)? {
            Some(known) => {
                let session = session.clone();
                complete(records, opened_by(known, new)?, session, now).map(|known| Ok(Some(known)))
            }
            None => keep_cancelled(records, new, payment.clone(), now).map(Err),
        }
    })?;
    let known = known.map_err(PaymentError::Conflict)?;
    Ok(known.unwrap_or(payment))
}

fn opened_by(payment: Payment, new: &NewPayment) -> Result<Payment, PaymentError> {
    if payment.was_opened_by(new) {
        Ok(payment)
    } else {
        Err(PaymentError::IdempotencyKeyReused)
    }
}

/// Another request has stored the payment: it gets the session if its own was not answered.
fn complete(
    records: &Records<'_>,
    mut known: Payment,
    session: Option<CheckoutSession>,
    now: u64,
) -> Result<Payment, PaymentError> {
    const FIRST: u32 = 1;
    if let Some(session) = session
        && known.can_be_paid()
        && known.record_session(FIRST, session, now)
    {
        records.save_payment_and_session(&known)?;
    }
    Ok(known)
}

/// The order was cancelled meanwhile: its payment is stored as cancelled, so that the relay ends the session.
fn keep_cancelled(
    records: &Records<'_>,
    new: &NewPayment,
    mut payment: Payment,
    now: u64,
) -> Result<PaymentStatus, PaymentError> {
    records.insert_payment(&payment, Some(&new.order_number), &new.lines)?;
    payment.cancel(CANCELLED_MEANWHILE, now);
    records.save_payment(&payment)?;
    Ok(payment.status)
}

/// # Errors
/// `Invalid`, with every rule that the request breaks whatever the time is.
pub(super) fn validate(new: &NewPayment) -> Result<(), PaymentError> {
    let mut errors = Vec::new();
    if !(1..=ORDER_NUMBER_MAX_CHARS).contains(&new.order_number.chars().count()) {
        let message = format!("orderNumber must have 1 to {ORDER_NUMBER_MAX_CHARS} characters");
        errors.push(FieldError::new("orderNumber", "length", message));
    }
    if new.lines.is_empty() || new.lines.len() > CHECKOUT_LINES_MAX {
        let message = format!("there must be 1 to {CHECKOUT_LINES_MAX} lines");
        errors.push(FieldError::new("lines", "length", message));
    }
    if new
        .lines
        .iter()
        .any(|line| line.quantity == 0 || line.unit_price < Money::ZERO || line.name.is_empty())
    {
        let message =
            "every line must have a name, a price that is not negative and a quantity".to_owned();
        errors.push(FieldError::new("lines", "format", message));
    }
    if total(&new.lines).map(|total| total.to_minor(new.currency)) != Some(new.amount.get()) {
        let message = "amount must be the total of the lines in minor units".to_owned();
        errors.push(FieldError::new("amount", "mismatch", message));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(PaymentError::Invalid(errors))
    }
}

fn total(lines: &[CheckoutLine]) -> Option<Money> {
    lines
        .iter()
        .try_fold(Money::ZERO, |total, line| {
            total.checked_add(line.unit_price.checked_mul(line.quantity)?)
        })
        .ok()
}
