//! What the application needs from outside.
#![allow(
    async_fn_in_trait,
    reason = "a component has one thread; nothing here needs Send"
)]

use mercato_kernel::Total;
use mercato_money::Currency;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use crate::domain::{
    CustomerId, EventId, Holder, Holding, Limits, Line, Order, OrderError, OrderId, OrderItem,
    OrderNumber, OrderStatus, Payment, PaymentEvent, PaymentId, RejectedLine, Saga, StatusChange,
};

/// Everything the use cases reach, chosen in one place.
pub trait Ports {
    /// The orders database.
    type Orders: OrderRepository;
    /// The catalogue's stock.
    type Inventory: Inventory;
    /// The payments and their events.
    type Payments: Payments;
    /// The time of day.
    type Clock: Clock;
    /// New identifiers.
    type Ids: Ids;

    /// The orders database.
    fn orders(&self) -> &Self::Orders;
    /// The catalogue's stock.
    fn inventory(&self) -> &Self::Inventory;
    /// The payments and their events.
    fn payments(&self) -> &Self::Payments;
    /// The time of day.
    fn clock(&self) -> &Self::Clock;
    /// New identifiers.
    fn ids(&self) -> &Self::Ids;
    /// How this shop is set up.
    fn settings(&self) -> &Settings;
}

/// How this shop is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The currency of new orders.
    pub currency: Currency,
    /// How long stock is held for an order that is not paid, in milliseconds.
    pub reservation_ttl_ms: u64,
    /// What accounts and clients may hold and do.
    pub limits: Limits,
    /// How long an order that was cancelled unpaid is kept, in milliseconds; none for ever.
    pub unpaid_retention_ms: Option<u64>,
}

/// The orders database. A transaction is a closure that cannot wait for anything but the database.
pub trait OrderRepository {
    /// Reads.
    ///
    /// # Errors
    /// What the closure returns; [`OrderError::Unavailable`] when the database cannot be used now.
    fn read<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<T, OrderError>;

    /// Reads and writes in one immediate transaction: all of it when the closure returns `Ok`, else nothing.
    ///
    /// # Errors
    /// What the closure returns; [`OrderError::Unavailable`] when the database cannot be used now.
    fn write<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<T, OrderError>;

    /// Like [`Self::write`], but does nothing and gives `None` when somebody else writes for longer than a moment.
    ///
    /// # Errors
    /// What the closure returns; [`OrderError::Unavailable`] when the database cannot be used now.
    fn write_if_free<T>(
        &self,
        work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
    ) -> Result<Option<T>, OrderError> {
        self.write(work).map(Some)
    }
}

/// Which orders a list shows; absent conditions do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<OrderStatus>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only the one of this number.
    pub number: Option<OrderNumber>,
    /// Only those created later than that, in milliseconds since the Unix epoch.
    pub created_after: Option<u64>,
    /// Only those created earlier than that, in milliseconds since the Unix epoch.
    pub created_before: Option<u64>,
    /// Only those changed later than that, in milliseconds since the Unix epoch.
    pub updated_after: Option<u64>,
}

/// The order of a list. Orders that are equal stand in the order of their ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::enum_variant_names,
    reason = "each says what comes first in the list"
)]
pub enum OrderSort {
    /// By creation, backwards.
    #[default]
    NewestFirst,
    /// By creation.
    OldestFirst,
    /// By the last change, backwards.
    RecentlyUpdatedFirst,
    /// By the last change.
    LongUnchangedFirst,
}

impl OrderSort {
    /// Whether the list is sorted by the last change, and not by creation.
    #[must_use]
    pub const fn is_by_update(self) -> bool {
        matches!(self, Self::RecentlyUpdatedFirst | Self::LongUnchangedFirst)
    }

    /// Whether what is latest comes first.
    #[must_use]
    pub const fn is_descending(self) -> bool {
        matches!(self, Self::NewestFirst | Self::RecentlyUpdatedFirst)
    }
}

/// Where a page of a list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// After so many orders.
    Offset(u64),
    /// In a list by creation: after the place of this order, which need not be there any more.
    After(OrderId),
    /// In a list by the last change: after the place of an order of that time and id.
    AfterUpdate(u64, OrderId),
}

/// What was really charged, given back and taken away in one currency, in whole minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyReceived {
    /// The currency.
    pub currency: Currency,
    /// What customers have paid, refunded since or not.
    pub gross: i64,
    /// What has been given back of that, in part or whole.
    pub refunded: i64,
    /// What customers' banks have taken back of that, in disputes that were lost.
    pub lost_to_disputes: i64,
}

impl MoneyReceived {
    /// What is left; less than nothing when more was taken back than paid.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.gross
            .saturating_sub(self.refunded)
            .saturating_sub(self.lost_to_disputes)
    }
}

