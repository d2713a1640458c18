//! Idempotency keys and the answers kept under them.

use mercato_kernel::{OrderId, RecordedAnswer};
use mercato_sql::params;

use super::{Records, exactly_one, id, key};
use crate::domain::{CustomerId, OrderError};

/// What is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// SHA-256 of the request's body.
    pub fingerprint: Vec<u8>,
    /// The order the request is about.
    pub order_id: OrderId,
    /// When the key was first used, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// The answer, once one was given.
    pub answer: Option<RecordedAnswer>,
}

pub(super) const KEY: &str = "
SELECT fingerprint, order_id, created_at, answer_status, answer_body
FROM idempotency_keys
WHERE customer_id = ? AND key = ?";

const INSERT_KEY: &str = "
INSERT INTO idempotency_keys (customer_id, key, fingerprint, order_id, created_at)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (customer_id, key) DO NOTHING";

const SET_ANSWER: &str = "
UPDATE idempotency_keys
SET answer_status = ?, answer_body = ?
WHERE customer_id = ? AND key = ?";

const HAS_KEY: &str = "SELECT 1 FROM idempotency_keys WHERE order_id = ?";

const FREE_KEY: &str = "DELETE FROM idempotency_keys WHERE order_id = ?";

impl Records<'_> {
    /// What is kept under a customer's key.
    pub fn key(
        &self,
        customer_id: CustomerId,
        name: &str,
    ) -> Result<Option<KeyRecord>, OrderError> {
        let Some(row) = self.0.query_one(KEY, params![key(customer_id), name])? else {
            return Ok(None);
        };
        let status: Option<u16> = row.get("answer_status")?;
        let body: Option<Vec<u8>> = row.get("answer_body")?;
        Ok(Some(KeyRecord {
            fingerprint: row.get("fingerprint")?,
            order_id: id(&row, "order_id")?,
            created_at: row.get("created_at")?,
            answer: status
                .zip(body)
                .map(|(status, body)| RecordedAnswer { status, body }),
        }))
    }

    /// Takes a customer's key for an order; false when it is taken.
    pub fn insert_key(
        &self,
        customer_id: CustomerId,
        name: &str,
        record: &KeyRecord,
    ) -> Result<bool, OrderError> {
        let values = params![
            key(customer_id),
            name,
            record.fingerprint.as_slice(),
            key(record.order_id),
            record.created_at
        ];
        Ok(self.0.execute_counted(INSERT_KEY, values)? == 1)
    }

    /// Keeps the answer given under a key.
    pub fn set_answer(
        &self,
        customer_id: CustomerId,
        name: &str,
        answer: &RecordedAnswer,
    ) -> Result<(), OrderError> {
        let values = params![
            u32::from(answer.status),
            answer.body.as_slice(),
            key(customer_id),
            name
        ];
        exactly_one(
            self.0.execute_counted(SET_ANSWER, values)?,
            "idempotency_keys",
        )
    }

    /// Whether the order was asked for under a key.
    pub fn has_key(&self, id: OrderId) -> Result<bool, OrderError> {
        Ok(self.0.query_one(HAS_KEY, params![key(id)])?.is_some())
    }

    /// Frees the key an order was asked for under, if any.
    pub fn free_key(&self, id: OrderId) -> Result<(), OrderError> {
        self.0.execute(FREE_KEY, params![key(id)])?;
        Ok(())
    }
}
