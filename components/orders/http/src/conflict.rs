//! What stands in the way of an order.

use mercato_edge::Amount;
use mercato_kernel::OrderId;
use mercato_quote_view::QuoteView;
use orders::domain::{Missing, OrderStatus, RejectedLine};
use serde::Serialize;
use utoipa::ToSchema;

use crate::line::PricedLine;

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
    pub checkout: Option<QuoteView>,
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
    #[schema(nullable = false, minimum = 1, example = 50)]
    pub limit: Option<u64>,
    /// With `invalid-transition`: the status the order has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<OrderStatus>,
    /// With `invalid-transition`: the status it cannot get.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<OrderStatus>,
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
    Rejected(RejectedLine),
    /// With `total-changed`.
    Priced(PricedLine),
}
