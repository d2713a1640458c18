//! Closes pending payments and their sessions.

use futures::{StreamExt as _, stream};
use mercato_kernel::OrderId;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use super::create_session::{payment_of, validate};
use super::provider_sessions::{end, request_session};
use super::publish_events::{append, publish_appended};
use super::take_payment::{record_paid, record_processing};
use crate::application::locks;
use crate::application::ports::{PaidSession, Ports, SessionState, Store};
use crate::domain::{
    CheckoutSession, EventType, NewPayment, Payment, PaymentError, PaymentEvent, REASON_MAX_CHARS,
};
use crate::store::Records;

/// Most payments of one call.
pub const CANCELLATIONS_MAX: usize = 100;

/// So many sessions are ended at the provider at a time.
const ENDED_AT_A_TIME: usize = 8;

/// How often another session may take the place of the one that was just ended.
const SESSIONS_MAX: usize = 4;

/// A payment that is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// Its order.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
    /// What its payment may have been opened with, by a request whose end is not known.
    pub opening: Option<NewPayment>,
}

/// Closes a pending payment and its session. When the customer was faster, the payment is what the provider says of it:
/// paid, or still pending until its webhook says that the money has come. A decided payment comes back as it is. Where opening one may have
/// been cut off between the provider's answer and the transaction that keeps it, the session is closed that the provider then has.
///
/// # Errors
/// `NotFound`, after which none can be opened for this order any more; `ProviderUnavailable`, `ProviderRejected`;
/// `Unavailable` when others open one session after the other.
pub async fn handle<P: Ports>(
    ports: &P,
    cancellation: &Cancellation,
) -> Result<Payment, PaymentError> {
    for _ in 0..SESSIONS_MAX {
        let payment = find_or_refuse(ports, cancellation)?;
        if !payment.is_pending() {
            return Ok(payment);
        }
        let session = session_to_end(ports, &payment).await?;
        if let Some(session) = &session
            && let SessionState::Completed(paid) = end(ports, &payment, session).await?
        {
            return match paid {
                Some(paid) => record_paid(ports, &payment, &paid).await,
                None => record_processing(ports, &payment),
            };
        }
        let ended = Ended {
            payment,
            is_over: session.is_some(),
        };
        if let Some((cancelled, event)) = close_and_tell(ports, &ended, &cancellation.reason)? {
            publish_appended(ports, event).await;
            return Ok(cancelled);
        }
    }
    Err(PaymentError::Unavailable)
}

/// [`handle`] for several orders, with one outcome for each, in their order. Sessions are ended some at a time,
/// and all payments are closed in one transaction. No event is published: the outcome says it, and whoever has not received it
/// asks again.
///
/// # Errors
/// `Invalid` for more than [`CANCELLATIONS_MAX`]; `Unavailable`, `Internal` when the database cannot be used. Sessions may
/// have ended then; asking again finds them so.
pub async fn handle_all<P: Ports>(
    ports: &P,
    cancellations: &[Cancellation],
) -> Result<Vec<Result<Payment, PaymentError>>, PaymentError> {
    if cancellations.len() > CANCELLATIONS_MAX {
        let message = format!("there must be at most {CANCELLATIONS_MAX}");
        return Err(PaymentError::invalid("cancellations", "max", message));
    }
    let payments = ports.store().read(|records| {
        let find =
            |cancellation: &Cancellation| records.find_payment_of_order(cancellation.order_id);
        cancellations
            .iter()
            .map(find)
            .collect::<Result<Vec<_>, _>>()
    })?;
    let endings = payments.into_iter().map(|payment| ending(ports, payment));
    let endings: Vec<_> = stream::iter(endings)
        .buffered(ENDED_AT_A_TIME)
        .collect()
        .await;
    let now = ports.clock().now_ms();
    let locks = locks::orders(
        cancellations
            .iter()
            .map(|cancellation| cancellation.order_id),
    );
    let outcomes = ports.store().write(locks, |records| {
        let decide = |(cancellation, ending): (&Cancellation, &Ending)| {
            decide(records, cancellation, ending, now)
        };
        cancellations
            .iter()
            .zip(&endings)
            .map(decide)
            .collect::<Result<Vec<_>, _>>()
    })?;
    let mut decided = Vec::with_capacity(outcomes.len());
    for (outcome, cancellation) in outcomes.into_iter().zip(cancellations) {
        decided.push(match outcome {
            Decision::Done(outcome) => *outcome,
            Decision::Paid(payment, paid) => record_paid(ports, &payment, &paid).await,
            Decision::Open => handle(ports, cancellation).await,
        });
    }
    Ok(decided)
}

/// How far a payment is that is to be closed.
enum Ending {
    /// There is none.
    Absent,
    /// It is decided, or the customer is just paying.
    Stands(Payment),
    /// The customer was faster.
    Paid(Payment, PaidSession),
    /// Nobody can pay in its session any more.
    Ended(Ended),
    /// The provider does not end its session.
    Failed(PaymentError),
}

async fn ending<P: Ports>(ports: &P, payment: Option<Payment>) -> Ending {
    let Some(payment) = payment else {
        return Ending::Absent;
    };
    if !payment.is_pending() {
        return Ending::Stands(payment);
    }
    let session = match session_to_end(ports, &payment).await {
        Ok(Some(session)) => session,
        Ok(None) => {
            return Ending::Ended(Ended {
                payment,
                is_over: false,
            });
        }
        Err(error) => return Ending::Failed(error),
    };
    match end(ports, &payment, &session).await {
        Ok(SessionState::Expired) => Ending::Ended(Ended {
            payment,
            is_over: true,
        }),
        Ok(SessionState::Completed(Some(paid))) => Ending::Paid(payment, paid),
        Ok(SessionState::Completed(None)) => match record_processing(ports, &payment) {
            Ok(payment) => Ending::Stands(payment),
            Err(error) => Ending::Failed(error),
        },
        Err(error) => Ending::Failed(error),
    }
}

