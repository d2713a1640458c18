use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::{log, text};
use sha2::{Digest, Sha256};

use super::duplicate_charges::{self, Obstacle};
use super::ensure_session::refused;
use super::relay_outbox::{back_off_ms, publish_due};
use super::settle_refunds;
use crate::domain::{
    EventType, MinorUnits, Payment, PaymentError, ProviderRefund, RecordedAnswer, Refund,
    RefundStatus, Viewer,
};
use crate::ports::{Ports, Provider, ProviderError, Records, RefundRequest, Store};

/// How long a refund's idempotency key is remembered after the refund has ended, in milliseconds. Until then it is
/// remembered however long the provider is silent: whoever asks every hour must not be given the money twice.
pub const IDEMPOTENCY_KEY_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// Longest reason, in characters.
pub const REASON_MAX_CHARS: usize = 500;

/// Why a duplicate charge that was lost in a dispute is not given back.
const TAKEN_BACK: &str = "the customer's bank has taken the money back";

/// Why the shop gives a duplicate charge back.
pub(super) const DUPLICATE_REASON: &str = "duplicate";

/// Longest idempotency key, in bytes.
const IDEMPOTENCY_KEY_MAX_BYTES: usize = 255;

/// How long the request that asked for a refund has to finish it before the relay takes it up, in milliseconds.
const RESUME_AFTER_MS: u64 = 10_000;

/// How many refunds left by others a request finishes before its own.
const OTHERS_MAX: usize = 8;

/// A request to give money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCommand {
    /// Who wants it: everybody has keys of their own.
    pub requested_by: Viewer,
    /// The payment, UUIDv7.
    pub payment_id: String,
    /// Whole minor units; all that is left when absent.
    pub amount: Option<i64>,
    /// Why.
    pub reason: Option<String>,
    /// Makes repeating safe until [`IDEMPOTENCY_KEY_TTL_MS`] after the refund has ended.
    pub idempotency_key: Option<String>,
    /// Only if the payment still has this version.
    pub expected_version: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per request, and it is nearly always the large one"
)]
pub enum RefundOutcome {
    /// The payment with the refund, made now or before.
    Refunded(Payment),
    /// This request was answered before.
    Replayed(RecordedAnswer),
}

/// A valid [`RefundCommand`].
struct Request {
    payment_id: String,
    amount: Option<MinorUnits>,
    reason: Option<String>,
    /// As it is stored.
    key: Option<String>,
    fingerprint: Vec<u8>,
    expected_version: Option<u64>,
}

/// What a request has to do next.
enum Claim {
    /// Its own refund, made now or found by its key.
    Own(Refund),
    /// Another refund of the payment whose end is not known: it comes first, because what is left depends on it.
    Other(Refund),
}

/// Refunds a succeeded payment, in whole when no amount is given. The refund is written down before the provider is
/// asked and taken up again after a crash, by a repeated request, by the next one, or by the relay.
///
/// # Errors
/// `Invalid`, `NotFound`, `VersionMismatch`, `Conflict`, `RefundExceedsAmount`, `IdempotencyKeyReused`, `ProviderRejected`;
/// `ProviderUnavailable` when this refund is written down and will be made as soon as the provider answers;
/// `Unavailable` when nothing is written down, because another refund of the payment has to end first.
pub async fn refund_payment<P: Ports>(
    ports: &P,
    command: RefundCommand,
) -> Result<RefundOutcome, PaymentError> {
    let request = validate(command)?;
    for _ in 0..OTHERS_MAX {
        match ports
            .store()
            .write(|records| claim(ports, records, &request))?
        {
            Claim::Own(refund) => {
                return match refund.answer {
                    Some(answer) => Ok(RefundOutcome::Replayed(answer)),
                    None => finish(ports, refund).await.map(RefundOutcome::Refunded),
                };
            }
            Claim::Other(refund) => match finish(ports, refund).await {
                Ok(_) | Err(PaymentError::ProviderRejected(_)) => {}
                Err(PaymentError::ProviderUnavailable) => return Err(PaymentError::Unavailable),
                Err(error) => return Err(error),
            },
        }
    }
    Err(PaymentError::Unavailable)
}

