//! The checkout that an order was, as clients see it.

use std::collections::BTreeMap;

use mercato_edge::{Amount, Price, Problem, Timestamp};
use mercato_kernel::{CheckoutId, ProductId};
use mercato_money::{Currency, Money};
use orders::domain::{
    Address, OrderedQuote, Quote, QuoteLine, QuoteShipping, QuoteTax, QuoteTotals, TaxRate,
};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::payment::not_shown;
use crate::problems::problem;

/// What the customer saw in the checkout and ordered. It never changes, whatever becomes of the catalogue and the settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderCheckout)]
pub struct CheckoutResource {
    /// The checkout.
    id: CheckoutId,
    #[serde(flatten)]
    quote: QuoteResource,
    #[schema(format = Email, example = "ada@example.com")]
    email: String,
    shipping_address: AddressResource,
    /// Absent where it is the shipping address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    billing_address: Option<AddressResource>,
    /// What the customer had to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
    /// What the shop's front end keeps with the order.
    metadata: BTreeMap<String, String>,
}

/// What a checkout costs, exact to the currency's minor unit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderQuote)]
pub struct QuoteResource {
    /// The quote's name, by which it is ordered.
    #[schema(
        pattern = "^q_[0-9a-f]{40}$",
        example = "q_4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    )]
    quote: String,
    /// Until when it can be ordered.
    expires_at: Timestamp,
    /// Whether prices, discounts and what shipping costs are with tax.
    prices_include_tax: bool,
    lines: Vec<LineResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping: Option<ShippingResource>,
    /// What each discount code takes off.
    discounts: Vec<DiscountResource>,
    /// Each rate once.
    taxes: Vec<TaxResource>,
    totals: TotalsResource,
}

/// A percentage: a decimal number of at most four places, from 0 to 100.
#[derive(Debug, Clone, Copy)]
struct Percent(u32);

impl PartialSchema for Percent {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0.0))
            .maximum(Some(100.0))
            .multiple_of(Some(0.0001))
            .description(Some("A percentage with at most four decimal places"))
            .examples([serde_json::json!(20)]);
        RefOr::T(Schema::Object(schema.build()))
    }
}

impl ToSchema for Percent {}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Both are counted in ten-thousandths.
        Amount(Money::from_units(self.0.into())).serialize(serializer)
    }
}

/// A line as it was quoted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderQuoteLine)]
struct LineResource {
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

/// What shipping costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderQuoteShipping)]
struct ShippingResource {
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
#[schema(as = OrderQuoteDiscount)]
struct DiscountResource {
    #[schema(min_length = 1, max_length = 40, example = "ROAST10")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "10 % off")]
    label: String,
    amount: Amount,
}

/// The tax of one rate, on all that bears it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderQuoteTax)]
struct TaxResource {
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
#[schema(as = OrderQuoteTotals)]
struct TotalsResource {
    items: Amount,
    discount: Amount,
    shipping: Amount,
    tax: Amount,
    total: Amount,
}

/// A postal address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderAddress)]
struct AddressResource {
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
        amount.map(Amount).map_err(not_shown)
    }

    fn line(&self, line: &QuoteLine) -> Result<LineResource, Problem> {
        let TaxRate { rate, reason } = line.tax_rate.clone();
        Ok(LineResource {
            product_id: ProductId::parse(&line.product_id)
                .map_err(|error| problem(error.into()))?,
            name: line.name.clone(),
            quantity: line.quantity,
            unit_price: Money::from_units(line.unit_price).into(),
            amount: self.amount(line.amount)?,
            discount: self.amount(line.discount)?,
            total: self.amount(line.total)?,
            tax_rate: Percent(rate),
            tax_reason: reason,
            net: self.amount(line.net)?,
            tax: self.amount(line.tax)?,
        })
    }

    fn shipping(&self, shipping: &QuoteShipping) -> Result<ShippingResource, Problem> {
        let TaxRate { rate, reason } = shipping.tax_rate.clone();
        Ok(ShippingResource {
            code: shipping.code.clone(),
            name: shipping.name.clone(),
            amount: self.amount(shipping.amount)?,
            discount: self.amount(shipping.discount)?,
            total: self.amount(shipping.total)?,
            tax_rate: Percent(rate),
            tax_reason: reason,
            net: self.amount(shipping.net)?,
            tax: self.amount(shipping.tax)?,
        })
    }

    fn tax(&self, tax: &QuoteTax) -> Result<TaxResource, Problem> {
        let TaxRate { rate, reason } = tax.tax_rate.clone();
        Ok(TaxResource {
            rate: Percent(rate),
            reason,
            net: self.amount(tax.net)?,
            tax: self.amount(tax.tax)?,
        })
    }

    fn totals(&self, totals: QuoteTotals) -> Result<TotalsResource, Problem> {
        Ok(TotalsResource {
            items: self.amount(totals.items)?,
            discount: self.amount(totals.discount)?,
            shipping: self.amount(totals.shipping)?,
            tax: self.amount(totals.tax)?,
            total: self.amount(totals.total)?,
        })
    }
}

impl QuoteResource {
    /// A quote as its customer sees it.
    ///
    /// # Errors
    /// 500 when an amount cannot be shown.
    pub fn new(quote: &Quote) -> Result<Self, Problem> {
        let currency: Currency = quote.currency.parse().map_err(not_shown)?;
        let shown = Shown(currency);
        let discounts = quote.discounts.iter().map(|discount| {
            Ok(DiscountResource {
                code: discount.code.clone(),
                label: discount.label.clone(),
                amount: shown.amount(discount.amount)?,
            })
        });
        let lines = quote.lines.iter().map(|line| shown.line(line));
        let taxes = quote.taxes.iter().map(|tax| shown.tax(tax));
        let shipping = quote.shipping.as_ref();
        Ok(Self {
            quote: quote.id.clone(),
            expires_at: Timestamp(quote.expires_at),
            prices_include_tax: quote.prices_include_tax,
            lines: lines.collect::<Result<_, Problem>>()?,
            shipping: shipping.map(|it| shown.shipping(it)).transpose()?,
            discounts: discounts.collect::<Result<_, Problem>>()?,
            taxes: taxes.collect::<Result<_, Problem>>()?,
            totals: shown.totals(quote.totals)?,
        })
    }
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
            quote: QuoteResource::new(&content.quote)?,
            email: content.email.clone(),
            shipping_address: content.shipping_address.clone().into(),
            billing_address: billing.map(Into::into),
            note: content.note.clone(),
            metadata: content.metadata.iter().cloned().collect(),
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
