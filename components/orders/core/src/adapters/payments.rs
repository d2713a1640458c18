//! Payments and their outbox behind the port [`Payments`].

use mercato_contracts::payments::outbox;
use mercato_contracts::payments::service::{
    self, Cancellation, CheckoutLine, MoneyReceived, SessionRequest,
};
use mercato_contracts::payments::types::PaymentError;
use mercato_kernel::{OrderId, PaymentId};
use mercato_platform::log;

use crate::domain::{OrderError, OrderItem, OrderView, Payment, PaymentEvent};
use crate::ports::{OpenError, Payments, Refunding};

/// The payments of the component this one is composed with.
pub struct ComposedPayments;

impl Payments for ComposedPayments {
    async fn open(&self, order: &OrderView, expires_at: u64) -> Result<Payment, OpenError> {
        let request = SessionRequest {
            order_id: order.id.to_string(),
            order_number: order.number.to_string(),
            customer_id: order.customer_id.to_string(),
            amount: order.amount_due(),
            currency: order.currency.code().to_owned(),
            lines: order.items.iter().map(checkout_line).collect(),
            expires_at,
        };
        service::open(request).await.map_err(|error| {
            log_error("open", &order.id.text(), &error);
            match error {
                PaymentError::Rejected(reason) => OpenError::Refused(reason),
                _ => OpenError::Unavailable,
            }
        })
    }

    async fn cancel(&self, order_id: OrderId, reason: &str) -> Result<Option<Payment>, OrderError> {
        let payment = service::cancel(cancellation(order_id, reason)).await;
        payment.map_err(failed("cancel", &order_id.text()))
    }

    async fn cancel_all(
        &self,
        cancellations: &[(OrderId, String)],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError> {
        let wanted = cancellations.iter();
        let wanted = wanted.map(|(order_id, reason)| cancellation(*order_id, reason));
        let outcomes = service::cancel_all(wanted.collect()).await;
        let outcomes = outcomes.map_err(failed("cancel", "several"))?;
        let outcome = |(outcome, (order_id, _)): (Result<_, _>, &(OrderId, String))| {
            outcome.map_err(failed("cancel", &order_id.text()))
        };
        Ok(outcomes
            .into_iter()
            .zip(cancellations)
            .map(outcome)
            .collect())
    }

    async fn refund(
        &self,
        payment_id: PaymentId,
        reason: &str,
        idempotency_key: &str,
    ) -> Result<Refunding, OrderError> {
        let id = payment_id.text();
        match service::refund(id.to_string(), reason.into(), idempotency_key.into()).await {
            Ok(()) => Ok(Refunding::Done),
            Err(PaymentError::Rejected(_)) => Ok(Refunding::Refused),
            Err(error) => Err(failed("refund", &id)(error)),
        }
    }

    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError> {
        let received = service::money_by_currency().await;
        received.map_err(failed("sum", "all"))
    }

    async fn of_order(&self, order_id: OrderId) -> Result<Option<Payment>, OrderError> {
        let payment = service::find_by_order(order_id.to_string()).await;
        payment.map_err(failed("find", &order_id.text()))
    }

    async fn relay(&self, min_interval_ms: u32) -> Result<(), OrderError> {
        let relayed = outbox::relay(min_interval_ms).await;
        relayed.map_err(failed("relay", "all"))
    }

    async fn pending_event(&self, event_id: &str) -> Result<Option<PaymentEvent>, OrderError> {
        let event = outbox::pending(event_id.to_owned()).await;
        event.map_err(failed("event", event_id))
    }

    async fn pending_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = outbox::pending_of_order(order_id.to_string()).await;
        events.map_err(failed("events of", &order_id.text()))
    }

    async fn overdue_events(
        &self,
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = outbox::overdue(min_age_ms, limit).await;
        events.map_err(failed("overdue events", ""))
    }

    async fn acknowledge(&self, event_id: &str) -> Result<(), OrderError> {
        let acknowledged = outbox::acknowledge(event_id.to_owned()).await;
        acknowledged.map_err(failed("acknowledge", event_id))
    }

    async fn report_failure(&self, event_id: &str, error: &str) -> Result<(), OrderError> {
        let reported = outbox::report_failure(event_id.to_owned(), error.to_owned()).await;
        reported.map_err(failed("report the failure of", event_id))
    }
}

fn cancellation(order_id: OrderId, reason: &str) -> Cancellation {
    Cancellation {
        order_id: order_id.to_string(),
        reason: reason.to_owned(),
    }
}

fn checkout_line(item: &OrderItem) -> CheckoutLine {
    CheckoutLine {
        name: item.name.clone(),
        unit_price: item.unit_price.units(),
        quantity: item.quantity.get(),
    }
}

/// Logs an error of payments and returns what it means for an order.
fn failed(what: &str, id: &str) -> impl Fn(PaymentError) -> OrderError {
    move |error| {
        log_error(what, id, &error);
        match error {
            PaymentError::Unavailable => OrderError::Unavailable,
            PaymentError::ProviderUnavailable | PaymentError::Rejected(_) => {
                OrderError::PaymentUnavailable
            }
            PaymentError::Internal => OrderError::Internal,
        }
    }
}

fn log_error(what: &str, id: &str, error: &PaymentError) {
    let cause = format!("{error:?}");
    log::warn(
        "payments refused or failed",
        &[("what", what), ("id", id), ("error", &cause)],
    );
}
