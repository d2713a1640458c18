//! Quotes and addresses in the words of the contract `mercato:checkout`.
//!
//! `types` of the module above are those of WIT, which gives whoever exports an interface other types than whoever imports it: the
//! component compiles this file with the former, the REST adapter of checkouts and the tests of orders with the latter.

use checkout::domain::quote::{
    Choice, Message, Quote, QuoteDiscount, QuoteLine, QuoteShipping, QuoteTax, TaxRate, Totals,
};
use checkout::domain::{Address, CodeProblem, ShownQuote};

use super::types;

/// A quote as it was shown.
pub fn quote(quote: Quote, shown: &ShownQuote) -> types::Quote {
    types::Quote {
        id: shown.id.to_string(),
        expires_at: shown.expires_at,
        currency: quote.currency.to_string(),
        prices_include_tax: quote.prices_include_tax,
        lines: quote.lines.into_iter().map(line).collect(),
        shipping: quote.shipping.map(shipping),
        discounts: quote.discounts.into_iter().map(discount).collect(),
        taxes: quote.taxes.into_iter().map(tax).collect(),
        totals: totals(quote.totals),
    }
}

/// A postal address.
pub fn address(address: Address) -> types::Address {
    types::Address {
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

/// What the customer should know.
pub fn message(message: Message) -> types::Message {
    // A checkout has some hundred lines at the most.
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    match message {
        Message::PriceChanged { line: of, was, is } => {
            types::Message::PriceChanged(types::PriceChange {
                line: line(of),
                was: was.units(),
                now: is.units(),
            })
        }
        Message::InsufficientStock {
            line: of,
            available,
        } => types::Message::InsufficientStock(types::Shortage {
            line: line(of),
            available,
        }),
        Message::UnknownProduct { product_id } => {
            types::Message::UnknownProduct(product_id.to_string())
        }
        Message::Code { code, problem } => types::Message::Code(types::IdleCode {
            code,
            problem: code_problem(problem),
        }),
        Message::NoShippingOption => types::Message::NoShippingOption,
        Message::ShippingOptionGone { code } => types::Message::ShippingOptionGone(code),
    }
}

const fn code_problem(problem: CodeProblem) -> types::CodeProblem {
    match problem {
        CodeProblem::Unknown => types::CodeProblem::Unknown,
        CodeProblem::Expired => types::CodeProblem::Expired,
        CodeProblem::UsedUp => types::CodeProblem::UsedUp,
        CodeProblem::NotCombinable => types::CodeProblem::NotCombinable,
        CodeProblem::BelowMinimum => types::CodeProblem::BelowMinimum,
        CodeProblem::NotApplicable => types::CodeProblem::NotApplicable,
        CodeProblem::NoEffect => types::CodeProblem::NoEffect,
    }
}

fn tax_rate(rate: TaxRate) -> types::TaxRate {
    types::TaxRate {
        rate: rate.rate.units(),
        reason: rate.reason,
    }
}

fn choice(choice: Choice) -> types::Choice {
    types::Choice {
        name: choice.name,
        value: choice.value,
    }
}

fn line(line: QuoteLine) -> types::QuoteLine {
    types::QuoteLine {
        product_id: line.product_id.to_string(),
        name: line.name,
        choices: line.choices.into_iter().map(choice).collect(),
        quantity: line.quantity.get(),
        unit_price: line.unit_price.units(),
        amount: line.amount,
        discount: line.discount,
        tax_rate: tax_rate(line.tax_rate),
        net: line.net,
        tax: line.tax,
        total: line.total,
    }
}

fn shipping(shipping: QuoteShipping) -> types::QuoteShipping {
    types::QuoteShipping {
        code: shipping.code,
        name: shipping.name,
        amount: shipping.amount,
        discount: shipping.discount,
        tax_rate: tax_rate(shipping.tax_rate),
        net: shipping.net,
        tax: shipping.tax,
        total: shipping.total,
    }
}

fn discount(discount: QuoteDiscount) -> types::QuoteDiscount {
    types::QuoteDiscount {
        code: discount.code,
        label: discount.label,
        amount: discount.amount,
    }
}

fn tax(tax: QuoteTax) -> types::QuoteTax {
    types::QuoteTax {
        tax_rate: tax_rate(tax.tax_rate),
        net: tax.net,
        tax: tax.tax,
    }
}

const fn totals(totals: Totals) -> types::QuoteTotals {
    types::QuoteTotals {
        items: totals.items,
        discount: totals.discount,
        shipping: totals.shipping,
        tax: totals.tax,
        total: totals.total,
    }
}
