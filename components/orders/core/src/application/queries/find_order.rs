//! One order with payment and history. What was decided or left half-made meanwhile is caught up with first.

use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;

use crate::application::saga::{cancel, payment_events, place};
use crate::domain::{
    OrderError, OrderRequest, OrderStatus, OrderToken, OrderView, Payment, Saga, StatusChange, Step,
};
use crate::ports::{Payments, Ports, Store};

/// An order and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetails {
    /// The order.
    pub order: OrderView,
    /// Its payment, once opened.
    pub payment: Option<Payment>,
    /// Its history, oldest first.
    pub history: Vec<StatusChange>,
}

/// Who wants to see an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// A caller, who sees their own or all.
    Caller(Caller),
    /// Whoever has the token of a guest's order.
    Guest(OrderToken),
}

impl From<Caller> for Viewer {
    fn from(caller: Caller) -> Self {
        Self::Caller(caller)
    }
}

impl Viewer {
    fn sees(&self, order: &OrderView) -> bool {
        match self {
            Self::Caller(caller) => order.is_visible_to(caller),
            Self::Guest(token) => order.has_token(token),
        }
    }

    /// The same of an order that is not stored yet.
    fn sees_request(&self, request: &OrderRequest) -> bool {
        match self {
            Self::Caller(caller) => match request.account() {
                Some(account) => caller.may_see(account),
                None => !matches!(caller, Caller::Customer(_)),
            },
            Self::Guest(token) => {
                let quote = request.quote.as_ref();
                let hash = quote.and_then(|quote| quote.token_hash());
                hash.is_some_and(|hash| *hash == token.hash())
            }
        }
    }
}

/// Returns the order as it is now.
///
/// # Errors
/// [`OrderError::NotFound`] for an order that does not exist or is somebody else's.
pub async fn handle(
    ports: &impl Ports,
    viewer: impl Into<Viewer>,
    order_id: OrderId,
) -> Result<OrderDetails, OrderError> {
    let viewer = viewer.into();
    let (is_visible, saga) = ports.store().read(|records| {
        let order = records.order_view(order_id)?;
        let is_open = order
            .as_ref()
            .is_none_or(|order| order.status == OrderStatus::Pending);
        let saga = if is_open {
            records.saga(order_id)?
        } else {
            None
        };
        let is_visible = match (&order, &saga) {
            (Some(order), _) => viewer.sees(order),
            (None, Some(saga)) => viewer.sees_request(saga.request()),
            (None, None) => false,
        };
        Ok((is_visible, saga))
    })?;
    if !is_visible {
        return Err(OrderError::NotFound);
    }
    if let Some(saga) = saga {
        catch_up(ports, &saga).await;
    }
    let payment = ports.payments().of_order(order_id).await?;
    ports.store().read(|records| {
        Ok(OrderDetails {
            order: records.order_view(order_id)?.ok_or(OrderError::NotFound)?,
            payment,
            history: records.history(order_id)?,
        })
    })
}

/// The order can be shown as it stands when this fails.
async fn catch_up(ports: &impl Ports, saga: &Saga) {
    let id = saga.request().order_id;
    let result = match saga.step() {
        Step::New | Step::Reserved => place::advance(ports, id).await.map(drop),
        Step::Cancelling => cancel::resume(ports, id).await.map(drop),
        Step::Ready => payment_events::apply_pending(ports, id).await,
        Step::Done | Step::Rejected => Ok(()),
    };
    if let Err(error) = result {
        let cause = error.to_string();
        log::warn(
            "an order is shown as it stands",
            &[("order_id", &id.text()), ("error", &cause)],
        );
    }
}
