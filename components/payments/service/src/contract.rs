//! What `mercato:payments/service` and `mercato:payments/outbox` promise, by the use cases of payments behind any ports.
//!
//! `types` and `service` of the module above are those of WIT, which gives whoever exports an interface other types than whoever
//! imports it: the component compiles this file with the former, the tests of orders with the latter.

use mercato_kernel::{AccountId, Caller, EventId, OrderId, PaymentId};
use mercato_money::{Currency, Money};
use mercato_platform::log;
use payments::application::commands::{
    self, acknowledge_event, cancel_payment, create_session, refund_payment, relay_outbox,
    report_failure,
};
use payments::application::ports::Ports;
use payments::application::queries;
use payments::domain::{self, CheckoutLine, MinorUnits, NewPayment, PaymentStatus, PaymentView};

use super::service::{
    Address, Adjustment, AdjustmentKind, Cancellation, CheckoutDetails, LineAmount, MoneyReceived,
    SessionRequest,
};
use super::types::{self, Payment, PaymentError, PaymentEvent};

pub async fn open(ports: &impl Ports, request: SessionRequest) -> Result<Payment, PaymentError> {
    let new = new_payment(request).map_err(open_error)?;
    let opening = create_session::handle(ports, &new);
    let payment = log::in_span(&[("order_id", &new.order_id.text())], opening).await;
    payment
        .map(|payment| opened(payment.into()))
        .map_err(open_error)
}

pub async fn cancel(
    ports: &impl Ports,
    cancellation: Cancellation,
) -> Result<Option<Payment>, PaymentError> {
    let Ok(order_id) = OrderId::parse(&cancellation.order_id) else {
        return Ok(None);
    };
    let cancellation = wanted(order_id, cancellation);
    let cancelled = cancel_payment::handle(ports, &cancellation);
    found(log::in_span(&[("order_id", &order_id.text())], cancelled).await)
}

pub async fn cancel_all(
    ports: &impl Ports,
    cancellations: Vec<Cancellation>,
) -> Result<Vec<Result<Option<Payment>, PaymentError>>, PaymentError> {
    let cancellations = cancellations
        .into_iter()
        .map(|asked| {
            let order_id = OrderId::parse(&asked.order_id)
                .map_err(|problem| PaymentError::Rejected(format!("orderId {problem}")))?;
            Ok(wanted(order_id, asked))
        })
        .collect::<Result<Vec<_>, PaymentError>>()?;
    let outcomes = cancel_payment::handle_all(ports, &cancellations).await;
    let outcomes = outcomes.map_err(payment_error)?;
    Ok(outcomes.into_iter().map(found).collect())
}

pub async fn refund(
    ports: &impl Ports,
    payment_id: String,
    reason: String,
    idempotency_key: String,
) -> Result<(), PaymentError> {
    let Ok(payment_id) = PaymentId::parse(&payment_id) else {
        return Err(payment_error(domain::PaymentError::NotFound));
    };
    let command = refund_payment::Command {
        requested_by: Caller::System,
        payment_id,
        amount: None,
        reason: Some(reason),
        idempotency_key: Some(idempotency_key),
        expected_version: None,
    };
    let refunding = refund_payment::handle(ports, command);
    match log::in_span(&[("payment_id", &payment_id.text())], refunding).await {
        Ok(_)
        | Err(
            domain::PaymentError::Conflict(PaymentStatus::Refunded)
            | domain::PaymentError::RefundExceedsAmount(MinorUnits::ZERO),
        ) => Ok(()),
        // A reason or a key that is no such thing is a fault of the caller's, not the provider's no.
        Err(error @ domain::PaymentError::Invalid(_)) => Err(internal(&error)),
        Err(error) => Err(payment_error(error)),
    }
}

pub async fn find_by_order(
    ports: &impl Ports,
    order_id: String,
) -> Result<Option<Payment>, PaymentError> {
    let Ok(order_id) = OrderId::parse(&order_id) else {
        return Ok(None);
    };
    log::in_span(&[("order_id", &order_id.text())], async {
        found(queries::find_payment_of_order(
            ports,
            &Caller::System,
            order_id,
        ))
    })
    .await
}

pub fn money_by_currency(ports: &impl Ports) -> Result<Vec<MoneyReceived>, PaymentError> {
    let received = queries::money_received(ports).map_err(payment_error)?;
    let money = received.into_iter().map(|money| MoneyReceived {
        currency: money.currency.code().to_owned(),
        gross: money.gross.get(),
        refunded: money.refunded.get(),
        lost_to_disputes: money.lost_to_disputes.get(),
    });
    Ok(money.collect())
}

pub async fn relay(ports: &impl Ports, min_interval_ms: u32) -> Result<(), PaymentError> {
    let command = relay_outbox::Command { min_interval_ms };
    let report = relay_outbox::handle(ports, command).await;
    report.map(drop).map_err(payment_error)
}

