//! Payments and their outbox behind the port [`Payments`].

use mercato_platform::log;

use crate::bindings::mercato::payments_old::commands::{self, CheckoutLine, SessionRequest};
use crate::bindings::mercato::payments_old::types::{
    CheckoutSession, EventType as WitEventType, Payment as WitPayment, PaymentError,
    PaymentEvent as WitPaymentEvent, PaymentStatus as WitPaymentStatus, Viewer,
};
use crate::bindings::mercato::payments_old::{outbox, queries};
use crate::domain::{
    EventId, EventType, Order, OrderError, OrderId, OrderItem, Payment, PaymentEvent, PaymentId,
    PaymentSession, PaymentStatus,
};
use crate::ports::{MoneyReceived, OpenError, Payments, Refunding};

/// The payments of the component this one is composed with.
pub struct ComposedPayments;

impl Payments for ComposedPayments {
    async fn open(&self, order: &Order, expires_at: u64) -> Result<Payment, OpenError> {
        let request = SessionRequest {
            order_id: order.id.as_str().to_owned(),
            order_number: order.number.as_str().to_owned(),
            customer_id: order.customer_id.as_str().to_owned(),
            amount: order.amount_due(),
            currency: order.currency.code().to_owned(),
            lines: order.items.iter().map(checkout_line).collect(),
            expires_at,
        };
        match commands::create_session(request).await {
            Ok(payment) => payment_of(payment).map_err(|_| OpenError::Unavailable),
            Err(error) => {
                log_error("open", order.id.as_str(), &error);
                Err(open_error(error))
            }
        }
    }

    async fn cancel(
        &self,
        order_id: &OrderId,
        reason: &str,
    ) -> Result<Option<Payment>, OrderError> {
        found(
            "cancel",
            order_id,
            commands::cancel(order_id.as_str().to_owned(), reason.to_owned()).await,
        )
    }

    async fn cancel_all(
        &self,
        cancellations: &[(OrderId, String)],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError> {
        let asked = |(order_id, reason): &(OrderId, String)| commands::Cancellation {
            order_id: order_id.as_str().to_owned(),
            reason: reason.clone(),
        };
        let outcomes = commands::cancel_all(cancellations.iter().map(asked).collect()).await;
        let outcomes = outcomes.map_err(|error| failure("cancel", "several", &error))?;
        let told =
            |(outcome, (order_id, _)): (_, &(OrderId, String))| found("cancel", order_id, outcome);
        Ok(outcomes.into_iter().zip(cancellations).map(told).collect())
    }

    async fn refund(
        &self,
        payment_id: &PaymentId,
        reason: &str,
        idempotency_key: &str,
    ) -> Result<Refunding, OrderError> {
        let (id, reason, key) = (
            payment_id.as_str().to_owned(),
            reason.to_owned(),
            idempotency_key.to_owned(),
        );
        match commands::refund(Viewer::System, id, None, Some(reason), Some(key), None).await {
            Ok(_)
            | Err(
                PaymentError::Conflict(WitPaymentStatus::Refunded)
                | PaymentError::RefundExceedsAmount(0),
            ) => Ok(Refunding::Done),
            Err(PaymentError::ProviderRejected(_)) => Ok(Refunding::Refused),
            Err(error) => Err(failure("refund", payment_id.as_str(), &error)),
        }
    }

    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError> {
        let received = queries::money_by_currency().await;
        received
            .map_err(|error| failure("sum", "all", &error))?
            .into_iter()
            .map(money_of)
            .collect()
    }

    async fn of_order(&self, order_id: &OrderId) -> Result<Option<Payment>, OrderError> {
        found(
            "find",
            order_id,
            queries::find_by_order(Viewer::System, order_id.as_str().to_owned()).await,
        )
    }

    async fn pending_events(&self, order_id: &OrderId) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = outbox::pending_of_order(order_id.as_str().to_owned()).await;
        events
            .map_err(|error| failure("events of", order_id.as_str(), &error))?
            .into_iter()
            .map(event_of)
            .collect()
    }

    async fn overdue_events(
        &self,
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = outbox::overdue(min_age_ms, limit).await;
        events
            .map_err(|error| failure("overdue events", "", &error))?
            .into_iter()
            .map(event_of)
            .collect()
    }

    async fn acknowledge(&self, event_id: &EventId) -> Result<(), OrderError> {
        let result = outbox::acknowledge(event_id.as_str().to_owned()).await;
        result.map_err(|error| failure("acknowledge", event_id.as_str(), &error))
    }

    async fn report_failure(&self, event_id: &EventId, error: &str) -> Result<(), OrderError> {
        let result = outbox::report_failure(event_id.as_str().to_owned(), error.to_owned()).await;
        result.map_err(|error| failure("report the failure of", event_id.as_str(), &error))
    }
}

