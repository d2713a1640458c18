//! From the domain to the types of WIT.

use checkout::Error;
use checkout::application::CheckoutView;
use checkout::domain::quote::{self, Missing};
use checkout::domain::{Address, Email, Note};
use mercato_platform::log;

use crate::bindings::exports::mercato::checkout::codes::CodeError;
use crate::bindings::exports::mercato::checkout::quotes::{QuoteError, QuotedOrder};
use crate::bindings::exports::mercato::checkout::types;

/// All that an order keeps of a checkout whose quote is complete; none when it is not.
pub fn quoted_order(view: CheckoutView) -> Option<QuotedOrder> {
    let content = view.checkout.content().clone();
    let metadata = content.metadata.entries().to_vec();
    Some(QuotedOrder {
        email: content.email.as_ref().map(Email::as_str)?.to_owned(),
        shipping_address: address(content.shipping_address?),
        billing_address: content.billing_address.map(address),
        note: content.note.as_ref().map(Note::as_str).map(str::to_owned),
        metadata,
        quote: quote(view)?,
    })
}

/// The quote of a checkout that was shown.
pub fn quote(view: CheckoutView) -> Option<types::Quote> {
    let shown = view.checkout.shown()?;
    let quote = view.quote;
    Some(types::Quote {
        id: shown.id.to_string(),
        expires_at: shown.expires_at,
        currency: quote.currency.to_string(),
        prices_include_tax: quote.prices_include_tax,
        lines: quote.lines.into_iter().map(line).collect(),
        shipping: quote.shipping.map(shipping),
        discounts: quote.discounts.into_iter().map(discount).collect(),
        taxes: quote.taxes.into_iter().map(tax).collect(),
        totals: types::QuoteTotals {
            items: quote.totals.items,
            discount: quote.totals.discount,
            shipping: quote.totals.shipping,
            tax: quote.totals.tax,
            total: quote.totals.total,
        },
    })
}

fn tax_rate(rate: quote::TaxRate) -> types::TaxRate {
    types::TaxRate {
        rate: rate.rate.units(),
        reason: rate.reason,
    }
}

fn line(line: quote::QuoteLine) -> types::QuoteLine {
    types::QuoteLine {
        product_id: line.product_id.to_string(),
        name: line.name,
        quantity: line.quantity.units(),
        unit_price: line.unit_price.units(),
        amount: line.amount,
        discount: line.discount,
        tax_rate: tax_rate(line.tax_rate),
        net: line.net,
        tax: line.tax,
        total: line.total,
    }
}

fn shipping(shipping: quote::QuoteShipping) -> types::QuoteShipping {
    types::QuoteShipping {
        code: shipping.code,
        name: shipping.name,
        amount: shipping.amount,
        discount: shipping.discount,
        tax_rate: tax_rate(shipping.tax_rate),
        net: shipping.net,
        tax: shipping.tax,
        total: shipping.total,
    }
}

fn discount(discount: quote::QuoteDiscount) -> types::QuoteDiscount {
    types::QuoteDiscount {
        code: discount.code,
        label: discount.label,
        amount: discount.amount,
    }
}

fn tax(tax: quote::QuoteTax) -> types::QuoteTax {
    types::QuoteTax {
        tax_rate: tax_rate(tax.tax_rate),
        net: tax.net,
        tax: tax.tax,
    }
}

