//! The component's exports: from WIT to use cases and back.

use mercato_money::{Currency, Money};
use mercato_platform::{ids, log};

use crate::application::{commands as use_cases, queries as views};
use crate::bindings::exports::mercato::payments_old::{commands, outbox, queries, types};
use crate::domain::{
    CheckoutLine, CheckoutSession, Dispute, DisputeStatus, EventType, FieldError, MinorUnits,
    NewPayment, OutboxEntry, Payment, PaymentError, PaymentEvent, PaymentStatus, RecordedAnswer,
    Refund, RefundStatus, Viewer,
};
use crate::instance as host;
use crate::ports::{CheckoutOutcome, MoneyReceived};

/// The component.
pub struct Component;

impl commands::Guest for Component {
    async fn create_session(
        request: commands::SessionRequest,
    ) -> Result<types::Payment, types::PaymentError> {
        let new = new_payment(request)?;
        let ids = [("order_id", new.order_id.as_str())];
        let payment = log::in_span(&ids, use_cases::create_session(&*host(), &new)).await?;
        Ok(opened(payment))
    }

    async fn open_session(
        viewer: types::Viewer,
        order_id: String,
    ) -> Result<types::Payment, types::PaymentError> {
        let order_id = id(&order_id)?;
        let ids = [("order_id", order_id.as_str())];
        let (host, viewer) = (host(), viewer.into());
        let opened = use_cases::open_session(&*host, &viewer, &order_id);
        Ok(log::in_span(&ids, opened).await?.into())
    }

    async fn cancel(
        order_id: String,
        reason: String,
    ) -> Result<types::Payment, types::PaymentError> {
        let order_id = id(&order_id)?;
        let ids = [("order_id", order_id.as_str())];
        let host = host();
        let cancelled = use_cases::cancel_payment(&*host, &order_id, &reason);
        Ok(log::in_span(&ids, cancelled).await?.into())
    }

    async fn cancel_all(
        cancellations: Vec<commands::Cancellation>,
    ) -> Result<Vec<Result<types::Payment, types::PaymentError>>, types::PaymentError> {
        let cancellation = |asked: commands::Cancellation| {
            Ok(use_cases::Cancellation {
                order_id: id(&asked.order_id)?,
                reason: asked.reason,
            })
        };
        let cancellations = cancellations
            .into_iter()
            .map(cancellation)
            .collect::<Result<Vec<_>, PaymentError>>()?;
        let host = host();
        let outcomes = use_cases::cancel_payments(&*host, &cancellations).await?;
        let told =
            |outcome: Result<Payment, PaymentError>| outcome.map(Into::into).map_err(Into::into);
        Ok(outcomes.into_iter().map(told).collect())
    }

    async fn refund(
        viewer: types::Viewer,
        payment_id: String,
        amount: Option<i64>,
        reason: Option<String>,
        idempotency_key: Option<String>,
        expected_version: Option<u64>,
    ) -> Result<commands::RefundOutcome, types::PaymentError> {
        let payment_id = id(&payment_id)?;
        let command = use_cases::RefundCommand {
            requested_by: viewer.into(),
            payment_id: payment_id.clone(),
            amount,
            reason,
            idempotency_key,
            expected_version,
        };
        let ids = [("payment_id", payment_id.as_str())];
        let outcome = log::in_span(&ids, use_cases::refund_payment(&*host(), command)).await?;
        Ok(match outcome {
            use_cases::RefundOutcome::Refunded(payment) => {
                commands::RefundOutcome::Refunded(payment.into())
            }
            use_cases::RefundOutcome::Replayed(answer) => {
                commands::RefundOutcome::Replayed(answer.into())
            }
        })
    }

    async fn record_refund_answer(
        viewer: types::Viewer,
        idempotency_key: String,
        answer: commands::RecordedAnswer,
    ) -> Result<commands::RecordedAnswer, types::PaymentError> {
        let answer = RecordedAnswer {
            status: answer.status,
            body: answer.body,
        };
        let viewer = viewer.into();
        let kept = use_cases::record_refund_answer(&*host(), &viewer, &idempotency_key, answer)?;
        Ok(kept.into())
    }

