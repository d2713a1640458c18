//! A checkout as clients see it: what was filled in, and the quote.

mod message;

use checkout::application::CheckoutView;
use checkout::application::commands::open_checkout::Opened;
use checkout::domain::quote::{
    Missing, QuoteDiscount, QuoteLine, QuoteShipping, QuoteTax, TaxRate, Totals,
};
use checkout::domain::{Address, CodeName, Email, Note};
use mercato_edge::{Amount, CurrencyCode, Price, Problem, Tagged, Timestamp};
use mercato_kernel::{CheckoutId, Named as _, ProductId};
use mercato_money::{Currency, Money};
use serde::{Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::values::{Percent, Texts};
use message::MessageResource;

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
    /// Whether prices, discounts and what shipping costs are with tax.
    prices_include_tax: bool,
    lines: Vec<CheckoutLine>,
    /// What there is to choose from, once it is known where the order goes.
    shipping_options: Vec<ShippingOptionResource>,
    /// What was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping: Option<CheckoutShipping>,
    /// What each discount code takes off.
    discounts: Vec<CheckoutDiscount>,
    /// Each rate once, the lowest first.
    taxes: Vec<CheckoutTax>,
    totals: CheckoutTotals,
    /// What has to be filled in before it can be ordered.
    #[schema(example = json!(["email"]))]
    missing: Vec<MissingPart>,
    messages: Vec<MessageResource>,
    /// Names this quote; what is ordered is what it says.
    #[schema(
        pattern = "^q_[0-9a-f]{40}$",
        example = "q_4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    )]
    quote: String,
    /// Until when the quote can be ordered.
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Email, example = "ada@example.com")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping_address: Option<AddressResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    billing_address: Option<AddressResource>,
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

/// A line of a checkout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutLine {
    product_id: ProductId,
    #[schema(min_length = 1, max_length = 200, example = "Espresso cup")]
    name: String,
    #[schema(minimum = 1, maximum = 10_000, example = 2)]
    quantity: u32,
    unit_price: Price,
    /// Price times quantity, rounded half up to the currency's minor unit.
    amount: Amount,
    /// What discount codes take off.
    discount: Amount,
    /// What the line costs with tax.
    total: Amount,
    tax_rate: Percent,
    /// Why there is no tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "reverse charge")]
    tax_reason: Option<String>,
    net: Amount,
    tax: Amount,
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

/// What shipping costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutShipping {
    #[schema(min_length = 1, max_length = 40, example = "at-post")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "Post AT")]
    name: String,
    amount: Amount,
    /// What discount codes take off.
    discount: Amount,
    /// What shipping costs with tax.
    total: Amount,
    tax_rate: Percent,
    /// Why there is no tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "reverse charge")]
    tax_reason: Option<String>,
    net: Amount,
    tax: Amount,
}

/// What a discount code takes off, lines and shipping together.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutDiscount {
    #[schema(min_length = 1, max_length = 40, example = "ROAST10")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "10 % off")]
    label: String,
    amount: Amount,
}

/// The tax of one rate, on all that bears it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutTax {
    rate: Percent,
    /// Why there is no tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "reverse charge")]
    reason: Option<String>,
    net: Amount,
    tax: Amount,
}

/// The sums: `total` is `items − discount + shipping`, and `tax` besides where prices do not include it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutTotals {
    items: Amount,
    discount: Amount,
    shipping: Amount,
    tax: Amount,
    total: Amount,
}

/// A postal address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Address)]
pub struct AddressResource {
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    company: Option<String>,
    #[schema(example = "Ring 1")]
    line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "1010")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Wien")]
    city: Option<String>,
    /// By its code where the regions of the country are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2, example = "AT")]
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "+43 1 234567")]
    phone: Option<String>,
}

/// Shows minor units of a currency.
struct Shown(Currency);

impl Shown {
    fn amount(&self, minor: i64) -> Result<Amount, Problem> {
        let amount = Money::from_minor(minor, self.0);
        amount.map(Amount).map_err(|_| Problem::internal())
    }

