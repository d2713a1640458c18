//! What the use cases need from outside. Store, adapters and tests implement it.

#![allow(
    async_fn_in_trait,
    reason = "components are single-threaded; no future leaves its thread"
)]

use mercato_kernel::{PageStart, Total};
use mercato_money::Currency;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use crate::domain::{
    CheckoutLine, CheckoutSession, Dispute, DuplicateCharge, KeptCharge, MinorUnits, OutboxEntry,
    OutboxEntryView, Payment, PaymentError, PaymentEvent, PaymentStatus, PaymentView,
    ProviderEvent, ProviderRefund, RecordedAnswer, Refund, RefundTotal, SessionSlot,
};

/// Everything a use case may reach.
pub trait Ports {
    /// The database.
    type Store: Store;
    /// The payment provider.
    type Provider: Provider + CheckoutSimulator;
    /// The way events leave by.
    type Publisher: Publisher;
    /// The provider's webhook format.
    type Webhooks: WebhookFormat;
    /// The configuration.
    type Settings: Settings;
    /// The time of day.
    type Clock: Clock;
    /// New identifiers.
    type Ids: Ids;

    /// The database.
    fn store(&self) -> &Self::Store;
    /// The payment provider.
    fn provider(&self) -> &Self::Provider;
    /// The way events leave by.
    fn publisher(&self) -> &Self::Publisher;
    /// The provider's webhook format.
    fn webhooks(&self) -> &Self::Webhooks;
    /// The configuration.
    fn settings(&self) -> &Self::Settings;
    /// The time of day.
    fn clock(&self) -> &Self::Clock;
    /// New identifiers.
    fn ids(&self) -> &Self::Ids;
}

/// The database. The closures are not `async`: nothing can be awaited inside a transaction.
pub trait Store {
    /// Reads.
    ///
    /// # Errors
    /// What the closure returns, or `Unavailable` or `Internal`.
    fn read<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError>;

    /// Reads and writes in one transaction, taken back when the closure returns an error.
    ///
    /// # Errors
    /// What the closure returns, or `Unavailable` or `Internal`.
    fn write<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError>;

    /// Like [`Self::write`], but does nothing and gives `None` when somebody else writes for longer than a moment.
    ///
    /// # Errors
    /// What the closure returns, or `Unavailable` or `Internal`.
    fn write_if_free<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<Option<T>, PaymentError> {
        self.write(work).map(Some)
    }
}

/// All records of the database.
pub trait Records:
    PaymentRecords
    + RefundRecords
    + ProviderRefundRecords
    + DisputeRecords
    + OutboxRecords
    + SessionRecords
    + WebhookRecords
    + SettingRecords
    + PurgeRecords
    + MetricsRecords
{
}

impl<T> Records for T where
    T: PaymentRecords
        + RefundRecords
        + ProviderRefundRecords
        + DisputeRecords
        + OutboxRecords
        + SessionRecords
        + WebhookRecords
        + SettingRecords
        + PurgeRecords
        + MetricsRecords
{
}

/// Most charges kept for one payment: a session that is declined a few times makes as many.
pub const KEPT_CHARGES_MAX: u32 = 16;

/// Most refunds, and as many disputes, kept of charges that no payment has named: they are of other programs that share the
/// provider's account, or of payments that the shop does not know yet.
pub const KEPT_OF_NOBODY_MAX: u32 = 10_000;

/// What the database answers: the value, or `Unavailable` or `Internal`.
pub type Stored<T> = Result<T, PaymentError>;

/// Payments with what is paid for, and orders of which no payment may be opened any more.
pub trait PaymentRecords {
    /// The payment of that id.
    fn find_payment(&self, id: &str) -> Stored<Option<Payment>>;
    /// The payment of that order.
    fn find_payment_of_order(&self, order_id: &str) -> Stored<Option<Payment>>;
    /// The payment of that charge, be it its own or a duplicate one.
    fn find_payment_of_charge(&self, reference: &str) -> Stored<Option<Payment>>;
    /// Payments from there on, newest first.
    fn payments(&self, start: &PageStart<String>, limit: u32) -> Stored<Vec<PaymentView>>;
    /// Number of payments, as far as they are counted.
    fn count_payments(&self) -> Stored<Total>;
    /// A new payment with what is paid for, and what people call the order by.
    fn insert_payment(
        &self,
        payment: &Payment,
        order_number: Option<&str>,
        lines: &[CheckoutLine],
    ) -> Stored<()>;
    /// A payment that has changed, its newest session included.
    fn save_payment(&self, payment: &Payment) -> Stored<()>;
    /// What people call the order by; none of payments from before that was known here.
    fn order_number_of_payment(&self, payment_id: &str) -> Stored<Option<String>>;
    /// What is paid for, in the order's sequence.
    fn lines_of_payment(&self, payment_id: &str) -> Stored<Vec<CheckoutLine>>;
    /// Remembers that no payment of this order may be opened any more.
    fn refuse_order(&self, order_id: &str, now: u64) -> Stored<()>;
    /// Whether no payment of this order may be opened any more.
    fn is_refused_order(&self, order_id: &str) -> Stored<bool>;
}