pub async fn pending(
    ports: &impl Ports,
    event_id: String,
) -> Result<Option<PaymentEvent>, PaymentError> {
    let Ok(event_id) = EventId::parse(&event_id) else {
        return Ok(None);
    };
    log::in_span(&[("event_id", &event_id.text())], async {
        let pending = queries::pending_event(ports, event_id);
        Ok(pending.map_err(payment_error)?.map(event))
    })
    .await
}

pub async fn pending_of_order(
    ports: &impl Ports,
    order_id: String,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let Ok(order_id) = OrderId::parse(&order_id) else {
        return Ok(Vec::new());
    };
    log::in_span(&[("order_id", &order_id.text())], async {
        events(queries::pending_events_of_order(ports, order_id))
    })
    .await
}

pub fn overdue(
    ports: &impl Ports,
    min_age_ms: u32,
    limit: u32,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    events(queries::overdue_events(ports, min_age_ms, limit))
}

pub async fn acknowledge(ports: &impl Ports, event_id: String) -> Result<(), PaymentError> {
    let Ok(event_id) = EventId::parse(&event_id) else {
        return Ok(());
    };
    let work = acknowledge_event::handle(ports, acknowledge_event::Command { event_id });
    let acknowledged = log::in_span(&[("event_id", &event_id.text())], work).await;
    acknowledged.map_err(payment_error)
}

pub async fn acknowledge_all(
    ports: &impl Ports,
    event_ids: Vec<String>,
) -> Result<(), PaymentError> {
    // What is no id is the id of no event.
    let known = event_ids.iter().filter_map(|id| EventId::parse(id).ok());
    let event_ids: Vec<EventId> = known.collect();
    let acknowledged = acknowledge_event::handle_all(ports, &event_ids).await;
    acknowledged.map_err(payment_error)
}

pub async fn report_failure(
    ports: &impl Ports,
    event_id: String,
    error: String,
) -> Result<(), PaymentError> {
    let Ok(event_id) = EventId::parse(&event_id) else {
        return Ok(());
    };
    let error = &error;
    log::in_span(&[("event_id", &event_id.text())], async {
        let command = report_failure::Command { event_id, error };
        report_failure::handle(ports, command).map_err(payment_error)
    })
    .await
}

pub fn found<P: Into<PaymentView>>(
    result: Result<P, domain::PaymentError>,
) -> Result<Option<Payment>, PaymentError> {
    match result {
        Ok(found) => Ok(Some(payment(found.into()))),
        Err(domain::PaymentError::NotFound) => Ok(None),
        Err(error) => Err(payment_error(error)),
    }
}

pub fn open_error(error: domain::PaymentError) -> PaymentError {
    match error {
        domain::PaymentError::IdempotencyKeyReused => {
            PaymentError::Rejected("the order has another payment".to_owned())
        }
        // The order was cancelled while its payment was opened: whoever cancelled it brings it to its end.
        domain::PaymentError::Conflict(_) => PaymentError::Unavailable,
        error => payment_error(error),
    }
}

fn wanted(order_id: OrderId, asked: Cancellation) -> commands::Cancellation {
    commands::Cancellation {
        order_id,
        reason: asked.reason,
        // Nothing was asked of the provider for a request that cannot be read.
        opening: asked.opening.and_then(|request| new_payment(request).ok()),
    }
}

pub fn new_payment(request: SessionRequest) -> Result<NewPayment, domain::PaymentError> {
    let invalid = domain::PaymentError::invalid;
    let currency: Currency = request
        .currency
        .parse()
        .map_err(|_| invalid("currency", "format", "currency must be an ISO 4217 code"))?;
    let amount = MinorUnits::new(request.amount)
        .ok_or_else(|| invalid("amount", "min", "amount must not be negative"))?;
    let order_id = OrderId::parse(&request.order_id).map_err(|problem| {
        domain::PaymentError::invalid("orderId", "format", format!("orderId {problem}"))
    })?;
    let customer_id = AccountId::parse(&request.customer_id).map_err(|problem| {
        domain::PaymentError::invalid("customerId", "format", format!("customerId {problem}"))
    })?;
    let lines = request.lines.into_iter().map(|line| CheckoutLine {
        name: line.name,
        unit_price: Money::from_units(line.unit_price),
        quantity: line.quantity,
    });
    let details = request.details.map(details).transpose()?;
    Ok(NewPayment {
        details,
        order_id,
        order_number: request.order_number,
        customer_id,
        amount,
        currency,
        lines: lines.collect(),
        expires_at: request.expires_at,
    })
}

