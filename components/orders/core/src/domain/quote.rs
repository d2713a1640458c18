//! What an order keeps of the checkout that it was.

use mercato_kernel::{
    AccountId, CheckoutId, CheckoutToken, GUEST_TOKEN_PREFIX, OrderId, ProductId, Quantity,
};
use mercato_money::{Currency, Money};
use mercato_platform::log;
use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

use super::{CustomerId, Line, OrderError, OrderItem};

pub use mercato_contracts::checkout::quotes::{Prepared, QuotedOrder, ShownQuote};
pub use mercato_contracts::checkout::types::{
    Address, Choice, Message, Missing, PriceChange, Quote, QuoteDiscount, QuoteLine, QuoteShipping,
    QuoteTax, QuoteTotals, TaxRate,
};

/// Keeps these hashes apart from any other hash of the same text.
const TOKEN_DOMAIN: &[u8] = b"mercato order token\0";

mercato_kernel::secret! {
    /// The secret that is a guest's way back to one order.
    OrderToken,
    /// What is stored of an [`OrderToken`].
    OrderTokenHash: b"mercato order token hash\0"
}

impl OrderToken {
    /// The token of an order that was a checkout with that token. It follows from both, so that a request that is repeated after a
    /// crash is answered with the same one, and nothing but its hash is stored.
    #[must_use]
    pub fn of(order_id: OrderId, checkout_token: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(TOKEN_DOMAIN)
            .chain_update(&*order_id.text())
            .chain_update(checkout_token);
        Self(format!("{GUEST_TOKEN_PREFIX}{}", to_hex(&hash.finalize())))
    }
}

/// Who orders a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckoutHolder {
    /// The account that it belongs to.
    Account(AccountId),
    /// Whoever has its token.
    Guest(CheckoutToken),
}

impl CheckoutHolder {
    /// The account, if it is one.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(*id),
            Self::Guest(_) => None,
        }
    }

    /// What that checkout's orders go by.
    #[must_use]
    pub fn customer_id(&self, checkout: CheckoutId) -> CustomerId {
        self.account().map_or(checkout.into(), Into::into)
    }

    /// The token that a guest gets for an order.
    #[must_use]
    pub fn order_token(&self, order_id: OrderId) -> Option<OrderToken> {
        match self {
            Self::Account(_) => None,
            Self::Guest(token) => Some(OrderToken::of(order_id, token.expose())),
        }
    }
}

/// The checkout that an order was, with the quote that its customer saw. None of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedQuote {
    checkout_id: CheckoutId,
    token_hash: Option<OrderTokenHash>,
    content: QuotedOrder,
    items: Vec<OrderItem>,
    currency: Currency,
    total: Money,
}

impl OrderedQuote {
    /// What checkouts have prepared. `token_hash` is that of the order's token, for a guest.
    ///
    /// # Errors
    /// [`OrderError::Internal`] when there is something in it that no quote may have.
    pub fn new(
        checkout_id: CheckoutId,
        token_hash: Option<OrderTokenHash>,
        content: QuotedOrder,
    ) -> Result<Self, OrderError> {
        let items = content.quote.lines.iter().map(item_of);
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let currency: Currency = content
            .quote
            .currency
            .parse()
            .map_err(|_| broken("its currency is none"))?;
        let total = content.quote.totals.total;
        if total < 0 || items.is_empty() {
            return Err(broken("its total is negative, or it has no lines"));
        }
        let total =
            Money::from_minor(total, currency).map_err(|_| broken("its total is too large"))?;
        Ok(Self {
            checkout_id,
            token_hash,
            content,
            items,
            currency,
            total,
        })
    }

    /// The same for the order of that guest's token.
    #[must_use]
    pub fn with_token(self, token_hash: Option<OrderTokenHash>) -> Self {
        Self { token_hash, ..self }
    }

    /// The checkout.
    #[must_use]
    pub const fn checkout_id(&self) -> CheckoutId {
        self.checkout_id
    }

    /// The hash of the order's token, if a guest ordered.
    #[must_use]
    pub const fn token_hash(&self) -> Option<&OrderTokenHash> {
        self.token_hash.as_ref()
    }

    /// Whether no account ordered.
    #[must_use]
    pub const fn is_guests(&self) -> bool {
        self.token_hash.is_some()
    }

    /// What the checkout was.
    #[must_use]
    pub const fn content(&self) -> &QuotedOrder {
        &self.content
    }

    /// The quote as its checkout shows it, with these messages.
    #[must_use]
    pub fn shown(&self, messages: Vec<Message>) -> ShownQuote {
        let content = &self.content;
        ShownQuote {
            quote: content.quote.clone(),
            messages,
            email: Some(content.email.clone()),
            shipping_address: Some(content.shipping_address.clone()),
            billing_address: content.billing_address.clone(),
        }
    }

    /// The quote.
    #[must_use]
    pub const fn quote(&self) -> &Quote {
        &self.content.quote
    }

    /// The lines as those of an order.
    #[must_use]
    pub fn items(&self) -> &[OrderItem] {
        &self.items
    }

    /// What the catalogue is asked for.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let line = |item: &OrderItem| Line {
            product_id: item.product_id,
            quantity: item.quantity,
        };
        self.items.iter().map(line).collect()
    }

    /// The discount codes that take something off.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let code = |discount: &QuoteDiscount| discount.code.clone();
        self.discounts().map(code).collect()
    }

    /// Whether there are any.
    #[must_use]
    pub fn has_codes(&self) -> bool {
        self.discounts().next().is_some()
    }

    /// A code that takes nothing off is not used.
    fn discounts(&self) -> impl Iterator<Item = &QuoteDiscount> {
        let discounts = self.content.quote.discounts.iter();
        discounts.filter(|discount| discount.amount > 0)
    }

    /// Currency of all amounts.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// What is to be paid.
    #[must_use]
    pub const fn total(&self) -> Money {
        self.total
    }
}

fn item_of(line: &QuoteLine) -> Result<OrderItem, OrderError> {
    Ok(OrderItem {
        product_id: ProductId::parse(&line.product_id)?,
        name: line.name.clone(),
        choices: line.choices.clone(),
        unit_price: Money::from_units(line.unit_price),
        quantity: Quantity::new(line.quantity).ok_or_else(|| broken("a quantity is none"))?,
    })
}

fn broken(cause: &str) -> OrderError {
    log::error("a quote cannot be ordered", &[("cause", cause)]);
    OrderError::Internal
}

#[cfg(test)]
pub(crate) mod tests;
