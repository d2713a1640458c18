use super::show_checkout;
use crate::application::ports::{Catalogue, Ports};
use crate::application::{CheckoutView, Error, UnavailableLine};
use crate::domain::quote::{Message, QuoteId};
use crate::domain::{CheckoutId, Holder};

/// Asks whether a quote can be ordered as it was shown.
#[derive(Debug, Clone)]
pub struct Command {
    /// Of which checkout.
    pub id: CheckoutId,
    /// Who orders.
    pub holder: Holder,
    /// The quote that the customer has seen.
    pub quote: QuoteId,
}

/// The checkout with the quote that the customer has seen, if it is what it would cost now and nothing is missing. How long ago it was shown
/// does not matter then: a quote's name stands for all that it says. Changes nothing but what was shown last.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::LinesUnavailable`]; [`Error::QuoteChanged`] with the quote of now when that is another one;
/// [`Error::Incomplete`]; or something is out of reach.
pub async fn handle<C: Catalogue>(
    ports: &Ports<C>,
    command: Command,
) -> Result<CheckoutView, Error> {
    let Command { id, holder, quote } = command;
    let shown = show_checkout::Command { id, holder };
    let view = show_checkout::handle(ports, shown).await?;
    let lines = unavailable_lines(&view);
    if !lines.is_empty() {
        return Err(Error::LinesUnavailable(lines));
    }
    if view.checkout.shown().is_none_or(|shown| shown.id != quote) {
        return Err(Error::QuoteChanged(Box::new(view)));
    }
    if !view.quote.is_complete() {
        return Err(Error::Incomplete(view.quote.missing));
    }
    Ok(view)
}

/// The lines that the catalogue cannot serve.
fn unavailable_lines(view: &CheckoutView) -> Vec<UnavailableLine> {
    let lines = &view.quote.lines;
    let content = view.checkout.content().lines.iter();
    let messages = view.quote.messages.iter();
    let line = |message: &Message| match message {
        Message::InsufficientStock { line, available } => {
            let line = lines.get(*line)?;
            Some(UnavailableLine {
                product_id: line.product_id,
                is_known: true,
                requested: line.quantity,
                available: *available,
            })
        }
        Message::UnknownProduct { product_id } => {
            let wanted = content
                .clone()
                .find(|line| line.product_id == *product_id)?;
            Some(UnavailableLine {
                product_id: *product_id,
                is_known: false,
                requested: wanted.quantity,
                available: 0,
            })
        }
        _ => None,
    };
    messages.filter_map(line).collect()
}
