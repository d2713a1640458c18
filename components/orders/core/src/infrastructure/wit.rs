//! The exports of the world `orders`: from WIT's types to the use cases and back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mercato_money::Money;
use mercato_platform::client::Client;
use mercato_platform::clock::{Clock, SystemClock};
use mercato_platform::ids::RandomIds;
use mercato_platform::log;
use mercato_sqlite::Database;

use crate::Component;
use crate::application::Viewer;
use crate::application::commands::change_status::{self, ChangeStatus};
use crate::application::commands::create_order::{self, CreateOrder, CreateOutcome, Idempotency};
use crate::application::commands::sweep;
use crate::application::commands::{apply_payment_event, record_answer};
use crate::application::queries::{figures, find_order, list_orders, order_stats};
use crate::bindings::exports::mercato::orders_old::{commands, maintenance, queries, types};
use crate::domain::{
    CustomerId, EventId, EventOutcome, EventType, FieldError, HolderKind, Limit, LimitReached,
    LineProblem, Order, OrderError, OrderId, OrderItem, OrderNumber, OrderStatus, Payment,
    PaymentEvent, PaymentId, PaymentSession, PaymentStatus, Receipt, RejectedLine, RequestedLine,
    StatusChange, TotalChanged,
};
use crate::infrastructure::inventory::ComposedInventory;
use crate::infrastructure::payments::ComposedPayments;
use crate::infrastructure::settings;
use crate::infrastructure::sqlite::{LABEL, MIGRATIONS};
use crate::ports::{
    MoneyReceived, OrderFilter, OrderRepository, OrderSort, Ports, RecordedAnswer, Settings,
};

/// The ports as a component has them; one set per instance.
struct Host {
    orders: Database,
    settings: Settings,
    /// When this instance last asked for a sweep, in milliseconds since the Unix epoch: spares most requests a look
    /// into the database.
    last_sweep_asked: Cell<u64>,
}

impl Host {
    fn new(settings: Settings) -> Self {
        Self {
            orders: Database::new(LABEL, MIGRATIONS),
            settings,
            last_sweep_asked: Cell::new(0),
        }
    }

    /// Whether this instance has asked for a sweep that recently.
    fn has_just_swept(&self, min_interval_ms: u32) -> bool {
        asked_recently(
            &self.last_sweep_asked,
            SystemClock.now_ms(),
            min_interval_ms,
        )
    }
}

/// Whether that was less than so many milliseconds ago; otherwise it is now. A clock that was set back stops nothing.
fn asked_recently(last: &Cell<u64>, now: u64, min_interval_ms: u32) -> bool {
    let recently = now.abs_diff(last.get()) < u64::from(min_interval_ms);
    if !recently {
        last.set(now);
    }
    recently
}

impl Ports for Host {
    type Orders = Database;
    type Inventory = ComposedInventory;
    type Payments = ComposedPayments;
    type Clock = SystemClock;
    type Ids = RandomIds;

    fn orders(&self) -> &Database {
        &self.orders
    }

    fn inventory(&self) -> &ComposedInventory {
        &ComposedInventory
    }

