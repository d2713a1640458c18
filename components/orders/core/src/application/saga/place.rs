//! Making an order: hold the stock, open the payment, store the order with where to pay.
//!
//! The order is stored last, so that each of the three databases is written once: a crash before that leaves a saga, from which
//! everything is found again, because stock and payment go by the order's id. When the payment cannot be opened, the order is
//! stored without, and the payment is tried again.

use mercato_kernel::OrderId;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::{log, text};

use crate::application::locks;
use crate::application::saga::{cancel, payment_events, pending_actions, unplaced};
use crate::application::{ABANDON_AFTER_MS, RESUME_AFTER_MS};
use crate::domain::{
    Cancellation, CheckoutSession, Order, OrderError, OrderNumber, OrderStatus, OrderView, Payment,
    PaymentStatus, Rejection, Saga, Step, TotalChanged,
};
use crate::ports::{
    Checkouts, HoldError, Inventory, OpenError, Payments, Ports, ReserveError, Store,
};
use crate::store::{Action, Records};

/// Steps of the longest way through the saga, with some room for others who are at the same one.
const PASSES_MAX: usize = 8;

/// How many numbers are tried for an order beside the one of its id.
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
    /// Where the customer pays; none when there is nothing to pay.
    pub session: Option<CheckoutSession>,
}

/// Takes a saga that has just begun as far as it goes.
///
/// # Errors
/// As [`advance`].
pub async fn begin(ports: &impl Ports, saga: Saga) -> Result<Placement, OrderError> {
    match make(ports, &saga).await? {
        Some(placement) => Ok(placement),
        None => advance(ports, saga.request().order_id).await,
    }
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
            Step::New => {
                if let Some(placement) = make(ports, &saga).await? {
                    return Ok(placement);
                }
            }
            Step::Reserved => open_payment(ports, &saga).await?,
            // What it was answered when it stood does not depend on how it ends, which may take the money's days.
            Step::Cancelling if saga.session().is_some() => return placement(ports, &saga).await,
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

/// Ends a saga that nobody waits for. Whoever made its payment may have gone away before the order was stored: the payment goes
/// first. If the customer found it and was faster, there will be an order.
///
/// # Errors
/// When a database or payments cannot be used; the saga can be resumed.
pub async fn abandon(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let id = saga.request().order_id;
    // There is a payment only if the stock is held, or was.
    let reserved = ports.inventory().reserved(id).await?;
    match unplaced::cancel_payment(ports, saga, reserved).await? {
        None | Some(PaymentStatus::Cancelled | PaymentStatus::Failed) => {
            end(ports, id, Rejection::Abandoned).await
        }
        Some(PaymentStatus::Succeeded | PaymentStatus::Refunded) => {
            if let Some(order) = hold(ports, saga).await? {
                let store = |records: &Records<'_>| store_order(records, &order, ports.ids());
                ports.store().write(locks::order(id), store)?;
            }
            Ok(())
        }
        Some(PaymentStatus::Pending) => Err(OrderError::PaymentUnderWay),
    }
}

/// Ends a saga before there is an order. Stock that someone at the same step may still take is given back, and the payment is ended
/// that they may have opened.
///
/// # Errors
/// When the orders database cannot be used.
pub async fn end(
    ports: &impl Ports,
    order_id: OrderId,
    rejection: Rejection,
) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.store().write(locks::order(order_id), |records| {
        let is_abandoned = rejection == Rejection::Abandoned;
        let reject = |saga: &mut Saga| saga.reject(rejection.clone());
        let Some(saga) = changed(records, order_id, reject)? else {
            return Ok(());
        };
        if is_abandoned {
            records.free_key(order_id)?;
        }
        records.update_saga(&saga)?;
        let actions = undone_after(&rejection, saga.request().has_codes());
        records.add_pending_actions(order_id, &actions, now + RESUME_AFTER_MS)
    })?;
    pending_actions::run_or_leave(ports, order_id).await;
    Ok(())
}

