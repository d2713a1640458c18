use mercato_kernel::{AccountId, Caller, OrderId, ProductId, Uuid, id_types};
use mercato_money::{Currency, Money, MoneyError};

use super::{
    Actor, Choice, CustomerId, OrderError, OrderNumber, OrderStatus, OrderToken, OrderedQuote,
    Quantity, Transition,
};

/// The version of an order that nothing has changed.
const FIRST_VERSION: u64 = 1;

/// A line of an order, with name and price of the moment the stock was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// The product, or the variant of one.
    pub product_id: ProductId,
    /// The product's name.
    pub name: String,
    /// What was chosen of its options, in their order.
    pub choices: Vec<Choice>,
    /// Price of one unit.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
}

impl OrderItem {
    /// What customers call it: the product's name, with what was chosen of its options.
    #[must_use]
    pub fn title(&self) -> String {
        if self.choices.is_empty() {
            return self.name.clone();
        }
        let values: Vec<&str> = self.choices.iter().map(|choice| &*choice.value).collect();
        format!("{} – {}", self.name, values.join(", "))
    }

    /// Sum of price times quantity.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when it is more than an amount of money can hold.
    pub fn total_of(items: &[Self]) -> Result<Money, MoneyError> {
        items.iter().try_fold(Money::ZERO, |sum, item| {
            sum.checked_add(item.unit_price.checked_mul(item.quantity.get())?)
        })
    }
}

id_types! {
    /// Names a receipt.
    ReceiptId;
}

/// Proof that an order was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// UUIDv7.
    pub id: ReceiptId,
    /// Where the customer finds it.
    pub url: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub issued_at: u64,
}

/// A line of an order's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// None for the order's creation; the same as `to` for a remark.
    pub from: Option<OrderStatus>,
    /// The status afterwards.
    pub to: OrderStatus,
    /// Who changed it.
    pub actor: Actor,
    /// Why, for people.
    pub reason: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
}

/// What a customer ordered and where it stands, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// UUIDv7.
    pub id: OrderId,
    /// What people call it by.
    pub number: OrderNumber,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was ordered.
    pub items: Vec<OrderItem>,
    /// Sum of price times quantity, or what the quote says.
    pub total_amount: Money,
    /// Sum of the quantities.
    pub total_items: u64,
    /// The currency of every amount.
    pub currency: Currency,
    /// The checkout that the order was, if it was one.
    pub quote: Option<Box<OrderedQuote>>,
    /// Present from the payment on.
    pub receipt: Option<Receipt>,
    /// Milliseconds since the Unix epoch.
    pub paid_at: Option<u64>,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at: u64,
    /// Grows by one with every change.
    pub version: u64,
}

impl OrderView {
    /// What is to be paid, in whole minor units of the currency.
    #[must_use]
    pub fn amount_due(&self) -> i64 {
        self.total_amount.to_minor(self.currency)
    }

    /// The order as its customer was told of it when it was placed: nothing of that changes later.
    #[must_use]
    pub fn as_placed(self) -> Self {
        Self {
            status: OrderStatus::Pending,
            receipt: None,
            paid_at: None,
            updated_at: self.created_at,
            version: FIRST_VERSION,
            ..self
        }
    }

    /// The account that ordered; none for a guest.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        let is_guests = self.quote.as_ref().is_some_and(|quote| quote.is_guests());
        (!is_guests).then(|| Uuid::from(self.customer_id).into())
    }

    /// Whether the caller may see it: customers see their own orders.
    #[must_use]
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        match self.account() {
            Some(account) => caller.may_see(account),
            None => !matches!(caller, Caller::Customer(_)),
        }
    }

    /// Whether it is the order of that guest's token.
    #[must_use]
    pub fn has_token(&self, token: &OrderToken) -> bool {
        let hash = self.quote.as_ref().and_then(|quote| quote.token_hash());
        hash.is_some_and(|hash| *hash == token.hash())
    }

    /// Whether it was a checkout of which nothing is to be paid.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.quote.is_some() && self.total_amount == Money::ZERO
    }

    /// Whether uses of discount codes belong to it.
    #[must_use]
    pub fn has_codes(&self) -> bool {
        self.quote.as_ref().is_some_and(|quote| quote.has_codes())
    }

    /// Who placed it.
    #[must_use]
    pub fn placed_by(&self) -> Actor {
        self.account().map_or(Actor::Guest, Actor::Account)
    }

    /// Whether a customer who expects to pay that much is right: the exact total, or what it comes to at the till.
    #[must_use]
    pub fn has_total(&self, expected: Money) -> bool {
        expected == self.total_amount
            || Money::from_minor(self.amount_due(), self.currency) == Ok(expected)
    }

    /// The error of a change that the status does not allow.
    #[must_use]
    pub const fn refuse(&self, to: OrderStatus) -> OrderError {
        OrderError::InvalidTransition(Transition {
            from: self.status,
            to,
        })
    }
}