    fn payments(&self) -> &ComposedPayments {
        &ComposedPayments
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn ids(&self) -> &RandomIds {
        &RandomIds
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}

thread_local! {
    static HOST: RefCell<Option<Rc<Host>>> = const { RefCell::new(None) };
}

/// Asks for the settings once per instance.
async fn host() -> Result<Rc<Host>, types::OrderError> {
    if let Some(host) = HOST.with_borrow(Clone::clone) {
        return Ok(host);
    }
    let settings = settings::load().await.map_err(|error| {
        log::error("orders is not configured", &[("error", &error.to_string())]);
        types::OrderError::Internal
    })?;
    Ok(HOST.with_borrow_mut(|host| {
        Rc::clone(host.get_or_insert_with(|| Rc::new(Host::new(settings))))
    }))
}

impl commands::Guest for Component {
    async fn create(
        buyer: commands::Buyer,
        wanted: commands::NewOrder,
        idempotency: Option<commands::Idempotency>,
    ) -> Result<commands::CreateOutcome, types::OrderError> {
        let requested = |line: commands::Line| RequestedLine {
            product_id: line.product_id,
            quantity: line.quantity,
        };
        let key = |sent: commands::Idempotency| Idempotency {
            key: sent.key,
            fingerprint: sent.fingerprint,
        };
        let command = CreateOrder {
            customer_id: CustomerId::parse(&buyer.customer_id)?,
            client: buyer.client.as_deref().and_then(Client::parse),
            is_exempt: buyer.is_exempt,
            lines: wanted.lines.into_iter().map(requested).collect(),
            expected_total: wanted.expected_total.map(Money::from_units),
            replaces: wanted.replaces.as_deref().map(replaced).transpose()?,
            idempotency: idempotency.map(key),
        };
        let host = host().await?;
        // Which order it is, it learns on the way.
        Ok(
            match log::in_span(&[], create_order::handle(&*host, command)).await? {
                CreateOutcome::Placed(placement) => {
                    commands::CreateOutcome::Placed(commands::Placement {
                        order: placement.order.into(),
                        session: placement.session.into(),
                    })
                }
                CreateOutcome::Replayed(answer) => commands::CreateOutcome::Replayed(answer.into()),
            },
        )
    }

    async fn record_answer(
        customer_id: String,
        idempotency: commands::Idempotency,
        answer: commands::RecordedAnswer,
    ) -> Result<commands::RecordedAnswer, types::OrderError> {
        let customer_id = CustomerId::parse(&customer_id)?;
        let answer = RecordedAnswer {
            status: answer.status,
            body: answer.body,
        };
        let idempotency = Idempotency {
            key: idempotency.key,
            fingerprint: idempotency.fingerprint,
        };
        let host = host().await?;
        Ok(record_answer::handle(&*host, &customer_id, &idempotency, answer)?.into())
    }

    async fn change_status(
        viewer: types::Viewer,
        order_id: String,
        status: types::OrderStatus,
        reason: Option<String>,
        expected_version: Option<u64>,
    ) -> Result<types::Order, types::OrderError> {
        let command = ChangeStatus {
            viewer: viewer_of(viewer)?,
            order_id: order_id_of(&order_id)?,
            status: status.into(),
            reason,
            expected_version,
        };
        let host = host().await?;
        let ids = [("order_id", order_id.as_str())];
        let changed = log::in_span(&ids, change_status::handle(&*host, command)).await?;
        Ok(changed.into())
    }

    async fn apply_payment_event(
        event: commands::PaymentEvent,
    ) -> Result<commands::EventOutcome, types::OrderError> {
        let event = event_of(event)?;
        let outcome = apply_payment_event::handle(&*host().await?, &event).await?;
        Ok(match outcome {
            EventOutcome::Applied => commands::EventOutcome::Applied,
            EventOutcome::Duplicate => commands::EventOutcome::Duplicate,
            EventOutcome::Ignored => commands::EventOutcome::Ignored,
        })
    }
}

impl queries::Guest for Component {
    async fn find(
        viewer: types::Viewer,
        order_id: String,
    ) -> Result<queries::OrderDetails, types::OrderError> {
        let (viewer, order_id) = (viewer_of(viewer)?, order_id_of(&order_id)?);
        let host = host().await?;
        let ids = [("order_id", order_id.as_str())];
        let details = log::in_span(&ids, find_order::handle(&*host, &viewer, &order_id)).await?;
        Ok(queries::OrderDetails {
            order: details.order.into(),
            payment: details.payment.map(Into::into),
            history: details.history.into_iter().map(Into::into).collect(),
        })
    }

    async fn list_orders(
        viewer: types::Viewer,
        filter: queries::Filter,
        sort: Option<queries::Sort>,
        page: queries::PageRequest,
    ) -> Result<queries::OrderPage, types::OrderError> {
        let viewer = viewer_of(viewer)?;
        let customer_id = filter
            .customer_id
            .as_deref()
            .map(CustomerId::parse)
            .transpose()?;
        let filter = OrderFilter {
            status: filter.status.map(Into::into),
            customer_id,
            number: filter
                .number
                .as_deref()
                .map(OrderNumber::parse)
                .transpose()?,
            created_after: filter.created_after,
            created_before: filter.created_before,
            updated_after: filter.updated_after,
        };
        let sort = sort.map(Into::into).unwrap_or_default();
        let request = list_orders::PageRequest {
            page: page.page,
            limit: page.limit,
            after: page.after,
        };
        let list = list_orders::handle(&*host().await?, &viewer, filter, sort, &request)?;
        Ok(queries::OrderPage {
            orders: list.orders.into_iter().map(Into::into).collect(),
            total: list.total.entries,
            total_is_exact: list.total.is_exact,
            page: list.page,
            next: list.next,
        })
    }

    async fn stats() -> Result<queries::OrderStats, types::OrderError> {
        let stats = order_stats::handle(&*host().await?).await?;
        let count = |(status, orders): (OrderStatus, u64)| queries::StatusCount {
            status: status.into(),
            orders,
        };
        let money = |money: MoneyReceived| queries::MoneyReceived {
            currency: money.currency.code().to_owned(),
            gross: money.gross,
            lost_to_disputes: money.lost_to_disputes,
            refunded: money.refunded,
            net: money.net(),
        };
        Ok(queries::OrderStats {
            by_status: stats.by_status.into_iter().map(count).collect(),
            by_currency: stats.by_currency.into_iter().map(money).collect(),
            currency: stats.currency.code().to_owned(),
        })
    }
}

impl maintenance::Guest for Component {
    async fn sweep(min_interval_ms: u32) -> Result<maintenance::SweepReport, types::OrderError> {
        let host = host().await?;
        if host.has_just_swept(min_interval_ms) {
            return Ok(maintenance::SweepReport {
                expired: 0,
                resumed: 0,
                events_applied: 0,
                more: false,
            });
        }
        let report = sweep::handle(&*host, min_interval_ms).await?;
        Ok(maintenance::SweepReport {
            expired: report.expired,
            resumed: report.resumed,
            events_applied: report.events_applied,
            more: report.more,
        })
    }

    async fn measure() -> Result<maintenance::Figures, types::OrderError> {
        let figures = figures::handle(&*host().await?)?;
        let count = |(status, orders): (OrderStatus, u64)| maintenance::OrdersOfStatus {
            status: status.into(),
            orders,
        };
        Ok(maintenance::Figures {
            orders: figures.orders.into_iter().map(count).collect(),
            overdue: figures.overdue,
            follow_ups: figures.follow_ups,
            sweeps: figures.sweeps,
            events_applied: figures.events_applied,
            order_retries: figures.order_retries,
            follow_up_retries: figures.follow_up_retries,
        })
    }

    async fn ready() -> Result<(), types::OrderError> {
        let host = host().await?;
        OrderRepository::read(host.orders(), |records| records.last_sweep())?;
        Ok(())
    }
}

fn viewer_of(viewer: types::Viewer) -> Result<Viewer, OrderError> {
    match viewer {
        types::Viewer::Customer(id) => CustomerId::parse(&id).map(Viewer::Customer),
        types::Viewer::Admin(id) => CustomerId::parse(&id).map(Viewer::Admin),
    }
}

fn replaced(text: &str) -> Result<OrderId, OrderError> {
    OrderId::parse(text).map_err(|_| {
        let message = "replaces must be the id of an order of yours";
        OrderError::Invalid(vec![FieldError::new("replaces", "format", message)])
    })
}

/// A text that is no id names no order.
fn order_id_of(text: &str) -> Result<OrderId, OrderError> {
    OrderId::parse(text).map_err(|_| OrderError::NotFound)
}

fn event_of(event: commands::PaymentEvent) -> Result<PaymentEvent, OrderError> {
    Ok(PaymentEvent {
        id: EventId::parse(&event.id)?,
        event_type: match event.event_type {
            commands::EventType::Succeeded => EventType::Succeeded,
            commands::EventType::Failed => EventType::Failed,
            commands::EventType::Cancelled => EventType::Cancelled,
            commands::EventType::Refunded => EventType::Refunded,
            commands::EventType::Updated => EventType::Updated,
        },
        time: event.time,
        order_id: OrderId::parse(&event.order_id)?,
        payment_id: PaymentId::parse(&event.payment_id)?,
        amount: event.amount,
        refunded_amount: event.refunded_amount,
        payment_version: event.payment_version,
        currency: event.currency,
        receipt_url: event.receipt_url,
        reason: event.reason,
    })
}

impl From<Order> for types::Order {
    fn from(order: Order) -> Self {
        Self {
            id: order.id.as_str().to_owned(),
            number: order.number.as_str().to_owned(),
            customer_id: order.customer_id.as_str().to_owned(),
            status: order.status.into(),
            items: order.items.into_iter().map(Into::into).collect(),
            total_amount: order.total_amount.units(),
            total_items: order.total_items,
            currency: order.currency.code().to_owned(),
            receipt: order.receipt.map(Into::into),
            paid_at: order.paid_at,
            created_at: order.created_at,
            updated_at: order.updated_at,
            version: order.version,
        }
    }
}

impl From<OrderItem> for types::OrderItem {
    fn from(item: OrderItem) -> Self {
        Self {
            product_id: item.product_id.as_str().to_owned(),
            name: item.name,
            unit_price: item.unit_price.units(),
            quantity: item.quantity.get(),
        }
    }
}

impl From<Receipt> for types::Receipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id,
            url: receipt.url,
            issued_at: receipt.issued_at,
        }
    }
}

