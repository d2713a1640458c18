//! What stands in the way of an order.

use mercato_edge::{Amount, Problem};
use mercato_kernel::OrderId;
use mercato_quote_view::{AddressView, MessageView, QuoteView};
use orders::domain::{Missing, OrderStatus, ShownQuote};
use serde::Serialize;
use utoipa::ToSchema;

use crate::line::{PricedLine, RejectedResource};

/// A problem that says what stands in the way of an order.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConflict {
    /// With `lines-rejected` and `lines-unavailable`: every line that cannot be served. With `total-changed`: all lines as they are now. Nothing was
    /// ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lines: Option<Vec<ConflictLine>>,
    /// With `total-changed`: what the order would cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<Amount>,
    /// With `total-changed`: what was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected_total: Option<Amount>,
    /// With `quote-changed`: what the checkout costs now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub checkout: Option<ChangedCheckout>,
    /// With `checkout-incomplete`: what has to be filled in before the checkout can be ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!(["email"]))]
    pub missing: Option<Vec<MissingPart>>,
    /// With `already-ordered`: the order that the checkout was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ordered_as: Option<OrderId>,
    /// With `already-replaced`: the order that has taken the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub replaced_by: Option<OrderId>,
    /// With `too-many-open-orders`, `too-many-units-held` and `too-many-orders`: what is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000_000, example = 50)]
    pub limit: Option<u32>,
    /// With `invalid-transition`: the status the order has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<OrderStatus>,
    /// With `invalid-transition`: the status it cannot get.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<OrderStatus>,
}

/// A checkout whose quote is another one by now, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedCheckout {
    #[serde(flatten)]
    quote: QuoteView,
    messages: Vec<MessageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Email, example = "ada@example.com")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping_address: Option<AddressView>,
    /// Absent where it is the shipping address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    billing_address: Option<AddressView>,
}

impl ChangedCheckout {
    /// The quote of now.
    ///
    /// # Errors
    /// 500 when there is something in it that no quote may have.
    pub fn new(shown: ShownQuote) -> Result<Self, Problem> {
        let messages = shown.messages.into_iter().map(MessageView::shown);
        Ok(Self {
            quote: QuoteView::new(shown.quote)?,
            messages: messages.collect::<Result<_, _>>()?,
            email: shown.email,
            shipping_address: shown.shipping_address.map(Into::into),
            billing_address: shown.billing_address.map(Into::into),
        })
    }
}

/// What has to be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderMissing)]
pub enum MissingPart {
    /// No lines.
    Items,
    /// No e-mail address.
    Email,
    /// No address to ship to.
    ShippingAddress,
    /// Nothing was chosen of what there is for that address.
    ShippingOption,
}

impl From<Missing> for MissingPart {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Items => Self::Items,
            Missing::Email => Self::Email,
            Missing::ShippingAddress => Self::ShippingAddress,
            Missing::ShippingOption => Self::ShippingOption,
        }
    }
}

/// A line that a problem tells of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ConflictLine {
    /// With `lines-rejected`.
    Rejected(RejectedResource),
    /// With `total-changed`.
    Priced(PricedLine),
}
