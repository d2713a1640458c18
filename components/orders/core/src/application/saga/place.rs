//! Making an order: hold the stock, store the order, open its payment.

use mercato_kernel::OrderId;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::{log, text};

use crate::application::commands::apply_payment_event;
use crate::application::saga::{cancel, pending_actions};
use crate::application::{ABANDON_AFTER_MS, RESUME_AFTER_MS};
use crate::domain::{
    Cancellation, CheckoutSession, Order, OrderError, OrderNumber, OrderStatus, OrderView, Payment,
    PaymentStatus, Rejection, Saga, Step, TotalChanged,
};
use crate::ports::{Inventory, OpenError, Payments, Ports, ReserveError, Store};
use crate::store::{Action, Records};

/// Steps of the longest way through the saga, with some room for others who are at the same one.
const PASSES_MAX: usize = 8;

/// How many numbers are tried for an order beside its first one.
const NUMBER_TRIES_MAX: u32 = 8;

/// What the history of an order says whose payment the provider does not take; the reason follows.
const REFUSED: &str = "The payment provider does not take this payment: ";

/// What the history of an order says that was resumed too late.
const TOO_LATE: &str = "The payment could not be opened in time";

/// Longest reason of the provider's that is repeated, in characters.
const REASON_MAX_CHARS: usize = 200;

/// An order with its open payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The order.
    pub order: OrderView,
    /// Where the customer pays.
    pub session: CheckoutSession,
}

/// Takes the saga of an order as far as it goes, from wherever it stands.
///
/// # Errors
/// Why there is no order with an open payment; the saga can be resumed unless it was rejected or cancelled.
pub async fn advance(ports: &impl Ports, order_id: OrderId) -> Result<Placement, OrderError> {
    for _ in 0..PASSES_MAX {
        let saga = ports
            .store()
            .read(|records| records.saga(order_id))?
            .ok_or(OrderError::NotFound)?;
        match saga.step() {
            Step::New => hold_stock(ports, &saga).await?,
            Step::Reserved => open_payment(ports, &saga).await?,
            Step::Cancelling => drop(cancel::resume(ports, order_id).await?),
            Step::Rejected => {
                let rejection = saga.rejection().cloned();
                return Err(rejection.map_or(OrderError::Internal, Rejection::into_error));
            }
            Step::Ready | Step::Done => return placement(ports, &saga).await,
        }
    }
    Err(OrderError::Unavailable)
}

/// Ends a saga before there is an order. Stock that someone at the same step may still take is given back.
///
/// # Errors
/// When the orders database cannot be used.
pub async fn end(
    ports: &impl Ports,
    order_id: OrderId,
    rejection: Rejection,
) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.store().write(|records| {
        let is_abandoned = rejection == Rejection::Abandoned;
        let Some(saga) = changed(records, order_id, |saga| saga.reject(rejection))? else {
            return Ok(());
        };
        if is_abandoned {
            records.free_key(order_id)?;
        }
        records.update_saga(&saga)?;
        records.add_pending_action(order_id, &Action::ReleaseStock, now + RESUME_AFTER_MS)
    })?;
    pending_actions::run_or_leave(ports, order_id).await;
    Ok(())
}

/// The saga after that step; none when it is not the next one.
fn changed(
    records: &Records<'_>,
    order_id: OrderId,
    step: impl FnOnce(&mut Saga) -> bool,
) -> Result<Option<Saga>, OrderError> {
    let saga = records.saga(order_id)?;
    Ok(saga.and_then(|mut saga| step(&mut saga).then_some(saga)))
}

async fn hold_stock(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let request = saga.request();
    let id = request.order_id;
    if saga.is_expired(ports.clock().now_ms()) {
        return end(ports, id, Rejection::Abandoned).await;
    }
    if let Some(older) = request.replaces {
        end_replaced(ports, id, older).await?;
    }
    let items = match ports.inventory().reserve(id, &request.lines).await {
        Ok(items) => items,
        Err(ReserveError::Rejected(lines)) => return end(ports, id, Rejection::Lines(lines)).await,
        Err(ReserveError::Released) => return end(ports, id, Rejection::Abandoned).await,
        Err(ReserveError::Failed(error)) => return Err(error),
    };
    let currency = ports.settings().currency;
    let placed = Order::place(id, request.customer_id, items, currency, request.created_at);
    let Ok(order) = placed else {
        return end(ports, id, Rejection::TotalTooLarge).await;
    };
    match request.expected_total {
        Some(expected) if !order.view().has_total(expected) => {
            let order = order.into_view();
            let changed = TotalChanged {
                expected,
                total: order.total_amount,
                items: order.items,
            };
            end(ports, id, Rejection::TotalChanged(changed)).await
        }
        _ => ports
            .store()
            .write(|records| store_order(records, order, ports.ids())),
    }
}