impl From<PaymentSession> for types::PaymentSession {
    fn from(session: PaymentSession) -> Self {
        Self {
            id: session.id,
            url: session.url,
            expires_at: session.expires_at,
        }
    }
}

impl From<StatusChange> for types::StatusChange {
    fn from(change: StatusChange) -> Self {
        Self {
            from_status: change.from.map(Into::into),
            to_status: change.to.into(),
            actor: change.actor.as_str().to_owned(),
            reason: change.reason,
            at: change.at,
        }
    }
}

impl From<Payment> for types::PaymentSummary {
    fn from(payment: Payment) -> Self {
        Self {
            id: payment.id.as_str().to_owned(),
            status: match payment.status {
                PaymentStatus::Pending => types::PaymentStatus::Pending,
                PaymentStatus::Succeeded => types::PaymentStatus::Succeeded,
                PaymentStatus::Failed => types::PaymentStatus::Failed,
                PaymentStatus::Cancelled => types::PaymentStatus::Cancelled,
                PaymentStatus::Refunded => types::PaymentStatus::Refunded,
            },
            processing: payment.is_processing,
            amount: payment.amount,
            refunded_amount: payment.refunded_amount,
            failed_refund_amount: payment.failed_refund_amount,
            refund_failure: payment.refund_failure,
            duplicate_amount: payment.duplicate_amount,
            duplicate_refunded_amount: payment.duplicate_refunded_amount,
            disputed: payment.is_disputed,
            lost_to_disputes: payment.lost_to_disputes,
            currency: payment.currency,
            provider: payment.provider,
            session: payment.session.map(Into::into),
            receipt_url: payment.receipt_url,
            reason: payment.reason,
        }
    }
}

