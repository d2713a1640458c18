//! Who an order is for and where it goes.

use maud::{Markup, html};
use payments::domain::{Address, CheckoutDetails};

use super::html::{Text, fact};

/// E-mail address, shipping address and, when it is another one, billing address.
pub fn html(details: &CheckoutDetails) -> Markup {
    let addresses = [
        ("Shipping address", &details.shipping_address),
        ("Billing address", &details.billing_address),
    ];
    html! {
        dl {
            (fact("E-mail", &html! { (Text(&details.email)) }))
            @for (name, address) in addresses {
                @if let Some(address) = address {
                    (fact(name, &lines(address)))
                }
            }
        }
    }
}

/// An address as it stands on an envelope, in the order that most countries have.
fn lines(address: &Address) -> Markup {
    let joined = |parts: [Option<&str>; 2], by: &str| {
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        parts.join(by)
    };
    let place = joined(
        [address.postal_code.as_deref(), address.city.as_deref()],
        " ",
    );
    let country = joined([address.region.as_deref(), Some(&address.country)], ", ");
    let others = [
        address.company.as_deref(),
        Some(&*address.line1),
        address.line2.as_deref(),
        Some(&*place).filter(|place| !place.is_empty()),
        Some(&*country),
    ];
    html! {
        (Text(&address.name))
        @for line in others.into_iter().flatten() {
            br;
            (Text(line))
        }
    }
}
