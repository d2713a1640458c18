//! The quotes of orders that were checkouts, with all that belongs to them. Written once, with the saga, and never changed: each is one
//! document, which is written and read as a whole ([decision 73](../../../../../docs/decisions/0073-quotes-as-documents.md)).

use mercato_kernel::{CheckoutId, Named as _, OrderId};
use mercato_sql::{Row, Value, params};

use super::{Records, id, json_of, key};
use crate::application::locks;
use crate::domain::{OrderError, OrderStatus, OrderTokenHash, OrderedQuote};

/// What a checkout was ordered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Its order is being made.
    UnderWay(OrderId),
    /// The order waits for its payment.
    Pending(OrderId),
    /// The order is paid, delivered perhaps.
    Paid(OrderId),
    /// There is no order any more, but it has not given back yet what it held.
    Ending(OrderId),
}

impl Ordered {
    /// The order.
    pub const fn order_id(self) -> OrderId {
        match self {
            Self::UnderWay(id) | Self::Pending(id) | Self::Paid(id) | Self::Ending(id) => id,
        }
    }
}

/// The document is JSON, of the members that [`QuotedOrder`](crate::domain::QuotedOrder) has.
const INSERT_QUOTE: &str = "
INSERT INTO order_quotes (order_id, checkout_id, token_hash, document)
VALUES (?, ?, ?, ?)";

pub(super) const QUOTES: &str = "
SELECT order_id, checkout_id, token_hash, document
FROM order_quotes
WHERE order_id IN (SELECT value FROM json_each(?))";

/// At most one is under way, and one pending or paid; what is still ending comes last.
pub(super) const ORDERED: &str = "
SELECT order_id, 'new' AS standing, 1 AS rank
FROM sagas
WHERE asked_checkout = ?1 AND step = 'new'
UNION ALL
SELECT id, status, 2
FROM orders
WHERE checkout_id = ?1 AND status IN ('PENDING', 'PAID', 'DELIVERED')
UNION ALL
SELECT order_id, 'ending', 3
FROM sagas
WHERE asked_checkout = ?1 AND step = 'rejected'
  AND EXISTS (SELECT 1 FROM follow_ups WHERE follow_ups.order_id = sagas.order_id)
UNION ALL
SELECT id, 'ending', 3
FROM orders
WHERE checkout_id = ?1 AND status = 'CANCELLED'
  AND EXISTS (SELECT 1 FROM follow_ups WHERE follow_ups.order_id = orders.id)
ORDER BY rank
LIMIT 1 -- plan: the few orders of one checkout";

/// The standing of an order that is being made, and of one that is ending.
const UNDER_WAY: &str = "new";
const ENDING: &str = "ending";

impl Records<'_> {
    /// What a checkout was ordered as, as far as that stands in the way of ordering it again.
    pub fn ordered(&self, checkout: CheckoutId) -> Result<Option<Ordered>, OrderError> {
        let Some(row) = self.0.query_one(ORDERED, params![key(checkout)])? else {
            return Ok(None);
        };
        let order_id = id(&row, "order_id")?;
        let standing: String = row.get("standing")?;
        Ok(Some(match standing.as_str() {
            UNDER_WAY => Ordered::UnderWay(order_id),
            ENDING => Ordered::Ending(order_id),
            status if status == OrderStatus::Pending.name() => Ordered::Pending(order_id),
            _ => Ordered::Paid(order_id),
        }))
    }

    /// [`Self::ordered`], while nobody else changes that order.
    pub fn ordered_alone(&self, checkout: CheckoutId) -> Result<Option<Ordered>, OrderError> {
        let found = self.ordered(checkout)?;
        let Some(order_id) = found.map(Ordered::order_id) else {
            return Ok(None);
        };
        let keys = || Ok::<_, OrderError>(locks::order(order_id));
        if self.0.lock(keys)? {
            return self.ordered(checkout);
        }
        Ok(found)
    }

    /// Stores the quote of an order that is to be made.
    pub(super) fn insert_quote(
        &self,
        order_id: OrderId,
        ordered: &OrderedQuote,
    ) -> Result<(), OrderError> {
        let values = params![
            key(order_id),
            key(ordered.checkout_id()),
            ordered.token_hash().map(OrderTokenHash::as_str),
            Value::json(ordered.content()),
        ];
        Ok(self.0.execute(INSERT_QUOTE, values)?)
    }

    /// The quote of one order.
    pub(super) fn quote(&self, order_id: OrderId) -> Result<Option<OrderedQuote>, OrderError> {
        let mut quotes = self.quotes(&[order_id])?;
        Ok(quotes.pop().map(|(_, quote)| quote))
    }

    /// The quotes of those of these orders that have one, in any order.
    pub(super) fn quotes(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, OrderedQuote)>, OrderError> {
        let ids = json_of(order_ids.iter().map(|id| id.to_string()));
        let rows = self.0.query(QUOTES, &[Value::Text(ids)])?;
        rows.iter().map(quote_of).collect()
    }
}

fn quote_of(row: &Row) -> Result<(OrderId, OrderedQuote), OrderError> {
    let content = row.json("document");
    // In documents from before there were options nothing was chosen of any line.
    let content = content.or_else(|_| row.json_with("document", "/quote/lines", "choices"))?;
    let hash: Option<String> = row.get("token_hash")?;
    let hash = hash.map(OrderTokenHash::stored);
    let quote = OrderedQuote::new(id(row, "checkout_id")?, hash, content)?;
    Ok((id(row, "order_id")?, quote))
}