/// Sessions at the provider, the newest and older ones.
pub trait SessionRecords {
    /// The payment that any session, the newest or an older one, belongs to.
    fn find_payment_of_session(&self, session_id: &str) -> Stored<Option<Payment>>;
    /// What the customer did first in a simulated session: `outcome`, unless there was something before.
    fn decide_simulation(
        &self,
        session_id: &str,
        outcome: CheckoutOutcome,
    ) -> Stored<CheckoutOutcome>;
    /// What the customer did first in a simulated session, if it was anything that decides it.
    fn find_simulation(&self, session_id: &str) -> Stored<Option<CheckoutOutcome>>;
    /// The session that has been waiting longest to be ended at the provider: its payment with it in the place of the newest
    /// one, and how often the provider was asked in vain.
    fn find_session_to_end(&self, now: u64) -> Stored<Option<(Payment, u32)>>;
    /// A session as it was asked for, with the provider's answer once that is known.
    fn save_session(&self, payment_id: &str, session: &SessionSlot) -> Stored<()>;
    /// Asks the provider again later to end the session of that number, and counts the attempt.
    fn postpone_session_end(&self, payment_id: &str, number: u32, end_at: u64) -> Stored<()>;
    /// Nobody can pay in the session of that number any more: the provider has said so.
    fn end_session(&self, payment_id: &str, number: u32) -> Stored<()>;
    /// The same of the session that the provider knows by that id; nothing happens when nobody knows it here.
    fn end_session_named(&self, session_id: &str) -> Stored<()>;
    /// Whether the provider's answer to the opening of one of the payment's sessions is not known.
    fn has_unanswered_session(&self, payment_id: &str) -> Stored<bool>;
}

/// Webhooks received, and charges that no session has named yet.
pub trait WebhookRecords {
    /// Remembers a webhook; false when it is known already.
    fn insert_webhook(&self, event: &ProviderEvent, payment_id: &str, now: u64) -> Stored<bool>;
    /// Keeps what is known of a charge that no session of the payment has named yet: the receipt. False when the payment has
    /// [`KEPT_CHARGES_MAX`] others.
    fn keep_charge(
        &self,
        payment_id: &str,
        reference: &str,
        charge: &KeptCharge,
        now: u64,
    ) -> Stored<bool>;
    /// What was kept of a charge; nothing is kept of any other charge of the payment afterwards.
    fn take_kept_charge(&self, payment_id: &str, reference: &str) -> Stored<Option<KeptCharge>>;
}

/// The secret made at first use, and when the relay runs.
pub trait SettingRecords {
    /// The signing secret made at first use, once there is one.
    fn generated_secret(&self) -> Stored<Option<String>>;
    /// Keeps this signing secret unless there is one; gives the one that is kept.
    fn keep_generated_secret(&self, secret: &str) -> Stored<String>;
    /// When the relay ran last, in milliseconds since the Unix epoch; 0 if never.
    fn last_relay_run(&self) -> Stored<u64>;
    /// Remembers that the relay runs now.
    fn record_relay_run(&self, now: u64) -> Stored<()>;
    /// Until when customers' requests publish nothing, in milliseconds since the Unix epoch; 0 if they may.
    fn publishing_paused_until(&self) -> Stored<u64>;
    /// Sets that time.
    fn pause_publishing(&self, until: u64) -> Stored<()>;
}

