use crate::application::Error;
use crate::application::ports::Ports;
use crate::domain::{AddressBookView, SessionCaller};

/// The caller's own address book.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn own(ports: &Ports, caller: &SessionCaller) -> Result<AddressBookView, Error> {
    ports.store.read(|records| {
        let account = ports.caller_account(records, caller)?;
        records.address_book(account.id())
    })
}
