//! A quote as clients see it, in a checkout and in the order that it became: one form, so that nobody reads a sum in two ways.

#[cfg(not(target_family = "wasm"))]
pub mod examples;

mod line;
mod message;

use std::fmt;

pub use line::ChoiceView;
pub use mercato_address_view::AddressView;
use mercato_contracts::checkout::types::{
    Quote, QuoteDiscount, QuoteLine, QuoteShipping, QuoteTax, QuoteTotals, TaxRate,
};
use mercato_edge::{Amount, Percent, Price, Problem, Timestamp};
use mercato_kernel::{ProductId, QuoteId};
use mercato_money::{Currency, Money, Rate};
use mercato_platform::log;
pub use message::MessageView;
use serde::Serialize;
use utoipa::ToSchema;

/// What a checkout costs, exact to the currency's minor unit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Quote)]
pub struct QuoteView {
    /// Names this quote; what is ordered is what it says.
    quote: QuoteId,
    /// From then on a page should read it anew.
    expires_at: Timestamp,
    /// Whether prices, discounts and what shipping costs are with tax.
    prices_include_tax: bool,
    /// In the order of the checkout.
    lines: Vec<LineView>,
    /// What was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping: Option<ShippingView>,
    /// What each discount code takes off.
    discounts: Vec<DiscountView>,
    /// Each rate once, the lowest first.
    taxes: Vec<TaxView>,
    totals: TotalsView,
}

/// What a line or shipping costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuoteCharge)]
struct ChargeView {
    /// Before discounts; of a line its price times quantity, rounded half up to the currency's minor unit.
    amount: Amount,
    /// What discount codes take off.
    discount: Amount,
    /// With tax.
    total: Amount,
    tax_rate: Percent,
    /// Why there is no tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "reverse charge")]
    tax_reason: Option<String>,
    /// Without tax.
    net: Amount,
    tax: Amount,
}

/// A line as it was quoted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuoteLine)]
struct LineView {
    product_id: ProductId,
    /// The other name of `productId`.
    variant_id: ProductId,
    /// The product's name.
    #[schema(min_length = 1, max_length = 200, example = "Espresso cup")]
    name: String,
    /// What was chosen of the product's options, in their order; empty for a product without options.
    #[schema(max_items = 3)]
    options: Vec<ChoiceView>,
    #[schema(minimum = 1, maximum = 10_000, example = 2)]
    quantity: u32,
    unit_price: Price,
    #[serde(flatten)]
    charge: ChargeView,
}

/// What shipping costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuoteShipping)]
struct ShippingView {
    #[schema(min_length = 1, max_length = 40, example = "at-post")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "Post AT")]
    name: String,
    #[serde(flatten)]
    charge: ChargeView,
}

/// What a discount code takes off, lines and shipping together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuoteDiscount)]
struct DiscountView {
    #[schema(min_length = 1, max_length = 40, example = "ROAST10")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "10 % off")]
    label: String,
    amount: Amount,
}

/// The tax of one rate, on all that bears it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuoteTax)]
struct TaxView {
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
#[schema(as = QuoteTotals)]
struct TotalsView {
    items: Amount,
    discount: Amount,
    shipping: Amount,
    tax: Amount,
    total: Amount,
}

/// Shows minor units of a currency.
struct Shown(Currency);

impl Shown {
    fn amount(&self, minor: i64) -> Result<Amount, Problem> {
        let amount = Money::from_minor(minor, self.0);
        amount.map(Amount).map_err(not_shown)
    }

    fn line(&self, line: QuoteLine) -> Result<LineView, Problem> {
        let (rate, reason) = shown_rate(line.tax_rate)?;
        let product_id = ProductId::parse(&line.product_id).map_err(not_shown)?;
        Ok(LineView {
            product_id,
            variant_id: product_id,
            name: line.name,
            options: line.choices.into_iter().map(Into::into).collect(),
            quantity: line.quantity,
            unit_price: Money::from_units(line.unit_price).into(),
            charge: ChargeView {
                amount: self.amount(line.amount)?,
                discount: self.amount(line.discount)?,
                total: self.amount(line.total)?,
                tax_rate: rate,
                tax_reason: reason,
                net: self.amount(line.net)?,
                tax: self.amount(line.tax)?,
            },
        })
    }

    fn shipping(&self, shipping: QuoteShipping) -> Result<ShippingView, Problem> {
        let (rate, reason) = shown_rate(shipping.tax_rate)?;
        Ok(ShippingView {
            code: shipping.code,
            name: shipping.name,
            charge: ChargeView {
                amount: self.amount(shipping.amount)?,
                discount: self.amount(shipping.discount)?,
                total: self.amount(shipping.total)?,
                tax_rate: rate,
                tax_reason: reason,
                net: self.amount(shipping.net)?,
                tax: self.amount(shipping.tax)?,
            },
        })
    }

    fn discount(&self, discount: QuoteDiscount) -> Result<DiscountView, Problem> {
        Ok(DiscountView {
            code: discount.code,
            label: discount.label,
            amount: self.amount(discount.amount)?,
        })
    }

