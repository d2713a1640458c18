use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{CheckoutId, Holder};

/// Removes a checkout.
#[derive(Debug, Clone)]
pub struct Command {
    /// Which one.
    pub id: CheckoutId,
    /// Who asks.
    pub holder: Holder,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// Removes a checkout and what it knows of a person.
///
/// # Errors
/// [`Error::NotFound`], [`Error::VersionMismatch`], or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: Command) -> Result<(), Error> {
    let checkout = ports.checkout_of(command.id, &command.holder)?;
    ports
        .store
        .write(locks::checkout(checkout.id()), |records| {
            if let Some(expected) = command.expected_version {
                let now = records.checkout(checkout.id())?;
                if now.is_none_or(|now| now.version() != expected) {
                    return Err(Error::VersionMismatch);
                }
            }
            records.remove_checkout(checkout.id())
        })
}
