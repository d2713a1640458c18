//! Making an order: hold the stock, store the order, open its payment.

use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::{log, text};

use crate::application::commands::apply_payment_event;
use crate::application::saga::{close, follow_ups};
use crate::application::{ABANDON_AFTER_MS, RESUME_AFTER_MS};
use crate::domain::{
    Actor, Closing, Order, OrderError, OrderId, OrderNumber, OrderStatus, Payment, PaymentSession,
    PaymentStatus, Rejection, Saga, Step, TotalChanged,
};
use crate::ports::{
    Inventory, OpenError, OrderRecords, OrderRepository, Payments, Ports, ReserveError, Task,
};

/// Steps of the longest way through the saga, with some room for others who are at the same one.
const PASSES_MAX: usize = 8;

/// How many numbers are tried for an order beside its first one.
const NUMBER_TRIES_MAX: u32 = 8;

/// What the history of an order says whose payment the provider does not take; the reason follows.
const REFUSED: &str = "The payment provider does not take this payment: ";

/// What the history of an order says that was taken up again too late.
const TOO_LATE: &str = "The payment could not be opened in time";

/// Longest reason of the provider's that is repeated, in characters.
const REASON_MAX_CHARS: usize = 200;

/// An order with its open payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The order.
    pub order: Order,
    /// Where the customer pays.
    pub session: PaymentSession,
}