/// What operators watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Number of orders of every status, none left out.
    pub orders: Vec<(OrderStatus, u64)>,
    /// Half-made or expired orders that the sweeper should have taken up by now; from 1,000 on it may be more.
    pub overdue: u64,
    /// What committed changes still owe to other databases.
    pub follow_ups: u64,
    /// Runs of the sweeper that found something to do. This and what follows is counted since the database can.
    pub sweeps: u64,
    /// Payment events applied, each once.
    pub events_applied: u64,
    /// How often the sweeper has taken up an order again that it could not finish.
    pub order_retries: u64,
    /// How often the sweeper has taken up a follow-up.
    pub follow_up_retries: u64,
}

/// What is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// SHA-256 of the request's body.
    pub fingerprint: Vec<u8>,
    /// The order the request is about.
    pub order_id: OrderId,
    /// When the key was first used, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// The answer, once one was given.
    pub answer: Option<RecordedAnswer>,
}

/// Before which times records have done their service, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeTimes {
    /// Of finished sagas and keys that began.
    pub requests: u64,
    /// Of events received. An order that still owes something keeps its marks.
    pub inbox: u64,
    /// Of the days of holders that hold nothing.
    pub holders: u64,
    /// Of the last changes of orders that were cancelled unpaid. One that owes something or for which money has moved stays.
    pub unpaid: u64,
}

/// An HTTP answer kept to be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// HTTP status.
    pub status: u16,
    /// Body, byte for byte.
    pub body: Vec<u8>,
}

/// Work that a committed change still owes to another database. Done in the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// Grows with every follow-up.
    pub number: u64,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// What is to be done.
    pub task: Task,
    /// How often the sweeper has taken it up.
    pub attempts: u32,
}

/// What can be owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The held stock is to be sold.
    CommitStock,
    /// The held stock is to be given back.
    ReleaseStock,
    /// The sold stock is to be given back.
    RestockStock,
    /// Payments waits for the word that this event is applied.
    Acknowledge(EventId),
    /// This payment came too late and is to be given back.
    Refund(PaymentId),
    /// The order was cancelled while its payment was being opened.
    CancelPayment,
}

/// The records of the orders database, inside a read or a transaction.
pub trait OrderRecords {
    /// One order with its items.
    ///
    /// # Errors
    /// When the database fails, as with every function here.
    fn order(&self, id: &OrderId) -> Result<Option<Order>, OrderError>;
    /// Whether an order has that number.
    fn has_number(&self, number: &OrderNumber) -> Result<bool, OrderError>;
    /// Stores a new order with its items.
    fn insert_order(&self, order: &Order) -> Result<(), OrderError>;
    /// Stores what can change of an order: status, receipt, times, version.
    fn update_order(&self, order: &Order) -> Result<(), OrderError>;
    /// Adds a line to an order's history.
    fn add_history(&self, id: &OrderId, change: &StatusChange) -> Result<(), OrderError>;
    /// An order's history, oldest first.
    fn history(&self, id: &OrderId) -> Result<Vec<StatusChange>, OrderError>;
    /// Orders from `start` on, and how many there are in all, as far as they are counted.
    fn list(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        start: &PageStart,
        limit: u32,
    ) -> Result<(Vec<Order>, Total), OrderError>;
    /// Number of orders of every status, none left out. Costs the same however many orders there are.
    fn counts(&self) -> Result<Vec<(OrderStatus, u64)>, OrderError>;

    /// What operators watch, `now` in milliseconds since the Unix epoch. Costs the same however many orders there are.
    fn figures(&self, now: u64) -> Result<Figures, OrderError>;

    /// The saga of an order.
    fn saga(&self, id: &OrderId) -> Result<Option<Saga>, OrderError>;
    /// Stores a new saga with its lines: from now on its account and its client hold it.
    fn insert_saga(&self, saga: &Saga) -> Result<(), OrderError>;
    /// Stores what can change of a saga: all but customer, client, lines and times of birth and expiry. One that has ended
    /// is held by nobody any more.
    fn update_saga(&self, saga: &Saga) -> Result<(), OrderError>;
    /// Units that an order holds unpaid; none once it has ended.
    fn held_units(&self, id: &OrderId) -> Result<Option<u64>, OrderError>;
    /// The saga that has taken an order's place, or is about to; those that came to nothing do not count.
    fn replacement(&self, id: &OrderId) -> Result<Option<Saga>, OrderError>;
    /// Unfinished sagas the sweeper should look at, longest waiting first.
    fn due_sagas(&self, now: u64, limit: u32) -> Result<Vec<OrderId>, OrderError>;
    /// Whether there is a saga or a follow-up that the sweeper should look at.
    fn has_due(&self, now: u64) -> Result<bool, OrderError>;
    /// What a holder holds and has done of late.
    fn holding(&self, holder: &Holder) -> Result<Holding, OrderError>;
    /// Whether there is anything that [`Self::purge`] would remove.
    fn has_old(&self, before: PurgeTimes) -> Result<bool, OrderError>;
    /// Removes what is older, the oldest first, at most `limit` of each kind; true when there may be more.
    fn purge(&self, before: PurgeTimes, limit: u32) -> Result<bool, OrderError>;

