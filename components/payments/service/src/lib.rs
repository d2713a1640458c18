//! The payments of orders and the outbox of payment events, for other contexts.

mod contract;

use bindings::exports::mercato::payments::{outbox, service, types};
use payments::instance;
use service::{Cancellation, MoneyReceived, SessionRequest};
use types::{Payment, PaymentError, PaymentEvent};

mercato_contracts::component!(Component, "mercato:shop/payments-service", "../../../wit");

/// The component.
pub struct Component;

impl service::Guest for Component {
    async fn open(request: SessionRequest) -> Result<Payment, PaymentError> {
        contract::open(&*instance(), request).await
    }

    async fn cancel(cancellation: Cancellation) -> Result<Option<Payment>, PaymentError> {
        contract::cancel(&*instance(), cancellation).await
    }

    async fn cancel_all(
        cancellations: Vec<Cancellation>,
    ) -> Result<Vec<Result<Option<Payment>, PaymentError>>, PaymentError> {
        contract::cancel_all(&*instance(), cancellations).await
    }

    async fn refund(
        payment_id: String,
        reason: String,
        idempotency_key: String,
    ) -> Result<(), PaymentError> {
        contract::refund(&*instance(), payment_id, reason, idempotency_key).await
    }

    async fn find_by_order(order_id: String) -> Result<Option<Payment>, PaymentError> {
        contract::find_by_order(&*instance(), order_id).await
    }

    async fn money_by_currency() -> Result<Vec<MoneyReceived>, PaymentError> {
        contract::money_by_currency(&*instance())
    }
}

impl outbox::Guest for Component {
    async fn relay(min_interval_ms: u32) -> Result<(), PaymentError> {
        contract::relay(&*instance(), min_interval_ms).await
    }

    async fn pending(event_id: String) -> Result<Option<PaymentEvent>, PaymentError> {
        contract::pending(&*instance(), event_id).await
    }

    async fn pending_of_order(order_id: String) -> Result<Vec<PaymentEvent>, PaymentError> {
        contract::pending_of_order(&*instance(), order_id).await
    }

    async fn overdue(min_age_ms: u32, limit: u32) -> Result<Vec<PaymentEvent>, PaymentError> {
        contract::overdue(&*instance(), min_age_ms, limit)
    }

    async fn acknowledge(event_id: String) -> Result<(), PaymentError> {
        contract::acknowledge(&*instance(), event_id).await
    }

    async fn acknowledge_all(event_ids: Vec<String>) -> Result<(), PaymentError> {
        contract::acknowledge_all(&*instance(), event_ids).await
    }

    async fn report_failure(event_id: String, error: String) -> Result<(), PaymentError> {
        contract::report_failure(&*instance(), event_id, error).await
    }
}

#[cfg(test)]
mod tests;