    async fn handle_webhook(
        body: Vec<u8>,
        signature: String,
    ) -> Result<commands::WebhookOutcome, types::PaymentError> {
        Ok(
            // What it is about, its body says.
            match log::in_span(&[], use_cases::handle_webhook(&*host(), &body, &signature)).await? {
                use_cases::WebhookOutcome::Applied => commands::WebhookOutcome::Applied,
                use_cases::WebhookOutcome::Duplicate => commands::WebhookOutcome::Duplicate,
                use_cases::WebhookOutcome::Kept | use_cases::WebhookOutcome::Ignored => {
                    commands::WebhookOutcome::Ignored
                }
            },
        )
    }

    async fn simulate_checkout(
        session_id: String,
        outcome: commands::CheckoutOutcome,
    ) -> Result<types::Payment, types::PaymentError> {
        let outcome = match outcome {
            commands::CheckoutOutcome::Succeed => CheckoutOutcome::Succeed,
            commands::CheckoutOutcome::Fail => CheckoutOutcome::Fail,
            commands::CheckoutOutcome::Cancel => CheckoutOutcome::Cancel,
            commands::CheckoutOutcome::Debit => CheckoutOutcome::Debit,
        };
        let host = host();
        let simulated = use_cases::simulate_checkout(&*host, &session_id, outcome);
        Ok(log::in_span(&[], simulated).await?.into())
    }
}

impl queries::Guest for Component {
    async fn find(
        viewer: types::Viewer,
        payment_id: String,
    ) -> Result<types::Payment, types::PaymentError> {
        Ok(views::find_payment(&*host(), &viewer.into(), &id(&payment_id)?)?.into())
    }

    async fn find_by_order(
        viewer: types::Viewer,
        order_id: String,
    ) -> Result<types::Payment, types::PaymentError> {
        let order_id = id(&order_id)?;
        log::in_span(&[("order_id", order_id.as_str())], async {
            Ok(views::find_payment_of_order(&*host(), &viewer.into(), &order_id)?.into())
        })
        .await
    }

    async fn list_payments(
        page: queries::PageRequest,
    ) -> Result<queries::PaymentPage, types::PaymentError> {
        let list = views::list_payments(&*host(), &page.into())?;
        Ok(queries::PaymentPage {
            payments: list.entries.into_iter().map(Into::into).collect(),
            total: list.total.entries,
            total_is_exact: list.total.is_exact,
            page: list.page,
            next: list.next,
        })
    }

    async fn list_refunds(
        viewer: types::Viewer,
        payment_id: String,
        page: queries::PageRequest,
    ) -> Result<queries::RefundPage, types::PaymentError> {
        let (viewer, payment_id) = (viewer.into(), id(&payment_id)?);
        let (payment, list) = views::list_refunds(&*host(), &viewer, &payment_id, &page.into())?;
        Ok(queries::RefundPage {
            refunds: list.entries.into_iter().map(Into::into).collect(),
            currency: payment.currency.code().to_owned(),
            total: list.total.entries,
            total_is_exact: list.total.is_exact,
            page: list.page,
            next: list.next,
        })
    }

    async fn list_disputes(
        viewer: types::Viewer,
        payment_id: String,
    ) -> Result<Vec<queries::Dispute>, types::PaymentError> {
        let (viewer, payment_id) = (viewer.into(), id(&payment_id)?);
        let disputes = views::list_disputes(&*host(), &viewer, &payment_id)?;
        Ok(disputes.into_iter().map(Into::into).collect())
    }

