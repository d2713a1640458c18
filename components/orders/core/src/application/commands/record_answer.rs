//! Keeps the answer of a request under its idempotency key.

use mercato_kernel::{AccountId, RecordedAnswer};

use crate::application::commands::create_order::Idempotency;
use crate::domain::OrderError;
use crate::ports::{Ports, Store};

/// The first answer kept is returned, and is what must be sent. A key that is free, or was sent with another body,
/// keeps nothing.
///
/// # Errors
/// When the orders database cannot be used.
pub fn handle(
    ports: &impl Ports,
    customer_id: AccountId,
    idempotency: &Idempotency,
    answer: RecordedAnswer,
) -> Result<RecordedAnswer, OrderError> {
    let key = idempotency.key.as_str();
    ports.store().write(|records| {
        let record = records.key(customer_id, key)?;
        match record.filter(|record| record.fingerprint == idempotency.fingerprint) {
            Some(record) => match record.answer {
                Some(first) => Ok(first),
                None => records
                    .set_answer(customer_id, key, &answer)
                    .map(|()| answer),
            },
            None => Ok(answer),
        }
    })
}
