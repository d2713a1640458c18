use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{AddressBook, AddressBookView, FieldError, SavedAddressDraft, SessionCaller};

/// Replaces the caller's address book.
pub struct Command {
    /// Whose it is.
    pub caller: SessionCaller,
    /// All addresses.
    pub addresses: Vec<SavedAddressDraft>,
    /// The version that the caller has seen.
    pub expected_version: Option<u64>,
}

/// What is wrong with addresses, each under its path.
#[must_use]
pub fn check(addresses: &[SavedAddressDraft]) -> Vec<FieldError> {
    AddressBook::parse(addresses).err().unwrap_or_default()
}

/// Replaces the caller's address book. The same one again changes nothing.
///
/// # Errors
/// [`Error::Invalid`] with everything that is wrong, [`Error::SessionEnded`], [`Error::VersionMismatch`], or a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<AddressBookView, Error> {
    let Command {
        caller,
        addresses,
        expected_version,
    } = command;
    let book = AddressBook::parse(&addresses).map_err(Error::Invalid)?;
    ports
        .store
        .write(locks::account(caller.account), |records| {
            let account = ports.caller_account(records, &caller)?;
            let kept = records.address_book(account.id())?;
            if expected_version.is_some_and(|seen| seen != kept.version) {
                return Err(Error::VersionMismatch);
            }
            if kept.book == book {
                return Ok(kept);
            }
            records.save_address_book(account.id(), &book)?;
            Ok(AddressBookView {
                book: book.clone(),
                version: kept.version + 1,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::queries::addresses;
    use crate::application::testing::{Shop, caller_of, nobody};
    use crate::domain::{ADDRESSES_MAX, AddressDraft};

    fn draft(name: &str) -> SavedAddressDraft {
        SavedAddressDraft {
            label: Some("Home".to_owned()),
            address: AddressDraft {
                name: name.to_owned(),
                line1: "Ring 1".to_owned(),
                postal_code: Some("1010".to_owned()),
                city: Some("Wien".to_owned()),
                country: "AT".to_owned(),
                ..AddressDraft::default()
            },
            ..SavedAddressDraft::default()
        }
    }

    fn replace(
        shop: &Shop,
        caller: SessionCaller,
        names: &[&str],
        expected_version: Option<u64>,
    ) -> Result<AddressBookView, Error> {
        let addresses = names.iter().map(|name| draft(name)).collect();
        let command = Command {
            caller,
            addresses,
            expected_version,
        };
        handle(&shop.ports, command)
    }

    fn names(view: &AddressBookView) -> Vec<&str> {
        let addresses = view.book.addresses().iter();
        addresses.map(|saved| &*saved.address.name).collect()
    }

    #[test]
    fn addresses_are_their_owners_alone() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        let grace = shop.caller(&shop.register("grace@example.com"));
        let of = |caller| addresses::own(&shop.ports, &caller).unwrap();
        assert_eq!(of(ada), AddressBookView::default());
        let kept = replace(&shop, ada, &["Ada", "Annabella"], None).unwrap();
        assert_eq!((names(&kept), kept.version), (vec!["Ada", "Annabella"], 1));
        assert_eq!(of(ada), kept);
        assert_eq!(of(grace), AddressBookView::default());
        replace(&shop, grace, &["Grace"], None).unwrap();
        assert_eq!(of(ada), kept);
        let profile = shop.view("ada@example.com");
        assert_eq!(profile.version, 1, "the account itself has not changed");
    }

    #[test]
    fn another_version_than_expected_is_refused() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        let replace = |names: &[&str], expected| replace(&shop, ada, names, expected);
        assert_eq!(replace(&["Ada"], Some(1)), Err(Error::VersionMismatch));
        assert_eq!(replace(&["Ada"], Some(0)).unwrap().version, 1);
        assert_eq!(
            replace(&["Annabella"], Some(0)),
            Err(Error::VersionMismatch)
        );
        assert_eq!(replace(&["Annabella"], Some(1)).unwrap().version, 2);
        assert_eq!(replace(&[], None).unwrap().version, 3);
        let left = addresses::own(&shop.ports, &ada).unwrap();
        assert_eq!((names(&left), left.version), (vec![], 3));
    }

    #[test]
    fn a_change_of_nothing_leaves_the_version() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        assert_eq!(replace(&shop, ada, &[], None).unwrap().version, 0);
        let first = replace(&shop, ada, &["Ada"], None).unwrap();
        assert_eq!(replace(&shop, ada, &["Ada"], Some(1)).unwrap(), first);
    }

    #[test]
    fn a_bad_address_changes_nothing() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        let kept = replace(&shop, ada, &["Ada"], None).unwrap();
        let refused = replace(&shop, ada, &["Annabella", ""], None);
        let Err(Error::Invalid(errors)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(errors[0].field, "addresses[1].name");
        let many = vec!["Ada"; ADDRESSES_MAX + 1];
        let refused = replace(&shop, ada, &many, None);
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        assert_eq!(addresses::own(&shop.ports, &ada).unwrap(), kept);
    }

    #[test]
    fn nobody_and_the_disabled_have_no_addresses() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        replace(&shop, ada, &["Ada"], None).unwrap();
        shop.disable("ada@example.com");
        for caller in [ada, caller_of(nobody())] {
            let found = addresses::own(&shop.ports, &caller);
            assert_eq!(found, Err(Error::SessionEnded));
            let replaced = replace(&shop, caller, &["Mallory"], None);
            assert_eq!(replaced, Err(Error::SessionEnded));
        }
    }
}
