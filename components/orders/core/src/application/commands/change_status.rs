//! Changes an order's status: a customer cancels a PENDING order of their own, an admin delivers a PAID one or cancels
//! a PENDING one. Everything else is the payment's to decide.

use mercato_platform::clock::Clock;
use mercato_platform::text;

use crate::application::Viewer;
use crate::application::commands::apply_payment_event;
use crate::application::saga::close;
use crate::domain::{Actor, Closing, FieldError, Order, OrderError, OrderId, OrderStatus};
use crate::ports::{OrderRecords, OrderRepository, Payments as _, Ports};

/// Characters of a reason.
pub const REASON_MAX_CHARS: usize = 500;

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeStatus {
    /// Who wants it.
    pub viewer: Viewer,
    /// Which order.
    pub order_id: OrderId,
    /// What it should become.
    pub status: OrderStatus,
    /// Why, for the history.
    pub reason: Option<String>,
    /// Only if the order still has this version.
    pub expected_version: Option<u64>,
}

/// Gives the order as it is after the change.
///
/// # Errors
/// Why the order was not changed; see [`OrderError`].
pub async fn handle(ports: &impl Ports, command: ChangeStatus) -> Result<Order, OrderError> {
    let reason = reason(&command)?;
    let order = ports.orders().read(|records| visible(records, &command))?;
    if matches!(command.viewer, Viewer::Customer(_)) && command.status != OrderStatus::Cancelled {
        return Err(OrderError::Forbidden);
    }
    // Nothing is cancelled that is paid, and nothing delivered that is refunded, only because the news are on their way.
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Paid) {
        apply_payment_event::apply_pending(ports, &command.order_id).await?;
    }
    match command.status {
        OrderStatus::Delivered => {
            refuse_if_disputed(ports, &command).await?;
            deliver(ports, &command, reason)
        }
        OrderStatus::Cancelled => cancel(ports, &command, reason).await,
        other => Err(ports
            .orders()
            .read(|records| expected(records, &command))?
            .refuse(other)),
    }
}

/// Whoever has a dispute under way may get the money back: until it ends the parcel stays here.
async fn refuse_if_disputed(ports: &impl Ports, command: &ChangeStatus) -> Result<(), OrderError> {
    let order = ports.orders().read(|records| expected(records, command))?;
    if order.status != OrderStatus::Paid {
        return Ok(());
    }
    let payment = ports.payments().of_order(&order.id).await?;
    if payment.is_some_and(|payment| payment.is_disputed) {
        return Err(OrderError::PaymentDisputed);
    }
    Ok(())
}

fn deliver(
    ports: &impl Ports,
    command: &ChangeStatus,
    reason: String,
) -> Result<Order, OrderError> {
    let now = ports.clock().now_ms();
    let actor = Actor::Account(command.viewer.account().clone());
    ports.orders().write(|records| {
        let mut order = expected(records, command)?;
        let change = order.deliver(actor, reason, now)?;
        records.update_order(&order)?;
        records.add_history(&order.id, &change)?;
        Ok(order)
    })
}

async fn cancel(
    ports: &impl Ports,
    command: &ChangeStatus,
    reason: String,
) -> Result<Order, OrderError> {
    let now = ports.clock().now_ms();
    let closing = Closing {
        actor: Actor::Account(command.viewer.account().clone()),
        reason,
    };
    ports.orders().write(|records| {
        let order = expected(records, command)?;
        if !order.status.may_become(OrderStatus::Cancelled) {
            return Err(order.refuse(OrderStatus::Cancelled));
        }
        let saga = records.saga(&order.id)?.ok_or(OrderError::Internal)?;
        close::intend(records, saga, closing, now)
    })?;
    let order = close::resume(ports, &command.order_id).await?;
    if order.status == OrderStatus::Cancelled {
        Ok(order)
    } else {
        Err(order.refuse(OrderStatus::Cancelled))
    }
}

fn visible(records: &dyn OrderRecords, command: &ChangeStatus) -> Result<Order, OrderError> {
    command
        .viewer
        .only_visible(records.order(&command.order_id)?)
        .ok_or(OrderError::NotFound)
}

fn expected(records: &dyn OrderRecords, command: &ChangeStatus) -> Result<Order, OrderError> {
    let order = visible(records, command)?;
    let is_expected = command
        .expected_version
        .is_none_or(|version| version == order.version);
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
    .map_err(|problem| {
        let message = format!("reason {problem}");
        OrderError::Invalid(vec![FieldError::new("reason", problem.code(), message)])
    })?;
    let default = match (&command.viewer, command.status) {
        (Viewer::Customer(_), _) => "Cancelled by the customer",
        (Viewer::Admin(_), OrderStatus::Delivered) => "Delivered",
        (Viewer::Admin(_), _) => "Cancelled by an admin",
    };
    Ok(if given.is_empty() {
        default.to_owned()
    } else {
        given
    })
}
