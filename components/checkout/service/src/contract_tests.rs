//! What orders are told of checkouts, and why not.

use checkout::Error;
use checkout::application::CheckoutView;
use checkout::domain::quote::ports::{
    Offers, OffersAnswer, OffersRequest, Rates, RatesAnswer, RatesRequest, TaxAnswer, Taxes,
    TaxesRequest,
};
use checkout::domain::quote::{Choice, Missing, QuoteItem, QuoteRequest, draw};
use checkout::domain::{
    AddressDraft, Changes, Checkout, CheckoutToken, CodeName, Email, Metadata, Note, Owner,
    Quantity, TaxClass,
};
use mercato_kernel::{CheckoutId, ProductId};

use crate::codes::CodeError;
use crate::contract::{code_error, prepared, quote_error};
use crate::quotes::QuoteError;
use crate::types;

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
        choices: vec![Choice {
            name: "Colour".to_owned(),
            value: "blue".to_owned(),
        }],
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
    let order = prepared(view).unwrap().order;
    assert_eq!(
        (&*order.email, &*order.shipping_address.country),
        ("ada@example.com", "AT")
    );
    assert_eq!(order.note.as_deref(), Some("Ring twice"));
    assert_eq!(order.metadata, [("gift".to_owned(), "yes".to_owned())]);
    let quote = order.quote;
    assert_eq!((quote.id, quote.expires_at), (id, 1_801_000));
    let line = &quote.lines[0];
    let choice = &line.choices[0];
    assert_eq!((&*choice.name, &*choice.value), ("Colour", "blue"));
    assert_eq!(
        (line.unit_price, line.amount, line.tax_rate.rate),
        (125_000, 2_500, 200_000)
    );
    assert_eq!((line.net, line.tax, line.total), (2_500, 500, 3_000));
    assert_eq!((quote.totals.tax, quote.totals.total), (500, 3_000));
}

#[test]
fn what_is_incomplete_is_no_order() {
    assert!(prepared(view(None)).is_none());
}

#[test]
fn every_error_keeps_its_name() {
    let cause = || "the cause".to_owned();
    let changed = Error::QuoteChanged(Box::new(view(None)));
    let QuoteError::Changed(shown) = quote_error(changed) else {
        panic!("it has changed");
    };
    assert_eq!(shown.quote.lines.len(), 1);
    assert_eq!(shown.shipping_address.unwrap().country, "AT");
    assert_eq!(shown.email, None);
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