/// An order: the aggregate. Every change of it gives a line for its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub(super) view: OrderView,
    /// The version of the payment that the order has heard of; 0 before.
    pub(super) payment_version: u64,
    /// A refund has put its units on sale again: they cannot be delivered any more, also if that refund fails later.
    pub(super) stock_returned: bool,
}

impl Order {
    /// A new order that waits for its payment. Its number is that of its id, until somebody finds that another order has it.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the total is more than an amount of money can hold.
    pub fn place(
        id: OrderId,
        customer_id: impl Into<CustomerId>,
        items: Vec<OrderItem>,
        currency: Currency,
        now: u64,
    ) -> Result<Self, MoneyError> {
        let total_amount = OrderItem::total_of(&items)?;
        let view = Self::pending(id, customer_id.into(), items, total_amount, currency, now);
        Ok(Self::restore(view, 0, false))
    }

    /// A new order of a quote.
    #[must_use]
    pub fn of_quote(
        id: OrderId,
        customer_id: CustomerId,
        quote: Box<OrderedQuote>,
        now: u64,
    ) -> Self {
        let (items, total, currency) = (quote.items().to_vec(), quote.total(), quote.currency());
        let view = OrderView {
            quote: Some(quote),
            ..Self::pending(id, customer_id, items, total, currency, now)
        };
        Self::restore(view, 0, false)
    }

    fn pending(
        id: OrderId,
        customer_id: CustomerId,
        items: Vec<OrderItem>,
        total_amount: Money,
        currency: Currency,
        now: u64,
    ) -> OrderView {
        let total_items = items
            .iter()
            .map(|item| u64::from(item.quantity.get()))
            .sum();
        OrderView {
            id,
            number: OrderNumber::of_id(id),
            customer_id,
            status: OrderStatus::Pending,
            items,
            total_amount,
            total_items,
            currency,
            quote: None,
            receipt: None,
            paid_at: None,
            created_at: now,
            updated_at: now,
            version: FIRST_VERSION,
        }
    }

    /// The order as it was stored.
    #[must_use]
    pub const fn restore(view: OrderView, payment_version: u64, stock_returned: bool) -> Self {
        Self {
            view,
            payment_version,
            stock_returned,
        }
    }

    /// The order as it is shown.
    #[must_use]
    pub const fn view(&self) -> &OrderView {
        &self.view
    }

    /// The order as it is shown.
    #[must_use]
    pub fn into_view(self) -> OrderView {
        self.view
    }

    /// The version of the payment that the order has heard of; 0 before.
    #[must_use]
    pub const fn payment_version(&self) -> u64 {
        self.payment_version
    }

    /// Whether a refund has put its units on sale again.
    #[must_use]
    pub const fn stock_returned(&self) -> bool {
        self.stock_returned
    }

    /// Gives a new order another number, when another order has its own.
    pub fn renumber(&mut self, number: OrderNumber) {
        self.view.number = number;
    }

    /// The first line of the history.
    #[must_use]
    pub fn placed_change(&self) -> StatusChange {
        StatusChange {
            from: None,
            to: self.view.status,
            actor: self.view.placed_by(),
            reason: "Order placed".to_owned(),
            at: self.view.created_at,
        }
    }

    /// Changes the status.
    ///
    /// # Errors
    /// [`OrderError::InvalidTransition`] when the rules do not allow it.
    pub fn change_status(
        &mut self,
        to: OrderStatus,
        actor: Actor,
        reason: impl Into<String>,
        now: u64,
    ) -> Result<StatusChange, OrderError> {
        if !self.view.status.may_become(to) {
            return Err(self.view.refuse(to));
        }
        let from = std::mem::replace(&mut self.view.status, to);
        self.touch(now);
        Ok(StatusChange {
            from: Some(from),
            to,
            actor,
            reason: reason.into(),
            at: now,
        })
    }

    /// Delivers the order.
    ///
    /// # Errors
    /// [`OrderError::InvalidTransition`] when the rules do not allow it; [`OrderError::StockReturned`] when its units are on
    /// sale again.
    pub fn deliver(
        &mut self,
        actor: Actor,
        reason: impl Into<String>,
        now: u64,
    ) -> Result<StatusChange, OrderError> {
        if self.view.status == OrderStatus::Paid && self.stock_returned {
            return Err(OrderError::StockReturned);
        }
        self.change_status(OrderStatus::Delivered, actor, reason, now)
    }