/// What is to be undone of an order that there will not be. With a total that is refused nobody has opened a payment: the prices are
/// those of the reservation, the same for all.
fn undone_after(rejection: &Rejection, has_codes: bool) -> Vec<Action> {
    let codes = has_codes.then_some(Action::ReleaseCodes);
    let payment = match rejection {
        Rejection::Lines(_) | Rejection::QuoteChanged | Rejection::Abandoned => {
            Some(Action::CancelPayment)
        }
        Rejection::TotalTooLarge | Rejection::TotalChanged(_) => None,
    };
    let stock = [Action::ReleaseStock].into_iter();
    stock.chain(codes).chain(payment).collect()
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

/// Makes an order: holds uses of discount codes and the stock, opens the payment, and then stores the order with its session. None when the saga stands
/// somewhere else now.
async fn make(ports: &impl Ports, saga: &Saga) -> Result<Option<Placement>, OrderError> {
    let request = saga.request();
    if saga.is_expired(ports.clock().now_ms()) {
        return abandon(ports, saga).await.map(|()| None);
    }
    if let Some(older) = request.replaces {
        end_replaced(ports, request.order_id, older).await?;
    }
    let Some(order) = hold(ports, saga).await? else {
        return Ok(None);
    };
    let opened = ports
        .payments()
        .open(order.view(), request.expires_at)
        .await;
    let session = match &opened {
        Ok(payment) if payment.status == PaymentStatus::Pending => payment.session.clone(),
        _ => None,
    };
    if let Some(session) = session {
        return store_placement(ports, saga, order, session).await;
    }
    // There is an order, with which its customer can try again to pay.
    ports
        .store()
        .write(locks::order(request.order_id), |records| {
            store_order(records, &order, ports.ids())
        })?;
    after_opening(ports, saga, opened).await.map(|()| None)
}

/// Holds what is scarce: uses of discount codes, then stock. As [`hold_stock`].
async fn hold(ports: &impl Ports, saga: &Saga) -> Result<Option<Order>, OrderError> {
    let request = saga.request();
    let id = request.order_id;
    if let Some(quote) = request.quote.as_ref().filter(|quote| quote.has_codes()) {
        let account = request.account();
        let rejection = match ports.checkouts().hold_codes(id, quote, account).await {
            Ok(()) => return hold_stock(ports, saga).await,
            Err(HoldError::UsedUp) => Rejection::QuoteChanged,
            Err(HoldError::Released) => Rejection::Abandoned,
            Err(HoldError::Failed(error)) => return Err(error),
        };
        return end(ports, id, rejection).await.map(|()| None);
    }
    hold_stock(ports, saga).await
}

/// The order of a saga whose stock is held now. None when there will be none; the saga has ended then.
async fn hold_stock(ports: &impl Ports, saga: &Saga) -> Result<Option<Order>, OrderError> {
    let request = saga.request();
    let id = request.order_id;
    let end = async |rejection| end(ports, id, rejection).await.map(|()| None);
    let items = match ports.inventory().reserve(request).await {
        Ok(items) => items,
        Err(ReserveError::Rejected(_) | ReserveError::PriceChanged) if request.quote.is_some() => {
            return end(Rejection::QuoteChanged).await;
        }
        // Nobody has expected one.
        Err(ReserveError::PriceChanged) => return Err(OrderError::Internal),
        Err(ReserveError::Rejected(lines)) => return end(Rejection::Lines(lines)).await,
        Err(ReserveError::Released) => return end(Rejection::Abandoned).await,
        Err(ReserveError::Failed(error)) => return Err(error),
    };
    let Some(order) = unplaced::order_of(ports, request, items) else {
        return end(Rejection::TotalTooLarge).await;
    };
    match request.expected_total {
        Some(expected) if !order.view().has_total(expected) => {
            let order = order.into_view();
            let changed = TotalChanged {
                expected,
                total: order.total_amount,
                items: order.items,
            };
            end(Rejection::TotalChanged(changed)).await
        }
        _ => Ok(Some(order)),
    }
}

/// Stores the order, its history and where to pay in one transaction. None when somebody else has taken the saga further: whoever
/// has ended it ends the payment ([`end`]).
async fn store_placement(
    ports: &impl Ports,
    saga: &Saga,
    order: Order,
    session: CheckoutSession,
) -> Result<Option<Placement>, OrderError> {
    let mut placed = saga.clone();
    placed.place(session.clone());
    let id = order.view().id;
    let stored = ports.store().write(locks::order(id), |records| {
        if records.update_saga_at(Step::New, &placed)? {
            return insert_order(records, &order, ports.ids()).map(Some);
        }
        Ok(None)
    })?;
    Ok(stored.map(|renumbered| Placement {
        order: renumbered.unwrap_or(order).into_view(),
        session: Some(session),
    }))
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

fn store_order(records: &Records<'_>, order: &Order, ids: &impl Ids) -> Result<(), OrderError> {
    let Some(saga) = changed(records, order.view().id, Saga::hold_stock)? else {
        return Ok(());
    };
    insert_order(records, order, ids)?;
    records.update_saga(&saga)
}

/// Its number was free when the saga began. An order that has taken it since gives this one another number than its payment
/// shows, which happens less than once in a million million orders.
fn insert_order(
    records: &Records<'_>,
    order: &Order,
    ids: &impl Ids,
) -> Result<Option<Order>, OrderError> {
    let mut renumbered = None;
    for _ in 0..=NUMBER_TRIES_MAX {
        let order = renumbered.as_ref().unwrap_or(order);
        if records.insert_order(order)? {
            records.add_history(order.view().id, &order.placed_change())?;
            return Ok(renumbered);
        }
        let mut other = order.clone();
        other.renumber(OrderNumber::of_id(OrderId::parse(&ids.new_id())?));
        renumbered = Some(other);
    }
    Err(OrderError::Unavailable)
}

async fn open_payment(ports: &impl Ports, saga: &Saga) -> Result<(), OrderError> {
    let request = saga.request();
    let id = request.order_id;
    if saga.is_expired(ports.clock().now_ms()) {
        let expired = Cancellation::by_the_shop(cancel::EXPIRED);
        return cancel::cancel(ports, id, expired).await.map(drop);
    }
    let order = ports
        .store()
        .read(|records| records.order_view(id))?
        .ok_or(OrderError::Internal)?;
    let opened = ports.payments().open(&order, request.expires_at).await;
    after_opening(ports, saga, opened).await
}

/// Takes an order that stands further, by what came of opening its payment.
async fn after_opening(
    ports: &impl Ports,
    saga: &Saga,
    opened: Result<Payment, OpenError>,
) -> Result<(), OrderError> {
    let id = saga.request().order_id;
    let close = |reason: String| cancel::cancel(ports, id, Cancellation::by_the_shop(reason));
    let payment = match opened {
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
    ports.store().write(locks::order(id), |records| {
        store_session(records, id, &payment, now)
    })?;
    if payment.status != PaymentStatus::Pending {
        payment_events::apply_pending(ports, id).await?;
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

/// What its customer is told of an order that stands: the same at every time.
async fn placement(ports: &impl Ports, saga: &Saga) -> Result<Placement, OrderError> {
    let order = ports
        .store()
        .read(|records| records.order_view(saga.request().order_id))?
        .ok_or(OrderError::Internal)?;
    let session = match saga.session() {
        Some(session) => session.clone(),
        None if order.status == OrderStatus::Cancelled => {
            return Err(match refusal(ports, order.id)? {
                Some(reason) => OrderError::PaymentRefused(reason),
                None => order.refuse(OrderStatus::Pending),
            });
        }
        // There was nothing to pay, and there is nothing to wait for.
        None if order.is_free() => {
            return Ok(Placement {
                order,
                session: None,
            });
        }
        None => session_of(ports, &order, saga.request().expires_at).await?,
    };
    Ok(Placement {
        order: order.as_placed(),
        session: Some(session),
    })
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