/// Refunds asked for.
pub trait RefundRecords {
    /// The refund asked for under that idempotency key, if it is pending or has ended after `since`.
    fn find_refund_by_key(&self, key: &str, since: u64) -> Stored<Option<Refund>>;
    /// Keeps the answer given to a refund.
    fn set_refund_answer(&self, id: &str, answer: &RecordedAnswer) -> Stored<()>;
    /// The refund of that id.
    fn find_refund(&self, id: &str) -> Stored<Option<Refund>>;
    /// The one refund of a payment's own charge whose end is not known.
    fn find_pending_refund(&self, payment_id: &str) -> Stored<Option<Refund>>;
    /// Refunds of a payment from there on, oldest first.
    fn refunds_of_payment(
        &self,
        payment_id: &str,
        start: &PageStart<String>,
        limit: u32,
    ) -> Stored<Vec<Refund>>;
    /// Number of refunds of a payment, as far as they are counted.
    fn count_refunds(&self, payment_id: &str) -> Stored<Total>;
    /// The pending refund whose next attempt has been due longest.
    fn find_due_refund(&self, now: u64) -> Stored<Option<Refund>>;
    /// A new refund, with the time when it is resumed should nobody finish it. Its idempotency key is
    /// taken from an older refund that has it.
    fn insert_refund(&self, refund: &Refund, next_attempt_at: u64) -> Stored<()>;
    /// Postpones a pending refund and counts the attempt.
    fn postpone_refund(&self, id: &str, next_attempt_at: u64, now: u64) -> Stored<()>;
    /// Ends a pending refund with the provider's id or its refusal; false when it has ended already.
    fn finish_refund(&self, id: &str, end: Result<Option<&str>, &str>, now: u64) -> Stored<bool>;
    /// A refund that the provider had made, known by the provider's id, has failed after all; nothing happens when nobody
    /// knows it here.
    fn fail_refund(&self, provider_id: &str, cause: &str, now: u64) -> Stored<()>;
    /// The duplicate charges of a payment, each of which has its refund.
    fn duplicate_charges(&self, payment_id: &str) -> Stored<Vec<DuplicateCharge>>;
}

/// Refunds as the provider reports them, by the reference of the charge.
pub trait ProviderRefundRecords {
    /// The refund of that id.
    fn find_provider_refund(&self, id: &str) -> Stored<Option<ProviderRefund>>;
    /// All refunds of a charge.
    fn provider_refunds(&self, reference: &str) -> Stored<Vec<ProviderRefund>>;
    /// Keeps how a refund stands, together with what is known of it, and with whose it is, once that is known.
    fn keep_provider_refund(
        &self,
        payment_id: Option<&str>,
        reference: &str,
        refund: &ProviderRefund,
        now: u64,
    ) -> Stored<()>;
    /// Whether there are fewer than [`KEPT_OF_NOBODY_MAX`] refunds of which nobody knows whose they are.
    fn may_keep_refund_of_nobody(&self) -> Stored<bool>;
    /// The charge is the payment's, and so are its refunds, but for those that are more than was paid.
    fn adopt_provider_refunds(&self, payment_id: &str, reference: &str) -> Stored<()>;
    /// The sums that the provider has reported of a charge.
    fn refund_totals(&self, payment_id: &str, reference: &str) -> Stored<Vec<RefundTotal>>;
    /// Keeps a sum that the provider reports of a charge.
    fn keep_refund_total(
        &self,
        payment_id: &str,
        reference: &str,
        total: RefundTotal,
    ) -> Stored<()>;
}

/// Disputes as the provider reports them, by the reference of the charge.
pub trait DisputeRecords {
    /// The dispute of that id.
    fn find_dispute(&self, id: &str) -> Stored<Option<Dispute>>;
    /// Disputes about the charges of a payment, oldest first.
    fn disputes_of_payment(&self, payment_id: &str) -> Stored<Vec<Dispute>>;
    /// Disputes about one charge of a payment.
    fn disputes_of_charge(&self, payment_id: &str, reference: &str) -> Stored<Vec<Dispute>>;
    /// Keeps how a dispute stands in the place of what was known of it, and with whose it is, once that is known.
    fn keep_dispute(
        &self,
        payment_id: Option<&str>,
        reference: &str,
        dispute: &Dispute,
        now: u64,
    ) -> Stored<()>;
    /// Whether there are fewer than [`KEPT_OF_NOBODY_MAX`] disputes of which nobody knows whose they are.
    fn may_keep_dispute_of_nobody(&self) -> Stored<bool>;
    /// The charge is the payment's: returns the disputes about it that are known, and they are the payment's.
    fn adopt_disputes(&self, payment_id: &str, reference: &str) -> Stored<Vec<Dispute>>;
}

