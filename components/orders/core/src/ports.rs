//! What the application needs from outside.
#![allow(
    async_fn_in_trait,
    reason = "a component has one thread; nothing here needs Send"
)]

use mercato_contracts::payments::service::MoneyReceived;
use mercato_kernel::{AccountId, CheckoutId, OrderId, PaymentId};
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use crate::application::locks::Locks;
use crate::domain::{
    CheckoutHolder, OrderError, OrderItem, OrderRequest, OrderView, OrderedQuote, Payment,
    PaymentEvent, Prepared, RejectedLine,
};
use crate::settings::Settings;
use crate::store::Records;

/// Everything the use cases reach, chosen in one place.
pub trait Ports {
    /// The orders database.
    type Store: Store;
    /// The catalogue's stock.
    type Inventory: Inventory;
    /// Quotes and discount codes.
    type Checkouts: Checkouts;
    /// The payments and their events.
    type Payments: Payments;
    /// The time of day.
    type Clock: Clock;
    /// New identifiers.
    type Ids: Ids;

    /// The orders database.
    fn store(&self) -> &Self::Store;
    /// The catalogue's stock.
    fn inventory(&self) -> &Self::Inventory;
    /// Quotes and discount codes.
    fn checkouts(&self) -> &Self::Checkouts;
    /// The payments and their events.
    fn payments(&self) -> &Self::Payments;
    /// The time of day.
    fn clock(&self) -> &Self::Clock;
    /// New identifiers.
    fn ids(&self) -> &Self::Ids;
    /// How this shop is set up.
    fn settings(&self) -> &Settings;
}

/// The orders database. A transaction is a closure that cannot wait for anything but the database.
pub trait Store {
    /// Reads.
    ///
    /// # Errors
    /// What the closure returns; [`OrderError::Unavailable`] when the database cannot be used now.
    fn read<T>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<T, OrderError>;

    /// Reads and writes in one transaction, which is about what those [locks](crate::application::locks) name: all of it when the closure returns `Ok`,
    /// else nothing. The closure may be run again after that.
    ///
    /// # Errors
    /// What the closure returns; [`OrderError::Unavailable`] when the database cannot be used now.
    fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<T, OrderError>;

    /// Like [`Self::write`], but does nothing and returns `None` when somebody else writes for longer than a moment.
    ///
    /// # Errors
    /// What the closure returns; [`OrderError::Unavailable`] when the database cannot be used now.
    fn write_if_free<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<Option<T>, OrderError>;
}

/// Why the catalogue did not reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveError {
    /// Nothing was reserved; every line that failed is named.
    Rejected(Vec<RejectedLine>),
    /// Nothing was reserved: a price is not the one of the quote.
    PriceChanged,
    /// The order's reservation was given back before.
    Released,
    /// The catalogue cannot serve now.
    Failed(OrderError),
}

/// The catalogue's stock. Every function may be repeated for the same order.
pub trait Inventory {
    /// Holds the stock of all lines of a request, or of none, and returns their names and prices. Those of a quote have to be what
    /// it says.
    async fn reserve(&self, request: &OrderRequest) -> Result<Vec<OrderItem>, ReserveError>;
    /// What was reserved for an order, also when it was sold or given back since: nothing when it was given back before anything
    /// was reserved, none when the catalogue knows nothing of it.
    async fn reserved(&self, order_id: OrderId) -> Result<Option<Vec<OrderItem>>, OrderError>;
    /// Held stock becomes sold.
    async fn commit(&self, order_id: OrderId) -> Result<(), OrderError>;
    /// Held stock becomes free; without a reservation, a later one is refused.
    async fn release(&self, order_id: OrderId) -> Result<(), OrderError>;
    /// Sold stock becomes free.
    async fn restock(&self, order_id: OrderId) -> Result<(), OrderError>;
    /// [`Self::release`] for several orders at once, with one outcome for each, in their order.
    async fn release_all(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<Result<(), OrderError>>, OrderError>;
    /// Removes reservations that were given back so many milliseconds ago, at most `limit`; returns how many.
    async fn purge(&self, released_for_ms: u64, limit: u32) -> Result<u32, OrderError>;
}

/// Why uses of discount codes are not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldError {
    /// Nothing was held; one of the codes cannot be used any more.
    UsedUp,
    /// The order has given its codes back before.
    Released,
    /// Checkouts cannot serve now.
    Failed(OrderError),
}