fn details(details: CheckoutDetails) -> Result<domain::CheckoutDetails, domain::PaymentError> {
    let amount = |units: i64| {
        let message = "no amount of a checkout may be negative";
        MinorUnits::new(units)
            .ok_or_else(|| domain::PaymentError::invalid("details", "min", message))
    };
    let line_amount = |line: LineAmount| {
        Ok(domain::LineAmount {
            amount: amount(line.amount)?,
            discount: amount(line.discount)?,
        })
    };
    let adjustment = |adjustment: Adjustment| {
        Ok(domain::Adjustment {
            kind: match adjustment.kind {
                AdjustmentKind::Discount => domain::AdjustmentKind::Discount,
                AdjustmentKind::Shipping => domain::AdjustmentKind::Shipping,
                AdjustmentKind::Tax => domain::AdjustmentKind::Tax,
                AdjustmentKind::IncludedTax => domain::AdjustmentKind::IncludedTax,
            },
            label: adjustment.label,
            amount: amount(adjustment.amount)?,
        })
    };
    let line_amounts = details.line_amounts.into_iter().map(line_amount);
    let adjustments = details.adjustments.into_iter().map(adjustment);
    Ok(domain::CheckoutDetails {
        email: details.email,
        shipping_address: details.shipping_address.map(address),
        billing_address: details.billing_address.map(address),
        line_amounts: line_amounts.collect::<Result<_, domain::PaymentError>>()?,
        adjustments: adjustments.collect::<Result<_, domain::PaymentError>>()?,
    })
}

fn address(address: Address) -> domain::Address {
    domain::Address {
        name: address.name,
        company: address.company,
        line1: address.line1,
        line2: address.line2,
        postal_code: address.postal_code,
        city: address.city,
        region: address.region,
        country: address.country,
    }
}

fn events(
    found: Result<Vec<domain::PaymentEvent>, domain::PaymentError>,
) -> Result<Vec<PaymentEvent>, PaymentError> {
    let events = found.map_err(payment_error)?;
    Ok(events.into_iter().map(event).collect())
}

/// What the caller can do about an error. Those left over are faults of the caller's, which only the log explains.
fn payment_error(error: domain::PaymentError) -> PaymentError {
    match error {
        domain::PaymentError::ProviderRejected(cause) => PaymentError::Rejected(cause),
        domain::PaymentError::Invalid(fields) => {
            let messages: Vec<String> = fields.into_iter().map(|field| field.message).collect();
            PaymentError::Rejected(messages.join("; "))
        }
        domain::PaymentError::ProviderUnavailable => PaymentError::ProviderUnavailable,
        domain::PaymentError::Unavailable => PaymentError::Unavailable,
        domain::PaymentError::Internal => PaymentError::Internal,
        error => internal(&error),
    }
}

fn internal(error: &domain::PaymentError) -> PaymentError {
    log::error(
        "payments cannot do what was asked",
        &[("cause", &error.to_string())],
    );
    PaymentError::Internal
}

/// The payment as others see it: with its session only while the customer can pay in it.
fn payment(payment: PaymentView) -> Payment {
    let can_be_paid = payment.can_be_paid();
    let opened = opened(payment);
    Payment {
        session: opened.session.filter(|_| can_be_paid),
        ..opened
    }
}

/// The payment for whoever opened it: with its session, also when nobody can pay in it any more. An order that was paid
/// before it knew its session is answered with it.
fn opened(payment: PaymentView) -> Payment {
    Payment {
        id: payment.id.to_string(),
        status: match payment.status {
            PaymentStatus::Pending => types::PaymentStatus::Pending,
            PaymentStatus::Succeeded => types::PaymentStatus::Succeeded,
            PaymentStatus::Failed => types::PaymentStatus::Failed,
            PaymentStatus::Cancelled => types::PaymentStatus::Cancelled,
            PaymentStatus::Refunded => types::PaymentStatus::Refunded,
        },
        processing: payment.is_processing,
        amount: payment.amount.get(),
        refunded_amount: payment.refunded.get(),
        failed_refund_amount: payment.failed_refunds.get(),
        refund_failure: payment.refund_failure,
        duplicate_amount: payment.duplicates.get(),
        duplicate_refunded_amount: payment.duplicates_refunded.get(),
        disputed: payment.is_disputed,
        lost_to_disputes: payment.lost_to_disputes.get(),
        currency: payment.currency.to_string(),
        provider: payment.provider,
        session: payment
            .session
            .opened
            .map(|session| types::CheckoutSession {
                id: session.id,
                url: session.url,
                expires_at: session.expires_at,
            }),
        receipt_url: payment.receipt_url,
        reason: payment.reason,
    }
}

pub fn event(event: domain::PaymentEvent) -> PaymentEvent {
    PaymentEvent {
        id: event.id.to_string(),
        event_type: match event.event_type {
            domain::EventType::Succeeded => types::EventType::Succeeded,
            domain::EventType::Failed => types::EventType::Failed,
            domain::EventType::Cancelled => types::EventType::Cancelled,
            domain::EventType::Refunded => types::EventType::Refunded,
            domain::EventType::Updated => types::EventType::Updated,
        },
        time: event.time,
        order_id: event.order_id.to_string(),
        payment_id: event.payment_id.to_string(),
        amount: event.amount.get(),
        refunded_amount: event.refunded.get(),
        payment_version: event.payment_version,
        currency: event.currency.to_string(),
        receipt_url: event.receipt_url,
        reason: event.reason,
    }
}