/// Takes the saga of an order as far as it goes, from wherever it stands.
///
/// # Errors
/// Why there is no order with an open payment; the saga can be taken up again unless it was rejected or closed.
pub async fn advance(ports: &impl Ports, order_id: &OrderId) -> Result<Placement, OrderError> {
    for _ in 0..PASSES_MAX {
        let saga = ports
            .orders()
            .read(|records| records.saga(order_id))?
            .ok_or(OrderError::NotFound)?;
        match saga.step {
            Step::New => hold_stock(ports, &saga).await?,
            Step::Reserved => open_payment(ports, &saga).await?,
            Step::Closing => drop(close::resume(ports, order_id).await?),
            Step::Rejected => {
                return Err(saga
                    .rejection
                    .map_or(OrderError::Internal, Rejection::into_error));
            }
            Step::Ready | Step::Done => return placement(ports, saga).await,
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
    order_id: &OrderId,
    rejection: Rejection,
) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.orders().write(|records| {
        let Some(mut saga) = records
            .saga(order_id)?
            .filter(|saga| saga.step == Step::New)
        else {
            return Ok(());
        };
        if rejection == Rejection::Abandoned {
            records.free_key(order_id)?;
        }
        saga.step = Step::Rejected;
        saga.rejection = Some(rejection);
        records.update_saga(&saga)?;
        records.add_follow_up(order_id, &Task::ReleaseStock, now + RESUME_AFTER_MS)
    })?;
    follow_ups::run_or_leave(ports, order_id).await;
    Ok(())
}

async fn hold_stock(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let id = &saga.order_id;
    if saga.is_expired(ports.clock().now_ms()) {
        return end(ports, id, Rejection::Abandoned).await;
    }
    if let Some(older) = &saga.replaces {
        end_replaced(ports, id, older).await?;
    }
    let items = match ports.inventory().reserve(id, &saga.lines).await {
        Ok(items) => items,
        Err(ReserveError::Rejected(lines)) => return end(ports, id, Rejection::Lines(lines)).await,
        Err(ReserveError::Released) => return end(ports, id, Rejection::Abandoned).await,
        Err(ReserveError::Failed(error)) => return Err(error),
    };
    let currency = ports.settings().currency;
    match Order::place(
        id.clone(),
        saga.customer_id.clone(),
        items,
        currency,
        saga.created_at,
    ) {
        Ok(order) => match saga.expected_total {
            Some(expected) if !order.has_total(expected) => {
                let changed = TotalChanged {
                    expected,
                    total: order.total_amount,
                    items: order.items,
                };
                end(ports, id, Rejection::TotalChanged(changed)).await
            }
            _ => ports
                .orders()
                .write(|records| store_order(records, order, ports.ids())),
        },
        Err(_) => end(ports, id, Rejection::TotalTooLarge).await,
    }
}

/// Ends the order whose place the saga's takes, and gives its stock back. When that order is paid, or about to be, there will
/// be no other: the key is free for another request.
async fn end_replaced(
    ports: &impl Ports,
    order_id: &OrderId,
    older: &OrderId,
) -> Result<(), OrderError> {
    let outcome = match close::resume(ports, older).await {
        Ok(order) if order.status == OrderStatus::Cancelled => {
            return follow_ups::run(ports, older).await;
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
fn store_order(
    records: &dyn OrderRecords,
    mut order: Order,
    ids: &impl Ids,
) -> Result<(), OrderError> {
    let Some(mut saga) = records
        .saga(&order.id)?
        .filter(|saga| saga.step == Step::New)
    else {
        return Ok(());
    };
    let mut tries = 0;
    while records.has_number(&order.number)? {
        if tries == NUMBER_TRIES_MAX {
            return Err(OrderError::Unavailable);
        }
        tries += 1;
        order.number = OrderNumber::of_id(&OrderId::parse(&ids.new_id())?);
    }
    records.insert_order(&order)?;
    records.add_history(&order.id, &order.placed_change())?;
    saga.step = Step::Reserved;
    records.update_saga(&saga)
}

async fn open_payment(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let id = &saga.order_id;
    if saga.is_expired(ports.clock().now_ms()) {
        return close::close(ports, id, closing(close::EXPIRED))
            .await
            .map(drop);
    }
    let order = ports
        .orders()
        .read(|records| records.order(id))?
        .ok_or(OrderError::Internal)?;
    let payment = match ports.payments().open(&order, saga.expires_at).await {
        Ok(payment) => payment,
        Err(OpenError::Unavailable) => return Err(OrderError::PaymentUnavailable),
        // What made the order so late is why: no provider opens a session that is about to end.
        Err(OpenError::Refused(_)) if is_late(saga, ports.clock().now_ms()) => {
            close::close(ports, id, closing(TOO_LATE)).await?;
            return Err(OrderError::PaymentUnavailable);
        }
        Err(OpenError::Refused(reason)) => {
            log::error(
                "the provider does not take the payment of an order",
                &[("order_id", id.as_str()), ("reason", &reason)],
            );
            let reason = text::escaped(&reason, REASON_MAX_CHARS).into_owned();
            close::close(ports, id, closing(&format!("{REFUSED}{reason}"))).await?;
            return Err(OrderError::PaymentRefused(reason));
        }
    };
    if payment.status == PaymentStatus::Pending && payment.session.is_none() {
        return Err(OrderError::PaymentUnavailable);
    }
    let now = ports.clock().now_ms();
    ports
        .orders()
        .write(|records| store_session(records, id, &payment, now))?;
    if payment.status != PaymentStatus::Pending {
        apply_payment_event::apply_pending(ports, id).await?;
    }
    follow_ups::run_or_leave(ports, id).await;
    Ok(())
}

fn store_session(
    records: &dyn OrderRecords,
    id: &OrderId,
    payment: &Payment,
    now: u64,
) -> Result<(), OrderError> {
    let mut saga = records.saga(id)?.ok_or(OrderError::Internal)?;
    saga.session = payment.session.clone().or(saga.session);
    if saga.step == Step::Reserved {
        saga.step = Step::Ready;
        saga.next_attempt_at = saga.expires_at;
        saga.attempts = 0;
    } else if saga.step != Step::Ready && payment.status == PaymentStatus::Pending {
        records.add_follow_up(id, &Task::CancelPayment, now + RESUME_AFTER_MS)?;
    }
    records.update_saga(&saga)
}

async fn placement(ports: &impl Ports, saga: Saga) -> Result<Placement, OrderError> {
    let order = ports
        .orders()
        .read(|records| records.order(&saga.order_id))?
        .ok_or(OrderError::Internal)?;
    if order.status == OrderStatus::Cancelled {
        return Err(match refusal(ports, &order.id)? {
            Some(reason) => OrderError::PaymentRefused(reason),
            None => order.refuse(OrderStatus::Pending),
        });
    }
    let session = match saga.session {
        Some(session) => session,
        None => session_of(ports, &order, saga.expires_at).await?,
    };
    Ok(Placement { order, session })
}

/// Whether nobody who asked for the order when it began is waiting for it any more.
const fn is_late(saga: &Saga, now: u64) -> bool {
    now >= saga.created_at.saturating_add(ABANDON_AFTER_MS)
}

/// Why the provider did not take the payment of a cancelled order, if that is what ended it.
fn refusal(ports: &impl Ports, order_id: &OrderId) -> Result<Option<String>, OrderError> {
    let history = ports.orders().read(|records| records.history(order_id))?;
    let mut refusals = history
        .iter()
        .filter_map(|change| change.reason.strip_prefix(REFUSED));
    Ok(refusals.next().map(str::to_owned))
}

/// The session of an order that was paid before it knew its session: its customer found it with the payment.
async fn session_of(
    ports: &impl Ports,
    order: &Order,
    expires_at: u64,
) -> Result<PaymentSession, OrderError> {
    let payment = ports.payments().open(order, expires_at).await;
    payment
        .ok()
        .and_then(|payment| payment.session)
        .ok_or(OrderError::PaymentUnavailable)
}

fn closing(reason: &str) -> Closing {
    Closing {
        actor: Actor::System,
        reason: reason.to_owned(),
    }
}