/// Ends the order whose place the saga's takes, and gives its stock back. When that order is paid, or about to be, there will
/// be no other: the key is free for another request.
async fn end_replaced(
    ports: &impl Ports,
    order_id: OrderId,
    older: OrderId,
) -> Result<(), OrderError> {
    let outcome = match cancel::resume(ports, older).await {
        Ok(order) if order.status == OrderStatus::Cancelled => {
            return pending_actions::run(ports, older).await;
        }
        // It ended so long ago that it is removed.
        Err(OrderError::NotFound) => return Ok(()),
        Ok(order) => order.refuse(OrderStatus::Cancelled),
        Err(error) => error,
    };
    if matches!(
        outcome,
        OrderError::InvalidTransition(_) | OrderError::PaymentUnderWay
    ) {
        end(ports, order_id, Rejection::Abandoned).await?;
    }
    Err(outcome)
}

/// Of a million million numbers a shop has few: even after a million orders the first one is free but for one time in a million.
fn store_order(records: &Records<'_>, mut order: Order, ids: &impl Ids) -> Result<(), OrderError> {
    let id = order.view().id;
    let Some(saga) = changed(records, id, Saga::hold_stock)? else {
        return Ok(());
    };
    let mut tries = 0;
    while records.has_number(&order.view().number)? {
        if tries == NUMBER_TRIES_MAX {
            return Err(OrderError::Unavailable);
        }
        tries += 1;
        order.renumber(OrderNumber::of_id(OrderId::parse(&ids.new_id())?));
    }
    records.insert_order(&order)?;
    records.add_history(id, &order.placed_change())?;
    records.update_saga(&saga)
}

async fn open_payment(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let request = saga.request();
    let id = request.order_id;
    let close = |reason: String| cancel::cancel(ports, id, Cancellation::by_the_shop(reason));
    if saga.is_expired(ports.clock().now_ms()) {
        return close(cancel::EXPIRED.to_owned()).await.map(drop);
    }
    let order = ports
        .store()
        .read(|records| records.order_view(id))?
        .ok_or(OrderError::Internal)?;
    let payment = match ports.payments().open(&order, request.expires_at).await {
        Ok(payment) => payment,
        Err(OpenError::Unavailable) => return Err(OrderError::PaymentUnavailable),
        // What made the order so late is why: no provider opens a session that is about to end.
        Err(OpenError::Refused(_)) if is_late(saga, ports.clock().now_ms()) => {
            close(TOO_LATE.to_owned()).await?;
            return Err(OrderError::PaymentUnavailable);
        }
        Err(OpenError::Refused(reason)) => {
            log::error(
                "the provider does not take the payment of an order",
                &[("order_id", &id.text()), ("reason", &reason)],
            );
            let reason = text::escaped(&reason, REASON_MAX_CHARS).into_owned();
            close(format!("{REFUSED}{reason}")).await?;
            return Err(OrderError::PaymentRefused(reason));
        }
    };
    if payment.status == PaymentStatus::Pending && payment.session.is_none() {
        return Err(OrderError::PaymentUnavailable);
    }
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(|records| store_session(records, id, &payment, now))?;
    if payment.status != PaymentStatus::Pending {
        apply_payment_event::apply_pending(ports, id).await?;
    }
    pending_actions::run_or_leave(ports, id).await;
    Ok(())
}

fn store_session(
    records: &Records<'_>,
    id: OrderId,
    payment: &Payment,
    now: u64,
) -> Result<(), OrderError> {
    let mut saga = records.saga(id)?.ok_or(OrderError::Internal)?;
    let is_awaited = saga.ready(payment.session.clone());
    if !is_awaited && payment.status == PaymentStatus::Pending {
        records.add_pending_action(id, &Action::CancelPayment, now + RESUME_AFTER_MS)?;
    }
    records.update_saga(&saga)
}

async fn placement(ports: &impl Ports, saga: &Saga) -> Result<Placement, OrderError> {
    let order = ports
        .store()
        .read(|records| records.order_view(saga.request().order_id))?
        .ok_or(OrderError::Internal)?;
    if order.status == OrderStatus::Cancelled {
        return Err(match refusal(ports, order.id)? {
            Some(reason) => OrderError::PaymentRefused(reason),
            None => order.refuse(OrderStatus::Pending),
        });
    }
    let session = match saga.session() {
        Some(session) => session.clone(),
        None => session_of(ports, &order, saga.request().expires_at).await?,
    };
    Ok(Placement { order, session })
}

/// Whether nobody who asked for the order when it began is waiting for it any more.
const fn is_late(saga: &Saga, now: u64) -> bool {
    now >= saga.request().created_at.saturating_add(ABANDON_AFTER_MS)
}

/// Why the provider did not take the payment of a cancelled order, if that is what ended it.
fn refusal(ports: &impl Ports, order_id: OrderId) -> Result<Option<String>, OrderError> {
    let history = ports.store().read(|records| records.history(order_id))?;
    let mut refusals = history
        .iter()
        .filter_map(|change| change.reason.strip_prefix(REFUSED));
    Ok(refusals.next().map(str::to_owned))
}

/// The session of an order that was paid before it knew its session: its customer found it with the payment.
async fn session_of(
    ports: &impl Ports,
    order: &OrderView,
    expires_at: u64,
) -> Result<CheckoutSession, OrderError> {
    let payment = ports.payments().open(order, expires_at).await;
    payment
        .ok()
        .and_then(|payment| payment.session)
        .ok_or(OrderError::PaymentUnavailable)
}
