use crate::application::Error;
use crate::application::ports::Ports;
use crate::domain::{ShippingSettings, TaxSettings};
use crate::store::Document;

/// A document that admins set, and the number of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// What was set.
    pub settings: T,
    /// Grows by one with every change; 0 before the first one.
    pub version: u64,
}

/// What shipping costs.
///
/// # Errors
/// A fault of the database.
pub fn shipping<C>(ports: &Ports<C>) -> Result<Versioned<ShippingSettings>, Error> {
    let settings = ports.store.settings()?;
    Ok(Versioned {
        version: settings.version(Document::Shipping),
        settings: (*settings.shipping).clone(),
    })
}

/// How things are taxed.
///
/// # Errors
/// A fault of the database.
pub fn taxes<C>(ports: &Ports<C>) -> Result<Versioned<TaxSettings>, Error> {
    let settings = ports.store.settings()?;
    Ok(Versioned {
        version: settings.version(Document::Taxes),
        settings: (*settings.taxes).clone(),
    })
}