/// Numbers about the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxLag {
    /// Events not acknowledged, parked ones left out.
    pub pending: u64,
    /// Events given up until an admin retries them.
    pub parked: u64,
    /// When the oldest pending event happened, in milliseconds since the Unix epoch.
    pub oldest_time: Option<u64>,
}

/// Events on their way to whoever must know.
pub trait OutboxRecords {
    /// A new event, due at once.
    fn append_event(&self, event: &PaymentEvent) -> Stored<()>;
    /// Entries that are due, neither parked nor acknowledged, oldest first; of each order only its oldest event that
    /// is not acknowledged.
    fn due_entries(&self, now: u64, limit: u32) -> Stored<Vec<OutboxEntry>>;
    /// An entry that is not acknowledged.
    fn find_entry(&self, event_id: &str) -> Stored<Option<OutboxEntry>>;
    /// An entry's counters, times, last error and parking; nothing happens when it is acknowledged.
    fn save_entry(&self, entry: &OutboxEntry) -> Stored<()>;
    /// Marks an event as applied; nothing happens when it is unknown or was marked before.
    fn acknowledge_event(&self, event_id: &str, now: u64) -> Stored<()>;
    /// An event that is not acknowledged.
    fn pending_event(&self, event_id: &str) -> Stored<Option<PaymentEvent>>;
    /// Events of one order that are not acknowledged, oldest first, parked ones too.
    fn pending_events_of_order(&self, order_id: &str) -> Stored<Vec<PaymentEvent>>;
    /// Events from before `time` that are neither acknowledged nor parked, oldest first; those whose handling has
    /// failed only when they are due again at `now`; of each order only its oldest event that is not acknowledged.
    fn overdue_events(&self, time: u64, now: u64, limit: u32) -> Stored<Vec<PaymentEvent>>;
    /// Entries not acknowledged from there on, oldest first.
    fn entries(&self, start: &PageStart<u64>, limit: u32) -> Stored<Vec<OutboxEntryView>>;
    /// Number of entries not acknowledged, as far as they are counted.
    fn count_entries(&self) -> Stored<Total>;
    /// Numbers of pending and parked events.
    fn lag(&self) -> Stored<OutboxLag>;
}

/// Before which times records have done their service, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeTimes {
    /// Of webhooks received, events acknowledged, orders refused, and what is known of charges that no payment has named.
    pub exchanged: u64,
    /// Of refunds that ended and whose answers are kept.
    pub answered: u64,
    /// Of payments that ended without money.
    pub unpaid: u64,
}

/// Records that nobody asks for any more.
pub trait PurgeRecords {
    /// Whether there are any.
    fn has_old(&self, before: PurgeTimes) -> Stored<bool>;
    /// Removes the oldest, at most `limit` of each kind; true when there may be more.
    fn purge(&self, before: PurgeTimes, limit: u32) -> Stored<bool>;
}

/// What operators watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Number of payments of every status, none left out.
    pub payments: Vec<(PaymentStatus, u64)>,
    /// Refunds that are written down and not made yet.
    pub refunds_waiting: u64,
    /// Runs of the relay that found something to do. This and what follows is counted since the database can.
    pub relay_runs: u64,
    /// How often an event was published.
    pub published: u64,
    /// Of these, how often one that had been published before.
    pub published_again: u64,
    /// How often applying an event has failed.
    pub handling_failures: u64,
    /// How often an event was parked.
    pub parked: u64,
    /// How often the provider had to be asked for a refund again.
    pub refund_retries: u64,
    /// How many refunds failed after the provider had taken them, and how many of duplicate charges it refused.
    pub refunds_failed: u64,
    /// How many duplicate charges there were.
    pub duplicate_charges: u64,
    /// How many disputes there were.
    pub disputes: u64,
    /// How many of them are not decided yet.
    pub disputes_open: u64,
}

/// What was really charged, given back and taken away in one currency, duplicate charges too, in whole minor units; the largest number there is for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyReceived {
    /// The currency.
    pub currency: Currency,
    /// What customers have paid, refunded since or not.
    pub gross: MinorUnits,
    /// What has been given back of that, in part or whole.
    pub refunded: MinorUnits,
    /// What customers' banks have taken back of that, in disputes that were lost.
    pub lost_to_disputes: MinorUnits,
}

