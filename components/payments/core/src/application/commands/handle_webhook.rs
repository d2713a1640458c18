//! Verifies a webhook of the provider and applies it once.

use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::publish_events::{append, publish_appended};
use super::take_payment::take_payment;
use super::{duplicate_charges, settle_disputes, settle_refunds};
use crate::adapters::stripe_webhook::{self, WebhookContent};
use crate::application::locks::{self, Locks};
use crate::application::ports::{Ports, Store};
use crate::application::queries::webhook_secret;
use crate::domain::{
    EventType, Fact, KeptCharge, Payment, PaymentError, PaymentEvent, ProviderEvent, Subject,
};
use crate::store::{NamedPayment, Records};

const DECLINED: &str = "the payment was declined";
const EXPIRED: &str = "the checkout session ended without a payment";

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// It changed a payment.
    Applied,
    /// It was known already.
    Duplicate,
    /// It is about a charge that no session of the payment has named yet: kept until one does.
    Kept,
    /// It changes nothing here.
    Ignored,
}

/// What became of a webhook, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handled {
    /// What became of it.
    pub outcome: WebhookOutcome,
    /// The payment as it is now, if there is one that it is about.
    pub payment: Option<Payment>,
    /// The event that is to be published now.
    event: Option<PaymentEvent>,
}

impl Handled {
    const fn without(outcome: WebhookOutcome, payment: Option<Payment>) -> Self {
        Self {
            outcome,
            payment,
            event: None,
        }
    }
}

/// Whose session or charge an event speaks of.
enum Owner {
    /// The payment's.
    Payment,
    /// A charge that the customer paid beside the payment's own.
    Duplicate(String),
    /// Nobody knows yet: a charge is reported before the session that it was made in.
    Unknown(String),
    /// Somebody else's.
    Other,
}

/// A webhook as it came.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// The raw body.
    pub body: &'a [u8],
    /// The signature header's value.
    pub signature: &'a str,
}

/// Verifies a webhook and applies it exactly once, in one transaction. Nothing of the body is read before the signature is verified.
///
/// # Errors
/// `InvalidSignature`; `MalformedEvent` when it cannot be read, or speaks of another payment, amount or currency than
/// the order's: such an event is not remembered, so that it is applied when sent again after the cause is mended.
pub async fn handle<P: Ports>(
    ports: &P,
    command: Command<'_>,
) -> Result<WebhookOutcome, PaymentError> {
    let secret = webhook_secret(ports).await?;
    let handled = handle_signed(ports, command, &secret).await?;
    Ok(handled.outcome)
}

/// [`handle`], of a webhook that is signed with that secret.
///
/// # Errors
/// As [`handle`].
pub(super) async fn handle_signed<P: Ports>(
    ports: &P,
    Command { body, signature }: Command<'_>,
    secret: &str,
) -> Result<Handled, PaymentError> {
    let now_seconds = ports.clock().now_seconds();
    stripe_webhook::authenticate(secret, signature, body, now_seconds).map_err(|cause| {
        log::warn("webhook refused", &[("cause", &cause)]);
        PaymentError::InvalidSignature
    })?;
    let content = stripe_webhook::read(body).map_err(|cause| {
        log::error("webhook unreadable", &[("cause", &cause)]);
        PaymentError::MalformedEvent
    })?;
    let event = match content {
        WebhookContent::Event(event) => event,
        WebhookContent::Irrelevant(why) => {
            log::info("webhook ignored", &[("why", &why)]);
            return Ok(Handled::without(WebhookOutcome::Ignored, None));
        }
    };
    log::record("webhook_id", &event.id);
    if let Some(order_id) = event.order_id {
        log::record("order_id", &order_id.text());
    }
    let mut handled = ports
        .store()
        .write(locks_of(&event), |records| record(ports, records, &event))?;
    publish_appended(ports, handled.event.take()).await;
    Ok(handled)
}

/// Remembers the webhook, changes the payment and writes the events, all in the caller's transaction.
/// What an event is about: the payment of its order, and the charges that it names.
fn locks_of(event: &ProviderEvent) -> Locks {
    let of_subject = match &event.subject {
        Subject::Charge(reference) => Some(reference),
        Subject::Session(_) => None,
    };
    let of_fact = match &event.fact {
        Fact::Paid { charge, .. } | Fact::Refunded { charge, .. } => charge.reference.as_ref(),
        _ => None,
    };
    let charges = of_subject.into_iter().chain(of_fact);
    let locks = charges.fold(locks::webhook(&event.id), |locks, reference| {
        locks.and(locks::charge(reference))
    });
    match event.order_id {
        Some(order_id) => locks.and(locks::order(order_id)),
        None => locks,
    }
}

