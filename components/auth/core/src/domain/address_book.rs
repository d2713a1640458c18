//! The address book: the postal addresses that the owner of an account keeps.

use mercato_address::{Address, AddressDraft};
use mercato_kernel::{FieldError, Refusal};
use mercato_platform::text;

/// Most addresses of an account.
pub const ADDRESSES_MAX: usize = 20;

/// Longest label of an address, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

/// What the owner calls an address, on one line: `Home`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Trims and checks.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        text::line(text, LABEL_CHARS_MAX)
            .map(Self)
            .map_err(|problem| (problem.code(), problem.to_string().into()))
    }

    /// The text as it was stored; for the store alone.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

/// An address of an address book as somebody typed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedAddressDraft {
    /// What the owner calls it; an empty one is none.
    pub label: Option<String>,
    /// The address itself.
    pub address: AddressDraft,
    /// Whether things are sent there unless the owner says otherwise.
    pub is_default_shipping: bool,
    /// Whether bills are for that address unless the owner says otherwise.
    pub is_default_billing: bool,
}

/// An address of an address book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAddress {
    /// What the owner calls it.
    pub label: Option<Label>,
    /// The address itself.
    pub address: Address,
    /// Whether things are sent there unless the owner says otherwise; of one address at most.
    pub is_default_shipping: bool,
    /// Whether bills are for that address unless the owner says otherwise; of one address at most.
    pub is_default_billing: bool,
}

/// All addresses of an account, in the order that their owner gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressBook(Vec<SavedAddress>);

/// An address book and the number of its last change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressBookView {
    /// The addresses.
    pub book: AddressBook,
    /// Grows by one with every change, the entity tag; 0 before the first one.
    pub version: u64,
}

impl AddressBook {
    /// The address book, if each address is one, and they hold together.
    ///
    /// # Errors
    /// Everything that is wrong, each under its path, such as `addresses[1].postalCode`.
    pub fn parse(drafts: &[SavedAddressDraft]) -> Result<Self, Vec<FieldError>> {
        if drafts.len() > ADDRESSES_MAX {
            let rest = format!("must not have more than {ADDRESSES_MAX} entries");
            return Err(vec![FieldError::broken("addresses", ("max", rest.into()))]);
        }
        let (mut addresses, mut errors) = (Vec::with_capacity(drafts.len()), Vec::new());
        let (mut has_shipping, mut has_billing) = (false, false);
        for (index, draft) in drafts.iter().enumerate() {
            let path = format!("addresses[{index}]");
            addresses.extend(saved(draft, &path, &mut errors));
            for (member, is_default, has_default) in [
                (
                    "isDefaultShipping",
                    draft.is_default_shipping,
                    &mut has_shipping,
                ),
                (
                    "isDefaultBilling",
                    draft.is_default_billing,
                    &mut has_billing,
                ),
            ] {
                if is_default && *has_default {
                    let rest = "must not be true of more than one address";
                    let field = format!("{path}.{member}");
                    errors.push(FieldError::broken(field, ("repeated", rest.into())));
                }
                *has_default |= is_default;
            }
        }
        if errors.is_empty() {
            Ok(Self(addresses))
        } else {
            Err(errors)
        }
    }

    /// The address book as it was stored; for the store alone.
    #[must_use]
    pub const fn stored(addresses: Vec<SavedAddress>) -> Self {
        Self(addresses)
    }

    /// The addresses.
    #[must_use]
    pub fn addresses(&self) -> &[SavedAddress] {
        &self.0
    }

    /// The addresses.
    #[must_use]
    pub fn into_addresses(self) -> Vec<SavedAddress> {
        self.0
    }
}

/// One address; none with what is wrong noted.
fn saved(
    draft: &SavedAddressDraft,
    path: &str,
    errors: &mut Vec<FieldError>,
) -> Option<SavedAddress> {
    let label = draft.label.as_deref();
    let label = label.filter(|label| !label.trim().is_empty());
    let label = label.map(Label::parse).transpose().map_err(|refusal| {
        errors.push(FieldError::broken(format!("{path}.label"), refusal));
    });
    let address = Address::parse(&draft.address, path).map_err(|broken| errors.extend(broken));
    Some(SavedAddress {
        label: label.ok()?,
        address: address.ok()?,
        is_default_shipping: draft.is_default_shipping,
        is_default_billing: draft.is_default_billing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(label: &str, postal_code: &str) -> SavedAddressDraft {
        SavedAddressDraft {
            label: Some(label.to_owned()),
            address: AddressDraft {
                name: "Ada Lovelace".to_owned(),
                line1: "Ring 1".to_owned(),
                postal_code: Some(postal_code.to_owned()),
                city: Some("Wien".to_owned()),
                country: "at".to_owned(),
                ..AddressDraft::default()
            },
            ..SavedAddressDraft::default()
        }
    }

    fn errors(drafts: &[SavedAddressDraft]) -> Vec<(String, String)> {
        let errors = AddressBook::parse(drafts).unwrap_err();
        let pair = |error: FieldError| (error.field, error.code.into_owned());
        errors.into_iter().map(pair).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let pair = |(field, code): &(&str, &str)| ((*field).to_owned(), (*code).to_owned());
        expected.iter().map(pair).collect()
    }

    #[test]
    fn addresses_stay_in_order_and_an_empty_label_is_none() {
        let book = AddressBook::parse(&[draft(" Home ", "1010"), draft(" ", "1020")]).unwrap();
        let [home, other] = book.addresses() else {
            panic!("{book:?}");
        };
        assert_eq!(home.label.as_ref().map(Label::as_str), Some("Home"));
        assert_eq!(home.address.country, "AT");
        assert_eq!(other.label, None);
        assert_eq!(other.address.postal_code.as_deref(), Some("1020"));
        assert_eq!(AddressBook::parse(&[]), Ok(AddressBook::default()));
    }

    #[test]
    fn everything_that_is_wrong_is_named_by_its_path() {
        let mut nameless = draft("a\nb", "1010");
        nameless.address.name = String::new();
        let long = "x".repeat(LABEL_CHARS_MAX + 1);
        assert_eq!(
            errors(&[draft("Home", "1010"), nameless, draft(&long, "10")]),
            pairs(&[
                ("addresses[1].label", "control-characters"),
                ("addresses[1].name", "required"),
                ("addresses[2].label", "max"),
                ("addresses[2].postalCode", "format"),
            ])
        );
    }

    #[test]
    fn there_is_one_default_of_each_kind_at_most() {
        let default = |is_default_shipping, is_default_billing| SavedAddressDraft {
            is_default_shipping,
            is_default_billing,
            ..draft("Home", "1010")
        };
        let apart = [default(false, true), default(true, false)];
        assert!(AddressBook::parse(&apart).is_ok());
        assert!(AddressBook::parse(&[default(true, true)]).is_ok());
        let twice = [
            default(true, false),
            default(true, true),
            default(true, true),
        ];
        assert_eq!(
            errors(&twice),
            pairs(&[
                ("addresses[1].isDefaultShipping", "repeated"),
                ("addresses[2].isDefaultShipping", "repeated"),
                ("addresses[2].isDefaultBilling", "repeated"),
            ])
        );
    }

    #[test]
    fn an_account_has_so_many_addresses_and_no_more() {
        let many = vec![draft("Home", "1010"); ADDRESSES_MAX];
        assert!(AddressBook::parse(&many).is_ok());
        let more = vec![draft("Home", "1"); ADDRESSES_MAX + 1];
        assert_eq!(errors(&more), pairs(&[("addresses", "max")]));
    }
}
