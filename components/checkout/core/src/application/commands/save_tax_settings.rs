use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::queries::settings::Versioned;
use crate::domain::TaxSettings;
use crate::store::Document;

/// Replaces how things are taxed.
#[derive(Debug, Clone)]
pub struct Command {
    /// The whole document.
    pub settings: TaxSettings,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// Replaces how things are taxed. The same document again changes nothing.
///
/// # Errors
/// [`Error::Invalid`] with everything that is wrong, [`Error::VersionMismatch`], or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: Command) -> Result<Versioned<TaxSettings>, Error> {
    let settings = command.settings;
    let settings = settings.checked().map_err(Error::Invalid)?;
    let now = ports.now();
    let version = ports
        .store
        .write(locks::settings(Document::Taxes), |records| {
            let version = records.settings_version(Document::Taxes)?;
            if command.expected_version.is_some_and(|seen| seen != version) {
                return Err(Error::VersionMismatch);
            }
            if records.tax_settings()? != settings {
                records.save_tax_settings(&settings)?;
                records.count_change_of_settings(Document::Taxes, now)?;
            }
            records.settings_version(Document::Taxes)
        })?;
    Ok(Versioned { settings, version })
}
