//! The quote of the documentation's story.

use mercato_contracts::checkout::types::{
    Quote, QuoteDiscount, QuoteLine, QuoteShipping, QuoteTax, QuoteTotals, TaxRate,
};
use mercato_edge::story::{CUP_ID, CUP_NAME, CUP_PRICE, CURRENCY, QUANTITY};

/// Ten-thousandths of a percent.
const TWENTY_PERCENT: u32 = 200_000;

/// Two cups for 25.00 less a tenth, with 4.90 for shipping to Vienna, a fifth of tax inside: 27.40.
#[must_use]
pub fn quote() -> Quote {
    let rate = || TaxRate {
        rate: TWENTY_PERCENT,
        reason: None,
    };
    Quote {
        id: format!("q_{}", "0a".repeat(20)),
        currency: CURRENCY.to_owned(),
        prices_include_tax: true,
        lines: vec![QuoteLine {
            product_id: CUP_ID.to_owned(),
            name: CUP_NAME.to_owned(),
            choices: Vec::new(),
            quantity: QUANTITY,
            unit_price: CUP_PRICE,
            amount: 2_500,
            discount: 250,
            tax_rate: rate(),
            net: 1_875,
            tax: 375,
            total: 2_250,
        }],
        shipping: Some(QuoteShipping {
            code: "at-post".to_owned(),
            name: "Post AT".to_owned(),
            amount: 490,
            discount: 0,
            tax_rate: rate(),
            net: 408,
            tax: 82,
            total: 490,
        }),
        discounts: vec![QuoteDiscount {
            code: "ROAST10".to_owned(),
            label: "10 % off".to_owned(),
            amount: 250,
        }],
        taxes: vec![QuoteTax {
            tax_rate: rate(),
            net: 2_283,
            tax: 457,
        }],
        totals: QuoteTotals {
            items: 2_500,
            discount: 250,
            shipping: 490,
            tax: 457,
            total: 2_740,
        },
        expires_at: 0,
    }
}