    /// What is kept under a customer's key.
    fn key(&self, customer_id: &CustomerId, key: &str) -> Result<Option<KeyRecord>, OrderError>;
    /// Takes a customer's key for an order.
    fn insert_key(
        &self,
        customer_id: &CustomerId,
        key: &str,
        record: &KeyRecord,
    ) -> Result<(), OrderError>;
    /// Keeps the answer given under a key.
    fn set_answer(
        &self,
        customer_id: &CustomerId,
        key: &str,
        answer: &RecordedAnswer,
    ) -> Result<(), OrderError>;
    /// Whether the order was asked for under a key.
    fn has_key(&self, id: &OrderId) -> Result<bool, OrderError>;
    /// Frees the key an order was asked for under, if any.
    fn free_key(&self, id: &OrderId) -> Result<(), OrderError>;

    /// Puts an event into the inbox; false when it is there already.
    fn insert_into_inbox(&self, event: &PaymentEvent, now: u64) -> Result<bool, OrderError>;

    /// Adds a follow-up that the sweeper takes up from `not_before` on.
    fn add_follow_up(&self, id: &OrderId, task: &Task, not_before: u64) -> Result<(), OrderError>;
    /// What an order still owes, in order.
    fn follow_ups(&self, id: &OrderId) -> Result<Vec<FollowUp>, OrderError>;
    /// The follow-up is done.
    fn remove_follow_up(&self, number: u64) -> Result<(), OrderError>;
    /// Puts an order's follow-ups off.
    fn postpone_follow_ups(&self, id: &OrderId, until: u64) -> Result<(), OrderError>;
    /// Orders whose first follow-up is due, longest waiting first, with its attempts so far.
    fn due_follow_ups(&self, now: u64, limit: u32) -> Result<Vec<(OrderId, u32)>, OrderError>;

    /// When the sweeper last ran, in milliseconds since the Unix epoch; 0 for never.
    fn last_sweep(&self) -> Result<u64, OrderError>;
    /// Records that the sweeper runs.
    fn set_last_sweep(&self, now: u64) -> Result<(), OrderError>;
}

/// Why the catalogue did not reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveError {
    /// Nothing was reserved; every line that failed is named.
    Rejected(Vec<RejectedLine>),
    /// The order's reservation was given back before.
    Released,
    /// The catalogue cannot serve now.
    Failed(OrderError),
}

/// The catalogue's stock. Every function may be repeated for the same order.
pub trait Inventory {
    /// Holds the stock of all lines, or of none, and tells names and prices.
    async fn reserve(
        &self,
        order_id: &OrderId,
        lines: &[Line],
    ) -> Result<Vec<OrderItem>, ReserveError>;
    /// Held stock becomes sold.
    async fn commit(&self, order_id: &OrderId) -> Result<(), OrderError>;
    /// Held stock becomes free; without a reservation, a later one is refused.
    async fn release(&self, order_id: &OrderId) -> Result<(), OrderError>;
    /// Sold stock becomes free.
    async fn restock(&self, order_id: &OrderId) -> Result<(), OrderError>;
    /// [`Self::release`] for several orders at once, with one outcome for each, in their order.
    async fn release_all(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<Result<(), OrderError>>, OrderError>;
    /// Forgets reservations that were given back so many milliseconds ago, at most `limit`; gives how many.
    async fn purge(&self, released_for_ms: u64, limit: u32) -> Result<u32, OrderError>;
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

/// The payments and their events.
pub trait Payments {
    /// Opens the payment of an order and its session; the same ones again when repeated, whatever became of them.
    async fn open(&self, order: &Order, expires_at: u64) -> Result<Payment, OpenError>;
    /// Closes a pending payment; a decided one comes back as it is. None when the order never had one.
    async fn cancel(&self, order_id: &OrderId, reason: &str)
    -> Result<Option<Payment>, OrderError>;
    /// [`Self::cancel`] for several orders at once, each with its reason, with one outcome for each, in their order. No event
    /// tells of these.
    async fn cancel_all(
        &self,
        cancellations: &[(OrderId, String)],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError>;
    /// Gives back all of a payment that is not given back yet. Repeating with the same key is safe.
    async fn refund(
        &self,
        payment_id: &PaymentId,
        reason: &str,
        idempotency_key: &str,
    ) -> Result<Refunding, OrderError>;
    /// What was really charged and given back, by currency.
    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError>;
    /// The payment of an order, if it has one.
    async fn of_order(&self, order_id: &OrderId) -> Result<Option<Payment>, OrderError>;
    /// Events of an order that are not acknowledged, oldest first.
    async fn pending_events(&self, order_id: &OrderId) -> Result<Vec<PaymentEvent>, OrderError>;
    /// Events of all orders that should have arrived by now, oldest first.
    async fn overdue_events(
        &self,
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, OrderError>;
    /// Tells that an event is applied.
    async fn acknowledge(&self, event_id: &EventId) -> Result<(), OrderError>;
    /// Tells that an event could not be applied.
    async fn report_failure(&self, event_id: &EventId, error: &str) -> Result<(), OrderError>;
}
