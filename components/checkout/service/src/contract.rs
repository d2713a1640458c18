//! From the domain to the types of WIT.
//!
//! `types`, `quotes` and `codes` of the module above are those of WIT, which gives whoever exports an interface other types than whoever
//! imports it: the component compiles this file with the former, the tests of orders with the latter.

use checkout::Error;
use checkout::application::CheckoutView;
use checkout::domain::quote::{self, Missing};
use checkout::domain::{Address, Email, Note};
use mercato_platform::log;

use super::codes::CodeError;
use super::quotes::{QuoteError, QuotedOrder};
use super::types;

/// All that an order keeps of a checkout whose quote is complete; none when it is not.
pub fn quoted_order(view: CheckoutView) -> Option<QuotedOrder> {
    let content = view.checkout.content().clone();
    let metadata = content.metadata.entries().to_vec();
    Some(QuotedOrder {
        email: content.email.as_ref().map(Email::as_str)?.to_owned(),
        shipping_address: address(content.shipping_address?),
        billing_address: content.billing_address.map(address),
        note: content.note.as_ref().map(Note::as_str).map(str::to_owned),
        metadata,
        quote: quote(view)?,
    })
}

/// The quote of a checkout that was shown.
pub fn quote(view: CheckoutView) -> Option<types::Quote> {
    let shown = view.checkout.shown()?;
    let quote = view.quote;
    Some(types::Quote {
        id: shown.id.to_string(),
        expires_at: shown.expires_at,
        currency: quote.currency.to_string(),
        prices_include_tax: quote.prices_include_tax,
        lines: quote.lines.into_iter().map(line).collect(),
        shipping: quote.shipping.map(shipping),
        discounts: quote.discounts.into_iter().map(discount).collect(),
        taxes: quote.taxes.into_iter().map(tax).collect(),
        totals: types::QuoteTotals {
            items: quote.totals.items,
            discount: quote.totals.discount,
            shipping: quote.totals.shipping,
            tax: quote.totals.tax,
            total: quote.totals.total,
        },
    })
}

fn tax_rate(rate: quote::TaxRate) -> types::TaxRate {
    types::TaxRate {
        rate: rate.rate.units(),
        reason: rate.reason,
    }
}

fn line(line: quote::QuoteLine) -> types::QuoteLine {
    types::QuoteLine {
        product_id: line.product_id.to_string(),
        name: line.name,
        quantity: line.quantity.units(),
        unit_price: line.unit_price.units(),
        amount: line.amount,
        discount: line.discount,
        tax_rate: tax_rate(line.tax_rate),
        net: line.net,
        tax: line.tax,
        total: line.total,
    }
}

fn shipping(shipping: quote::QuoteShipping) -> types::QuoteShipping {
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

fn discount(discount: quote::QuoteDiscount) -> types::QuoteDiscount {
    types::QuoteDiscount {
        code: discount.code,
        label: discount.label,
        amount: discount.amount,
    }
}

fn tax(tax: quote::QuoteTax) -> types::QuoteTax {
    types::QuoteTax {
        tax_rate: tax_rate(tax.tax_rate),
        net: tax.net,
        tax: tax.tax,
    }
}

fn address(address: Address) -> types::Address {
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

const fn missing(missing: Missing) -> types::Missing {
    match missing {
        Missing::Items => types::Missing::Items,
        Missing::Email => types::Missing::Email,
        Missing::ShippingAddress => types::Missing::ShippingAddress,
        Missing::ShippingOption => types::Missing::ShippingOption,
    }
}

/// Why nothing can be ordered; causes go to the log and no further.
pub fn quote_error(error: Error) -> QuoteError {
    match error {
        Error::NotFound => QuoteError::NotFound,
        Error::QuoteChanged(view) => quote(*view).map_or(QuoteError::Internal, QuoteError::Changed),
        Error::Incomplete(parts) => {
            QuoteError::Incomplete(parts.into_iter().map(missing).collect())
        }
        Error::Unavailable(cause) => {
            log::error("checkouts are unavailable", &[("cause", &cause)]);
            QuoteError::Unavailable
        }
        other => {
            log::error("checkouts failed", &[("cause", &other.to_string())]);
            QuoteError::Internal
        }
    }
}

/// Why codes were not held or settled; causes go to the log and no further.
pub fn code_error(error: Error) -> CodeError {
    match error {
        Error::CodesUsedUp(codes) => {
            CodeError::UsedUp(codes.into_iter().map(String::from).collect())
        }
        Error::CodesReleased => CodeError::Released,
        Error::Unavailable(cause) => {
            log::error("checkouts are unavailable", &[("cause", &cause)]);
            CodeError::Unavailable
        }
        other => {
            log::error("checkouts failed", &[("cause", &other.to_string())]);
            CodeError::Internal
        }
    }
}
