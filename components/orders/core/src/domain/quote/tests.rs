use super::*;

const ID: &str = "01939f6e-8a00-7000-8000-00000000000a";

fn rate() -> TaxRate {
    TaxRate {
        rate: 200_000,
        reason: None,
    }
}

/// Of a product a line with the tax of a fifth inside, so many minor units in all.
pub fn line(product_id: ProductId, price: &str, quantity: u32, total: i64) -> QuoteLine {
    let tax = total / 6;
    QuoteLine {
        product_id: product_id.to_string(),
        name: "Tea".to_owned(),
        choices: Vec::new(),
        quantity,
        unit_price: price.parse::<Money>().unwrap().units(),
        amount: total,
        discount: 0,
        tax_rate: rate(),
        net: total - tax,
        tax,
        total,
    }
}

/// A quote of these lines and 4.90 for shipping, for somebody in Vienna. Each code takes 1.00 off shipping.
pub fn quoted(lines: Vec<QuoteLine>, codes: &[&str]) -> QuotedOrder {
    let off = 100 * i64::try_from(codes.len()).unwrap();
    let items: i64 = lines.iter().map(|line| line.total).sum();
    let tax: i64 = lines.iter().map(|line| line.tax).sum();
    let shipping = 490 - off;
    let discount = |code: &&str| QuoteDiscount {
        code: (*code).to_owned(),
        label: "1.00 off".to_owned(),
        amount: 100,
    };
    QuotedOrder {
        quote: Quote {
            id: format!("q_{:040}", items),
            currency: "USD".to_owned(),
            prices_include_tax: true,
            lines,
            shipping: Some(QuoteShipping {
                code: "post".to_owned(),
                name: "Post".to_owned(),
                amount: 490,
                discount: off,
                tax_rate: TaxRate {
                    rate: 0,
                    reason: Some("exempt".to_owned()),
                },
                net: shipping,
                tax: 0,
                total: shipping,
            }),
            discounts: codes.iter().map(discount).collect(),
            taxes: vec![QuoteTax {
                tax_rate: rate(),
                net: items - tax,
                tax,
            }],
            totals: QuoteTotals {
                items,
                discount: off,
                shipping: 490,
                tax,
                total: items + shipping,
            },
            expires_at: 1_800_000,
        },
        email: "ada@example.com".to_owned(),
        shipping_address: Address {
            name: "Ada".to_owned(),
            company: None,
            line1: "Ring 1".to_owned(),
            line2: None,
            postal_code: Some("1010".to_owned()),
            city: Some("Wien".to_owned()),
            region: None,
            country: "AT".to_owned(),
            phone: Some("+43 1 234567".to_owned()),
        },
        billing_address: None,
        note: Some("Ring twice".to_owned()),
        metadata: vec![("gift".to_owned(), "yes".to_owned())],
    }
}

fn product() -> ProductId {
    ProductId::parse(ID).unwrap()
}

fn ordered(content: QuotedOrder) -> Result<OrderedQuote, OrderError> {
    OrderedQuote::new(CheckoutId::parse(ID).unwrap(), None, content)
}

#[test]
fn an_order_costs_what_its_quote_says() {
    let quote = ordered(quoted(vec![line(product(), "9.99", 2, 1_998)], &["TEN"])).unwrap();
    assert_eq!(quote.total().to_string(), "23.88");
    assert_eq!(quote.items()[0].unit_price.to_string(), "9.99");
    assert_eq!(quote.lines()[0].quantity.get(), 2);
    assert_eq!(quote.codes(), ["TEN"]);
    assert!(quote.has_codes() && !quote.is_guests());
}

#[test]
fn what_is_no_quote_is_a_fault() {
    let good = || quoted(vec![line(product(), "9.99", 2, 1_998)], &[]);
    assert!(ordered(good()).is_ok());
    let broken: [fn(&mut Quote); 5] = [
        |quote| quote.lines.clear(),
        |quote| quote.lines[0].quantity = 0,
        |quote| quote.lines[0].product_id = "7".to_owned(),
        |quote| quote.currency = "euro".to_owned(),
        |quote| quote.totals.total = -1,
    ];
    for (index, change) in broken.into_iter().enumerate() {
        let mut content = good();
        change(&mut content.quote);
        assert_eq!(ordered(content), Err(OrderError::Internal), "{index}");
    }
}

#[test]
fn an_order_has_one_token_that_its_hash_alone_does_not_tell() {
    let order = OrderId::parse(ID).unwrap();
    let other = OrderId::parse("01939f6e-8a00-7000-8000-00000000000b").unwrap();
    let token = OrderToken::of(order, "guest_a");
    assert_eq!(token, OrderToken::of(order, "guest_a"));
    assert!(token.expose().starts_with(GUEST_TOKEN_PREFIX) && token.expose().len() == 70);
    for another in [
        OrderToken::of(order, "guest_b"),
        OrderToken::of(other, "guest_a"),
    ] {
        assert_ne!(another, token);
        assert_ne!(another.hash(), token.hash());
    }
    assert_eq!(
        OrderToken::new(token.expose().to_owned()).hash(),
        token.hash()
    );
    assert!(!token.expose().contains(token.hash().as_str()));
    assert_eq!(format!("{token:?}"), "OrderToken(hidden)");
}

#[test]
fn a_code_that_takes_nothing_off_is_not_used() {
    let mut content = quoted(
        vec![line(ProductId::parse(ID).unwrap(), "2.5", 2, 500)],
        &["TEN", "SHIPFREE"],
    );
    content.quote.discounts[1].amount = 0;
    let checkout = CheckoutId::parse(ID).unwrap();
    let quote = OrderedQuote::new(checkout, None, content.clone()).unwrap();
    assert_eq!(quote.codes(), ["TEN"]);
    content.quote.discounts.remove(0);
    let quote = OrderedQuote::new(checkout, None, content).unwrap();
    assert!(!quote.has_codes() && quote.codes().is_empty());
}
