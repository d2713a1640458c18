//! A checkout as clients see it: what was filled in, and the quote.

/// The contract of checkouts as its component keeps it.
#[path = "../../../service/src/published.rs"]
mod published;

use std::mem;

use checkout::application::CheckoutView;
use checkout::application::commands::open_checkout::Opened;
use checkout::domain::quote::Missing;
use checkout::domain::{CodeName, Email, Note};
use mercato_address_view::AddressView;
use mercato_contracts::checkout::types;
use mercato_edge::{Amount, CurrencyCode, Problem, Tagged, Timestamp};
use mercato_kernel::{CheckoutId, Named as _};
use mercato_money::Money;
use mercato_quote_view::{MessageView, QuoteView};
use serde::{Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::values::Texts;

/// A checkout and what it would cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Checkout)]
pub struct CheckoutResource {
    id: CheckoutId,
    /// For `Authorization: Bearer`: the only way back to a guest's checkout. Only in the answer that opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "guest_7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5"
    )]
    token: Option<String>,
    currency: CurrencyCode,
    #[serde(flatten)]
    quote: QuoteView,
    /// What there is to choose from, once it is known where the order goes.
    shipping_options: Vec<ShippingOptionResource>,
    /// What has to be filled in before it can be ordered.
    #[schema(example = json!(["email"]))]
    missing: Vec<MissingPart>,
    messages: Vec<MessageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Email, example = "ada@example.com")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping_address: Option<AddressView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    billing_address: Option<AddressView>,
    /// All discount codes that were typed.
    codes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    metadata: Texts,
    created_at: Timestamp,
}

/// What has to be filled in.
#[derive(Debug, Clone, Copy)]
pub struct MissingPart(Missing);

impl Serialize for MissingPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl PartialSchema for MissingPart {
    fn schema() -> RefOr<Schema> {
        mercato_kernel::named::schema_of::<Missing>()
    }
}

impl ToSchema for MissingPart {
    fn name() -> std::borrow::Cow<'static, str> {
        "CheckoutMissing".into()
    }
}

/// One way of shipping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckoutShippingOption)]
pub struct ShippingOptionResource {
    #[schema(min_length = 1, max_length = 40, example = "at-post")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "Post AT")]
    name: String,
    amount: Amount,
}

impl CheckoutResource {
    /// The checkout as its holder sees it.
    fn new(view: CheckoutView) -> Result<Self, Problem> {
        let (record, mut quote) = (view.checkout.record().clone(), view.quote);
        let content = record.content;
        // Every checkout that is shown has been quoted.
        let shown = record.shown.ok_or_else(Problem::internal)?;
        let currency = quote.currency;
        let options = mem::take(&mut quote.shipping_options).into_iter();
        let options = options.map(|option| {
            let amount = Money::from_minor(option.amount, currency);
            Ok(ShippingOptionResource {
                code: option.code,
                name: option.name,
                amount: amount.map_err(|_| Problem::internal())?.into(),
            })
        });
        let missing = mem::take(&mut quote.missing).into_iter();
        let messages = mem::take(&mut quote.messages).into_iter();
        let messages = messages.map(|message| MessageView::shown(published::message(message)));
        Ok(Self {
            id: record.id,
            token: None,
            currency: CurrencyCode(currency),
            shipping_options: options.collect::<Result<_, Problem>>()?,
            missing: missing.map(MissingPart).collect(),
            messages: messages.collect::<Result<_, _>>()?,
            quote: QuoteView::new(published::quote(quote, &shown))?,
            email: content.email.as_ref().map(Email::as_str).map(str::to_owned),
            shipping_address: content
                .shipping_address
                .map(|it| published::address(it).into()),
            billing_address: content
                .billing_address
                .map(|it| published::address(it).into()),
            codes: content.codes.into_iter().map(CodeName::into).collect(),
            note: content.note.map(Note::into),
            metadata: Texts(content.metadata),
            created_at: Timestamp(record.created_at),
        })
    }
}

/// A checkout and its entity tag.
///
/// # Errors
/// When an amount cannot be shown.
pub fn tagged(view: CheckoutView) -> Result<Tagged<CheckoutResource>, Problem> {
    let version = view.checkout.version();
    Ok(Tagged::new(CheckoutResource::new(view)?, version))
}

/// A checkout that was opened, with the token of its holder.
///
/// # Errors
/// When an amount cannot be shown.
pub fn opened(opened: Opened) -> Result<Tagged<CheckoutResource>, Problem> {
    let token = opened.token.map(|token| token.expose().to_owned());
    let mut tagged = tagged(opened.view)?;
    tagged.shown.token = token;
    Ok(tagged)
}

#[cfg(test)]
mod tests {
    use mercato_edge::Answer as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::examples::{guest, view};

    fn shown(answer: Tagged<CheckoutResource>) -> Value {
        let reply = answer.into_reply().unwrap();
        serde_json::from_slice(reply.body()).unwrap()
    }

    #[test]
    fn a_quote_is_shown_in_decimal_numbers() {
        let document = shown(tagged(view().unwrap()).unwrap());
        assert_eq!(
            document["lines"][0],
            json!({
                "productId": "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b", "variantId": "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b",
                "name": "Espresso cup", "options": [], "quantity": 2, "unitPrice": 12.5,
                "amount": 25, "discount": 2.5, "total": 22.5, "taxRate": 20, "net": 18.75, "tax": 3.75
            })
        );
        assert_eq!(
            document["totals"],
            json!({"items": 25, "discount": 2.5, "shipping": 4.9, "tax": 4.57, "total": 27.4})
        );
        assert_eq!(
            document["taxes"],
            json!([{"rate": 20, "net": 22.83, "tax": 4.57}])
        );
        assert_eq!(document["missing"], json!([]));
        assert!(document.get("token").is_none());
    }

    #[test]
    fn only_the_answer_that_opens_it_has_the_token() {
        let document = shown(opened(guest().unwrap()).unwrap());
        assert!(document["token"].as_str().unwrap().starts_with("guest_"));
        assert_eq!(
            document["missing"],
            json!(["email", "shippingAddress", "shippingOption"])
        );
    }
}
