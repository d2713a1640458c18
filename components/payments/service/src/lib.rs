//! The payments of orders and the outbox of payment events, for other contexts: from WIT to the use cases and back.

mod outbox;
mod service;

use bindings::exports::mercato::payments::types::{self, PaymentError};
use mercato_platform::log;
use payments::domain;

mercato_contracts::component!(Component, "mercato:shop/payments-service", "../../../wit");

/// The component.
pub struct Component;

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
fn payment(payment: domain::PaymentView) -> types::Payment {
    let can_be_paid = payment.can_be_paid();
    let opened = opened(payment);
    types::Payment {
        session: opened.session.filter(|_| can_be_paid),
        ..opened
    }
}

/// The payment for whoever opened it: with its session, also when nobody can pay in it any more. An order that was paid
/// before it knew its session is answered with it.
fn opened(payment: domain::PaymentView) -> types::Payment {
    types::Payment {
        id: payment.id.to_string(),
        status: match payment.status {
            domain::PaymentStatus::Pending => types::PaymentStatus::Pending,
            domain::PaymentStatus::Succeeded => types::PaymentStatus::Succeeded,
            domain::PaymentStatus::Failed => types::PaymentStatus::Failed,
            domain::PaymentStatus::Cancelled => types::PaymentStatus::Cancelled,
            domain::PaymentStatus::Refunded => types::PaymentStatus::Refunded,
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

fn event(event: domain::PaymentEvent) -> types::PaymentEvent {
    types::PaymentEvent {
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
