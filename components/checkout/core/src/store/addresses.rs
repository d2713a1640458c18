//! Table `checkout_addresses`.

use mercato_kernel::Named as _;
use mercato_sql::{Row, params};

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

const SELECT: &str = "
    SELECT name, company, line1, line2, postal_code, city, region, country, phone
    FROM checkout_addresses
    WHERE checkout_id = ?
      AND kind = ?";

const REPLACE: &str = "
    INSERT INTO checkout_addresses
      (checkout_id, kind, name, company, line1, line2, postal_code, city, region, country, phone)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (checkout_id, kind) DO UPDATE
    SET name = excluded.name, company = excluded.company, line1 = excluded.line1, line2 = excluded.line2,
      postal_code = excluded.postal_code, city = excluded.city, region = excluded.region, country = excluded.country,
      phone = excluded.phone";

const DELETE: &str = "
    DELETE FROM checkout_addresses
    WHERE checkout_id = ?
      AND kind = ?";

impl Records<'_> {
    pub(super) fn address(
        &self,
        checkout: CheckoutId,
        kind: Kind,
    ) -> Result<Option<Address>, Error> {
        self.first(SELECT, params![key(checkout), kind.name()], address)
    }

    pub(super) fn save_address(
        &self,
        checkout: CheckoutId,
        kind: Kind,
        address: Option<&Address>,
    ) -> Result<(), Error> {
        let Some(address) = address else {
            return self.execute(DELETE, params![key(checkout), kind.name()]);
        };
        let text = |text: &Option<String>| text.clone();
        let values = params![
            key(checkout),
            kind.name(),
            &address.name,
            text(&address.company),
            &address.line1,
            text(&address.line2),
            text(&address.postal_code),
            text(&address.city),
            text(&address.region),
            &address.country,
            text(&address.phone),
        ];
        self.execute(REPLACE, values)
    }
}

fn address(row: &Row) -> Result<Address, Error> {
    Ok(Address {
        name: row.get("name")?,
        company: row.get("company")?,
        line1: row.get("line1")?,
        line2: row.get("line2")?,
        postal_code: row.get("postal_code")?,
        city: row.get("city")?,
        region: row.get("region")?,
        country: row.get("country")?,
        phone: row.get("phone")?,
    })
}