    /// The refund of a REFUNDED order has failed: it is again what it was before. No request can ask for this.
    pub fn take_refund_back(&mut self, reason: impl Into<String>, now: u64) -> StatusChange {
        let before = if self.stock_returned {
            OrderStatus::Paid
        } else {
            OrderStatus::Delivered
        };
        let from = std::mem::replace(&mut self.view.status, before);
        self.touch(now);
        StatusChange {
            from: Some(from),
            to: before,
            actor: Actor::System,
            reason: reason.into(),
            at: now,
        }
    }

    /// Records that the order is paid.
    ///
    /// # Errors
    /// [`OrderError::InvalidTransition`] when the order is not PENDING.
    pub fn pay(
        &mut self,
        receipt: Receipt,
        reason: &str,
        now: u64,
    ) -> Result<StatusChange, OrderError> {
        let change = self.change_status(OrderStatus::Paid, Actor::System, reason, now)?;
        self.view.paid_at = Some(receipt.issued_at);
        self.view.receipt = Some(receipt);
        Ok(change)
    }

    /// A remark for the history that leaves the status as it is.
    #[must_use]
    pub fn remark(&mut self, reason: impl Into<String>, now: u64) -> StatusChange {
        self.touch(now);
        StatusChange {
            from: Some(self.view.status),
            to: self.view.status,
            actor: Actor::System,
            reason: reason.into(),
            at: now,
        }
    }

    fn touch(&mut self, now: u64) {
        self.view.updated_at = self.view.updated_at.max(now);
        self.view.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01939f6e-8a00-7000-8000-00000000000a";

    fn item(price: &str, quantity: u32) -> OrderItem {
        OrderItem {
            product_id: ProductId::parse(ID).unwrap(),
            name: "Tea".into(),
            choices: Vec::new(),
            unit_price: price.parse().unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
        }
    }

    #[test]
    fn customers_call_an_item_by_what_was_chosen_of_it() {
        let choice = |value: &str| Choice {
            name: "Any".to_owned(),
            value: value.to_owned(),
        };
        let mut item = item("9.5", 1);
        assert_eq!(item.title(), "Tea");
        item.choices = vec![choice("250 g"), choice("whole beans")];
        assert_eq!(item.title(), "Tea – 250 g, whole beans");
    }

    fn place(items: Vec<OrderItem>) -> Result<Order, MoneyError> {
        let (id, customer) = (OrderId::parse(ID).unwrap(), AccountId::parse(ID).unwrap());
        Order::place(id, customer, items, "USD".parse().unwrap(), 7)
    }

    #[test]
    fn totals_are_sums_and_the_amount_due_is_rounded_half_even() {
        let order = place(vec![item("0.105", 1), item("2", 3)]).unwrap();
        assert_eq!(
            (order.view.total_amount.to_string(), order.view.total_items),
            ("6.105".to_owned(), 4)
        );
        assert_eq!(order.view.amount_due(), 610);
        assert_eq!(place(vec![item("0.115", 1)]).unwrap().view.amount_due(), 12);
    }

    #[test]
    fn a_customer_may_expect_the_exact_total_or_what_is_to_be_paid() {
        let order = place(vec![item("0.105", 1), item("2", 3)]).unwrap();
        for (expected, is_right) in [
            ("6.105", true),
            ("6.1", true),
            ("6.11", false),
            ("6", false),
        ] {
            let expected = expected.parse().unwrap();
            assert_eq!(order.view.has_total(expected), is_right, "{expected}");
        }
    }

    #[test]
    fn a_total_that_money_cannot_hold_is_an_error() {
        assert_eq!(
            place(vec![item("1000000000", 10_000); 93]).unwrap_err(),
            MoneyError::Overflow
        );
        assert!(place(vec![item("1000000000", 10_000); 92]).is_ok());
    }

    #[test]
    fn every_change_grows_the_version_a_refused_one_nothing() {
        let mut order = place(vec![item("1", 1)]).unwrap();
        let change = order
            .change_status(OrderStatus::Cancelled, Actor::System, "why", 9)
            .unwrap();
        assert_eq!(
            (change.from, change.to, change.at),
            (Some(OrderStatus::Pending), OrderStatus::Cancelled, 9)
        );
        assert_eq!((order.view.version, order.view.updated_at), (2, 9));
        let before = order.clone();
        let transition = Transition {
            from: OrderStatus::Cancelled,
            to: OrderStatus::Paid,
        };
        let receipt = Receipt {
            id: ReceiptId::parse(ID).unwrap(),
            url: None,
            issued_at: 9,
        };
        assert_eq!(
            order.pay(receipt, "late", 10),
            Err(OrderError::InvalidTransition(transition))
        );
        assert_eq!(order, before);
    }
}
