use crate::application::Error;
use crate::application::ports::Ports;

/// Goes on when the database can be read; opens and migrates it if nobody has.
///
/// # Errors
/// A fault of the database.
pub fn handle<C>(ports: &Ports<C>) -> Result<(), Error> {
    ports
        .store
        .read(|records| records.has_checkouts())
        .map(drop)
}