fn open_error(error: PaymentError) -> OpenError {
    match error {
        PaymentError::ProviderRejected(reason) => OpenError::Refused(reason),
        PaymentError::Invalid(fields) => {
            let messages: Vec<String> = fields.into_iter().map(|field| field.message).collect();
            OpenError::Refused(messages.join("; "))
        }
        PaymentError::IdempotencyKeyReused => {
            OpenError::Refused("the order has another payment".to_owned())
        }
        _ => OpenError::Unavailable,
    }
}

fn found(
    what: &str,
    order_id: &OrderId,
    result: Result<WitPayment, PaymentError>,
) -> Result<Option<Payment>, OrderError> {
    match result {
        Ok(payment) => payment_of(payment).map(Some),
        Err(PaymentError::NotFound) => Ok(None),
        Err(error) => Err(failure(what, order_id.as_str(), &error)),
    }
}

fn failure(what: &str, id: &str, error: &PaymentError) -> OrderError {
    log_error(what, id, error);
    match error {
        PaymentError::Unavailable => OrderError::Unavailable,
        PaymentError::ProviderUnavailable | PaymentError::ProviderRejected(_) => {
            OrderError::PaymentUnavailable
        }
        _ => OrderError::Internal,
    }
}

fn log_error(what: &str, id: &str, error: &PaymentError) {
    let cause = format!("{error:?}");
    log::warn(
        "payments refused or failed",
        &[("what", what), ("id", id), ("error", &cause)],
    );
}

fn checkout_line(item: &OrderItem) -> CheckoutLine {
    CheckoutLine {
        name: item.name.clone(),
        unit_price: item.unit_price.units(),
        quantity: item.quantity.get(),
    }
}

fn money_of(money: queries::MoneyReceived) -> Result<MoneyReceived, OrderError> {
    let currency = money.currency.parse().map_err(|_| {
        log::error(
            "payments gave a currency that is none",
            &[("currency", &money.currency)],
        );
        OrderError::Internal
    })?;
    Ok(MoneyReceived {
        currency,
        gross: money.gross,
        refunded: money.refunded,
        lost_to_disputes: money.lost_to_disputes,
    })
}

fn payment_of(payment: WitPayment) -> Result<Payment, OrderError> {
    Ok(Payment {
        id: PaymentId::parse(&payment.id).map_err(unreadable)?,
        status: match payment.status {
            WitPaymentStatus::Pending => PaymentStatus::Pending,
            WitPaymentStatus::Succeeded => PaymentStatus::Succeeded,
            WitPaymentStatus::Failed => PaymentStatus::Failed,
            WitPaymentStatus::Cancelled => PaymentStatus::Cancelled,
            WitPaymentStatus::Refunded => PaymentStatus::Refunded,
        },
        is_processing: payment.processing,
        amount: payment.amount,
        refunded_amount: payment.refunded_amount,
        failed_refund_amount: payment.failed_refund_amount,
        refund_failure: payment.refund_failure,
        duplicate_amount: payment.duplicate_amount,
        duplicate_refunded_amount: payment.duplicate_refunded_amount,
        is_disputed: payment.disputed,
        lost_to_disputes: payment.lost_to_disputes,
        currency: payment.currency,
        provider: payment.provider,
        session: payment.session.map(session_of),
        receipt_url: payment.receipt_url,
        reason: payment.reason,
    })
}

fn session_of(session: CheckoutSession) -> PaymentSession {
    PaymentSession {
        id: session.id,
        url: session.url,
        expires_at: session.expires_at,
    }
}

fn event_of(event: WitPaymentEvent) -> Result<PaymentEvent, OrderError> {
    Ok(PaymentEvent {
        id: EventId::parse(&event.id).map_err(unreadable)?,
        event_type: match event.event_type {
            WitEventType::Succeeded => EventType::Succeeded,
            WitEventType::Failed => EventType::Failed,
            WitEventType::Cancelled => EventType::Cancelled,
            WitEventType::Refunded => EventType::Refunded,
            WitEventType::Updated => EventType::Updated,
        },
        time: event.time,
        order_id: OrderId::parse(&event.order_id).map_err(unreadable)?,
        payment_id: PaymentId::parse(&event.payment_id).map_err(unreadable)?,
        amount: event.amount,
        refunded_amount: event.refunded_amount,
        payment_version: event.payment_version,
        currency: event.currency,
        receipt_url: event.receipt_url,
        reason: event.reason,
    })
}

fn unreadable(error: OrderError) -> OrderError {
    log::error(
        "payments gave an id that is no UUID",
        &[("error", &error.to_string())],
    );
    OrderError::Internal
}
