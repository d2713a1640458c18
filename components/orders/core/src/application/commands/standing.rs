//! What stands in the way of an order of a checkout.

use mercato_kernel::OrderId;

use super::create_order::{CheckoutOrder, CreateOrder};
use crate::domain::OrderError;
use crate::store::{Ordered, Records};

/// What the checkout that is ordered was ordered as before.
pub enum Standing {
    /// Nothing, or it is none.
    Free,
    /// That order: there is to be no second one beside it.
    Pending(OrderId),
    /// Its order is being made from the same quote: it is this one.
    UnderWay(OrderId),
    /// Another order of it is being made.
    Others(OrderId),
}

/// What the checkout that is ordered was ordered as before.
///
/// # Errors
/// [`OrderError::AlreadyOrdered`] when its order is paid.
pub fn standing(records: &Records<'_>, command: &CreateOrder) -> Result<Standing, OrderError> {
    let Some(CheckoutOrder { quote, .. }) = &command.checkout else {
        return Ok(Standing::Free);
    };
    match records.ordered_alone(quote.checkout_id())? {
        None | Some(Ordered::Ending(_)) => Ok(Standing::Free),
        Some(Ordered::Pending(order_id)) => Ok(Standing::Pending(order_id)),
        Some(Ordered::Paid(order_id)) => Err(OrderError::AlreadyOrdered(order_id)),
        Some(Ordered::UnderWay(order_id)) => {
            let saga = records.saga(order_id)?.ok_or(OrderError::Internal)?;
            let asked = saga.request().quote.as_ref();
            let is_same = asked.is_some_and(|asked| asked.quote().id == quote.quote().id);
            // Another key would not know that order.
            if is_same && command.idempotency.is_none() {
                Ok(Standing::UnderWay(order_id))
            } else {
                Ok(Standing::Others(order_id))
            }
        }
    }
}
