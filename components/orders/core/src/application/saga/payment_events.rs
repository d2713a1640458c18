//! Payment events of orders that are stored: each is applied exactly once, in one transaction, and then what follows from it is done.

use mercato_kernel::{OrderId, PaymentId};
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use crate::application::RESUME_AFTER_MS;
use crate::application::locks;
use crate::application::saga::pending_actions;
use crate::domain::{
    CodesMove, EventOutcome, EventType, OrderError, OrderStatus, PaymentEvent, ReceiptId, Step,
    StockMove,
};
use crate::ports::{Payments, Ports, Store};
use crate::store::{Action, Records};

/// Applies what payments knows of an order and the order does not. An event that cannot be applied does not stop the
/// others, and no failure is reported: whoever reads an order again and again would have its events parked.
///
/// # Errors
/// When payments cannot be asked.
pub async fn apply_pending(ports: &impl Ports, order_id: OrderId) -> Result<(), OrderError> {
    for event in ports.payments().pending_events(order_id).await? {
        log::in_span(&fields(&event), async {
            if let Err(error) = apply(ports, &event).await {
                log_failure(&error);
            }
        })
        .await;
    }
    Ok(())
}

/// What came of applying an event.
pub struct Applied {
    /// What it did.
    pub outcome: EventOutcome,
    /// Why a pending action of the order could not be done yet.
    pub left_undone: Option<OrderError>,
}

/// Applies an event to its order, then moves the stock and acknowledges the event.
///
/// # Errors
/// Why the event could not be applied: [`OrderError::NotFound`] when its order is not stored.
pub async fn apply(ports: &impl Ports, event: &PaymentEvent) -> Result<Applied, OrderError> {
    let order_id = OrderId::parse(&event.order_id)?;
    let recorded = write(ports, order_id, event)?;
    let left_undone = match recorded.actions.as_slice() {
        // What is done need not be written down for each order: the sweep does it for many.
        [Action::CommitStock, Action::Acknowledge(_)] => {
            pending_actions::perform_or_leave(ports, order_id, &Action::CommitStock).await
        }
        _ => pending_actions::run_or_leave(ports, order_id).await,
    };
    if left_undone.is_none() && recorded.outcome == EventOutcome::Duplicate {
        ports.payments().acknowledge(&event.id).await?;
    }
    Ok(Applied {
        outcome: recorded.outcome,
        left_undone,
    })
}

/// The fields of the span in which an event is applied.
pub fn fields(event: &PaymentEvent) -> [(&'static str, &str); 2] {
    [
        ("order_id", event.order_id.as_str()),
        ("event_id", event.id.as_str()),
    ]
}

/// Logs why an event could not be applied.
pub fn log_failure(error: &OrderError) {
    let cause = error.to_string();
    log::error("a payment event could not be applied", &[("error", &cause)]);
}

fn write(
    ports: &impl Ports,
    order_id: OrderId,
    event: &PaymentEvent,
) -> Result<Recorded, OrderError> {
    let now = ports.clock().now_ms();
    let receipt_id = ReceiptId::parse(&ports.ids().new_id())?;
    ports.store().write(locks::order(order_id), |records| {
        record(records, order_id, event, receipt_id, now)
    })
}

/// What an event came to.
struct Recorded {
    outcome: EventOutcome,
    /// What is pending because of it.
    actions: Vec<Action>,
}

fn record(
    records: &Records<'_>,
    id: OrderId,
    event: &PaymentEvent,
    receipt_id: ReceiptId,
    now: u64,
) -> Result<Recorded, OrderError> {
    if !records.insert_into_inbox(event, now)? {
        return Ok(Recorded {
            outcome: EventOutcome::Duplicate,
            actions: Vec::new(),
        });
    }
    let Some((mut order, saga)) = records.order_and_saga(id)? else {
        let saga = records.saga(id)?;
        let rejected = saga.filter(|saga| saga.step() == Step::Rejected);
        rejected.ok_or(OrderError::NotFound)?;
        return record_without_order(records, id, event, now);
    };
    let cancellation = saga.as_ref().and_then(|saga| saga.cancellation());
    let known_version = order.payment_version();
    let effect = order.apply_payment_event(event, cancellation, receipt_id, now)?;
    if !effect.changes.is_empty() || order.payment_version() != known_version {
        records.update_order(&order)?;
    }
    for change in &effect.changes {
        records.add_history(id, change)?;
    }
    if let Some(mut saga) = saga
        && order.view().status != OrderStatus::Pending
        && saga.finish()
    {
        records.update_saga(&saga)?;
    }
    let stock = effect.stock.map(|stock| match stock {
        StockMove::Commit => Action::CommitStock,
        StockMove::Release => Action::ReleaseStock,
        StockMove::Restock => Action::RestockStock,
    });
    let codes = effect
        .codes(order.view().status)
        .filter(|_| order.view().has_codes())
        .map(|codes| match codes {
            CodesMove::Commit => Action::CommitCodes,
            CodesMove::Release => Action::ReleaseCodes,
        });
    let refund = if effect.refund {
        Some(Action::Refund(PaymentId::parse(&event.payment_id)?))
    } else {
        None
    };
    let acknowledge = Action::Acknowledge(event.id.clone());
    let actions = stock
        .into_iter()
        .chain(codes)
        .chain([acknowledge])
        .chain(refund);
    let actions: Vec<Action> = actions.collect();
    let not_before = now + pending_actions::patience_ms(&actions);
    records.add_pending_actions(id, &actions, not_before)?;
    Ok(Recorded {
        outcome: effect.outcome(),
        actions,
    })
}

/// The order was given up while its payment was being opened: there will be none, and what is paid for it goes back.
fn record_without_order(
    records: &Records<'_>,
    id: OrderId,
    event: &PaymentEvent,
    now: u64,
) -> Result<Recorded, OrderError> {
    let mut actions = vec![Action::Acknowledge(event.id.clone())];
    if event.event_type == EventType::Succeeded {
        actions.push(Action::Refund(PaymentId::parse(&event.payment_id)?));
    }
    records.add_pending_actions(id, &actions, now + RESUME_AFTER_MS)?;
    Ok(Recorded {
        outcome: EventOutcome::Ignored,
        actions,
    })
}