/// What the database counts by itself.
pub trait MetricsRecords {
    /// What was charged and given back, by currency. Costs the same however many payments there are.
    fn money_received(&self) -> Stored<Vec<MoneyReceived>>;
    /// What operators watch. Costs the same however many payments there are.
    fn metrics_snapshot(&self) -> Stored<MetricsSnapshot>;
}

/// A session to be opened at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRequest {
    /// The payment, with the session slot to fill.
    pub payment: Payment,
    /// What people call the order by, where that is known.
    pub order_number: Option<String>,
    /// What is paid for.
    pub lines: Vec<CheckoutLine>,
}

/// A refund to be made at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The payment.
    pub payment_id: String,
    /// Its order.
    pub order_id: String,
    /// Its currency.
    pub currency: String,
    /// The provider's id of the charge.
    pub provider_reference: String,
    /// How much.
    pub amount: MinorUnits,
    /// Why.
    pub reason: Option<String>,
    /// Makes repeating safe.
    pub idempotency_key: String,
}

/// Money that the provider has taken in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidSession {
    /// The provider's id of the charge.
    pub reference: String,
    /// How much.
    pub amount: MinorUnits,
    /// ISO 4217 code.
    pub currency: String,
}

/// What became of a session that was asked to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// Nobody can pay in it any more.
    Expired,
    /// The customer was faster. None while the money is still on its way.
    Completed(Option<PaidSession>),
}

/// Why the provider did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderError {
    /// No answer, or one that decides nothing.
    Unavailable(String),
    /// A definite no.
    Rejected(String),
}

/// A payment provider.
pub trait Provider {
    /// Its name, as stored with payments.
    fn name(&self) -> String;
    /// Opens a session.
    async fn create_session(
        &self,
        request: &SessionRequest,
    ) -> Result<CheckoutSession, ProviderError>;
    /// Ends a session.
    async fn expire_session(&self, session_id: &str) -> Result<SessionState, ProviderError>;
    /// Gives money back; the answer is the provider's id of the refund.
    async fn refund(&self, request: &RefundRequest) -> Result<String, ProviderError>;
}

/// What the customer does on a simulated checkout page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutOutcome {
    /// Pays.
    Succeed,
    /// Is declined.
    Fail,
    /// Leaves.
    Cancel,
    /// Pays by a bank debit: the money comes later, or fails.
    Debit,
}

/// A webhook as the provider sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedWebhook {
    /// The raw body.
    pub body: Vec<u8>,
    /// The signature header's value.
    pub signature: String,
}

/// A provider that can play the customer.
pub trait CheckoutSimulator {
    /// Whether this provider is a stand-in.
    fn is_simulator(&self) -> bool;
    /// The webhook of that outcome, which for a payment under way says how it ended; `None` from a real provider.
    async fn simulate(
        &self,
        payment: &PaymentView,
        session_id: &str,
        outcome: CheckoutOutcome,
        secret: &str,
    ) -> Option<SignedWebhook>;
}

/// An event could not be published; holds what the broker said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishError(pub String);

/// The way events leave by.
pub trait Publisher {
    /// Publishes one event on the channel of its type; gives up after about a second.
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError>;
}

/// What a webhook's body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookContent {
    /// Something about a payment.
    Event(ProviderEvent),
    /// Nothing that concerns this shop; holds why.
    Irrelevant(String),
}

/// The provider's webhook format.
pub trait WebhookFormat {
    /// Whether the signature is the provider's and recent.
    ///
    /// # Errors
    /// Why not, for the log.
    fn authenticate(
        &self,
        secret: &str,
        signature: &str,
        body: &[u8],
        now_seconds: u64,
    ) -> Result<(), String>;

    /// Reads an authenticated body.
    ///
    /// # Errors
    /// What is wrong with it, for the log.
    fn read(&self, body: &[u8]) -> Result<WebhookContent, String>;
}

/// The configuration.
pub trait Settings {
    /// The configured signing secret of webhooks; empty when one is to be made at first use.
    async fn webhook_secret(&self) -> Result<String, PaymentError>;
    /// How long a session that replaces an expired one stays open, in milliseconds.
    async fn session_lifetime_ms(&self) -> Result<u64, PaymentError>;
    /// How long a payment that ended without money is kept, in milliseconds; none for ever.
    async fn unpaid_retention_ms(&self) -> Result<Option<u64>, PaymentError>;
    /// A new secret that nobody can guess.
    fn new_secret(&self) -> String;
}
