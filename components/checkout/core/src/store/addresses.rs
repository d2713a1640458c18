//! Table `checkout_addresses`.

use mercato_kernel::Named as _;
use mercato_sql::params;

use super::{Records, key};
use crate::application::Error;
use crate::domain::{Address, CheckoutId};

/// What an address of a checkout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    Shipping,
    Billing,
}

mercato_kernel::named!(Kind);

const INSERT: &str = "
    INSERT INTO checkout_addresses
      (checkout_id, kind, name, company, line1, line2, postal_code, city, region, country, phone)";

const DELETE: &str = "
    DELETE FROM checkout_addresses
    WHERE checkout_id = ?";

impl Records<'_> {
    pub(super) fn delete_addresses(&self, checkout: CheckoutId) -> Result<(), Error> {
        self.execute(DELETE, params![key(checkout)])
    }

    pub(super) fn add_addresses(
        &self,
        checkout: CheckoutId,
        addresses: &[(Kind, &Address)],
    ) -> Result<(), Error> {
        let text = |text: &Option<String>| text.clone().into();
        let rows = addresses.iter().map(|(kind, address)| {
            [
                key(checkout),
                kind.name().into(),
                address.name.as_str().into(),
                text(&address.company),
                address.line1.as_str().into(),
                text(&address.line2),
                text(&address.postal_code),
                text(&address.city),
                text(&address.region),
                address.country.as_str().into(),
                text(&address.phone),
            ]
        });
        Ok(self.0.insert_rows(INSERT, rows)?)
    }
}
