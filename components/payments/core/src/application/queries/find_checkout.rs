use crate::application::ports::{CheckoutSimulator, Ports, Store};
use crate::domain::{CheckoutDetails, CheckoutLine, CheckoutOutcome, PaymentError, PaymentView};

/// What a checkout page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The payment.
    pub payment: PaymentView,
    /// What people call the order by; none of payments from before that was known here.
    pub order_number: Option<String>,
    /// What is paid for.
    pub lines: Vec<CheckoutLine>,
    /// How the amount comes about of an order that was a checkout.
    pub details: Option<CheckoutDetails>,
}

/// The checkout of a simulated session: whoever holds the session id may see it.
///
/// # Errors
/// `NotSupported` by a real provider; `NotFound`.
pub fn find_checkout<P: Ports>(ports: &P, session_id: &str) -> Result<Checkout, PaymentError> {
    let (payment, _) = find_simulated_payment(ports, session_id)?;
    let content = ports
        .store()
        .read(|records| records.content_of_payment(payment.id))?;
    Ok(Checkout {
        order_number: content.order_number,
        lines: content.lines,
        details: content.details,
        payment,
    })
}

/// The payment of a simulated session, and what a version before has recorded that the customer did in it. A session that another
/// one has replaced leads nowhere while the payment is pending: it must be paid in the newest.
///
/// # Errors
/// `NotSupported` by a real provider; `NotFound`.
pub fn find_simulated_payment<P: Ports>(
    ports: &P,
    session_id: &str,
) -> Result<(PaymentView, Option<CheckoutOutcome>), PaymentError> {
    if !ports.provider().is_simulator() {
        return Err(PaymentError::NotSupported);
    }
    let (payment, recorded) = ports
        .store()
        .read(|records| records.find_simulated_payment(session_id))?
        .ok_or(PaymentError::NotFound)?;
    let is_newest = payment
        .session
        .opened
        .as_ref()
        .is_some_and(|session| session.id == session_id);
    if is_newest || !payment.is_pending() {
        Ok((payment.into(), recorded))
    } else {
        Err(PaymentError::NotFound)
    }
}
