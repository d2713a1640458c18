//! Tables `address_books` and `addresses`.

use mercato_sql::{Row, params};

use super::Records;
use crate::application::Error;
use crate::domain::{AccountId, Address, AddressBook, AddressBookView, Label, SavedAddress};

/// Version and addresses with one statement: they are of one moment. An empty address book is one row without an address.
const SELECT: &str = "
    SELECT address_books.version, addresses.position, addresses.label, addresses.name, addresses.company, addresses.line1,
      addresses.line2, addresses.postal_code, addresses.city, addresses.region, addresses.country, addresses.phone,
      addresses.is_default_shipping, addresses.is_default_billing
    FROM address_books
    LEFT JOIN addresses ON addresses.user_id = address_books.user_id
    WHERE address_books.user_id = ?
    ORDER BY addresses.position -- plan: the addresses of one account";

const COUNT_CHANGE: &str = "
    INSERT INTO address_books (user_id, version)
    VALUES (?, 1)
    ON CONFLICT (user_id) DO UPDATE
    SET version = address_books.version + 1";

const DELETE_ADDRESSES: &str = "
    DELETE FROM addresses
    WHERE user_id = ?";

const INSERT_ADDRESSES: &str = "
    INSERT INTO addresses
      (user_id, position, label, name, company, line1, line2, postal_code, city, region, country, phone, is_default_shipping,
      is_default_billing)";

impl Records<'_> {
    /// The address book of that account; of one that has never had any it is empty, at version 0.
    pub fn address_book(&self, account: AccountId) -> Result<AddressBookView, Error> {
        let rows = self.all(SELECT, params![&*account.text()], |row| {
            Ok((row.get::<u64>("version")?, saved_address(row)?))
        })?;
        let version = rows.first().map_or(0, |(version, _)| *version);
        let addresses = rows.into_iter().filter_map(|(_, address)| address);
        Ok(AddressBookView {
            book: AddressBook::stored(addresses.collect()),
            version,
        })
    }

    /// Replaces the address book of that account, which counts as a change.
    pub fn save_address_book(&self, account: AccountId, book: &AddressBook) -> Result<(), Error> {
        let id = account.text();
        self.execute(COUNT_CHANGE, params![&*id])?;
        self.execute(DELETE_ADDRESSES, params![&*id])?;
        let rows = (0_u32..).zip(book.addresses()).map(|(position, saved)| {
            let address = &saved.address;
            [
                (&*id).into(),
                position.into(),
                saved.label.as_ref().map(Label::as_str).into(),
                address.name.as_str().into(),
                address.company.as_deref().into(),
                address.line1.as_str().into(),
                address.line2.as_deref().into(),
                address.postal_code.as_deref().into(),
                address.city.as_deref().into(),
                address.region.as_deref().into(),
                address.country.as_str().into(),
                address.phone.as_deref().into(),
                saved.is_default_shipping.into(),
                saved.is_default_billing.into(),
            ]
        });
        Ok(self.0.insert_rows(INSERT_ADDRESSES, rows)?)
    }
}

/// The address of a row; none when it is that of an empty address book.
fn saved_address(row: &Row) -> Result<Option<SavedAddress>, Error> {
    if row.get::<Option<u32>>("position")?.is_none() {
        return Ok(None);
    }
    Ok(Some(SavedAddress {
        label: row.get::<Option<String>>("label")?.map(Label::stored),
        address: Address {
            name: row.get("name")?,
            company: row.get("company")?,
            line1: row.get("line1")?,
            line2: row.get("line2")?,
            postal_code: row.get("postal_code")?,
            city: row.get("city")?,
            region: row.get("region")?,
            country: row.get("country")?,
            phone: row.get("phone")?,
        },
        is_default_shipping: row.get("is_default_shipping")?,
        is_default_billing: row.get("is_default_billing")?,
    }))
}

#[cfg(test)]
mod tests {
    use mercato_sql::params;