    fn line(&self, line: QuoteLine) -> Result<CheckoutLine, Problem> {
        let TaxRate { rate, reason } = line.tax_rate;
        Ok(CheckoutLine {
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity.units(),
            unit_price: Price(line.unit_price),
            amount: self.amount(line.amount)?,
            discount: self.amount(line.discount)?,
            total: self.amount(line.total)?,
            tax_rate: Percent(rate),
            tax_reason: reason,
            net: self.amount(line.net)?,
            tax: self.amount(line.tax)?,
        })
    }

    fn shipping(&self, shipping: QuoteShipping) -> Result<CheckoutShipping, Problem> {
        let TaxRate { rate, reason } = shipping.tax_rate;
        Ok(CheckoutShipping {
            code: shipping.code,
            name: shipping.name,
            amount: self.amount(shipping.amount)?,
            discount: self.amount(shipping.discount)?,
            total: self.amount(shipping.total)?,
            tax_rate: Percent(rate),
            tax_reason: reason,
            net: self.amount(shipping.net)?,
            tax: self.amount(shipping.tax)?,
        })
    }

    fn discount(&self, discount: QuoteDiscount) -> Result<CheckoutDiscount, Problem> {
        Ok(CheckoutDiscount {
            code: discount.code,
            label: discount.label,
            amount: self.amount(discount.amount)?,
        })
    }

    fn tax(&self, tax: QuoteTax) -> Result<CheckoutTax, Problem> {
        let TaxRate { rate, reason } = tax.tax_rate;
        Ok(CheckoutTax {
            rate: Percent(rate),
            reason,
            net: self.amount(tax.net)?,
            tax: self.amount(tax.tax)?,
        })
    }

    fn totals(&self, totals: Totals) -> Result<CheckoutTotals, Problem> {
        Ok(CheckoutTotals {
            items: self.amount(totals.items)?,
            discount: self.amount(totals.discount)?,
            shipping: self.amount(totals.shipping)?,
            tax: self.amount(totals.tax)?,
            total: self.amount(totals.total)?,
        })
    }
}

impl From<Address> for AddressResource {
    fn from(address: Address) -> Self {
        Self {
            name: address.name,
            company: address.company,
            line1: address.line1,
            line2: address.line2,
            postal_code: address.postal_code,
            city: address.city,
            region: address.region,
            country: address.country,
            phone: address.phone,
        }
    }
}

impl CheckoutResource {
    /// The checkout as its holder sees it.
    fn new(view: CheckoutView) -> Result<Self, Problem> {
        let (record, quote) = (view.checkout.record().clone(), view.quote);
        let content = record.content;
        // Every checkout that is shown has been quoted.
        let name = record.shown.ok_or_else(Problem::internal)?;
        let shown = Shown(quote.currency);
        let options = quote.shipping_options.into_iter().map(|option| {
            Ok(ShippingOptionResource {
                code: option.code,
                name: option.name,
                amount: shown.amount(option.amount)?,
            })
        });
        let lines = quote.lines.into_iter().map(|line| shown.line(line));
        let discounts = quote.discounts.into_iter();
        let taxes = quote.taxes.into_iter().map(|tax| shown.tax(tax));
        Ok(Self {
            id: record.id,
            token: None,
            currency: CurrencyCode(quote.currency),
            prices_include_tax: quote.prices_include_tax,
            lines: lines.collect::<Result<_, _>>()?,
            shipping_options: options.collect::<Result<_, Problem>>()?,
            shipping: quote.shipping.map(|it| shown.shipping(it)).transpose()?,
            discounts: discounts
                .map(|it| shown.discount(it))
                .collect::<Result<_, _>>()?,
            taxes: taxes.collect::<Result<_, _>>()?,
            totals: shown.totals(quote.totals)?,
            missing: quote.missing.into_iter().map(MissingPart).collect(),
            messages: quote.messages.into_iter().map(Into::into).collect(),
            quote: name.id.to_string(),
            expires_at: Timestamp(name.expires_at),
            email: content.email.as_ref().map(Email::as_str).map(str::to_owned),
            shipping_address: content.shipping_address.map(Into::into),
            billing_address: content.billing_address.map(Into::into),
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
                "productId": "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b", "name": "Espresso cup", "quantity": 2, "unitPrice": 12.5,
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
