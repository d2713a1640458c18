//! The address book, as its owner sends and sees it: what is shown can be sent again.

use auth::domain::{AddressBookView, SavedAddress, SavedAddressDraft};
use mercato_address_view::{AddressView, address_body};
use mercato_edge::{Tagged, body};
use serde::Serialize;
use utoipa::ToSchema;

/// All addresses of an account.
#[body(
    as = AddressBookInput,
    example = json!({
        "addresses": [{
            "label": "Home", "name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT",
            "isDefaultShipping": true, "isDefaultBilling": true
        }]
    })
)]
#[derive(Debug)]
pub struct AddressBookBody {
    /// In the order in which they are shown.
    #[schema(max_items = 20)]
    addresses: Vec<SavedAddressBody>,
}

address_body! {
    /// An address of an address book. Which parts it needs, and the form of its postal code, depend on the country.
    #[body(as = SavedAddressInput)]
    #[derive(Debug)]
    SavedAddressBody {
        /// What the owner calls it.
        #[field(null)]
        #[schema(value_type = Option<String>, required = false, max_length = 100, example = "Home")]
        label: Option<String>,
    } {
        /// Whether a checkout should begin with it as shipping address; true of one address at most.
        is_default_shipping: Option<bool>,
        /// Whether a checkout should begin with it as billing address; true of one address at most.
        is_default_billing: Option<bool>,
    }
}

/// All addresses of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddressBook)]
pub struct AddressBookResource {
    /// In the order in which they were sent.
    #[schema(max_items = 20)]
    addresses: Vec<SavedAddressResource>,
}

/// An address of an address book.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SavedAddress)]
pub struct SavedAddressResource {
    /// What the owner calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "Home")]
    label: Option<String>,
    #[serde(flatten)]
    address: AddressView,
    /// Whether a checkout should begin with it as shipping address.
    #[schema(example = true)]
    is_default_shipping: bool,
    /// Whether a checkout should begin with it as billing address.
    #[schema(example = true)]
    is_default_billing: bool,
}

impl AddressBookBody {
    /// The addresses as they were typed.
    pub fn drafts(&self) -> Vec<SavedAddressDraft> {
        self.addresses.iter().map(Into::into).collect()
    }
}

impl From<&SavedAddressBody> for SavedAddressDraft {
    fn from(body: &SavedAddressBody) -> Self {
        Self {
            label: body.label.clone(),
            address: body.address_draft(),
            is_default_shipping: body.is_default_shipping.unwrap_or_default(),
            is_default_billing: body.is_default_billing.unwrap_or_default(),
        }
    }
}

impl From<SavedAddress> for SavedAddressResource {
    fn from(saved: SavedAddress) -> Self {
        Self {
            label: saved.label.map(Into::into),
            address: saved.address.into(),
            is_default_shipping: saved.is_default_shipping,
            is_default_billing: saved.is_default_billing,
        }
    }
}

/// The address book and its entity tag.
pub fn tagged(found: AddressBookView) -> Tagged<AddressBookResource> {
    let addresses = found.book.into_addresses().into_iter();
    let shown = AddressBookResource {
        addresses: addresses.map(Into::into).collect(),
    };
    Tagged::new(shown, found.version)
}

#[cfg(test)]
mod tests {
    use auth::application::commands::replace_addresses;
    use auth::domain::{ADDRESSES_MAX, AddressBook, LABEL_CHARS_MAX};
    use mercato_edge::examples::from_json;
    use mercato_edge::{Answer as _, Draft, Fields, FromFields as _};
    use serde_json::{Value, json};

    use super::*;

    fn book(body: &Value) -> AddressBook {
        let body: AddressBookBody = from_json(&body.to_string()).unwrap();
        AddressBook::parse(&body.drafts()).unwrap()
    }

    fn shown(body: &Value) -> (Value, String) {
        let view = AddressBookView {
            book: book(body),
            version: 7,
        };
        let reply = tagged(view).into_reply().unwrap();
        let tag = reply.headers()["etag"].to_str().unwrap().to_owned();
        (serde_json::from_slice(reply.body()).unwrap(), tag)
    }

    fn errors(body: &str) -> Vec<String> {
        let draft: Draft<AddressBookBody> =
            AddressBookBody::draft(Fields::parse(body.as_bytes()).unwrap());
        let rules = |body: &AddressBookBody| replace_addresses::check(&body.drafts());
        let problem = draft.check(rules).unwrap_err();
        let document = problem.document("/", "r", "t");
        let named = |error: &Value| format!("{} {}", error["field"], error["code"]);
        let errors = document["errors"].as_array().unwrap();
        let errors = errors.iter().map(named);
        errors.map(|error| error.replace('"', "")).collect()
    }

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let sent = json!({"addresses": [
            {"label": "Home", "name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "at",
                "isDefaultBilling": true},
            {"name": "Ada", "company": "Engines", "line1": "1 Loop", "line2": null, "postalCode": "95014", "city": "Cupertino",
                "region": "california", "country": "US", "phone": "+1 408 9961010", "label": null, "isDefaultShipping": true}
        ]});
        let (document, tag) = shown(&sent);
        assert_eq!(tag, "\"7\"");
        assert_eq!(
            document,
            json!({"addresses": [
                {"label": "Home", "name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT",
                    "isDefaultShipping": false, "isDefaultBilling": true},
                {"name": "Ada", "company": "Engines", "line1": "1 Loop", "postalCode": "95014", "city": "Cupertino",
                    "region": "CA", "country": "US", "phone": "+1 408 9961010", "isDefaultShipping": true, "isDefaultBilling": false}
            ]})
        );
        assert_eq!(book(&document), book(&sent));
        assert_eq!(shown(&json!({"addresses": []})).0, json!({"addresses": []}));
    }

    #[test]
    fn every_wrong_member_is_named_by_its_path() {
        let body = r#"{"addresses": [
            7,
            {"name": "Ada", "line1": "Ring 1", "city": "Wien", "country": "AT", "isDefaultShipping": 1, "colour": "red"},
            {"name": "Ada", "name": "Grace", "line1": "Ring 1", "postalCode": "x", "city": "Wien", "country": "AT"},
            {"name": "", "line1": 1, "country": "Austria", "isDefaultBilling": null}
        ], "more": []}"#;
        assert_eq!(
            errors(body),
            [
                "addresses[0] type",
                "addresses[1].isDefaultShipping type",
                "addresses[1].colour unknown",
                "addresses[2].name repeated",
                "addresses[3].line1 type",
                "addresses[3].isDefaultBilling type",
                "more unknown",
                "addresses[1].postalCode required",
                "addresses[2].postalCode format",
                "addresses[3].name required",
                "addresses[3].country format",
            ]
        );
        assert_eq!(errors("{}"), ["addresses required"]);
        assert_eq!(errors(r#"{"addresses": {}}"#), ["addresses type"]);
    }

    #[test]
    fn limits_are_those_of_the_domain() {
        let many = |count: usize| format!("{{\"addresses\": [{}]}}", vec!["1"; count].join(","));
        assert_eq!(errors(&many(ADDRESSES_MAX + 1)), ["addresses max"]);
        assert_eq!(errors(&many(ADDRESSES_MAX)).len(), ADDRESSES_MAX);
        let schema = <SavedAddressBody as utoipa::PartialSchema>::schema();
        let schema = serde_json::to_value(schema).unwrap();
        assert_eq!(schema["properties"]["label"]["maxLength"], LABEL_CHARS_MAX);
    }
}
