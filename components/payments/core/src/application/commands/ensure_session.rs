use mercato_platform::{clock::Clock, log};

use super::handle_webhook::take_payment;
use super::relay_outbox::publish_due;
use crate::domain::{Charge, CheckoutSession, Payment, PaymentError};
use crate::ports::{
    PaidSession, Ports, Provider, ProviderError, SessionRequest, SessionState, Settings, Store,
};

/// A pending payment with a session the customer can pay in: the one it has, the one a crash left half-open, or a
/// new one when the last has lapsed. A payment that is decided or under way comes back as it is.
///
/// # Errors
/// `ProviderUnavailable`, `ProviderRejected`.
pub(super) async fn ensure_session<P: Ports>(
    ports: &P,
    payment: Payment,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    if !payment.can_be_paid() || payment.usable_session(now).is_some() {
        return Ok(payment);
    }
    let payment = if payment.session_has_lapsed(now) {
        match end_lapsed(ports, &payment).await? {
            Some(paid) => paid,
            None => begin_next(ports, payment).await?,
        }
    } else {
        payment
    };
    if !payment.can_be_paid() || payment.session.opened.is_some() {
        return Ok(payment);
    }
    let session = request_session(ports, &payment).await?;
    record_session(ports, &payment, session)
}

/// Asks the provider for the payment's newest session; asking again gives the same one.
pub(super) async fn request_session<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<CheckoutSession, PaymentError> {
    let request = ports.store().read(|records| {
        Ok(SessionRequest {
            payment: payment.clone(),
            order_number: records.order_number_of_payment(&payment.id)?,
            lines: records.lines_of_payment(&payment.id)?,
        })
    })?;
    ports
        .provider()
        .create_session(&request)
        .await
        .map_err(|error| refused("open a session", &payment.id, error))
}

/// Keeps the provider's answer, unless another request has kept it or gone on meanwhile. A session whose payment was
/// decided meanwhile is ended by the relay.
fn record_session<P: Ports>(
    ports: &P,
    asked: &Payment,
    session: CheckoutSession,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    ports.store().write(|records| {
        let mut payment = records
            .find_payment(&asked.id)?
            .ok_or(PaymentError::NotFound)?;
        if payment.record_session(asked.session.number, session, now) {
            records.save_payment(&payment)?;
        }
        Ok(payment)
    })
}

/// The provider's answer as this domain's error; the details go to the log.
pub(super) fn refused(what: &str, payment_id: &str, error: ProviderError) -> PaymentError {
    let (message, cause, outcome) = match error {
        ProviderError::Unavailable(cause) => (
            "provider unavailable",
            cause,
            PaymentError::ProviderUnavailable,
        ),
        ProviderError::Rejected(cause) => (
            "provider refused",
            cause.clone(),
            PaymentError::ProviderRejected(cause),
        ),
    };
    log::warn(
        message,
        &[("to", what), ("payment_id", payment_id), ("cause", &cause)],
    );
    outcome
}

/// Makes sure that nobody can pay in a lapsed session any more before another takes its place: a provider may keep a
/// session open for longer than the shop wants, and two open sessions could both be paid. Gives the payment when the
/// lapsed one was paid, be the money here or on its way.
async fn end_lapsed<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<Option<Payment>, PaymentError> {
    let Some(session) = &payment.session.opened else {
        return Ok(None);
    };
    let ended = ports.provider().expire_session(&session.id).await;
    match ended.map_err(|error| refused("expire a lapsed session", &payment.id, error))? {
        SessionState::Expired => Ok(None),
        SessionState::Completed(Some(paid)) => {
            let payment = record_paid(ports, &payment.id, &paid).await?;
            if payment.can_be_paid() {
                return Err(PaymentError::ProviderUnavailable);
            }
            Ok(Some(payment))
        }
        SessionState::Completed(None) => record_processing(ports, &payment.id).map(Some),
    }
}

/// Takes the provider's word that the customer has paid and the money is on its way.
pub(super) fn record_processing<P: Ports>(
    ports: &P,
    payment_id: &str,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    ports.store().write(|records| {
        let mut payment = records
            .find_payment(payment_id)?
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
    payment_id: &str,
    paid: &PaidSession,
) -> Result<Payment, PaymentError> {
    let now = ports.clock().now_ms();
    let payment = ports.store().write(|records| {
        let mut payment = records
            .find_payment(payment_id)?
            .ok_or(PaymentError::NotFound)?;
        if paid.amount != payment.amount || paid.currency != payment.currency.code() {
            log::error(
                "a paid session does not fit its payment; compare both at the provider",
                &[("payment_id", payment_id)],
            );
            return Ok(payment);
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
        events
            .iter()
            .try_for_each(|event| records.append_event(event))?;
        Ok(payment)
    })?;
    publish_due(ports).await;
    Ok(payment)
}

async fn begin_next<P: Ports>(ports: &P, lapsed: Payment) -> Result<Payment, PaymentError> {
    let lifetime = ports.settings().session_lifetime_ms().await?;
    let now = ports.clock().now_ms();
    ports.store().write(|records| {
        let mut payment = records
            .find_payment(&lapsed.id)?
            .ok_or(PaymentError::NotFound)?;
        if payment.can_be_paid() && payment.session_has_lapsed(now) {
            if payment.session == lapsed.session && lapsed.session.opened.is_some() {
                // The provider has said so.
                records.end_session(&payment.id, payment.session.number)?;
            }
            payment.begin_next_session(now.saturating_add(lifetime), now);
            records.save_payment(&payment)?;
        }
        Ok(payment)
    })
}
