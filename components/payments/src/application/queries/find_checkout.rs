use crate::domain::{CheckoutLine, Payment, PaymentError};
use crate::ports::{CheckoutSimulator, Ports, Store};

/// What a checkout page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The payment.
    pub payment: Payment,
    /// What is paid for.
    pub lines: Vec<CheckoutLine>,
}

/// The checkout of a simulated session: whoever holds the session id may see it.
///
/// # Errors
/// `NotSupported` by a real provider; `NotFound`.
pub fn find_checkout<P: Ports>(ports: &P, session_id: &str) -> Result<Checkout, PaymentError> {
    let payment = find_checkout_payment(ports, session_id)?;
    let lines = ports
        .store()
        .read(|records| records.lines_of_payment(&payment.id))?;
    Ok(Checkout { payment, lines })
}

/// The payment of a simulated session. A session that another one has replaced leads nowhere while the payment is
/// pending: it must be paid in the newest.
///
/// # Errors
/// `NotSupported` by a real provider; `NotFound`.
pub fn find_checkout_payment<P: Ports>(
    ports: &P,
    session_id: &str,
) -> Result<Payment, PaymentError> {
    if !ports.provider().is_simulator() {
        return Err(PaymentError::NotSupported);
    }
    let payment = ports
        .store()
        .read(|records| records.find_payment_of_session(session_id))?
        .ok_or(PaymentError::NotFound)?;
    let is_newest = payment
        .session
        .opened
        .as_ref()
        .is_some_and(|session| session.id == session_id);
    if is_newest || !payment.is_pending() {
        Ok(payment)
    } else {
        Err(PaymentError::NotFound)
    }
}