fn record<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    event: &ProviderEvent,
) -> Result<Handled, PaymentError> {
    let now = ports.clock().now_ms();
    let Some(named) = find_named(records, event)? else {
        let outcome = keep_of_nobody(records, event, now)?;
        return Ok(Handled::without(outcome, None));
    };
    let owner = owner(records, &named, event)?;
    let ends_an_older_session = ends_an_older_session(&named, event);
    let mut payment = named.payment;
    let unchanged = |outcome, payment| Ok(Handled::without(outcome, Some(payment)));
    if matches!(owner, Owner::Other) {
        log::warn(
            "webhook ignored: its session or charge is not of this order's payment",
            &[("event", &event.name), ("payment_id", &payment.id.text())],
        );
        return unchanged(WebhookOutcome::Ignored, payment);
    }
    if !records.insert_webhook(event, payment.id, now)? {
        return unchanged(WebhookOutcome::Duplicate, payment);
    }
    check_subject(&payment, event)?;
    if let Subject::Session(id) = &event.subject
        && !matches!(event.fact, Fact::Processing { .. })
    {
        // Whatever else it says of a session is the last thing that happens in it.
        records.end_session_named(id)?;
    }
    if let Owner::Unknown(reference) = &owner {
        let outcome = keep(records, &payment, reference, event, now)?;
        return unchanged(outcome, payment);
    }
    if ends_an_older_session {
        return unchanged(WebhookOutcome::Ignored, payment);
    }
    let version = payment.version;
    let events = match &owner {
        Owner::Duplicate(reference) => {
            take_note(ports, records, &mut payment, reference, &event.fact, now)?
        }
        _ => apply(ports, records, &mut payment, &event.fact, now)?,
    };
    let has_changed = payment.version != version;
    if !has_changed && events.is_empty() {
        return unchanged(WebhookOutcome::Ignored, payment);
    }
    if has_changed {
        records.save_payment(&payment)?;
    }
    Ok(Handled {
        outcome: WebhookOutcome::Applied,
        event: append(records, events, now)?,
        payment: Some(payment),
    })
}

/// The payment of the order that the event names, or of the charge when it names none.
fn find_named(
    records: &Records<'_>,
    event: &ProviderEvent,
) -> Result<Option<NamedPayment>, PaymentError> {
    let alone = |payment| NamedPayment {
        payment,
        session_of: None,
        has_unanswered_session: false,
    };
    match (event.order_id, &event.subject) {
        (Some(order_id), Subject::Session(session_id)) => {
            records.named_payment(order_id, session_id)
        }
        (Some(order_id), Subject::Charge(_)) => {
            Ok(records.find_payment_of_order(order_id)?.map(alone))
        }
        (None, Subject::Charge(reference)) => {
            Ok(records.find_payment_of_charge_alone(reference)?.map(alone))
        }
        (None, Subject::Session(_)) => Ok(None),
    }
}

/// A refund or a dispute may be reported before the payment is known by its charge: it is kept until then.
fn keep_of_nobody(
    records: &Records<'_>,
    event: &ProviderEvent,
    now: u64,
) -> Result<WebhookOutcome, PaymentError> {
    let is_kept = match (&event.fact, &event.subject) {
        (Fact::Refund(refund), Subject::Charge(reference)) => {
            let may_keep = records.find_provider_refund(&refund.id)?.is_some()
                || records.may_keep_refund_of_nobody()?;
            if may_keep {
                records.keep_provider_refund(None, reference, refund, now)?;
            }
            may_keep
        }
        (Fact::Dispute(dispute), Subject::Charge(reference)) => {
            settle_disputes::keep_of_nobody(records, reference, dispute, now)?
        }
        _ => {
            log::info("webhook ignored", &[("why", "no payment of that order")]);
            return Ok(WebhookOutcome::Ignored);
        }
    };
    if is_kept {
        return Ok(WebhookOutcome::Kept);
    }
    log::warn(
        "webhook ignored: too many refunds or disputes of charges that no payment has",
        &[("event", &event.name)],
    );
    Ok(WebhookOutcome::Ignored)
}

/// An authentic event that names the order may still be about a session or charge that the shop has nothing to do with:
/// whoever makes sessions at the provider writes into them what they like.
fn owner(
    records: &Records<'_>,
    named: &NamedPayment,
    event: &ProviderEvent,
) -> Result<Owner, PaymentError> {
    let payment = &named.payment;
    match &event.subject {
        Subject::Session(_) => match named.session_of {
            Some(owner) if owner == payment.id => Ok(Owner::Payment),
            Some(_) => Ok(Owner::Other),
            // The answer to its opening may have been lost, and with it the id: then it bears the payment's own id,
            // which only the shop writes into its sessions.
            None if event.payment_id.as_deref() == Some(&*payment.id.text())
                && named.has_unanswered_session =>
            {
                Ok(Owner::Payment)
            }
            None => Ok(Owner::Other),
        },
        Subject::Charge(reference) => Ok(match &payment.provider_reference {
            Some(known) if known == reference => Owner::Payment,
            Some(_) if duplicate_charges::find(records, payment, reference)?.is_some() => {
                Owner::Duplicate(reference.clone())
            }
            // Perhaps a duplicate one whose session is reported later. What is reported of it until then is lost; its refund is not.
            Some(_) => Owner::Other,
            None => Owner::Unknown(reference.clone()),
        }),
    }
}

