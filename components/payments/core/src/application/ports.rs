//! What the use cases need from outside. Store, adapters and tests implement it.

#![allow(
    async_fn_in_trait,
    reason = "components are single-threaded; no future leaves its thread"
)]

use mercato_kernel::{OrderId, PaymentId};
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use crate::application::locks::Locks;
use crate::domain::{
    CheckoutDetails, CheckoutLine, CheckoutOutcome, CheckoutSession, MinorUnits, Payment,
    PaymentError, PaymentEvent, PaymentView,
};
use crate::store::Records;

/// Everything a use case may reach.
pub trait Ports {
    /// The database.
    type Store: Store;
    /// The payment provider.
    type Provider: Provider + CheckoutSimulator;
    /// The way events leave by.
    type Publisher: Publisher;
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
        work: impl FnOnce(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError>;

    /// Reads and writes in one transaction, which is about what those [locks](crate::application::locks) name: taken back when the
    /// closure returns an error. The closure may be run again after that.
    ///
    /// # Errors
    /// What the closure returns, or `Unavailable` or `Internal`.
    fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError>;

    /// Like [`Self::write`], but does nothing and gives `None` when somebody else writes for longer than a moment.
    ///
    /// # Errors
    /// What the closure returns, or `Unavailable` or `Internal`.
    fn write_if_free<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<Option<T>, PaymentError> {
        self.write(locks, work).map(Some)
    }
}

/// A session to be opened at the provider. What the provider is told of it must not depend on the clock: it refuses an idempotency
/// key with another request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRequest {
    /// The payment, with the session slot to fill.
    pub payment: Payment,
    /// What people call the order by, where that is known.
    pub order_number: Option<String>,
    /// What is paid for.
    pub lines: Vec<CheckoutLine>,
    /// How the amount comes about of an order that was a checkout.
    pub details: Option<CheckoutDetails>,
}

/// A refund to be made at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its order.
    pub order_id: OrderId,
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
    /// The webhook of that outcome, which for a payment under way says how it ended; `None` from a real provider, and where
    /// nothing comes of it.
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
    /// Publishes one event on the channel of its type; gives up after some seconds.
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError>;
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
