//! Places an order for a customer.
//!
//! With an idempotency key a repeated request continues or repeats the first one. A request whose lines are rejected
//! keeps its key, and so the same rejection; one that was abandoned before there was an order gives its key free.

use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use crate::application::saga::place::{self, Placement};
use crate::application::{ABANDON_AFTER_MS, KEY_KEPT_MS, RESUME_AFTER_MS};
use crate::domain::{
    CustomerId, FieldError, Line, OrderError, OrderId, RequestedLine, Saga, Step, merge_lines,
};
use crate::ports::{KeyRecord, OrderRecords, OrderRepository, Ports, RecordedAnswer};

/// Characters of an idempotency key.
pub const KEY_MAX_CHARS: usize = 255;

const FINGERPRINT_BYTES: usize = 32;

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateOrder {
    /// Who orders.
    pub customer_id: CustomerId,
    /// What.
    pub lines: Vec<RequestedLine>,
    /// The key of the request, if the client gave one.
    pub idempotency: Option<Idempotency>,
}

/// An idempotency key and what it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// 1 to [`KEY_MAX_CHARS`] visible ASCII characters.
    pub key: String,
    /// SHA-256 of the request's body.
    pub fingerprint: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per request, and it is nearly always the large one"
)]
pub enum CreateOutcome {
    /// The order stands, made now or resumed.
    Placed(Placement),
    /// This request was answered before.
    Replayed(RecordedAnswer),
}

enum Begun {
    Saga(OrderId),
    Answered(RecordedAnswer),
}

/// Takes the order as far as it goes now; what is left is taken up again as the module says.
///
/// # Errors
/// Why there is no order; see [`OrderError`].
pub async fn handle(ports: &impl Ports, command: CreateOrder) -> Result<CreateOutcome, OrderError> {
    let lines = merge_lines(&command.lines)?;
    if let Some(idempotency) = &command.idempotency {
        check(idempotency)?;
    }
    let order_id = match begin(ports, &command, lines)? {
        Begun::Answered(answer) => return Ok(CreateOutcome::Replayed(answer)),
        Begun::Saga(order_id) => order_id,
    };
    log::learn("order_id", order_id.as_str());
    let placed = place::advance(ports, &order_id).await;
    if placed.is_err() && command.idempotency.is_none() {
        give_up(ports, &order_id);
    }
    placed.map(CreateOutcome::Placed)
}

fn check(idempotency: &Idempotency) -> Result<(), OrderError> {
    let key = &idempotency.key;
    let is_key =
        (1..=KEY_MAX_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_key {
        let message =
            format!("Idempotency-Key must be 1 to {KEY_MAX_CHARS} visible ASCII characters");
        return Err(OrderError::Invalid(vec![FieldError::new(
            "Idempotency-Key",
            "format",
            message,
        )]));
    }
    if idempotency.fingerprint.len() == FINGERPRINT_BYTES {
        Ok(())
    } else {
        Err(OrderError::Internal)
    }
}

fn begin(ports: &impl Ports, command: &CreateOrder, lines: Vec<Line>) -> Result<Begun, OrderError> {
    let now = ports.clock().now_ms();
    let expires_at = now.saturating_add(ports.settings().reservation_ttl_ms);
    let order_id = OrderId::parse(&ports.ids().new_id())?;
    ports.orders().write(|records| {
        if let Some(idempotency) = &command.idempotency {
            if let Some(begun) = earlier(records, &command.customer_id, idempotency, now)? {
                return Ok(begun);
            }
            let fingerprint = idempotency.fingerprint.clone();
            let record = KeyRecord {
                fingerprint,
                order_id: order_id.clone(),
                created_at: now,
                answer: None,
            };
            records.insert_key(&command.customer_id, &idempotency.key, &record)?;
        }
        let patience = if command.idempotency.is_some() {
            RESUME_AFTER_MS
        } else {
            ABANDON_AFTER_MS
        };
        let saga = Saga::begin(
            order_id.clone(),
            command.customer_id.clone(),
            lines,
            now,
            expires_at,
        );
        records.insert_saga(&Saga {
            next_attempt_at: now + patience,
            ..saga
        })?;
        Ok(Begun::Saga(order_id))
    })
}

fn earlier(
    records: &dyn OrderRecords,
    customer_id: &CustomerId,
    idempotency: &Idempotency,
    now: u64,
) -> Result<Option<Begun>, OrderError> {
    let Some(record) = records.key(customer_id, &idempotency.key)? else {
        return Ok(None);
    };
    if record.created_at.saturating_add(KEY_KEPT_MS) <= now {
        records.free_key(&record.order_id)?;
        return Ok(None);
    }
    if record.fingerprint != idempotency.fingerprint {
        return Err(OrderError::IdempotencyKeyReused);
    }
    Ok(Some(
        record
            .answer
            .map_or(Begun::Saga(record.order_id), Begun::Answered),
    ))
}

/// Nobody can ask for this order again: the sweeper need not wait before it ends it.
fn give_up(ports: &impl Ports, order_id: &OrderId) {
    let now = ports.clock().now_ms();
    let result = ports
        .orders()
        .write(|records| match records.saga(order_id)? {
            Some(saga) if matches!(saga.step, Step::New | Step::Reserved) => {
                records.update_saga(&Saga {
                    next_attempt_at: now,
                    ..saga
                })
            }
            _ => Ok(()),
        });
    if let Err(error) = result {
        let cause = error.to_string();
        log::warn(
            "a failed order is left to the sweeper",
            &[("order_id", order_id.as_str()), ("error", &cause)],
        );
    }
}
