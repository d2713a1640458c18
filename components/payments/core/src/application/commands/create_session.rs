//! Opens the payment of an order and its session.

use mercato_kernel::FieldError;
use mercato_money::Money;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use super::ensure_session::ensure_session;
use crate::application::ports::{Ports, Provider, Store};
use crate::domain::{
    CHECKOUT_LINES_MAX, CheckoutLine, NewPayment, ORDER_NUMBER_MAX_CHARS, Payment, PaymentError,
    PaymentStatus,
};

/// Opens a payment and its session at the provider. Idempotent by order id: a repeated request continues where the
/// first one ended, be that before or after the provider was asked. A payment that is decided is returned as it is.
///
/// # Errors
/// `Invalid`; `IdempotencyKeyReused` when the order has a payment of another customer, amount or currency; `Conflict` when
/// the order was cancelled before it had one;
/// `ProviderUnavailable`, `ProviderRejected`.
pub async fn handle<P: Ports>(ports: &P, new: &NewPayment) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    validate(new)?;
    let payment = ports.store().write(|records| {
        if let Some(payment) = records.find_payment_of_order(new.order_id)? {
            return if payment.was_opened_by(new) {
                Ok(payment)
            } else {
                Err(PaymentError::IdempotencyKeyReused)
            };
        }
        if records.is_refused_order(new.order_id)? {
            return Err(PaymentError::Conflict(PaymentStatus::Cancelled));
        }
        if new.expires_at <= now {
            return Err(PaymentError::invalid(
                "expiresAt",
                "min",
                "expiresAt must lie in the future",
            ));
        }
        let payment = Payment::open(
            ports.ids().new_uuid().into(),
            ports.provider().name(),
            new,
            now,
        );
        records.insert_payment(&payment, Some(&new.order_number), &new.lines)?;
        Ok(payment)
    })?;
    ensure_session(ports, payment).await
}

fn validate(new: &NewPayment) -> Result<(), PaymentError> {
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
