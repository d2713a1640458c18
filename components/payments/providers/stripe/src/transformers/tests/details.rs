//! Sessions of orders that were checkouts.

use super::{fields, item, request, settings};
use crate::port::{
    Address, Adjustment, AdjustmentKind, CheckoutDetails, LineAmount, LineItem, SessionRequest,
};
use crate::transformers::create_session;
use crate::transformers::lines::LINE_ITEMS_MAX;

fn line_amount(amount: i64, discount: i64) -> LineAmount {
    LineAmount { amount, discount }
}

fn detailed(
    amount: i64,
    line_items: Vec<LineItem>,
    line_amounts: Vec<LineAmount>,
    adjustments: &[(AdjustmentKind, &str, i64)],
) -> SessionRequest {
    let adjustment = |(kind, label, amount): &(AdjustmentKind, &str, i64)| Adjustment {
        kind: *kind,
        label: (*label).to_owned(),
        amount: *amount,
    };
    let details = CheckoutDetails {
        email: "ada@example.com".to_owned(),
        shipping_address: None,
        billing_address: None,
        line_amounts,
        adjustments: adjustments.iter().map(adjustment).collect(),
    };
    SessionRequest {
        details: Some(details),
        ..request("EUR", amount, line_items)
    }
}

/// Name, unit amount, quantity and description of all lines of a request.
fn asked_lines(request: &SessionRequest) -> Vec<(String, i64, u32, Option<String>)> {
    let fields = fields(&create_session(request, &settings()).unwrap());
    let line = |index: usize| {
        let of = |field: &str| fields.get(&format!("line_items[{index}]{field}")).cloned();
        Some((
            of("[price_data][product_data][name]")?,
            of("[price_data][unit_amount]")?.parse().unwrap(),
            of("[quantity]")?.parse().unwrap(),
            of("[price_data][product_data][description]"),
        ))
    };
    (0..).map_while(line).collect()
}

#[test]
fn a_checkout_is_asked_for_with_what_is_left_of_each_line() {
    // 2 × 11.90 less a tenth, 3 × 4.995 as one; 4.90 for shipping less 0.49: 21.42 + 14.99 + 4.41.
    let request = detailed(
        4_082,
        vec![
            item("Huila", 119_000, 2),
            item("Tea", 49_950, 3),
            item("Cup", 0, 1),
        ],
        vec![
            line_amount(2_380, 238),
            line_amount(1_499, 0),
            line_amount(0, 0),
        ],
        &[
            (AdjustmentKind::Discount, "ROAST10", 287),
            (AdjustmentKind::Shipping, "Post AT", 490),
            (AdjustmentKind::IncludedTax, "10 %", 371),
        ],
    );
    let described = |text: &str| Some(text.to_owned());
    assert_eq!(
        asked_lines(&request),
        [
            (
                "2 × Huila".to_owned(),
                2_142,
                1,
                described("Discount: 2.38 EUR")
            ),
            ("3 × Tea".to_owned(), 1_499, 1, None),
            ("Cup".to_owned(), 0, 1, None),
            (
                "Post AT".to_owned(),
                441,
                1,
                described("Discount: 0.49 EUR")
            ),
        ]
    );
    let fields = fields(&create_session(&request, &settings()).unwrap());
    assert_eq!(fields["customer_email"], "ada@example.com");
}

#[test]
fn the_shipping_address_is_kept_with_the_payment() {
    let mut request = detailed(
        500,
        vec![item("Tea", 50_000, 1)],
        vec![line_amount(500, 0)],
        &[],
    );
    let mut told = |change: fn(&mut Address)| {
        let mut address = Address {
            name: "Ada & Co".to_owned(),
            company: None,
            line1: "1 Infinite Loop".to_owned(),
            line2: None,
            postal_code: Some("95014".to_owned()),
            city: Some("Cupertino".to_owned()),
            region: Some("CA".to_owned()),
            country: "US".to_owned(),
        };
        change(&mut address);
        let details = request.details.as_mut().unwrap();
        details.billing_address = Some(Address {
            name: "Somebody else".to_owned(),
            ..address.clone()
        });
        details.shipping_address = Some(address);
        let call = create_session(&request, &settings()).unwrap();
        let fields = fields(&call).into_iter().filter_map(|(name, value)| {
            let part = name.strip_prefix("payment_intent_data[shipping]")?;
            Some(format!("{part}={value}"))
        });
        assert!(!call.form.contains("Somebody"));
        fields.collect::<Vec<_>>()
    };
    let expected = [
        "[address][city]=Cupertino",
        "[address][country]=US",
        "[address][line1]=1 Infinite Loop",
        "[address][postal_code]=95014",
        "[address][state]=CA",
        "[name]=Ada & Co",
    ];
    assert_eq!(told(|_| ()), expected);
    let least = told(|it| {
        it.company = Some("Engines".to_owned());
        it.line2 = Some("Stairs 2".to_owned());
        (it.postal_code, it.city, it.region) = (None, None, None);
    });
    let expected = [
        "[address][country]=US",
        "[address][line1]=1 Infinite Loop",
        "[address][line2]=Stairs 2",
        "[name]=Ada & Co, Engines",
    ];
    assert_eq!(least, expected);
}

#[test]
fn taxes_on_top_are_lines_and_included_ones_are_not() {
    let request = detailed(
        1_230,
        vec![item("Tea", 50_000, 2)],
        vec![line_amount(1_000, 0)],
        &[
            (AdjustmentKind::Tax, "20 %", 200),
            (AdjustmentKind::Tax, "3 %", 30),
            (AdjustmentKind::Tax, "0 % (reverse charge)", 0),
        ],
    );
    assert_eq!(
        asked_lines(&request),
        [
            ("Tea".to_owned(), 500, 2, None),
            ("Tax 20 %".to_owned(), 200, 1, None),
            ("Tax 3 %".to_owned(), 30, 1, None),
        ]
    );
}

#[test]
fn a_checkout_of_more_lines_than_stripe_shows_is_one() {
    let lines = LINE_ITEMS_MAX;
    let amount = i64::try_from(lines).unwrap() * 500 + 490;
    let request = detailed(
        amount,
        vec![item("Tea", 50_000, 1); lines],
        vec![line_amount(500, 0); lines],
        &[(AdjustmentKind::Shipping, "Post AT", 490)],
    );
    let asked = asked_lines(&request);
    assert_eq!((asked.len(), asked[0].1), (1, amount));
}
