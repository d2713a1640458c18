use crate::application::locks;
use crate::application::ports::{Catalogue, Ports};
use crate::application::quoting::{TRIES_MAX, contended, view};
use crate::application::{CheckoutView, Error};
use crate::domain::{Changes, CheckedChanges, CheckoutId, Client, Holder};

/// Changes a checkout.
#[derive(Debug, Clone)]
pub struct Command {
    /// Which one.
    pub id: CheckoutId,
    /// Who asks.
    pub holder: Holder,
    /// Where the request comes from.
    pub client: Option<Client>,
    /// What to change.
    pub changes: Changes,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// Changes a checkout. The customer sees the prices of now with it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::VersionMismatch`], [`Error::Invalid`], [`Error::TooManyAttempts`], or something is out of reach.
pub async fn handle<C: Catalogue>(
    ports: &Ports<C>,
    command: Command,
) -> Result<CheckoutView, Error> {
    let changes = command.changes.check().map_err(Error::Invalid)?;
    for _ in 0..TRIES_MAX {
        if let Some(view) = attempt(ports, &command, changes.clone()).await? {
            return Ok(view);
        }
    }
    Err(contended())
}

/// None when somebody else has changed the checkout meanwhile.
async fn attempt<C: Catalogue>(
    ports: &Ports<C>,
    command: &Command,
    changes: CheckedChanges,
) -> Result<Option<CheckoutView>, Error> {
    let before = ports.checkout_of(command.id, &command.holder)?;
    let seen = before.version();
    if command
        .expected_version
        .is_some_and(|version| version != seen)
    {
        return Err(Error::VersionMismatch);
    }
    ports.count_guesses(&changes.new_codes(Some(&before)), command.client.as_ref())?;
    let email_of_guest = before
        .account()
        .is_none()
        .then(|| before.content().email.clone());
    let mut checkout = before.with(changes);
    let circumstances = ports.circumstances(&checkout).await?;
    if email_of_guest.is_some_and(|email| email != checkout.content().email)
        && let Some(found) = circumstances.codes_used_up_by_customer()
    {
        ports.count_probes(found, command.client.as_ref())?;
    }
    circumstances.show_prices(&mut checkout);
    let quote = circumstances.quote(&checkout)?;
    checkout.show_anew(checkout.quote_id(&quote), ports.now());
    let saved = ports
        .store
        .write(locks::checkout(checkout.id()), |records| {
            records.save_checkout(&checkout, seen)
        })?;
    Ok(saved.then(|| view(checkout, quote)))
}
