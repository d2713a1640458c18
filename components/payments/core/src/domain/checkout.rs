use mercato_kernel::{AccountId, OrderId, named};
use mercato_money::{Currency, Money};
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::MinorUnits;

/// Most lines a checkout shows: as many as an order has.
pub const CHECKOUT_LINES_MAX: usize = 100;

/// Longest number of an order, in characters: some more than orders need, for they may change it.
pub const ORDER_NUMBER_MAX_CHARS: usize = 32;

/// One line of what is paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutLine {
    /// The product's name.
    pub name: String,
    /// Price of one unit.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
}

/// A session as the provider opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// The provider's id.
    pub id: String,
    /// Where the customer pays.
    pub url: String,
    /// Milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// A session that the provider is asked for, and its answer once that is known.
///
/// Of the first session number and time are fixed by the request that opens the payment; of a later one they are kept before the
/// provider is asked. So asking again after a crash is the same request under the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSlot {
    /// From 1; grows when a session has expired and another is opened.
    pub number: u32,
    /// When the session shall end, in milliseconds since the Unix epoch.
    pub requested_expiry: u64,
    /// The provider's answer.
    pub opened: Option<CheckoutSession>,
}

/// What the customer does on the stand-in provider's checkout page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray, Serialize, ToSchema)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
#[schema(example = "succeed")]
pub enum CheckoutOutcome {
    /// Pays.
    Succeed,
    /// The payment fails for good, and the order with it.
    Fail,
    /// The session ends, and the order with it.
    Cancel,
    /// Pays by a bank debit: the money is on its way until `succeed` lets it arrive or `fail` lets it fail.
    Debit,
    /// Tries a card that is declined: nothing ends, the customer may try again.
    Decline,
}

named!(CheckoutOutcome);

/// What a payment is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The order to pay.
    pub order_id: OrderId,
    /// What people call it by.
    pub order_number: String,
    /// The account that pays.
    pub customer_id: AccountId,
    /// How much.
    pub amount: MinorUnits,
    /// In which currency.
    pub currency: Currency,
    /// What for.
    pub lines: Vec<CheckoutLine>,
    /// When the session shall end, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}
