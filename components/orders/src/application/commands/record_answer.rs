//! Keeps the answer of a request under its idempotency key.

use crate::domain::{CustomerId, OrderError};
use crate::ports::{OrderRepository, Ports, RecordedAnswer};

/// The first answer kept is given back, and is what must be sent. A key that is free keeps nothing.
///
/// # Errors
/// When the orders database cannot be used.
pub fn handle(
    ports: &impl Ports,
    customer_id: &CustomerId,
    key: &str,
    answer: RecordedAnswer,
) -> Result<RecordedAnswer, OrderError> {
    ports
        .orders()
        .write(|records| match records.key(customer_id, key)? {
            Some(record) => match record.answer {
                Some(first) => Ok(first),
                None => records
                    .set_answer(customer_id, key, &answer)
                    .map(|()| answer),
            },
            None => Ok(answer),
        })
}