/// Takes up the pending refund that has been due longest, if any; the provider's errors only postpone it.
pub(super) async fn resume_due_refund<P: Ports>(ports: &P) -> Result<(), PaymentError> {
    let now = ports.clock().now_ms();
    let Some(refund) = ports.store().read(|records| records.find_due_refund(now))? else {
        return Ok(());
    };
    let payment_id = refund.payment_id.clone();
    log::in_span(&[("payment_id", &payment_id)], async {
        if let Err(error) = finish(ports, refund).await {
            log::warn("refund not finished", &[("cause", &error.to_string())]);
        }
    })
    .await;
    Ok(())
}

fn validate(command: RefundCommand) -> Result<Request, PaymentError> {
    let amount = match command.amount {
        None => None,
        Some(units) => Some(
            MinorUnits::new(units)
                .filter(|amount| !amount.is_zero())
                .ok_or_else(|| {
                    PaymentError::invalid("amount", "min", "amount must be more than 0")
                })?,
        ),
    };
    let reason = command
        .reason
        .map(|reason| text::line(&reason, REASON_MAX_CHARS))
        .transpose()
        .map_err(|problem| {
            PaymentError::invalid("reason", problem.code(), format!("reason {problem}"))
        })?;
    if command
        .idempotency_key
        .as_deref()
        .is_some_and(|key| !is_key(key))
    {
        let rule = format!(
            "Idempotency-Key must be 1 to {IDEMPOTENCY_KEY_MAX_BYTES} visible ASCII characters"
        );
        return Err(PaymentError::invalid("Idempotency-Key", "format", rule));
    }
    let fingerprint = fingerprint(&command.payment_id, amount, reason.as_deref());
    let key = command.idempotency_key;
    Ok(Request {
        payment_id: command.payment_id,
        amount,
        reason,
        key: key.map(|key| stored_key(&command.requested_by, &key)),
        fingerprint,
        expected_version: command.expected_version,
    })
}

/// A key together with whose it is. Ids hold no colon, so no two people's keys are the same.
pub(super) fn stored_key(requested_by: &Viewer, key: &str) -> String {
    match requested_by {
        Viewer::Customer(id) | Viewer::Admin(id) => format!("{id}:{key}"),
        Viewer::System => format!(":{key}"),
    }
}

