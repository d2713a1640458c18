use super::show_checkout;
use crate::application::ports::{Catalogue, Ports};
use crate::application::{CheckoutView, Error};
use crate::domain::quote::QuoteId;
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

/// The checkout with the quote that the customer has seen, if it is still what it would cost now and nothing is missing. Changes nothing but
/// what was shown last.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::QuoteChanged`] with the quote of now when that is another one, or was shown too long ago;
/// [`Error::Incomplete`]; or something is out of reach.
pub async fn handle<C: Catalogue>(
    ports: &Ports<C>,
    command: Command,
) -> Result<CheckoutView, Error> {
    let before = ports.checkout_of(command.id, &command.holder)?;
    let view = show_checkout::handle(
        ports,
        show_checkout::Command {
            id: command.id,
            holder: command.holder,
        },
    )
    .await?;
    // A quote that had to be shown anew is not the one that the customer has seen, or was seen too long ago.
    let was_shown = before
        .shown()
        .is_some_and(|shown| shown.id == command.quote)
        && before.shown() == view.checkout.shown();
    if !was_shown {
        return Err(Error::QuoteChanged(Box::new(view)));
    }
    if !view.quote.is_complete() {
        return Err(Error::Incomplete(view.quote.missing));
    }
    Ok(view)
}