fn address(address: Address) -> types::Address {
    types::Address {
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

const fn missing(missing: Missing) -> types::Missing {
    match missing {
        Missing::Items => types::Missing::Items,
        Missing::Email => types::Missing::Email,
        Missing::ShippingAddress => types::Missing::ShippingAddress,
        Missing::ShippingOption => types::Missing::ShippingOption,
    }
}

/// Why nothing can be ordered; causes go to the log and no further.
pub fn quote_error(error: Error) -> QuoteError {
    match error {
        Error::NotFound => QuoteError::NotFound,
        Error::QuoteChanged(view) => quote(*view).map_or(QuoteError::Internal, QuoteError::Changed),
        Error::Incomplete(parts) => {
            QuoteError::Incomplete(parts.into_iter().map(missing).collect())
        }
        Error::Unavailable(cause) => {
            log::error("checkouts are unavailable", &[("cause", &cause)]);
            QuoteError::Unavailable
        }
        other => {
            log::error("checkouts failed", &[("cause", &other.to_string())]);
            QuoteError::Internal
        }
    }
}

/// Why codes were not held or settled; causes go to the log and no further.
pub fn code_error(error: Error) -> CodeError {
    match error {
        Error::CodesUsedUp(codes) => {
            CodeError::UsedUp(codes.into_iter().map(String::from).collect())
        }
        Error::CodesReleased => CodeError::Released,
        Error::Unavailable(cause) => {
            log::error("checkouts are unavailable", &[("cause", &cause)]);
            CodeError::Unavailable
        }
        other => {
            log::error("checkouts failed", &[("cause", &other.to_string())]);
            CodeError::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use checkout::domain::quote::ports::{
        Offers, OffersAnswer, OffersRequest, Rates, RatesAnswer, RatesRequest, TaxAnswer, Taxes,
        TaxesRequest,
    };
    use checkout::domain::quote::{QuoteItem, QuoteRequest, draw};
    use checkout::domain::{
        AddressDraft, Changes, Checkout, CheckoutToken, CodeName, Metadata, Owner, Quantity,
        TaxClass,
    };
    use mercato_kernel::{CheckoutId, ProductId};

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    /// A shop that taxes a fifth, ships nothing and takes nothing off.
    struct Plain;

    impl Rates for Plain {
        fn quote(&self, _: &RatesRequest) -> RatesAnswer {
            RatesAnswer::default()
        }
    }

    impl Taxes for Plain {
        fn quote(&self, request: &TaxesRequest) -> Vec<TaxAnswer> {
            let rate = 200_000;
            vec![TaxAnswer { rate, reason: None }; request.classes.len()]
        }
    }

    impl Offers for Plain {
        fn quote(&self, _: &OffersRequest) -> OffersAnswer {
            OffersAnswer::default()
        }
    }

    fn view(email: Option<&str>) -> CheckoutView {
        let address = AddressDraft {
            name: "Ada".to_owned(),
            line1: "Ring 1".to_owned(),
            postal_code: Some("1010".to_owned()),
            city: Some("Wien".to_owned()),
            country: "AT".to_owned(),
            ..AddressDraft::default()
        };
        let entry = ("gift".to_owned(), "yes".to_owned());
        let changes = Changes {
            email: email.map(|email| Email::parse(email).ok()),
            shipping_address: Some(Some(address)),
            note: Some(Note::parse("Ring twice").ok()),
            metadata: Metadata::parse(vec![entry]).ok(),
            ..Changes::default()
        };
        let owner = Owner::Guest(CheckoutToken::new("guest_a".to_owned()).hash());
        let checkout = Checkout::open(CheckoutId::parse(ID).unwrap(), owner, 0);
        let mut checkout = checkout.with(changes.check().unwrap());
        let items = [QuoteItem {
            product_id: ProductId::parse(ID).unwrap(),
            name: "Cup".to_owned(),
            quantity: Quantity::new(2).unwrap(),
            unit_price: "12.5".parse().unwrap(),
            seen_price: None,
            tax_class: TaxClass::standard(),
            weight_grams: 0,
            available: 2,
        }];
        let destination = checkout.destination();
        let request = QuoteRequest {
            currency: "EUR".parse().unwrap(),
            prices_include_tax: false,
            items: &items,
            unknown: &[],
            destination: destination.as_ref(),
            has_email: email.is_some(),
            option: None,
            codes: &[],
        };
        let quote = draw(&request, &Plain, &Plain, &Plain).unwrap();
        checkout.show_anew(checkout.quote_id(&quote), 1_000);
        CheckoutView { checkout, quote }
    }

    #[test]
    fn an_order_keeps_all_of_the_checkout() {
        let view = view(Some("ada@example.com"));
        let id = view.checkout.shown().unwrap().id.to_string();
        let order = quoted_order(view).unwrap();
        assert_eq!(
            (&*order.email, &*order.shipping_address.country),
            ("ada@example.com", "AT")
        );
        assert_eq!(order.note.as_deref(), Some("Ring twice"));
        assert_eq!(order.metadata, [("gift".to_owned(), "yes".to_owned())]);
        let quote = order.quote;
        assert_eq!((quote.id, quote.expires_at), (id, 1_801_000));
        let line = &quote.lines[0];
        assert_eq!(
            (line.unit_price, line.amount, line.tax_rate.rate),
            (125_000, 2_500, 200_000)
        );
        assert_eq!((line.net, line.tax, line.total), (2_500, 500, 3_000));
        assert_eq!((quote.totals.tax, quote.totals.total), (500, 3_000));
    }

    #[test]
    fn what_is_incomplete_is_no_order() {
        assert!(quoted_order(view(None)).is_none());
    }

    #[test]
    fn every_error_keeps_its_name() {
        let cause = || "the cause".to_owned();
        let changed = Error::QuoteChanged(Box::new(view(None)));
        assert!(
            matches!(quote_error(changed), QuoteError::Changed(quote) if quote.lines.len() == 1)
        );
        let incomplete = Error::Incomplete(vec![Missing::Email]);
        assert!(matches!(
            quote_error(incomplete),
            QuoteError::Incomplete(parts) if matches!(parts[..], [types::Missing::Email])
        ));
        assert!(matches!(quote_error(Error::NotFound), QuoteError::NotFound));
        assert!(matches!(
            quote_error(Error::Unavailable(cause())),
            QuoteError::Unavailable
        ));
        assert!(matches!(
            quote_error(Error::Internal(cause())),
            QuoteError::Internal
        ));
        let code = CodeName::parse("ten").unwrap();
        assert!(matches!(
            code_error(Error::CodesUsedUp(vec![code])),
            CodeError::UsedUp(codes) if codes == ["TEN"]
        ));
        assert!(matches!(
            code_error(Error::CodesReleased),
            CodeError::Released
        ));
        assert!(matches!(
            code_error(Error::Unavailable(cause())),
            CodeError::Unavailable
        ));
        assert!(matches!(code_error(Error::NotFound), CodeError::Internal));
    }
}
