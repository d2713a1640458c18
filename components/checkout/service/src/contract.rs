//! From the domain to the types of WIT.
//!
//! `types`, `quotes` and `codes` of the module above are those of WIT, which gives whoever exports an interface other types than whoever
//! imports it: the component compiles this file with the former, the tests of orders with the latter.

#[path = "published.rs"]
mod published;

use checkout::Error;
use checkout::application::{self, CheckoutView};
use checkout::domain::quote::Missing;
use checkout::domain::{Email, Note};
use mercato_platform::log;

use super::codes::CodeError;
use super::quotes::{Prepared, QuoteError, QuotedOrder, ShownQuote, UnavailableLine};
use super::types;

/// A quote that can be ordered, with all that an order keeps of its checkout; none when it is not complete.
pub fn prepared(view: CheckoutView) -> Option<Prepared> {
    let messages = messages(&view);
    let order = quoted_order(view)?;
    Some(Prepared { order, messages })
}

fn messages(view: &CheckoutView) -> Vec<types::Message> {
    let messages = view.quote.messages.iter().cloned();
    messages.map(published::message).collect()
}

/// A checkout's quote as it is shown; none when nobody was shown it.
fn shown(view: CheckoutView) -> Option<ShownQuote> {
    let content = view.checkout.content().clone();
    Some(ShownQuote {
        messages: messages(&view),
        email: content.email.as_ref().map(Email::as_str).map(str::to_owned),
        shipping_address: content.shipping_address.map(published::address),
        billing_address: content.billing_address.map(published::address),
        quote: quote_of(view)?,
    })
}

/// All that an order keeps of a checkout whose quote is complete; none when it is not.
fn quoted_order(view: CheckoutView) -> Option<QuotedOrder> {
    let content = view.checkout.content().clone();
    let metadata = content.metadata.entries().to_vec();
    Some(QuotedOrder {
        email: content.email.as_ref().map(Email::as_str)?.to_owned(),
        shipping_address: published::address(content.shipping_address?),
        billing_address: content.billing_address.map(published::address),
        note: content.note.as_ref().map(Note::as_str).map(str::to_owned),
        metadata,
        quote: quote_of(view)?,
    })
}

/// The quote of a checkout; none when nobody was shown it.
fn quote_of(view: CheckoutView) -> Option<types::Quote> {
    let shown = view.checkout.shown()?.clone();
    Some(published::quote(view.quote, &shown))
}

const fn missing(missing: Missing) -> types::Missing {
    match missing {
        Missing::Items => types::Missing::Items,
        Missing::Email => types::Missing::Email,
        Missing::ShippingAddress => types::Missing::ShippingAddress,
        Missing::ShippingOption => types::Missing::ShippingOption,
    }
}

fn unavailable(line: application::UnavailableLine) -> UnavailableLine {
    UnavailableLine {
        product_id: line.product_id.to_string(),
        is_known: line.is_known,
        requested: line.requested.get(),
        available: line.available,
    }
}

/// Why nothing can be ordered; causes go to the log and no further.
pub fn quote_error(error: Error) -> QuoteError {
    match error {
        Error::NotFound => QuoteError::NotFound,
        Error::LinesUnavailable(lines) => {
            QuoteError::LinesUnavailable(lines.into_iter().map(unavailable).collect())
        }
        Error::QuoteChanged(view) => shown(*view).map_or(QuoteError::Internal, QuoteError::Changed),
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
