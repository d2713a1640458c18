use crate::application::locks;
use crate::application::ports::{Catalogue, Ports};
use crate::application::quoting::{TRIES_MAX, contended, view};
use crate::application::{CheckoutView, Error};
use crate::domain::{Checkout, CheckoutId, Holder};

/// Shows a checkout with its quote of now.
#[derive(Debug, Clone)]
pub struct Command {
    /// Which one.
    pub id: CheckoutId,
    /// Who asks.
    pub holder: Holder,
}

impl<C> Ports<C> {
    /// The checkout of that id, if it is theirs who ask.
    pub(in crate::application) fn checkout_of(
        &self,
        id: CheckoutId,
        holder: &Holder,
    ) -> Result<Checkout, Error> {
        let found = self.store.read(|records| records.checkout(id))?;
        found
            .filter(|checkout| checkout.is_held_by(holder))
            .ok_or(Error::NotFound)
    }
}

/// Shows a checkout with its quote of now. A quote that is another one than was shown last, or is shown again after it has expired, is
/// written down: it can be ordered from then on.
///
/// # Errors
/// [`Error::NotFound`], or something is out of reach.
pub async fn handle<C: Catalogue>(
    ports: &Ports<C>,
    command: Command,
) -> Result<CheckoutView, Error> {
    for _ in 0..TRIES_MAX {
        let mut checkout = ports.checkout_of(command.id, &command.holder)?;
        let seen = checkout.version();
        let circumstances = ports.circumstances(&checkout).await?;
        let quote = circumstances.quote(&checkout)?;
        let is_new = checkout.show(checkout.quote_id(&quote), ports.now());
        let is_saved = !is_new
            || ports
                .store
                .write(locks::checkout(checkout.id()), |records| {
                    records.save_shown(&checkout, seen)
                })?;
        if is_saved {
            return Ok(view(checkout, quote));
        }
    }
    Err(contended())
}