/// What is still to be done for a payment after the transaction that closes the others.
enum Decision {
    /// Nothing.
    Done(Box<Result<Payment, PaymentError>>),
    /// Its money is to be recorded.
    Paid(Box<Payment>, PaidSession),
    /// There is a session that has not been ended: it is closed by itself.
    Open,
}

impl Decision {
    fn done(outcome: Result<Payment, PaymentError>) -> Self {
        Self::Done(Box::new(outcome))
    }
}

fn decide(
    records: &Records<'_>,
    cancellation: &Cancellation,
    ending: &Ending,
    now: u64,
) -> Result<Decision, PaymentError> {
    Ok(match ending {
        Ending::Stands(payment) => Decision::done(Ok(payment.clone())),
        Ending::Failed(error) => Decision::done(Err(error.clone())),
        Ending::Paid(payment, paid) => Decision::Paid(Box::new(payment.clone()), paid.clone()),
        Ending::Absent => match records.find_payment_of_order(cancellation.order_id)? {
            Some(_) => Decision::Open,
            None if may_have_session(cancellation) => Decision::Open,
            None => {
                records.refuse_order(cancellation.order_id, now)?;
                Decision::done(Err(PaymentError::NotFound))
            }
        },
        Ending::Ended(ended) => match close(records, ended, &cancellation.reason, now)? {
            Some((payment, _)) => Decision::done(Ok(payment)),
            None => Decision::Open,
        },
    })
}

/// The payment of the order. Without one the order is remembered: a request that is just about to open its payment
/// comes too late, and would leave one that nobody ever ends.
/// When opening it may have been cut off, it is stored as it was to be opened.
fn find_or_refuse<P: Ports>(
    ports: &P,
    cancellation: &Cancellation,
) -> Result<Payment, PaymentError> {
    let order_id = cancellation.order_id;
    let find = |order_id| {
        ports
            .store()
            .read(|records| records.find_payment_of_order(order_id))
    };
    if let Some(payment) = find(order_id)? {
        return Ok(payment);
    }
    let now = ports.clock().now_ms();
    let found = ports.store().write(locks::order(order_id), |records| {
        if let Some(payment) = records.find_payment_of_order(order_id)? {
            return Ok(Some(payment));
        }
        match &cancellation.opening {
            Some(new) if may_have_session(cancellation) => {
                let payment = payment_of(ports, new, now);
                let (number, details) = (Some(&*new.order_number), new.details.as_ref());
                records.insert_payment(&payment, number, &new.lines, details)?;
                Ok(Some(payment))
            }
            _ => records.refuse_order(order_id, now).map(|()| None),
        }
    })?;
    found.ok_or(PaymentError::NotFound)
}

/// Whether the provider may have a session of an order that has no payment. It was not asked for what breaks a rule, or costs nothing.
fn may_have_session(cancellation: &Cancellation) -> bool {
    let opening = cancellation.opening.as_ref();
    opening.is_some_and(|new| {
        new.order_id == cancellation.order_id && !new.is_free() && validate(new).is_ok()
    })
}

/// A payment whose session is to take no money any more.
struct Ended {
    payment: Payment,
    /// Whether the provider has said that it is over. Else there may be one that is not known yet: the relay ends it.
    is_over: bool,
}

/// The session that may still be open at the provider. One that was asked for before a crash is asked for again,
/// which gives the same one: only so can it be closed.
async fn session_to_end<P: Ports>(
    ports: &P,
    payment: &Payment,
) -> Result<Option<CheckoutSession>, PaymentError> {
    if payment.session.opened.is_some() {
        return Ok(payment.session.opened.clone());
    }
    if payment.session_has_expired(ports.clock().now_ms()) {
        return Ok(None);
    }
    match request_session(ports, payment).await {
        Ok(session) => Ok(Some(session)),
        Err(PaymentError::ProviderRejected(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Closes the payment and writes the event about it, which is given when it is to be published; none when another session has taken
/// the place of the one that has ended.
fn close_and_tell<P: Ports>(
    ports: &P,
    ended: &Ended,
    reason: &str,
) -> Result<Option<(Payment, Option<PaymentEvent>)>, PaymentError> {
    let now = ports.clock().now_ms();
    let locks = locks::order(ended.payment.order_id);
    ports.store().write(locks, |records| {
        let Some((payment, is_news)) = close(records, ended, reason, now)? else {
            return Ok(None);
        };
        let event = is_news
            .then(|| payment.event(ports.ids().new_uuid().into(), EventType::Cancelled, now));
        let event = append(records, event.into_iter().collect(), now)?;
        Ok(Some((payment, event)))
    })
}

/// Cancels the payment whose session has ended, with whether that is news; none when another session has taken its place
/// meanwhile.
fn close(
    records: &Records<'_>,
    ended: &Ended,
    reason: &str,
    now: u64,
) -> Result<Option<(Payment, bool)>, PaymentError> {
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(REASON_MAX_CHARS)
        .collect();
    let (id, number) = (ended.payment.id, ended.payment.session.number);
    let mut payment = records.find_payment(id)?.ok_or(PaymentError::NotFound)?;
    if ended.is_over {
        records.end_session(id, number)?;
    }
    if payment.is_pending() && payment.session.number != number {
        return Ok(None);
    }
    let is_news = payment.cancel(&reason, now);
    if is_news {
        records.save_payment(&payment)?;
    }
    Ok(Some((payment, is_news)))
}
