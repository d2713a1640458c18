//! Payment events that were applied.

use mercato_sql::params;

use super::Records;
use crate::domain::{EventType, OrderError, PaymentEvent};

const INSERT_INTO_INBOX: &str = "
INSERT INTO inbox (event_id, event_type, order_id, received_at)
VALUES (?, ?, ?, ?)
ON CONFLICT (event_id) DO NOTHING";

impl Records<'_> {
    /// Puts an event into the inbox; false when it is there already.
    pub fn insert_into_inbox(&self, event: &PaymentEvent, now: u64) -> Result<bool, OrderError> {
        let values = params![
            event.id.as_str(),
            type_name(event.event_type),
            event.order_id.as_str(),
            now
        ];
        Ok(self.0.execute_counted(INSERT_INTO_INBOX, values)? == 1)
    }
}

const fn type_name(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Succeeded => "payment.succeeded",
        EventType::Failed => "payment.failed",
        EventType::Cancelled => "payment.cancelled",
        EventType::Refunded => "payment.refunded",
        EventType::Updated => "payment.updated",
    }
}