impl From<OrderStatus> for types::OrderStatus {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Pending => Self::Pending,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Cancelled => Self::Cancelled,
            OrderStatus::Refunded => Self::Refunded,
        }
    }
}

impl From<types::OrderStatus> for OrderStatus {
    fn from(status: types::OrderStatus) -> Self {
        match status {
            types::OrderStatus::Pending => Self::Pending,
            types::OrderStatus::Paid => Self::Paid,
            types::OrderStatus::Delivered => Self::Delivered,
            types::OrderStatus::Cancelled => Self::Cancelled,
            types::OrderStatus::Refunded => Self::Refunded,
        }
    }
}

impl From<queries::Sort> for OrderSort {
    fn from(sort: queries::Sort) -> Self {
        match sort {
            queries::Sort::NewestFirst => Self::NewestFirst,
            queries::Sort::OldestFirst => Self::OldestFirst,
            queries::Sort::RecentlyUpdatedFirst => Self::RecentlyUpdatedFirst,
            queries::Sort::LongUnchangedFirst => Self::LongUnchangedFirst,
        }
    }
}

impl From<TotalChanged> for types::TotalChanged {
    fn from(changed: TotalChanged) -> Self {
        Self {
            expected: changed.expected.units(),
            total: changed.total.units(),
            items: changed.items.into_iter().map(Into::into).collect(),
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

impl From<RejectedLine> for types::RejectedLine {
    fn from(line: RejectedLine) -> Self {
        Self {
            product_id: line.product_id.as_str().to_owned(),
            problem: match line.problem {
                LineProblem::UnknownProduct => types::LineProblem::UnknownProduct,
                LineProblem::InsufficientStock => types::LineProblem::InsufficientStock,
            },
            requested: line.requested,
            available: line.available,
        }
    }
}

impl From<OrderError> for types::OrderError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Invalid(errors) => {
                Self::Invalid(errors.into_iter().map(field_error).collect())
            }
            OrderError::NotFound => Self::NotFound,
            OrderError::Forbidden => Self::Forbidden,
            OrderError::LinesRejected(lines) => {
                Self::LinesRejected(lines.into_iter().map(Into::into).collect())
            }
            OrderError::TotalChanged(changed) => Self::TotalChanged(changed.into()),
            OrderError::AlreadyReplaced(other) => Self::AlreadyReplaced(other.as_str().to_owned()),
            OrderError::LimitReached(reached) => Self::LimitReached(reached.into()),
            OrderError::InvalidTransition(transition) => {
                Self::InvalidTransition(types::Transition {
                    from_status: transition.from.into(),
                    to_status: transition.to.into(),
                })
            }
            OrderError::StockReturned => Self::StockReturned,
            OrderError::PaymentDisputed => Self::PaymentDisputed,
            OrderError::VersionMismatch => Self::VersionMismatch,
            OrderError::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            OrderError::PaymentRefused(reason) => Self::PaymentRefused(reason),
            OrderError::PaymentUnderWay => Self::PaymentUnderWay,
            OrderError::PaymentUnavailable => Self::PaymentUnavailable,
            OrderError::Unavailable => Self::Unavailable,
            OrderError::Internal => Self::Internal,
        }
    }
}

