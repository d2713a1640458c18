use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::CodeName;

/// Removes a discount code.
#[derive(Debug, Clone)]
pub struct Command {
    /// Which one.
    pub name: CodeName,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// Removes a discount code. Orders that used it stay as they are; its uses are forgotten.
///
/// # Errors
/// [`Error::CodeNotFound`], [`Error::VersionMismatch`], or a fault of the database.
pub fn handle<C>(ports: &Ports<C>, command: &Command) -> Result<(), Error> {
    ports.store.write(locks::codes([&command.name]), |records| {
        let code = records.code(&command.name)?.ok_or(Error::CodeNotFound)?;
        let expected = command.expected_version;
        if expected.is_some_and(|version| version != code.version) {
            return Err(Error::VersionMismatch);
        }
        records.remove_code(&command.name).map(drop)
    })
}
