use mercato_kernel::{Named as _, PaymentId};
use mercato_sql::{Row, Value, params};
use strum::{IntoStaticStr, VariantArray};

use super::{Records, Stored, named};
use crate::domain::{Address, CheckoutDetails};

/// As many rows of values follow as there are addresses.
const INSERT_ADDRESSES: &str = "
    INSERT INTO checkout_addresses (payment_id, kind, name, company, line1, line2, postal_code, city, region, country)";

pub(super) const ADDRESSES: &str = "
    SELECT kind, name, company, line1, line2, postal_code, city, region, country
    FROM checkout_addresses
    WHERE payment_id = ?";

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
enum AddressKind {
    Shipping,
    Billing,
}

mercato_kernel::named!(AddressKind);

/// Addresses of orders that were checkouts.
impl Records<'_> {
    /// Stores those that the details of a payment have.
    pub(super) fn insert_addresses(
        &self,
        payment_id: PaymentId,
        details: &CheckoutDetails,
    ) -> Stored<()> {
        let addresses = [
            (AddressKind::Shipping, &details.shipping_address),
            (AddressKind::Billing, &details.billing_address),
        ];
        let row = |(kind, address): (AddressKind, &Option<Address>)| -> Option<[Value; 10]> {
            let address = address.as_ref()?;
            Some([
                (&*payment_id.text()).into(),
                kind.name().into(),
                address.name.as_str().into(),
                address.company.as_deref().into(),
                address.line1.as_str().into(),
                address.line2.as_deref().into(),
                address.postal_code.as_deref().into(),
                address.city.as_deref().into(),
                address.region.as_deref().into(),
                address.country.as_str().into(),
            ])
        };
        let rows = addresses.into_iter().filter_map(row);
        Ok(self.0.insert_rows(INSERT_ADDRESSES, rows)?)
    }

    /// The shipping address and the billing address of a payment.
    pub(super) fn addresses_of_payment(
        &self,
        payment_id: PaymentId,
    ) -> Stored<[Option<Address>; 2]> {
        let id = params![&*payment_id.text()];
        let mut addresses = [None, None];
        for (kind, address) in self.all(ADDRESSES, id, address)? {
            let [shipping, billing] = &mut addresses;
            *match kind {
                AddressKind::Shipping => shipping,
                AddressKind::Billing => billing,
            } = Some(address);
        }
        Ok(addresses)
    }
}

fn address(row: &Row) -> Stored<(AddressKind, Address)> {
    let address = Address {
        name: row.get("name")?,
        company: row.get("company")?,
        line1: row.get("line1")?,
        line2: row.get("line2")?,
        postal_code: row.get("postal_code")?,
        city: row.get("city")?,
        region: row.get("region")?,
        country: row.get("country")?,
    };
    Ok((named(row, "kind")?, address))
}
