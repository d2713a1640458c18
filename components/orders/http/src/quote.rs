//! The checkout that an order was, as clients see it.

use std::collections::BTreeMap;

use mercato_edge::Problem;
use mercato_kernel::CheckoutId;
use mercato_quote_view::{AddressView, QuoteView};
use orders::domain::OrderedQuote;
use serde::Serialize;
use utoipa::ToSchema;

/// What the customer saw in the checkout and ordered. It never changes, whatever becomes of the catalogue and the settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderCheckout)]
pub struct CheckoutResource {
    /// The checkout.
    id: CheckoutId,
    #[serde(flatten)]
    quote: QuoteView,
    #[schema(format = Email, example = "ada@example.com")]
    email: String,
    shipping_address: AddressView,
    /// Absent where it is the shipping address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    billing_address: Option<AddressView>,
    /// What the customer had to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
    /// What the shop's front end keeps with the order.
    metadata: BTreeMap<String, String>,
}

impl CheckoutResource {
    /// The checkout that an order was.
    ///
    /// # Errors
    /// 500 when an amount cannot be shown.
    pub fn new(ordered: &OrderedQuote) -> Result<Self, Problem> {
        let content = ordered.content();
        let billing = content.billing_address.clone();
        Ok(Self {
            id: ordered.checkout_id(),
            quote: QuoteView::new(content.quote.clone())?,
            email: content.email.clone(),
            shipping_address: content.shipping_address.clone().into(),
            billing_address: billing.map(Into::into),
            note: content.note.clone(),
            metadata: content.metadata.iter().cloned().collect(),
        })
    }
}