    async fn find_checkout(session_id: String) -> Result<queries::Checkout, types::PaymentError> {
        let checkout = views::find_checkout(&*host(), &session_id)?;
        let lines = checkout
            .lines
            .into_iter()
            .map(|line| queries::CheckoutLine {
                name: line.name,
                unit_price: line.unit_price.units(),
                quantity: line.quantity,
            })
            .collect();
        Ok(queries::Checkout {
            payment: checkout.payment.into(),
            order_number: checkout.order_number,
            lines,
        })
    }

    async fn money_by_currency() -> Result<Vec<queries::MoneyReceived>, types::PaymentError> {
        let of_currency = |money: MoneyReceived| queries::MoneyReceived {
            currency: money.currency.code().to_owned(),
            gross: money.gross.get(),
            refunded: money.refunded.get(),
            lost_to_disputes: money.lost_to_disputes.get(),
        };
        let received = views::money_received(&*host())?;
        Ok(received.into_iter().map(of_currency).collect())
    }

    async fn measure() -> Result<queries::Figures, types::PaymentError> {
        let figures = views::figures(&*host())?;
        let count = |(status, payments): (PaymentStatus, u64)| queries::PaymentsOfStatus {
            status: status.into(),
            payments,
        };
        Ok(queries::Figures {
            payments: figures.payments.into_iter().map(count).collect(),
            refunds_waiting: figures.refunds_waiting,
            relay_runs: figures.relay_runs,
            published: figures.published,
            published_again: figures.published_again,
            handling_failures: figures.handling_failures,
            parked: figures.parked,
            refund_retries: figures.refund_retries,
            refunds_failed: figures.refunds_failed,
            duplicate_charges: figures.duplicate_charges,
            disputes: figures.disputes,
            disputes_open: figures.disputes_open,
        })
    }

    async fn ready() -> Result<(), types::PaymentError> {
        Ok(views::ready(&*host())?)
    }
}

impl From<queries::PageRequest> for views::PageRequest {
    fn from(page: queries::PageRequest) -> Self {
        Self {
            page: page.page,
            limit: page.limit,
            after: page.after,
        }
    }
}

impl From<Refund> for queries::Refund {
    fn from(refund: Refund) -> Self {
        let (status, error) = match refund.status {
            RefundStatus::Pending => (queries::RefundStatus::Pending, None),
            RefundStatus::Succeeded => (queries::RefundStatus::Succeeded, None),
            RefundStatus::Failed(error) => (queries::RefundStatus::Failed, Some(error)),
        };
        Self {
            id: refund.id,
            amount: refund.amount.get(),
            status,
            duplicate_charge: refund.duplicate_charge,
            reason: refund.reason,
            error,
            created_at: refund.created_at,
        }
    }
}

impl From<Dispute> for queries::Dispute {
    fn from(dispute: Dispute) -> Self {
        let created_at_ms = dispute.created_at.saturating_mul(1_000);
        Self {
            id: dispute.id,
            amount: dispute.amount.get(),
            currency: dispute.currency.to_string(),
            reason: dispute.reason,
            status: match dispute.status {
                DisputeStatus::Open => queries::DisputeStatus::Open,
                DisputeStatus::Closed => queries::DisputeStatus::Closed,
                DisputeStatus::Won => queries::DisputeStatus::Won,
                DisputeStatus::Lost => queries::DisputeStatus::Lost,
            },
            created_at: Some(created_at_ms).filter(|at| *at > 0),
        }
    }
}

impl outbox::Guest for Component {
    async fn relay(min_interval_ms: u32) -> Result<outbox::RelayReport, types::PaymentError> {
        let report = use_cases::relay_outbox(&*host(), min_interval_ms).await?;
        Ok(outbox::RelayReport {
            published: report.published,
            failed: report.failed,
            pending: report.pending,
            more: report.more,
        })
    }