/// Quotes and discount codes. Every function may be repeated.
pub trait Checkouts {
    /// What is to be ordered, if the quote of that name is still what the checkout costs and nothing is missing. What is held for
    /// orders of the checkout counts as free.
    ///
    /// # Errors
    /// [`OrderError::CheckoutNotFound`], [`OrderError::LinesUnavailable`], [`OrderError::QuoteChanged`], [`OrderError::QuoteIncomplete`], or that checkouts cannot serve.
    async fn prepare(
        &self,
        checkout: CheckoutId,
        holder: &CheckoutHolder,
        quote: &str,
    ) -> Result<Prepared, OrderError>;
    /// Holds a use of all codes of a quote, or of none, for whoever orders: the account, if there is one.
    async fn hold_codes(
        &self,
        order_id: OrderId,
        quote: &OrderedQuote,
        account: Option<AccountId>,
    ) -> Result<(), HoldError>;
    /// Held uses are used for good.
    async fn commit_codes(&self, order_id: OrderId) -> Result<(), OrderError>;
    /// Uses are given back; without any, a later hold is refused.
    async fn release_codes(&self, order_id: OrderId) -> Result<(), OrderError>;
}

/// Why a payment could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Nothing is decided; try again.
    Unavailable,
    /// A definite no, and why: this order can never be paid.
    Refused(String),
}

/// What became of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunding {
    /// The money is on its way back.
    Done,
    /// A definite no of the provider: asking again changes nothing, somebody must look at it.
    Refused,
}

/// A payment that is to be cancelled, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelPayment {
    /// Whose payment.
    pub order_id: OrderId,
    /// For people.
    pub reason: String,
    /// The order as its payment was to be opened, and until when, where it is not known what came of that: a session that is open at
    /// the provider is found and ended.
    pub opening: Option<(OrderView, u64)>,
}

/// The payments and their events.
pub trait Payments {
    /// Opens the payment of an order and its session; the same ones again when repeated, whatever became of them.
    async fn open(&self, order: &OrderView, expires_at: u64) -> Result<Payment, OpenError>;
    /// Closes a pending payment; a decided one comes back as it is. None when the order never had one.
    async fn cancel(&self, cancellation: &CancelPayment) -> Result<Option<Payment>, OrderError>;
    /// [`Self::cancel`] for several orders at once, with one outcome for each, in their order. No event is published for
    /// these, unless a session had to be found first.
    async fn cancel_all(
        &self,
        cancellations: &[CancelPayment],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError>;
    /// Gives back all of a payment that is not given back yet. Repeating with the same key is safe.
    async fn refund(
        &self,
        payment_id: PaymentId,
        reason: &str,
        idempotency_key: &str,
    ) -> Result<Refunding, OrderError>;
    /// What was really charged and given back, by currency.
    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError>;
    /// The payment of an order, if it has one.
    async fn of_order(&self, order_id: OrderId) -> Result<Option<Payment>, OrderError>;
    /// Publishes what waits in the outbox, unless that was done less than so many milliseconds ago.
    async fn relay(&self, min_interval_ms: u32) -> Result<(), OrderError>;
    /// The event of that id, unless it is acknowledged.
    async fn pending_event(&self, event_id: &str) -> Result<Option<PaymentEvent>, OrderError>;
    /// Events of an order that are not acknowledged, oldest first.
    async fn pending_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, OrderError>;
    /// Events of all orders that should have arrived by now, oldest first.
    async fn overdue_events(
        &self,
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, OrderError>;
    /// Records that an event is applied.
    async fn acknowledge(&self, event_id: &str) -> Result<(), OrderError>;
    /// [`Self::acknowledge`] for several events at once.
    async fn acknowledge_all(&self, event_ids: &[String]) -> Result<(), OrderError>;
    /// Records that an event could not be applied.
    async fn report_failure(&self, event_id: &str, error: &str) -> Result<(), OrderError>;
}