fn is_key(key: &str) -> bool {
    (1..=IDEMPOTENCY_KEY_MAX_BYTES).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// SHA-256 of the request, each part preceded by its length so that no two requests read the same.
fn fingerprint(payment_id: &str, amount: Option<MinorUnits>, reason: Option<&str>) -> Vec<u8> {
    let amount = amount.map_or_else(|| "all".to_owned(), |amount| amount.to_string());
    let mut hash = Sha256::new();
    for part in [payment_id, &amount, reason.unwrap_or_default()] {
        hash.update(format!("{}:{part}", part.len()));
    }
    hash.finalize().to_vec()
}

fn claim<P: Ports>(
    ports: &P,
    records: &dyn Records,
    request: &Request,
) -> Result<Claim, PaymentError> {
    let now = ports.clock().now_ms();
    let payment = records
        .find_payment(&request.payment_id)?
        .ok_or(PaymentError::NotFound)?;
    if let Some(key) = &request.key
        && let Some(known) =
            records.find_refund_by_key(key, now.saturating_sub(IDEMPOTENCY_KEY_TTL_MS))?
    {
        let same = known.fingerprint == request.fingerprint;
        return if same {
            Ok(Claim::Own(known))
        } else {
            Err(PaymentError::IdempotencyKeyReused)
        };
    }
    let is_expected = request
        .expected_version
        .is_none_or(|version| version == payment.version);
    if !is_expected {
        return Err(PaymentError::VersionMismatch);
    }
    if let Some(pending) = records.find_pending_refund(&payment.id)? {
        // Without a key, the same request again while its refund is under way is taken for a repetition:
        // the other reading could give the money back twice.
        let repeated = request.key.is_none()
            && pending.idempotency_key.is_none()
            && pending.fingerprint == request.fingerprint;
        return Ok(if repeated {
            Claim::Own(pending)
        } else {
            Claim::Other(pending)
        });
    }
    let refund = Refund {
        id: ports.ids().new_id(),
        amount: payment.amount_to_refund(request.amount)?,
        refunded_before: payment.refunded,
        payment_id: payment.id,
        duplicate_charge: None,
        reason: request.reason.clone(),
        idempotency_key: request.key.clone(),
        fingerprint: request.fingerprint.clone(),
        status: RefundStatus::Pending,
        attempts: 0,
        created_at: now,
        answer: None,
    };
    records.insert_refund(&refund, now.saturating_add(RESUME_AFTER_MS))?;
    Ok(Claim::Own(refund))
}

/// Brings a refund to its end and gives the payment as it is then.
async fn finish<P: Ports>(ports: &P, refund: Refund) -> Result<Payment, PaymentError> {
    let payment = ports
        .store()
        .read(|records| records.find_payment(&refund.payment_id))?
        .ok_or(PaymentError::NotFound)?;
    log::record("order_id", &payment.order_id);
    if let Some(end) = end_of(&refund, &payment) {
        return end;
    }
    let answer = match need(ports, &payment, &refund)? {
        Need::Refund => ask(ports, &payment, &refund).await.map(Some),
        Need::Nothing => Ok(None),
        Need::TakenBack => Err(ProviderError::Rejected(TAKEN_BACK.to_owned())),
    };
    match answer {
        Ok(provider_id) => {
            let end = complete(ports, &refund, provider_id)?;
            publish_due(ports).await;
            end
        }
        Err(error) => {
            let is_told = set_back(ports, &refund, &error)?;
            if is_told {
                publish_due(ports).await;
            }
            let error = refused("refund", &refund.payment_id, error);
            // Another request may have brought the same refund to its end meanwhile: then that is the answer.
            let (refund, payment) = ports.store().read(|records| {
                let payment = records.find_payment(&refund.payment_id)?;
                Ok((records.find_refund(&refund.id)?, payment))
            })?;
            let end = refund.zip(payment);
            end.and_then(|(refund, payment)| end_of(&refund, &payment))
                .unwrap_or(Err(error))
        }
    }
}

/// What the customer still needs of a refund.
enum Need {
    /// That the provider makes it.
    Refund,
    /// There is nothing to give back, or it has been given back by hand.
    Nothing,
    /// The customer's bank has taken the money back.
    TakenBack,
}

fn need<P: Ports>(ports: &P, payment: &Payment, refund: &Refund) -> Result<Need, PaymentError> {
    if refund.amount.is_zero() {
        return Ok(Need::Nothing);
    }
    let Some(reference) = &refund.duplicate_charge else {
        return Ok(Need::Refund);
    };
    ports.store().read(|records| {
        let charge = duplicate_charges::find(records, payment, reference)?;
        if charge.is_some_and(|charge| charge.has_gone_back()) {
            return Ok(Need::Nothing);
        }
        Ok(
            match duplicate_charges::obstacle(records, &payment.id, reference)? {
                Obstacle::Lost => Need::TakenBack,
                Obstacle::None | Obstacle::Dispute => Need::Refund,
            },
        )
    })
}

/// What a refund has come to; none while it is pending.
fn end_of(refund: &Refund, payment: &Payment) -> Option<Result<Payment, PaymentError>> {
    match &refund.status {
        RefundStatus::Succeeded => Some(Ok(payment.clone())),
        RefundStatus::Failed(cause) => Some(Err(PaymentError::ProviderRejected(cause.clone()))),
        RefundStatus::Pending => None,
    }
}

async fn ask<P: Ports>(
    ports: &P,
    payment: &Payment,
    refund: &Refund,
) -> Result<String, ProviderError> {
    let Some(provider_reference) = charge_of(refund, payment) else {
        return Err(ProviderError::Rejected(
            "the charge to refund is not known".to_owned(),
        ));
    };
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        order_id: payment.order_id.clone(),
        currency: payment.currency.to_string(),
        provider_reference,
        amount: refund.amount,
        reason: refund.reason.clone(),
        idempotency_key: format!("refund:{}", refund.id),
    };
    ports.provider().refund(&request).await
}

