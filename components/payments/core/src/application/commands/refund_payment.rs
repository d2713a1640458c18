//! Gives money back.

use mercato_kernel::{Caller, PaymentId, RecordedAnswer};
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::text;
use sha2::{Digest, Sha256};

use super::finish_refund::finish;
use crate::application::locks::{self, Locks};
use crate::application::ports::{Ports, Store};
use crate::domain::{MinorUnits, Payment, PaymentError, REASON_MAX_CHARS, Refund, RefundState};
use crate::store::Records;

/// How long a refund's idempotency key is remembered after the refund has ended, in milliseconds. Until then it is
/// remembered however long the provider is silent: whoever asks every hour must not be given the money twice.
pub const IDEMPOTENCY_KEY_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// Longest idempotency key, in bytes.
const IDEMPOTENCY_KEY_MAX_BYTES: usize = 255;

/// How long the request that asked for a refund has to finish it before the relay resumes it, in milliseconds.
const RESUME_AFTER_MS: u64 = 10_000;

/// How many refunds left by others a request finishes before its own.
const OTHERS_MAX: usize = 8;

/// A request to give money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who wants it: everybody has keys of their own.
    pub requested_by: Caller,
    /// The payment.
    pub payment_id: PaymentId,
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

/// A valid [`Command`].
struct Request {
    payment_id: PaymentId,
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
/// asked and resumed after a crash, by a repeated request, by the next one, or by the relay.
///
/// # Errors
/// `Invalid`, `NotFound`, `VersionMismatch`, `Conflict`, `RefundExceedsAmount`, `IdempotencyKeyReused`, `ProviderRejected`;
/// `ProviderUnavailable` when this refund is written down and will be made as soon as the provider answers;
/// `Unavailable` when nothing is written down, because another refund of the payment has to end first.
pub async fn handle<P: Ports>(ports: &P, command: Command) -> Result<RefundOutcome, PaymentError> {
    let request = validate(command)?;
    for _ in 0..OTHERS_MAX {
        let claimed = ports.store().write(locks_of(&request), |records| {
            claim(ports, records, &request)
        })?;
        match claimed {
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

/// What a request is about before its payment's order is known.
fn locks_of(request: &Request) -> Locks {
    match &request.key {
        Some(key) => locks::refund_key(key),
        None => locks::payment(request.payment_id),
    }
}

fn validate(command: Command) -> Result<Request, PaymentError> {
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
    let fingerprint = fingerprint(command.payment_id, amount, reason.as_deref());
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
pub(super) fn stored_key(requested_by: &Caller, key: &str) -> String {
    match requested_by.account() {
        Some(id) => format!("{id}:{key}"),
        None => format!(":{key}"),
    }
}

fn is_key(key: &str) -> bool {
    (1..=IDEMPOTENCY_KEY_MAX_BYTES).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// SHA-256 of the request, each part preceded by its length so that no two requests read the same.
fn fingerprint(payment_id: PaymentId, amount: Option<MinorUnits>, reason: Option<&str>) -> Vec<u8> {
    let amount = amount.map_or_else(|| "all".to_owned(), |amount| amount.to_string());
    let mut hash = Sha256::new();
    for part in [&*payment_id.text(), &amount, reason.unwrap_or_default()] {
        hash.update(format!("{}:{part}", part.len()));
    }
    hash.finalize().to_vec()
}

fn claim<P: Ports>(
    ports: &P,
    records: &Records<'_>,
    request: &Request,
) -> Result<Claim, PaymentError> {
    let now = ports.clock().now_ms();
    let payment = records
        .find_payment_alone(request.payment_id)?
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
    if let Some(pending) = records.find_pending_refund(payment.id)? {
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
        id: ports.ids().new_uuid().into(),
        amount: payment.amount_to_refund(request.amount)?,
        refunded_before: payment.refunded,
        payment_id: payment.id,
        duplicate_charge: None,
        reason: request.reason.clone(),
        idempotency_key: request.key.clone(),
        fingerprint: request.fingerprint.clone(),
        state: RefundState::Pending,
        attempts: 0,
        created_at: now,
        answer: None,
    };
    records.insert_refund(&refund, now.saturating_add(RESUME_AFTER_MS))?;
    Ok(Claim::Own(refund))
}
