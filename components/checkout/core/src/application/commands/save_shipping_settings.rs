use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::queries::settings::Versioned;
use crate::domain::ShippingSettings;
use crate::store::Document;

/// Replaces what shipping costs.
#[derive(Debug, Clone)]
pub struct Command {
    /// The whole document.
    pub settings: ShippingSettings,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// Replaces what shipping costs. The same document again changes nothing.
///
/// # Errors
/// [`Error::Invalid`] with everything that is wrong, [`Error::VersionMismatch`], or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: Command) -> Result<Versioned<ShippingSettings>, Error> {
    let settings = command.settings;
    let settings = settings.checked(ports.currency).map_err(Error::Invalid)?;
    let now = ports.now();
    let version = ports
        .store
        .write(locks::settings(Document::Shipping), |records| {
            let version = records.settings_version(Document::Shipping)?;
            if command.expected_version.is_some_and(|seen| seen != version) {
                return Err(Error::VersionMismatch);
            }
            if records.shipping_settings()? != settings {
                records.save_shipping_settings(&settings)?;
                records.count_change_of_settings(Document::Shipping, now)?;
            }
            records.settings_version(Document::Shipping)
        })?;
    Ok(Versioned { settings, version })
}
