//! The families of sums that shops get wrong, each with the right value worked out.

use super::super::Quote;
use super::{Cart, money, percent};
use crate::domain::Benefit;

/// Discount, net, tax and total of each line.
fn lines(quote: &Quote) -> Vec<[i64; 4]> {
    let lines = quote.lines.iter();
    lines
        .map(|it| [it.discount, it.net, it.tax, it.total])
        .collect()
}

#[test]
fn a_discount_is_spread_over_lines_that_do_not_divide() {
    let cart = Cart::new("EUR", true)
        .tax("standard", "20")
        .item("10", 1, "standard")
        .item("10", 1, "standard")
        .item("10", 1, "standard")
        .code("TEN", Benefit::Fixed(money("10")));
    // 10.00 over three lines: 3.33⅓ each, the first gets the cent that is left. Tax: 20.00 × 20/120 = 3.33⅓ → 3.33; of it the first line
    // bears 6.66/20.00 = 1.10889, the others 6.67/20.00 = 1.11056 each; the cent that is left goes to the first: its fraction is largest.
    let quote = cart.quote();
    assert_eq!(
        lines(&quote),
        [
            [334, 555, 111, 666],
            [333, 556, 111, 667],
            [333, 556, 111, 667]
        ]
    );
    assert_eq!((quote.totals.tax, quote.totals.total), (333, 2_000));
}

#[test]
fn two_rates_and_shipping_at_its_own() {
    let cart = Cart::new("EUR", true)
        .tax("standard", "20")
        .tax("food", "10")
        .item("11.9", 2, "food")
        .shipping("4.9", None)
        .code("ROAST10", Benefit::Percent(percent("10")));
    // 23.80 − 2.38 = 21.42, of it tax 21.42 × 10/110 = 1.9473 → 1.95. Shipping 4.90, of it tax 4.90 × 20/120 = 0.8167 → 0.82.
    let quote = cart.quote();
    assert_eq!(lines(&quote), [[238, 1_947, 195, 2_142]]);
    let shipping = quote.shipping.as_ref().unwrap();
    assert_eq!([shipping.net, shipping.tax, shipping.total], [408, 82, 490]);
    let taxes = quote.taxes.iter();
    let taxes: Vec<_> = taxes.map(|it| (it.tax_rate.rate, it.net, it.tax)).collect();
    assert_eq!(
        taxes,
        [(percent("10"), 1_947, 195), (percent("20"), 408, 82)]
    );
    assert_eq!((quote.totals.tax, quote.totals.total), (277, 2_632));
}

#[test]
fn one_rate_is_rounded_once_and_not_line_by_line() {
    let cart = Cart::new("EUR", false)
        .tax("standard", "15")
        .item("0.1", 1, "standard")
        .item("0.1", 1, "standard")
        .item("0.1", 1, "standard");
    // Each line alone would bear 0.015 → 0.02, 0.06 together. On the sum: 0.30 × 15 % = 0.045 → 0.05, over three equal lines 2, 2 and 1.
    let quote = cart.quote();
    assert_eq!(
        lines(&quote),
        [[0, 10, 2, 12], [0, 10, 2, 12], [0, 10, 1, 11]]
    );
    assert_eq!((quote.totals.tax, quote.totals.total), (5, 35));
}

#[test]
fn shipping_of_the_same_rate_is_taxed_with_the_lines() {
    let cart = Cart::new("EUR", false)
        .tax("standard", "15")
        .item("0.1", 1, "standard")
        .shipping("0.2", None);
    // 0.30 × 15 % = 0.045 → 0.05: of it the line bears 1.67 and shipping 3.33 cents → 2 and 3.
    let quote = cart.quote();
    assert_eq!(lines(&quote), [[0, 10, 2, 12]]);
    assert_eq!(quote.shipping.unwrap().tax, 3);
    assert_eq!(quote.taxes.len(), 1);
}

#[test]
fn prices_with_four_places_are_rounded_by_the_line() {
    let cart = Cart::new("EUR", true)
        .item("0.0045", 10, "standard")
        .item("0.0125", 3, "standard");
    // 0.0045 × 10 = 0.045 → 0.05, half up; 0.0125 × 3 = 0.0375 → 0.04.
    let quote = cart.quote();
    let amounts: Vec<_> = quote.lines.iter().map(|line| line.amount).collect();
    assert_eq!((amounts, quote.totals.total), (vec![5, 4], 9));
}