    async fn pending_of_order(
        order_id: String,
    ) -> Result<Vec<types::PaymentEvent>, types::PaymentError> {
        let order_id = id(&order_id)?;
        log::in_span(&[("order_id", order_id.as_str())], async {
            let events = views::pending_events_of_order(&*host(), &order_id)?;
            Ok(events.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn overdue(
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<types::PaymentEvent>, types::PaymentError> {
        let events = views::overdue_events(&*host(), min_age_ms, limit)?;
        Ok(events.into_iter().map(Into::into).collect())
    }

    async fn acknowledge(event_id: String) -> Result<(), types::PaymentError> {
        let ids = [("event_id", event_id.as_str())];
        Ok(log::in_span(&ids, use_cases::acknowledge_event(&*host(), &event_id)).await?)
    }

    async fn report_failure(event_id: String, error: String) -> Result<(), types::PaymentError> {
        log::in_span(&[("event_id", event_id.as_str())], async {
            Ok(use_cases::report_failure(&*host(), &event_id, &error)?)
        })
        .await
    }

    async fn entries(page: outbox::PageRequest) -> Result<outbox::EntryPage, types::PaymentError> {
        let request = views::PageRequest {
            page: page.page,
            limit: page.limit,
            after: page.after,
        };
        let page = views::list_entries(&*host(), &request)?;
        let entries = page.entries.into_iter().map(Into::into).collect();
        Ok(outbox::EntryPage {
            entries,
            total: page.total.entries,
            total_is_exact: page.total.is_exact,
            page: page.page,
            next: page.next,
        })
    }

    async fn retry(event_id: String) -> Result<outbox::Entry, types::PaymentError> {
        let event_id = id(&event_id)?;
        let host = host();
        let ids = [("event_id", event_id.as_str())];
        let retried = log::in_span(&ids, use_cases::retry_event(&*host, &event_id)).await?;
        Ok(retried.into())
    }

    async fn lag() -> Result<outbox::OutboxLag, types::PaymentError> {
        let lag = views::lag(&*host())?;
        Ok(outbox::OutboxLag {
            pending: lag.pending,
            parked: lag.parked,
            oldest_ms: lag.oldest_ms,
        })
    }
}

/// What is no identifier names nothing.
fn id(text: &str) -> Result<String, PaymentError> {
    ids::parse(text).map_err(|_| PaymentError::NotFound)
}

fn new_payment(request: commands::SessionRequest) -> Result<NewPayment, PaymentError> {
    let currency: Currency = request.currency.parse().map_err(|_| {
        PaymentError::invalid("currency", "format", "currency must be an ISO 4217 code")
    })?;
    let amount = MinorUnits::new(request.amount)
        .ok_or_else(|| PaymentError::invalid("amount", "min", "amount must not be negative"))?;
    let order_id = ids::parse(&request.order_id).map_err(|problem| {
        PaymentError::invalid("orderId", "format", format!("orderId {problem}"))
    })?;
    let lines = request
        .lines
        .into_iter()
        .map(|line| CheckoutLine {
            name: line.name,
            unit_price: Money::from_units(line.unit_price),
            quantity: line.quantity,
        })
        .collect();
    let (customer_id, expires_at) = (request.customer_id, request.expires_at);
    Ok(NewPayment {
        order_id,
        order_number: request.order_number,
        customer_id,
        amount,
        currency,
        lines,
        expires_at,
    })
}

impl From<types::Viewer> for Viewer {
    fn from(viewer: types::Viewer) -> Self {
        match viewer {
            types::Viewer::Customer(id) => Self::Customer(id),
            types::Viewer::Admin(id) => Self::Admin(id),
            types::Viewer::System => Self::System,
        }
    }
}

impl From<RecordedAnswer> for commands::RecordedAnswer {
    fn from(answer: RecordedAnswer) -> Self {
        Self {
            status: answer.status,
            body: answer.body,
        }
    }
}

fn session_of(session: &CheckoutSession) -> types::CheckoutSession {
    types::CheckoutSession {
        id: session.id.clone(),
        url: session.url.clone(),
        expires_at: session.expires_at,
    }
}

/// The payment for whoever opened it: with its session, also when that has done its service. An order that was paid
/// before it knew its session is answered with it.
fn opened(payment: Payment) -> types::Payment {
    let session = payment.session.opened.as_ref().map(session_of);
    types::Payment {
        session,
        ..payment.into()
    }
}

impl From<Payment> for types::Payment {
    fn from(payment: Payment) -> Self {
        let can_be_paid = payment.can_be_paid();
        let session = payment.session.opened.filter(|_| can_be_paid);
        Self {
            id: payment.id,
            order_id: payment.order_id,
            customer_id: payment.customer_id,
            amount: payment.amount.get(),
            refunded_amount: payment.refunded.get(),
            failed_refund_amount: payment.failed_refunds.get(),
            refund_failure: payment.refund_failure,
            duplicate_amount: payment.duplicates.get(),
            duplicate_refunded_amount: payment.duplicates_refunded.get(),
            disputed: payment.is_disputed,
            lost_to_disputes: payment.lost_to_disputes.get(),
            currency: payment.currency.to_string(),
            status: payment.status.into(),
            processing: payment.is_processing,
            provider: payment.provider,
            session: session.as_ref().map(session_of),
            provider_reference: payment.provider_reference,
            receipt_url: payment.receipt_url,
            reason: payment.reason,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            version: payment.version,
        }
    }
}

impl From<PaymentStatus> for types::PaymentStatus {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Pending => Self::Pending,
            PaymentStatus::Succeeded => Self::Succeeded,
            PaymentStatus::Failed => Self::Failed,
            PaymentStatus::Cancelled => Self::Cancelled,
            PaymentStatus::Refunded => Self::Refunded,
        }
    }
}

impl From<PaymentEvent> for types::PaymentEvent {
    fn from(event: PaymentEvent) -> Self {
        Self {
            id: event.id,
            event_type: match event.event_type {
                EventType::Succeeded => types::EventType::Succeeded,
                EventType::Failed => types::EventType::Failed,
                EventType::Cancelled => types::EventType::Cancelled,
                EventType::Refunded => types::EventType::Refunded,
                EventType::Updated => types::EventType::Updated,
            },
            time: event.time,
            order_id: event.order_id,
            payment_id: event.payment_id,
            amount: event.amount.get(),
            refunded_amount: event.refunded.get(),
            payment_version: event.payment_version,
            currency: event.currency.to_string(),
            provider_reference: event.provider_reference,
            receipt_url: event.receipt_url,
            reason: event.reason,
        }
    }
}

impl From<OutboxEntry> for outbox::Entry {
    fn from(entry: OutboxEntry) -> Self {
        Self {
            event: entry.event.into(),
            attempts: entry.attempts,
            failures: entry.failures,
            parked: entry.parked,
            next_attempt_at: entry.next_attempt_at,
            last_error: entry.last_error,
        }
    }
}

impl From<FieldError> for types::FieldError {
    fn from(error: FieldError) -> Self {
        Self {
            field: error.field.to_owned(),
            code: error.code.to_owned(),
            message: error.message,
        }
    }
}

impl From<PaymentError> for types::PaymentError {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Invalid(errors) => {
                Self::Invalid(errors.into_iter().map(Into::into).collect())
            }
            PaymentError::NotFound => Self::NotFound,
            PaymentError::Conflict(status) => Self::Conflict(status.into()),
            PaymentError::UnderWay => Self::UnderWay,
            PaymentError::VersionMismatch => Self::VersionMismatch,
            PaymentError::RefundExceedsAmount(left) => Self::RefundExceedsAmount(left),
            PaymentError::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            PaymentError::InvalidSignature => Self::InvalidSignature,
            PaymentError::MalformedEvent => Self::MalformedEvent,
            PaymentError::ProviderUnavailable => Self::ProviderUnavailable,
            PaymentError::ProviderRejected(cause) => Self::ProviderRejected(cause),
            PaymentError::NotSupported => Self::NotSupported,
            PaymentError::Unavailable => Self::Unavailable,
            PaymentError::Internal => Self::Internal,
        }
    }
}
