//! Keeps the answer of a request under its idempotency key.

use mercato_kernel::RecordedAnswer;

use crate::application::commands::create_order::Idempotency;
use crate::application::locks;
use crate::domain::{CustomerId, OrderError};
use crate::ports::{Ports, Store};

/// The first answer kept is returned, and is what must be sent. A key that is free, or was sent with another body,
/// keeps nothing.
///
/// # Errors
/// When the orders database cannot be used.
pub fn handle(
    ports: &impl Ports,
    customer_id: impl Into<CustomerId>,
    idempotency: &Idempotency,
    answer: RecordedAnswer,
) -> Result<RecordedAnswer, OrderError> {
    let (customer_id, key) = (customer_id.into(), idempotency.key.as_str());
    let locks = locks::idempotency_key(customer_id, key);
    let first = ports.store().write(locks, |records| {
        let record = records.key(customer_id, key)?;
        match record.filter(|record| record.fingerprint == idempotency.fingerprint) {
            Some(record) if record.answer.is_none() => {
                records.set_answer(customer_id, key, &answer).map(|()| None)
            }
            Some(record) => Ok(record.answer),
            None => Ok(None),
        }
    })?;
    Ok(first.unwrap_or(answer))
}