/// Keeps what is reported of a charge until a session names it.
fn keep(
    records: &Records<'_>,
    payment: &Payment,
    reference: &str,
    event: &ProviderEvent,
    now: u64,
) -> Result<WebhookOutcome, PaymentError> {
    let (charge, refunded) = match &event.fact {
        Fact::Paid { charge, .. } => (charge, None),
        Fact::Refunded {
            charge, refunded, ..
        } => (charge, Some(*refunded)),
        Fact::Refund(_) | Fact::Dispute(_) => return keep_of_nobody(records, event, now),
        Fact::Processing { .. } | Fact::SessionExpired { .. } | Fact::PaymentFailed { .. } => {
            return Ok(WebhookOutcome::Ignored);
        }
    };
    let charge = KeptCharge {
        receipt_url: charge.receipt_url.clone(),
    };
    if records.keep_charge(payment.id, reference, &charge, now)? {
        if let Some(refunded) = refunded {
            records.keep_refund_total(payment.id, reference, refunded)?;
        }
        return Ok(WebhookOutcome::Kept);
    }
    log::warn(
        "webhook ignored: too many charges of this payment that no session names",
        &[("payment_id", &payment.id.text())],
    );
    Ok(WebhookOutcome::Ignored)
}

/// An authentic event may still be about something else: another payment, another amount, another currency.
fn check_subject(payment: &Payment, event: &ProviderEvent) -> Result<(), PaymentError> {
    let same_payment = event
        .payment_id
        .as_deref()
        .is_none_or(|id| *id == *payment.id.text());
    // Of a dispute the customer's bank decides how much it is about, and in which currency.
    let same_currency = matches!(event.fact, Fact::Dispute(_))
        || event
            .currency
            .is_none_or(|currency| currency == payment.currency);
    let same_amount = event
        .fact
        .amount()
        .is_none_or(|amount| amount == payment.amount);
    let refund_fits = match &event.fact {
        Fact::Refunded { refunded, .. } => refunded.total <= payment.amount,
        Fact::Refund(refund) => refund.amount <= payment.amount,
        _ => true,
    };
    if same_payment && same_currency && same_amount && refund_fits {
        return Ok(());
    }
    log::error(
        "webhook does not fit its payment; compare both at the provider",
        &[("event", &event.name), ("payment_id", &payment.id.text())],
    );
    Err(PaymentError::MalformedEvent)
}

/// Applies a fact and returns the events about it.
fn apply<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    fact: &Fact,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let mut events = Vec::new();
    let mut publish = |payment: &Payment, event_type| {
        events.push(payment.event(ports.ids().new_uuid().into(), event_type, now));
    };
    match fact {
        Fact::Paid { charge, .. } => return take_payment(ports, records, payment, charge, now),
        // The order goes on waiting, and shows the payment as it is.
        Fact::Processing { .. } => drop(payment.await_money(now)),
        Fact::SessionExpired { .. } => {
            if payment.cancel(EXPIRED, now) {
                publish(payment, EventType::Cancelled);
            }
        }
        Fact::PaymentFailed { .. } => {
            if payment.fail(DECLINED, now) {
                publish(payment, EventType::Failed);
            }
        }
        Fact::Refunded { charge, .. } => {
            payment.succeed(charge, now);
            if payment.give_nothing_back(now) {
                publish(payment, EventType::Refunded);
            }
        }
        Fact::Refund(_) | Fact::Dispute(_) => {}
    }
    if let Some(reference) = payment.provider_reference.clone() {
        events.extend(take_note(ports, records, payment, &reference, fact, now)?);
    }
    Ok(events)
}

/// Takes note of refunds and disputes of a charge, the payment's own or a duplicate one.
fn take_note<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    payment: &mut Payment,
    reference: &str,
    fact: &Fact,
    now: u64,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    match fact {
        Fact::Refunded { refunded, .. } => {
            records.keep_refund_total(payment.id, reference, *refunded)?;
            settle_refunds::settle(ports, records, payment, reference, &[], now)
        }
        Fact::Refund(refund) => {
            settle_refunds::take_note(ports, records, payment, reference, refund, now)
        }
        Fact::Dispute(dispute) => {
            settle_disputes::take_note(ports, records, payment, reference, dispute, now)
        }
        _ => Ok(Vec::new()),
    }
}

/// The end of a session that another one has replaced decides nothing. While the provider's answer to the newest
/// session's opening is not known, a session that nobody has recorded may be that one.
fn ends_an_older_session(named: &NamedPayment, event: &ProviderEvent) -> bool {
    let (Fact::SessionExpired { .. } | Fact::PaymentFailed { .. }, Subject::Session(session_id)) =
        (&event.fact, &event.subject)
    else {
        return false;
    };
    match &named.payment.session.opened {
        Some(newest) => newest.id != *session_id,
        None => named.session_of.is_some(),
    }
}
