//! Opens the payment of an order and its session.
//!
//! The provider is asked before anything is stored, and its answer is stored with the payment in one transaction. What it is asked
//! follows from the order and the request alone, the payment's id and the idempotency key too: after a crash in between, the
//! request that repeats it gets the same session. Whoever cancels the order instead of repeating the request says what was to
//! be opened ([`Cancellation`](super::Cancellation)), so that the session is found and ended.

use mercato_kernel::FieldError;
use mercato_money::Money;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use super::ensure_session::ensure_session;
use super::provider_error::refused;
use super::publish_events::{append, publish_appended};
use crate::application::locks;
use crate::application::ports::{Ports, Provider, SessionRequest, Store};
use crate::domain::{
    ADJUSTMENTS_MAX, CHECKOUT_LINES_MAX, Charge, CheckoutDetails, CheckoutSession, EMAIL_MAX_CHARS,
    EventType, MinorUnits, NewPayment, ORDER_NUMBER_MAX_CHARS, Payment, PaymentError,
    PaymentStatus, payment_id_of,
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
        OrderPayment::None if new.is_free() => settle(ports, new).await,
        OrderPayment::None => open(ports, new).await,
    }
}

/// Nothing is to be paid: the payment succeeds with the transaction that stores it, and its event goes the way of all events.
async fn settle<P: Ports>(ports: &P, new: &NewPayment) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    let (payment, event) = ports.store().write(locks::order(new.order_id), |records| {
        let mut payment = payment_of(ports, new, now);
        let (lines, details) = (&new.lines, new.details.as_ref());
        if !records.insert_first_payment(&payment, &new.order_number, lines, details)? {
            return match records.find_payment_of_order(new.order_id)? {
                Some(known) => Ok((opened_by(known, new)?, None)),
                None => Err(PaymentError::Conflict(PaymentStatus::Cancelled)),
            };
        }
        // The provider has no session of it that would have to be ended.
        records.end_session(payment.id, payment.session.number)?;
        payment.succeed(&Charge::default(), now);
        records.save_payment(&payment)?;
        let event = payment.event(ports.ids().new_uuid().into(), EventType::Succeeded, now);
        let event = append(records, vec![event], now)?;
        Ok((payment, event))
    })?;
    publish_appended(ports, event).await;
    Ok(payment)
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
        details: new.details.clone(),
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
        let (lines, details) = (&new.lines, new.details.as_ref());
        if records.insert_first_payment(&payment, &new.order_number, lines, details)? {
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
    let (number, details) = (Some(&*new.order_number), new.details.as_ref());
    records.insert_payment(&payment, number, &new.lines, details)?;
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
    match &new.details {
        Some(details) => check(new, details, &mut errors),
        None if sum(new) != Some(new.amount) => {
            let message = "amount must be the total of the lines in minor units".to_owned();
            errors.push(FieldError::new("amount", "mismatch", message));
        }
        None => {}
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(PaymentError::Invalid(errors))
    }
}

/// What breaks a rule of the details of a checkout.
fn check(new: &NewPayment, details: &CheckoutDetails, errors: &mut Vec<FieldError>) {
    let mut broken = |field: &str, code, message: String| {
        errors.push(FieldError::new(field, code, message));
    };
    let email = details.email.chars().count();
    if !(1..=EMAIL_MAX_CHARS).contains(&email) {
        let message = format!("email must have 1 to {EMAIL_MAX_CHARS} characters");
        broken("email", "length", message);
    }
    for (field, address) in [
        ("shippingAddress", &details.shipping_address),
        ("billingAddress", &details.billing_address),
    ] {
        if address.as_ref().is_some_and(|address| !address.is_valid()) {
            let message = format!("{field} must have a name, a line and a country");
            broken(field, "format", message);
        }
    }
    if details.line_amounts.len() != new.lines.len() {
        let message = "there must be an amount for each line".to_owned();
        broken("lineAmounts", "length", message);
    }
    if details
        .line_amounts
        .iter()
        .any(|line| line.discount > line.amount)
    {
        let message = "no discount may be more than its line".to_owned();
        broken("lineAmounts", "max", message);
    }
    if details.adjustments.len() > ADJUSTMENTS_MAX {
        let message = format!("there must be at most {ADJUSTMENTS_MAX} adjustments");
        broken("adjustments", "length", message);
    }
    if details.adjustments.iter().any(|it| it.label.is_empty()) {
        let message = "every adjustment must have a label".to_owned();
        broken("adjustments", "format", message);
    }
    if details.total() != Some(new.amount) {
        let message = "amount must be what lines and adjustments come to".to_owned();
        broken("amount", "mismatch", message);
    }
}

/// The sum of the lines in minor units.
fn sum(new: &NewPayment) -> Option<MinorUnits> {
    let total = new.lines.iter().try_fold(Money::ZERO, |total, line| {
        total.checked_add(line.unit_price.checked_mul(line.quantity)?)
    });
    MinorUnits::new(total.ok()?.to_minor(new.currency))
}
