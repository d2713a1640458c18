//! Changes an order's status: a customer cancels a PENDING order of their own, an admin delivers a PAID one or cancels
//! a PENDING one. Everything else is the payment's to decide.

use mercato_kernel::{Caller, OrderId};
use mercato_platform::clock::Clock;
use mercato_platform::text;

use crate::application::RESUME_AFTER_MS;
use crate::application::locks;
use crate::application::saga::{cancel, payment_events};
use crate::domain::{Actor, Cancellation, Order, OrderError, OrderStatus, OrderView};
use crate::ports::{Payments as _, Ports, Store};
use crate::store::Records;

/// Characters of a reason.
pub const REASON_MAX_CHARS: usize = 500;

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeStatus {
    /// Who wants it.
    pub caller: Caller,
    /// Which order.
    pub order_id: OrderId,
    /// What it should become.
    pub status: OrderStatus,
    /// Why, for the history.
    pub reason: Option<String>,
    /// Only if the order still has this version.
    pub expected_version: Option<u64>,
}

/// Returns the order as it is after the change.
///
/// # Errors
/// Why the order was not changed; see [`OrderError`].
pub async fn handle(ports: &impl Ports, command: ChangeStatus) -> Result<OrderView, OrderError> {
    let reason = reason(&command)?;
    let order = ports.store().read(|records| visible(records, &command))?;
    if matches!(command.caller, Caller::Customer(_)) && command.status != OrderStatus::Cancelled {
        return Err(OrderError::Forbidden);
    }
    // Nothing is cancelled that is paid, and nothing delivered that is refunded, only because the news are on their way.
    if matches!(
        order.view().status,
        OrderStatus::Pending | OrderStatus::Paid
    ) {
        payment_events::apply_pending(ports, command.order_id).await?;
    }
    match command.status {
        OrderStatus::Delivered => {
            refuse_if_disputed(ports, &command).await?;
            deliver(ports, &command, reason)
        }
        OrderStatus::Cancelled => cancel(ports, &command, reason).await,
        other => {
            let order = ports.store().read(|records| expected(records, &command))?;
            Err(order.view().refuse(other))
        }
    }
}

/// Whoever has a dispute under way may get the money back: until it ends the parcel stays here.
async fn refuse_if_disputed(ports: &impl Ports, command: &ChangeStatus) -> Result<(), OrderError> {
    let order = ports.store().read(|records| expected(records, command))?;
    if order.view().status != OrderStatus::Paid {
        return Ok(());
    }
    let payment = ports.payments().of_order(command.order_id).await?;
    if payment.is_some_and(|payment| payment.disputed) {
        return Err(OrderError::PaymentDisputed);
    }
    Ok(())
}

fn deliver(
    ports: &impl Ports,
    command: &ChangeStatus,
    reason: String,
) -> Result<OrderView, OrderError> {
    let now = ports.clock().now_ms();
    ports
        .store()
        .write(locks::order(command.order_id), |records| {
            let mut order = expected(records, command)?;
            let change = order.deliver(actor(&command.caller), reason.as_str(), now)?;
            records.update_order(&order)?;
            records.add_history(command.order_id, &change)?;
            Ok(order.into_view())
        })
}

async fn cancel(
    ports: &impl Ports,
    command: &ChangeStatus,
    reason: String,
) -> Result<OrderView, OrderError> {
    let resume_at = ports.clock().now_ms() + RESUME_AFTER_MS;
    let cancellation = Cancellation {
        actor: actor(&command.caller),
        reason,
    };
    ports
        .store()
        .write(locks::order(command.order_id), |records| {
            let order = expected(records, command)?;
            if !order.view().status.may_become(OrderStatus::Cancelled) {
                return Err(order.view().refuse(OrderStatus::Cancelled));
            }
            let saga = records.saga(command.order_id)?;
            cancel::intend(
                records,
                saga.ok_or(OrderError::Internal)?,
                cancellation.clone(),
                resume_at,
            )
        })?;
    let order = cancel::resume(ports, command.order_id).await?;
    if order.status == OrderStatus::Cancelled {
        Ok(order)
    } else {
        Err(order.refuse(OrderStatus::Cancelled))
    }
}

fn actor(caller: &Caller) -> Actor {
    caller.account().map_or(Actor::System, Actor::Account)
}

fn visible(records: &Records<'_>, command: &ChangeStatus) -> Result<Order, OrderError> {
    records
        .order(command.order_id)?
        .filter(|order| order.view().is_visible_to(&command.caller))
        .ok_or(OrderError::NotFound)
}

fn expected(records: &Records<'_>, command: &ChangeStatus) -> Result<Order, OrderError> {
    let order = visible(records, command)?;
    let is_expected = command
        .expected_version
        .is_none_or(|version| version == order.view().version);
    if is_expected {
        Ok(order)
    } else {
        Err(OrderError::VersionMismatch)
    }
}

fn reason(command: &ChangeStatus) -> Result<String, OrderError> {
    let given = text::paragraph(
        command.reason.as_deref().unwrap_or_default(),
        REASON_MAX_CHARS,
    )
    .map_err(|problem| OrderError::field("reason", problem.code(), format!("reason {problem}")))?;
    let default = match (&command.caller, command.status) {
        (Caller::Customer(_), _) => "Cancelled by the customer",
        (_, OrderStatus::Delivered) => "Delivered",
        _ => "Cancelled by an admin",
    };
    Ok(if given.is_empty() {
        default.to_owned()
    } else {
        given
    })
}