    fn tax(&self, tax: QuoteTax) -> Result<TaxView, Problem> {
        let (rate, reason) = shown_rate(tax.tax_rate)?;
        Ok(TaxView {
            rate,
            reason,
            net: self.amount(tax.net)?,
            tax: self.amount(tax.tax)?,
        })
    }

    fn totals(&self, totals: QuoteTotals) -> Result<TotalsView, Problem> {
        Ok(TotalsView {
            items: self.amount(totals.items)?,
            discount: self.amount(totals.discount)?,
            shipping: self.amount(totals.shipping)?,
            tax: self.amount(totals.tax)?,
            total: self.amount(totals.total)?,
        })
    }
}

fn shown_rate(rate: TaxRate) -> Result<(Percent, Option<String>), Problem> {
    let shown = Rate::from_units(rate.rate).map(Percent);
    let shown = shown.ok_or_else(|| not_shown("a rate is more than the whole"))?;
    Ok((shown, rate.reason))
}

fn not_shown(cause: impl fmt::Display) -> Problem {
    log::error("a quote cannot be shown", &[("cause", &cause.to_string())]);
    Problem::internal()
}

impl QuoteView {
    /// A quote as its customer sees it.
    ///
    /// # Errors
    /// 500 when there is something in it that no quote may have.
    pub fn new(quote: Quote) -> Result<Self, Problem> {
        let shown = Shown(quote.currency.parse().map_err(not_shown)?);
        let lines = quote.lines.into_iter().map(|line| shown.line(line));
        let discounts = quote.discounts.into_iter().map(|it| shown.discount(it));
        let taxes = quote.taxes.into_iter().map(|tax| shown.tax(tax));
        Ok(Self {
            quote: QuoteId::stored(quote.id),
            expires_at: Timestamp(quote.expires_at),
            prices_include_tax: quote.prices_include_tax,
            lines: lines.collect::<Result<_, _>>()?,
            shipping: quote.shipping.map(|it| shown.shipping(it)).transpose()?,
            discounts: discounts.collect::<Result<_, _>>()?,
            taxes: taxes.collect::<Result<_, _>>()?,
            totals: shown.totals(quote.totals)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use mercato_contracts::checkout::types::Choice;
    use serde_json::{Value, json};

    use super::*;
    use crate::examples::quote;

    fn shown(quote: Quote) -> Value {
        serde_json::to_value(QuoteView::new(quote).unwrap()).unwrap()
    }

    #[test]
    fn a_quote_is_shown_in_decimal_numbers() {
        assert_eq!(
            shown(quote()),
            json!({
                "quote": "q_0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
                "expiresAt": "1970-01-01T00:00:00.000Z",
                "pricesIncludeTax": true,
                "lines": [{
                    "productId": "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b", "variantId": "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b",
                    "name": "Espresso cup", "options": [], "quantity": 2, "unitPrice": 12.5,
                    "amount": 25, "discount": 2.5, "total": 22.5, "taxRate": 20, "net": 18.75, "tax": 3.75
                }],
                "shipping": {
                    "code": "at-post", "name": "Post AT",
                    "amount": 4.9, "discount": 0, "total": 4.9, "taxRate": 20, "net": 4.08, "tax": 0.82
                },
                "discounts": [{"code": "ROAST10", "label": "10 % off", "amount": 2.5}],
                "taxes": [{"rate": 20, "net": 22.83, "tax": 4.57}],
                "totals": {"items": 25, "discount": 2.5, "shipping": 4.9, "tax": 4.57, "total": 27.4}
            })
        );
    }

    #[test]
    fn a_line_shows_what_was_chosen_of_the_options() {
        let mut quote = quote();
        let choice = |name: &str, value: &str| Choice {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        quote.lines[0].choices = vec![choice("Size", "250 g"), choice("Grind", "filter")];
        assert_eq!(
            shown(quote)["lines"][0]["options"],
            json!([{"name": "Size", "value": "250 g"}, {"name": "Grind", "value": "filter"}])
        );
    }

    #[test]
    fn a_reason_for_no_tax_stands_beside_the_rate() {
        let mut quote = quote();
        let reason = TaxRate {
            rate: 0,
            reason: Some("export".to_owned()),
        };
        quote.lines[0].tax_rate = reason.clone();
        quote.taxes[0].tax_rate = reason;
        let shown = shown(quote);
        assert_eq!(shown["lines"][0]["taxReason"], "export");
        assert_eq!(shown["taxes"][0]["reason"], "export");
    }

    #[test]
    fn what_no_quote_may_have_is_not_shown() {
        let broken: [fn(&mut Quote); 4] = [
            |quote| quote.currency = "€".to_owned(),
            |quote| quote.lines[0].product_id = "7".to_owned(),
            |quote| quote.taxes[0].tax_rate.rate = 1_000_001,
            |quote| quote.totals.total = i64::MAX,
        ];
        for spoil in broken {
            let mut quote = quote();
            spoil(&mut quote);
            let problem = QuoteView::new(quote).unwrap_err();
            assert_eq!(problem.status().as_u16(), 500);
        }
    }
}