/// The charge that a refund gives back, by the provider's reference.
fn charge_of(refund: &Refund, payment: &Payment) -> Option<String> {
    let duplicate = refund.duplicate_charge.clone();
    duplicate.or_else(|| payment.provider_reference.clone())
}

/// The provider has done it: refund, payment and event in one transaction. The provider's webhook may have told the
/// same sum before; then there is nothing left to tell. It may also have told that the refund has failed: then that is its
/// end.
fn complete<P: Ports>(
    ports: &P,
    refund: &Refund,
    provider_id: Option<String>,
) -> Result<Result<Payment, PaymentError>, PaymentError> {
    let now = ports.clock().now_ms();
    ports.store().write(|records| {
        let mut payment = records
            .find_payment(&refund.payment_id)?
            .ok_or(PaymentError::NotFound)?;
        let version = payment.version;
        let known = match &provider_id {
            Some(id) => records.find_provider_refund(id)?,
            None => None,
        };
        let failure = known.and_then(|known| known.failure);
        let end = match &failure {
            Some(failure) => Err(failure.reason.as_str()),
            None => Ok(provider_id.as_deref()),
        };
        if !records.finish_refund(&refund.id, end, now)? {
            let ended = records.find_refund(&refund.id)?;
            let end = ended.and_then(|refund| end_of(&refund, &payment));
            return Ok(end.unwrap_or(Ok(payment)));
        }
        let events = match (provider_id, charge_of(refund, &payment)) {
            (Some(id), Some(reference)) => {
                let made = ProviderRefund {
                    id,
                    amount: refund.amount,
                    created_at: 0,
                    failure: None,
                };
                settle_refunds::take_note(ports, records, &mut payment, &reference, &made, now)?
            }
            (None, _) if refund.duplicate_charge.is_none() && payment.give_nothing_back(now) => {
                vec![payment.event(ports.ids().new_id(), EventType::Refunded, now)]
            }
            _ => Vec::new(),
        };
        if payment.version != version {
            records.save_payment(&payment)?;
        }
        events
            .iter()
            .try_for_each(|event| records.append_event(event))?;
        Ok(match failure {
            Some(failure) => Err(PaymentError::ProviderRejected(failure.reason)),
            None => Ok(payment),
        })
    })
}

/// The provider has not done it. True when the order is to be told.
fn set_back<P: Ports>(
    ports: &P,
    refund: &Refund,
    error: &ProviderError,
) -> Result<bool, PaymentError> {
    let now = ports.clock().now_ms();
    ports.store().write(|records| {
        let obstacle = match &refund.duplicate_charge {
            Some(reference) => duplicate_charges::obstacle(records, &refund.payment_id, reference)?,
            None => Obstacle::None,
        };
        let cause = match (error, &obstacle) {
            // What is refused because of a dispute may be taken when that has ended.
            (ProviderError::Unavailable(_), _)
            | (ProviderError::Rejected(_), Obstacle::Dispute) => {
                let next_attempt_at = now.saturating_add(back_off_ms(refund.attempts));
                records.postpone_refund(&refund.id, next_attempt_at, now)?;
                return Ok(false);
            }
            (ProviderError::Rejected(cause), _) => cause,
        };
        let has_ended = records.finish_refund(&refund.id, Err(cause), now)?;
        let (Some(reference), Obstacle::None, true) =
            (&refund.duplicate_charge, obstacle, has_ended)
        else {
            return Ok(false);
        };
        let payment = records.find_payment(&refund.payment_id)?;
        let payment = payment.ok_or(PaymentError::NotFound)?;
        let event = duplicate_charges::refused(ports, &payment, reference, now);
        records.append_event(&event)?;
        Ok(true)
    })
}