#[test]
fn a_currency_without_decimals_inside_and_outside() {
    let cart = |prices_include_tax| {
        Cart::new("JPY", prices_include_tax)
            .tax("standard", "10")
            .item("980", 3, "standard")
            .quote()
    };
    // ¥2,940 × 10/110 = 267.27 → 267; outside: 294.
    let (inside, outside) = (cart(true).totals, cart(false).totals);
    assert_eq!((inside.tax, inside.total), (267, 2_940));
    assert_eq!((outside.tax, outside.total), (294, 3_234));
}

#[test]
fn a_currency_with_three_decimals_inside_and_outside() {
    let cart = |prices_include_tax| {
        Cart::new("KWD", prices_include_tax)
            .tax("standard", "5")
            .item("1.234", 2, "standard")
            .quote()
    };
    // 2.468 × 5/105 = 0.11752 → 0.118; outside: 2.468 × 5 % = 0.1234 → 0.123.
    let (inside, outside) = (cart(true).totals, cart(false).totals);
    assert_eq!((inside.tax, inside.total), (118, 2_468));
    assert_eq!((outside.tax, outside.total), (123, 2_591));
}

#[test]
fn a_rate_with_decimals_is_exact() {
    let cart = Cart::new("USD", false)
        .tax("standard", "8.875")
        .item("100", 1, "standard");
    // 100.00 × 8.875 % = 8.875 → 8.88.
    assert_eq!(cart.quote().totals.tax, 888);
}

#[test]
fn a_hundred_percent_and_free_shipping_cost_nothing() {
    let combinable = |code: &mut crate::domain::DiscountCode| code.terms.is_combinable = true;
    let cart = Cart::new("EUR", true)
        .tax("standard", "20")
        .item("19.99", 3, "standard")
        .shipping("4.9", None)
        .code_with("ALL", Benefit::Percent(percent("100")), combinable)
        .code_with("SHIP", Benefit::FreeShipping, combinable);
    let quote = cart.quote();
    assert_eq!(quote.totals.total, 0);
    assert_eq!((quote.totals.items, quote.totals.discount), (5_997, 6_487));
    let by_code: Vec<_> = quote.discounts.iter().map(|it| it.amount).collect();
    assert_eq!(by_code, [5_997, 490]);
    assert!(quote.is_complete());
}

#[test]
fn a_fixed_discount_takes_no_line_below_zero() {
    let cart = Cart::new("EUR", true)
        .item("3", 1, "standard")
        .code("TEN", Benefit::Fixed(money("10")));
    let quote = cart.quote();
    assert_eq!((quote.totals.discount, quote.totals.total), (300, 0));
}

#[test]
fn a_second_code_takes_its_part_of_what_is_left() {
    let combinable = |code: &mut crate::domain::DiscountCode| code.terms.is_combinable = true;
    let cart = Cart::new("EUR", true)
        .item("100", 1, "standard")
        .code_with("FIRST", Benefit::Percent(percent("10")), combinable)
        .code_with("SECOND", Benefit::Percent(percent("10")), combinable);
    // 10 % of 100.00, then 10 % of 90.00.
    let quote = cart.quote();
    let by_code: Vec<_> = quote.discounts.iter().map(|it| it.amount).collect();
    assert_eq!((by_code, quote.totals.total), (vec![1_000, 900], 8_100));
}

#[test]
fn shipping_is_free_from_a_sum_after_discounts() {
    let cart = |price: &str| {
        Cart::new("EUR", true)
            .item(price, 1, "standard")
            .shipping("4.9", Some("50"))
            .code("ONE", Benefit::Fixed(money("1")))
            .quote()
    };
    // 50.99 − 1.00 = 49.99 is not enough; 51.00 − 1.00 = 50.00 is.
    assert_eq!(cart("50.99").totals.total, 4_999 + 490);
    assert_eq!(cart("51").totals.total, 5_000);
}

#[test]
fn no_tax_has_its_reason_on_the_quote() {
    let cart = Cart::new("EUR", false)
        .tax("standard", "0")
        .item("10", 1, "standard");
    let quote = cart.quote();
    let rate = &quote.lines[0].tax_rate;
    assert_eq!(
        (rate.rate, rate.reason.as_deref()),
        (percent("0"), Some("export"))
    );
    assert_eq!((quote.totals.tax, quote.totals.total), (0, 1_000));
}

#[test]
fn a_code_for_some_products_takes_nothing_off_others() {
    let cart = Cart::new("EUR", true)
        .item("10", 1, "standard")
        .item("20", 1, "standard")
        .code_with("CUP", Benefit::Percent(percent("50")), |code| {
            code.terms.products = vec![super::product(1)];
        });
    let quote = cart.quote();
    let discounts: Vec<_> = quote.lines.iter().map(|line| line.discount).collect();
    assert_eq!(discounts, [0, 1_000]);
}
