//! Orders a checkout: what its customer saw is what is ordered.
//!
//! Checkouts are asked whether the quote still holds, and nothing is begun if it does not. Between that and the holding of stock and
//! discount codes a last unit or a last use can still go: then the order is given up, and the answer is the quote of then.
//!
//! A checkout has one pending order. An older one ends once its successor can be ordered, as far as anybody can tell: what it holds does not
//! stand in the way, and where nothing can be ordered it goes on.

use mercato_kernel::{CheckoutId, OrderId};
use mercato_platform::client::Client;
use mercato_platform::log;

use super::create_order::{
    CheckoutOrder, CreateOrder, CreateOutcome, Idempotency, place_order, placed_by, repeat,
};
use crate::application::saga::{cancel, pending_actions, place};
use crate::domain::{
    Cancellation, CheckoutHolder, CustomerId, Message, OrderError, OrderStatus, OrderedQuote,
    QuoteId,
};
use crate::ports::{Checkouts, Ports, Store};
use crate::store::Ordered;

/// What the history says of an order whose place another one of the same checkout takes.
const ORDERED_ANEW: &str = "The checkout was ordered anew";

/// How many orders of the checkout are brought to their end before another one begins. There is rarely more than one.
const ENDED_MAX: u32 = 8;

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCheckout {
    /// Which checkout.
    pub checkout_id: CheckoutId,
    /// Whose it is.
    pub holder: CheckoutHolder,
    /// The name of the quote that the customer saw.
    pub quote: QuoteId,
    /// Where from, if that is known.
    pub client: Option<Client>,
    /// Whether the limits do not concern this order.
    pub is_exempt: bool,
    /// The key of the request, if the client gave one.
    pub idempotency: Option<Idempotency>,
}

impl OrderCheckout {
    /// What its orders go by.
    #[must_use]
    pub fn customer_id(&self) -> CustomerId {
        self.holder.customer_id(self.checkout_id)
    }
}

/// Takes the order as far as it goes now.
///
/// # Errors
/// Why there is no order; see [`OrderError`].
pub async fn handle(
    ports: &impl Ports,
    command: OrderCheckout,
) -> Result<CreateOutcome, OrderError> {
    log::record("checkout_id", &command.checkout_id.text());
    match order(ports, &command).await {
        Err(OrderError::QuoteOutdated) => match prepare(ports, &command).await {
            // It holds again by now: the customer may order it.
            Ok((quote, messages)) => Err(OrderError::QuoteChanged(Box::new(quote.shown(messages)))),
            Err(error) => Err(error),
        },
        outcome => outcome,
    }
}

async fn order(ports: &impl Ports, command: &OrderCheckout) -> Result<CreateOutcome, OrderError> {
    let quote = match make_way(ports, command).await? {
        Way::Ordered(outcome) => return Ok(*outcome),
        Way::Prepared(quote) => quote,
        Way::Free => Box::new(prepare(ports, command).await?.0),
    };
    let create = CreateOrder {
        customer_id: command.customer_id(),
        client: command.client.clone(),
        is_exempt: command.is_exempt,
        lines: quote.lines(),
        checkout: Some(CheckoutOrder {
            holder: command.holder.clone(),
            quote,
        }),
        expected_total: None,
        replaces: None,
        idempotency: command.idempotency.clone(),
    };
    place_order(ports, create).await
}

/// The quote, with what its customer should know, if it can be ordered once the pending order of its checkout has ended.
async fn prepare(
    ports: &impl Ports,
    command: &OrderCheckout,
) -> Result<(OrderedQuote, Vec<Message>), OrderError> {
    let (id, quote) = (command.checkout_id, command.quote.as_str());
    let checkouts = ports.checkouts();
    let prepared = checkouts.prepare(id, &command.holder, quote);
    let prepared = prepared.await?;
    let quote = OrderedQuote::new(command.checkout_id, None, prepared.order)?;
    Ok((quote, prepared.messages))
}

/// What stood in the way of an order.
enum Way {
    /// This very request, which was sent before: what it has come to.
    Ordered(Box<CreateOutcome>),
    /// A pending order, which has ended: what is to be ordered.
    Prepared(Box<OrderedQuote>),
    /// Nothing any more.
    Free,
}

/// Ends the order that the checkout was before, with all that it holds, if another one can take its place.
async fn make_way(ports: &impl Ports, command: &OrderCheckout) -> Result<Way, OrderError> {
    for _ in 0..ENDED_MAX {
        let ordered = ports
            .store()
            .read(|records| records.ordered(command.checkout_id))?;
        // Only now: an order that was found has written its key down before.
        if let Some(idempotency) = &command.idempotency {
            match repeat(ports, command.customer_id(), idempotency).await {
                Ok(None) => {}
                Ok(Some(outcome)) => return Ok(Way::Ordered(Box::new(outcome))),
                // A stranger learns nothing of keys either.
                Err(OrderError::IdempotencyKeyReused) => {
                    return Err(match prepare(ports, command).await {
                        Err(OrderError::CheckoutNotFound) => OrderError::CheckoutNotFound,
                        _ => OrderError::IdempotencyKeyReused,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        let Some(ordered) = ordered else {
            return Ok(Way::Free);
        };
        // Whose it is not learns from checkouts that there is no such checkout.
        if !is_holders(ports, command, ordered.order_id())? {
            return Ok(Way::Free);
        }
        match ordered {
            Ordered::UnderWay(id) => {
                if let Err(error) = place::advance(ports, id).await {
                    let cause = error.to_string();
                    let fields = [("error", cause.as_str())];
                    log::warn("an order that was left half-made came to nothing", &fields);
                }
            }
            Ordered::Ending(id) => pending_actions::run(ports, id).await?,
            Ordered::Pending(id) => {
                let (quote, _) = prepare(ports, command).await?;
                end(ports, command, id).await?;
                return Ok(Way::Prepared(Box::new(quote)));
            }
            Ordered::Paid(id) => return Err(OrderError::AlreadyOrdered(id)),
        }
    }
    Ok(Way::Free)
}

async fn end(
    ports: &impl Ports,
    command: &OrderCheckout,
    order_id: OrderId,
) -> Result<(), OrderError> {
    let actor = placed_by(&command.holder);
    let reason = ORDERED_ANEW.to_owned();
    let order = cancel::cancel(ports, order_id, Cancellation { actor, reason }).await?;
    if order.status == OrderStatus::Cancelled {
        Ok(())
    } else {
        Err(OrderError::AlreadyOrdered(order_id))
    }
}

/// Whether an order of the checkout is the holder's.
fn is_holders(
    ports: &impl Ports,
    command: &OrderCheckout,
    order_id: OrderId,
) -> Result<bool, OrderError> {
    let token = command.holder.order_token(order_id);
    ports.store().read(|records| {
        let order = records.order_view(order_id)?;
        let (customer_id, quote) = match order {
            Some(order) => (order.customer_id, order.quote),
            None => match records.saga(order_id)? {
                Some(saga) => (saga.request().customer_id, saga.request().quote.clone()),
                None => return Ok(false),
            },
        };
        let stored = quote.as_ref().and_then(|quote| quote.token_hash());
        Ok(match (&token, stored) {
            (Some(token), Some(hash)) => token.hash() == *hash,
            (None, None) => customer_id == command.customer_id(),
            _ => false,
        })
    })
}