    use super::*;
    use crate::domain::{AddressDraft, SavedAddressDraft};
    use crate::store::Store;
    use crate::store::testing::{add, id, query_plan, somebody};

    fn book(names: &[&str]) -> AddressBook {
        let draft = |name: &&str| SavedAddressDraft {
            label: Some(format!("At {name}'s")),
            address: AddressDraft {
                name: (*name).to_owned(),
                company: Some("Analytical Engines".to_owned()),
                line1: "1 Infinite Loop".to_owned(),
                line2: Some("Floor 2".to_owned()),
                postal_code: Some("95014".to_owned()),
                city: Some("Cupertino".to_owned()),
                region: Some("California".to_owned()),
                country: "US".to_owned(),
                phone: Some("+1 408 9961010".to_owned()),
            },
            is_default_shipping: *name == "Ada",
            is_default_billing: *name == "Grace",
        };
        let drafts: Vec<_> = names.iter().map(draft).collect();
        AddressBook::parse(&drafts).unwrap()
    }

    fn store() -> Store {
        let store = Store::for_test();
        for number in 1..=2 {
            add(&store, &somebody(number));
        }
        store
    }

    fn save(store: &Store, number: u32, book: &AddressBook) {
        let save = store.change(|records| records.save_address_book(id(number), book));
        save.unwrap();
    }

    fn kept(store: &Store, number: u32) -> AddressBookView {
        let kept = store.read(|records| records.address_book(id(number)));
        kept.unwrap()
    }

    fn rows(store: &Store) -> u64 {
        let count = "SELECT COUNT(*) AS count FROM addresses -- of a test";
        let rows = store.read(|records| records.number(count, params![], "count"));
        rows.unwrap()
    }

    #[test]
    fn every_part_of_an_address_is_kept_in_order() {
        let store = store();
        let written = book(&["Grace", "Ada", "Joan"]);
        save(&store, 1, &written);
        let found = kept(&store, 1);
        assert_eq!((found.book, found.version), (written, 1));
        assert_eq!(kept(&store, 2), AddressBookView::default());
    }

    #[test]
    fn a_new_address_book_takes_the_place_of_the_old_one() {
        let store = store();
        save(&store, 1, &book(&["Ada", "Joan"]));
        save(&store, 2, &book(&["Grace"]));
        save(&store, 1, &book(&["Mary"]));
        let found = kept(&store, 1);
        assert_eq!((found.book, found.version), (book(&["Mary"]), 2));
        save(&store, 1, &book(&[]));
        let found = kept(&store, 1);
        assert_eq!((found.book, found.version), (book(&[]), 3));
        assert_eq!(kept(&store, 2).book, book(&["Grace"]));
        assert_eq!(rows(&store), 1);
    }

    #[test]
    fn addresses_go_with_their_account() {
        let store = store();
        save(&store, 1, &book(&["Ada", "Joan"]));
        save(&store, 2, &book(&["Grace"]));
        let remove = "DELETE FROM users WHERE id = ? -- of a test";
        let removed = store.change(|records| records.execute(remove, params![&*id(1).text()]));
        removed.unwrap();
        assert_eq!(kept(&store, 1), AddressBookView::default());
        assert_eq!(rows(&store), 1);
    }

    #[test]
    fn nobody_has_addresses_without_an_account() {
        let store = store();
        let orphan = store.change(|records| records.save_address_book(id(3), &book(&["Ada"])));
        assert!(matches!(orphan, Err(Error::Internal(_))), "{orphan:?}");
    }

    #[test]
    fn addresses_are_found_and_sorted_by_their_key() {
        let store = Store::on_sqlite();
        let plan = query_plan(&store, SELECT, params!["x"]);
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP"), "{plan}");
        let plan = query_plan(&store, DELETE_ADDRESSES, params!["x"]);
        assert!(!plan.contains("SCAN"), "{plan}");
    }
}