impl From<LimitReached> for types::LimitReached {
    fn from(reached: LimitReached) -> Self {
        let (limit, retry_after_seconds) = match reached.limit {
            Limit::OrdersPerMinute(seconds) => (types::Limit::OrdersPerMinute, Some(seconds)),
            Limit::OrdersPerDay(seconds) => (types::Limit::OrdersPerDay, Some(seconds)),
            Limit::OpenOrders => (types::Limit::OpenOrders, None),
            Limit::HeldUnits => (types::Limit::HeldUnits, None),
        };
        Self {
            limit,
            of_client: reached.holder == HolderKind::Client,
            max: reached.max,
            retry_after_seconds,
        }
    }
}

fn field_error(error: FieldError) -> types::FieldError {
    types::FieldError {
        field: error.field,
        code: error.code.to_owned(),
        message: error.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_asks_for_a_sweep_once_in_an_interval() {
        let last = Cell::new(0);
        let asked: Vec<_> = [5_000, 5_001, 5_999, 6_000]
            .map(|now| asked_recently(&last, now, 1_000))
            .into();
        assert_eq!(asked, [false, true, true, false]);
        assert!(!asked_recently(&last, 100, 1_000), "the clock was set back");
        assert!(!asked_recently(&last, 100, 0), "who asks for a run gets it");
    }
}
