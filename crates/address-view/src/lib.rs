//! A postal address as clients send and see it, in checkouts, orders and address books: one form, so that what is kept in one of them
//! can be sent to another.

use mercato_address::Address;
pub use mercato_address::AddressDraft;
use mercato_contracts::checkout::types;
use serde::Serialize;
use utoipa::ToSchema;

/// Makes a struct a body with the members of an address, between members of its own, and gives it `address_draft`, which is what they
/// say. Use it with `#[body]` of the edge library among the attributes.
#[macro_export]
macro_rules! address_body {
    ($(#[$attribute:meta])* $name:ident { $($before:tt)* } { $($after:tt)* }) => {
        $(#[$attribute])*
        pub struct $name {
            $($before)*
            /// Who receives.
            #[schema(min_length = 1, max_length = 200, example = "Ada Lovelace")]
            name: String,
            #[field(null)]
            #[schema(value_type = Option<String>, required = false, max_length = 200)]
            company: Option<String>,
            /// Street and number.
            #[schema(min_length = 1, max_length = 200, example = "Ring 1")]
            line1: String,
            #[field(null)]
            #[schema(value_type = Option<String>, required = false, max_length = 200)]
            line2: Option<String>,
            #[field(null)]
            #[schema(value_type = Option<String>, required = false, max_length = 20, example = "1010")]
            postal_code: Option<String>,
            #[field(null)]
            #[schema(value_type = Option<String>, required = false, max_length = 200, example = "Wien")]
            city: Option<String>,
            /// State or province, by its code or name.
            #[field(null)]
            #[schema(value_type = Option<String>, required = false, max_length = 200)]
            region: Option<String>,
            /// ISO 3166-1 alpha-2.
            #[schema(min_length = 2, max_length = 2, example = "AT")]
            country: String,
            #[field(null)]
            #[schema(value_type = Option<String>, required = false, max_length = 40, example = "+43 1 234567")]
            phone: Option<String>,
            $($after)*
        }

        impl $name {
            /// The address as it was typed.
            fn address_draft(&self) -> $crate::AddressDraft {
                $crate::AddressDraft {
                    name: self.name.clone(),
                    company: self.company.clone(),
                    line1: self.line1.clone(),
                    line2: self.line2.clone(),
                    postal_code: self.postal_code.clone(),
                    city: self.city.clone(),
                    region: self.region.clone(),
                    country: self.country.clone(),
                    phone: self.phone.clone(),
                }
            }
        }
    };
}

/// A postal address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Address)]
pub struct AddressView {
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    company: Option<String>,
    #[schema(example = "Ring 1")]
    line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "1010")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Wien")]
    city: Option<String>,
    /// By its code where the regions of the country are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2, example = "AT")]
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "+43 1 234567")]
    phone: Option<String>,
}

/// Both an address of the domain and one of the contract have the same parts.
macro_rules! shown {
    ($address:ty) => {
        impl From<$address> for AddressView {
            fn from(address: $address) -> Self {
                Self {
                    name: address.name,
                    company: address.company,
                    line1: address.line1,
                    line2: address.line2,
                    postal_code: address.postal_code,
                    city: address.city,
                    region: address.region,
                    country: address.country,
                    phone: address.phone,
                }
            }
        }
    };
}

shown!(Address);
shown!(types::Address);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> AddressDraft {
        AddressDraft {
            name: "Ada Lovelace".to_owned(),
            line1: "Ring 1".to_owned(),
            postal_code: Some("1010".to_owned()),
            city: Some("Wien".to_owned()),
            country: "at".to_owned(),
            ..AddressDraft::default()
        }
    }

    #[test]
    fn what_an_address_does_not_have_is_not_shown() {
        let address = Address::parse(&ada(), "address").unwrap();
        let shown = serde_json::to_value(AddressView::from(address)).unwrap();
        assert_eq!(
            shown,
            json!({"name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT"})
        );
    }

    #[test]
    fn an_address_of_the_contract_looks_alike() {
        let kept = Address::parse(&ada(), "address").unwrap();
        let told = types::Address {
            name: kept.name.clone(),
            company: None,
            line1: kept.line1.clone(),
            line2: None,
            postal_code: kept.postal_code.clone(),
            city: kept.city.clone(),
            region: None,
            country: kept.country.clone(),
            phone: None,
        };
        let [one, other] = [AddressView::from(kept), AddressView::from(told)]
            .map(|view| serde_json::to_value(view).unwrap());
        assert_eq!(one, other);
    }
}
