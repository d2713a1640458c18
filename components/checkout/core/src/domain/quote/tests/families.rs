//! Families of sums that other shops got wrong, after public reports to them: the carts of the reports, and the right values worked out.
//! The numbers in brackets are those of the reports in the repositories of WooCommerce, Medusa, Vendure, Saleor and others.

use super::super::Quote;
use super::{Cart, money, percent};
use crate::domain::{Benefit, DiscountCode, spread};

/// Items, discount, shipping, tax and total.
type Sums = [i64; 5];

#[track_caller]
fn assert_sums(cases: &[(&str, Cart, Sums)]) {
    for (name, cart, expected) in cases {
        let sums = cart.quote().totals;
        let sums = [
            sums.items,
            sums.discount,
            sums.shipping,
            sums.tax,
            sums.total,
        ];
        assert_eq!(sums, *expected, "{name}");
    }
}

/// A shop that sells in euros at one rate, tax inside of prices or outside.
fn shop(prices_include_tax: bool, rate: &str) -> Cart {
    Cart::new("EUR", prices_include_tax).tax("standard", rate)
}

fn part(text: &str) -> Benefit {
    Benefit::Percent(percent(text))
}

fn fixed(text: &str) -> Benefit {
    Benefit::Fixed(money(text))
}

fn combinable(code: &mut DiscountCode) {
    code.terms.is_combinable = true;
}

fn discounts(quote: &Quote) -> Vec<i64> {
    quote.lines.iter().map(|line| line.discount).collect()
}

fn by_code(quote: &Quote) -> Vec<i64> {
    quote.discounts.iter().map(|it| it.amount).collect()
}

#[test]
fn a_percentage_is_rounded_once_on_the_sum() {
    let mut eight = shop(true, "19");
    for price in [
        "5.17", "3.32", "1.25", "3.5", "5.01", "3.34", "5.99", "5.51",
    ] {
        eight = eight.item(price, 1, "standard");
    }
    assert_sums(&[
        (
            // 33.09 × 50 % = 16.545 → 16.55; rounded by the line, 16.57 were left. Tax: 16.54 × 19/119 = 2.6408.
            "half of eight prices (WooCommerce 11626)",
            eight.code("HALF", part("50")),
            [3_309, 1_655, 0, 264, 1_654],
        ),
        (
            // 51.86 × 40 % = 20.744 → 20.74; 31.12 × 8.25 % = 2.5674 → 2.57.
            "a third decimal before tax (WooCommerce 16305)",
            shop(false, "8.25")
                .item("51.86", 1, "standard")
                .code("FORTY", part("40")),
            [5_186, 2_074, 0, 257, 3_369],
        ),
        (
            // 19.99 × 25 % = 4.9975 → 5.00.
            "a quarter, rounded half up (Saleor 12040)",
            shop(true, "0")
                .item("19.99", 1, "standard")
                .code("QUARTER", part("25")),
            [1_999, 500, 0, 0, 1_499],
        ),
        (
            // 13.00 × 12.5 % = 1.625 → 1.63.
            "an eighth (Saleor 3.12)",
            shop(true, "0")
                .item("13", 1, "standard")
                .code("EIGHTH", part("12.5")),
            [1_300, 163, 0, 0, 1_137],
        ),
        (
            // 49.95 × 10 % = 4.995 → 5.00.
            "a tenth of 49.95 (Virto Commerce 122)",
            shop(true, "0")
                .item("49.95", 1, "standard")
                .code("TENTH", part("10")),
            [4_995, 500, 0, 0, 4_495],
        ),
        (
            // 239.00 × 25 % = 59.75; 179.25 × 20/120 = 29.875 → 29.88. Unit by unit, 17.925 → 17.93, it would be 179.30.
            "ten of one product (WooCommerce 64668)",
            shop(true, "20")
                .item("23.9", 10, "standard")
                .code("QUARTER", part("25")),
            [23_900, 5_975, 0, 2_988, 17_925],
        ),
        (
            // 9,151.50 × 10 % = 915.15; 8,236.35 × 9 % = 741.2715. By the unit, 36.606 → 36.61, it would be 915.25.
            "twenty-five of one product (Vendure 3091)",
            shop(false, "9")
                .item("366.06", 25, "standard")
                .code("TENTH", part("10")),
            [915_150, 91_515, 0, 74_127, 897_762],
        ),
        (
            // 382.30 × 6.2 % = 23.7026 → 23.70; 358.60 × 20/120 = 59.7667.
            "a part that is no whole percentage (Vendure 2662)",
            shop(true, "20")
                .item("38.23", 10, "standard")
                .code("CODE", part("6.2")),
            [38_230, 2_370, 0, 5_977, 35_860],
        ),
        (
            // 1,190.00 − 119.00 = 1,071.00, of it 1,071 × 19/119 = 171.00.
            "tax of what is left inside of prices (Medusa 12960)",
            shop(true, "19")
                .item("1190", 1, "standard")
                .code("TENTH", part("10")),
            [119_000, 11_900, 0, 17_100, 107_100],
        ),
    ]);
}

#[test]
fn a_hundred_percent_leave_nothing_to_pay() {
    let all = || part("100");
    assert_sums(&[
        (
            // Prices are rounded up and discounts down elsewhere: a cent was left.
            "a price of 10.005 (WooCommerce 19390)",
            shop(false, "20")
                .item("10.005", 1, "standard")
                .code("ALL", all()),
            [1_001, 1_001, 0, 0, 0],
        ),
        (
            // −0.00000000000001647059 in binary fractions.
            "399 with 19 % inside (Medusa 12226)",
            shop(true, "19")
                .item("399", 1, "standard")
                .code("ALL", all()),
            [39_900, 39_900, 0, 0, 0],
        ),
        (
            // 11.50 + 15 % = 13.225 each, 26.45 together; rounded by the line 26.46.
            "two lines with 15 % outside (Odoo 271032)",
            shop(false, "15")
                .item("11.5", 1, "standard")
                .item("11.5", 1, "standard")
                .code("ALL", all()),
            [2_300, 2_300, 0, 0, 0],
        ),
        (
            // Shipping is not what the code is for: 4.90 × 20/120 = 0.8167.
            "all lines, and shipping that stays (Medusa 12429)",
            shop(true, "23")
                .tax("shipping", "20")
                .item("49.99", 1, "standard")
                .shipping("4.9", None)
                .code("ALL", all()),
            [4_999, 4_999, 490, 82, 490],
        ),
    ]);
}

#[test]
fn a_fixed_discount_is_as_prices_are() {
    assert_sums(&[
        (
            // 50.00 − 10.00 = 40.00, of it 40 × 10/110 = 3.636. The discount was taken for one without tax: 39.00.
            "with tax where prices have it (Medusa 5776)",
            shop(true, "10")
                .item("50", 1, "standard")
                .code("TEN", fixed("10")),
            [5_000, 1_000, 0, 364, 4_000],
        ),
        (
            // 47.50 × 20 % = 9.50: with tax 15.00 less than 72.00.
            "without tax where they have none (WooCommerce 22532)",
            shop(false, "20")
                .item("20", 1, "standard")
                .item("20", 1, "standard")
                .item("20", 1, "standard")
                .code("CODE", fixed("12.5")),
            [6_000, 1_250, 0, 950, 5_700],
        ),
        (
            // 20.00 × 20 % = 4.00; the discount itself bears no tax.
            "ten off thirty (Vendure 1237)",
            shop(false, "20")
                .item("30", 1, "standard")
                .code("TEN", fixed("10")),
            [3_000, 1_000, 0, 400, 2_400],
        ),
        (
            // 19.50 + 0.20 + 9.90 − 5.00 = 24.60, of it 24.60 × 20/120 = 4.10; a penny was missing.
            "five off three lines, shipping without tax (WooCommerce 12087)",
            shop(true, "20")
                .untaxed("shipping", "export")
                .item("6.5", 3, "standard")
                .item("0.2", 1, "standard")
                .item("4.95", 2, "standard")
                .shipping("3", None)
                .code("FIVE", fixed("5")),
            [2_960, 500, 300, 410, 2_760],
        ),
        (
            // No more than the lines are worth, and nothing of shipping: 4.90 × 20/120 = 0.8167.
            "more than the order is worth",
            shop(true, "20")
                .item("3.99", 2, "standard")
                .shipping("4.9", None)
                .code("TEN", fixed("10")),
            [798, 798, 490, 82, 490],
        ),
    ]);
}

#[test]
fn a_discount_is_spread_in_proportion_over_two_rates() {
    let cart = |first, second, off| {
        shop(false, "20")
            .tax("food", "10")
            .item(first, 1, "standard")
            .item(second, 1, "food")
            .code("CODE", fixed(off))
    };
    // 15.00 over 100.00 and 50.00 (Vendure 653); 12.00 over 33.33 and 66.67: 3.9996 and 8.0004.
    let (whole, odd) = (cart("100", "50", "15"), cart("33.33", "66.67", "12"));
    assert_eq!(discounts(&whole.quote()), [1_000, 500]);
    assert_eq!(discounts(&odd.quote()), [400, 800]);
    assert_sums(&[
        // 90.00 × 20 % + 45.00 × 10 % = 22.50.
        ("even", whole, [15_000, 1_500, 0, 2_250, 15_750]),
        // 29.33 × 20 % = 5.866 → 5.87; 58.67 × 10 % = 5.867 → 5.87.
        ("odd", odd, [10_000, 1_200, 0, 1_174, 9_974]),
    ]);
}

#[test]
fn codes_take_off_what_those_before_have_left() {
    let cart = |first, second| {
        shop(true, "0")
            .item("20", 10, "standard")
            .code_with("A", first, combinable)
            .code_with("B", second, combinable)
    };
    for (first, second, expected) in [
        // 40 % of 200.00, then 70 % of 120.00: 36.00 are left. Added up, they took all (Saleor 17453).
        (part("40"), part("70"), [8_000, 8_400]),
        (fixed("10"), part("10"), [1_000, 1_900]),
        (part("10"), fixed("10"), [2_000, 1_000]),
        (fixed("150"), fixed("150"), [15_000, 5_000]),
        (part("100"), fixed("10"), [20_000, 0]),
    ] {
        assert_eq!(by_code(&cart(first, second).quote()), expected);
    }
    // Half of the second line, then a tenth of 10.00 and of the 10.00 that are left of 20.00.
    let some_then_all = shop(true, "0")
        .item("10", 1, "standard")
        .item("20", 1, "standard")
        .code_with("CUP", part("50"), |code| {
            combinable(code);
            code.terms.products = vec![super::product(1)];
        })
        .code_with("ALL", part("10"), combinable)
        .quote();
    assert_eq!(by_code(&some_then_all), [1_000, 200]);
    assert_eq!(discounts(&some_then_all), [100, 1_100]);
}

/// What counts is the value of the lines after discounts, as prices are (`free_from` in the settings of shipping). Shops that count
/// before them, or now so and now so, are reported as often (WooCommerce 8020, 11232, 17274, 20564, 28752; Saleor 10928).
#[test]
fn shipping_is_free_from_what_is_paid_for_the_lines() {
    let cart = |inside, price, from| {
        shop(inside, "20")
            .item(price, 1, "standard")
            .shipping("15", Some(from))
    };
    assert_sums(&[
        // 75.00 × 20/120 = 12.50.
        (
            "75 of 75",
            cart(true, "75", "75"),
            [7_500, 0, 0, 1_250, 7_500],
        ),
        (
            // 70.00 + 15.00 = 85.00, of it 85 × 20/120 = 14.1667.
            "75 less 5 (Saleor 10928)",
            cart(true, "75", "75").code("FIVE", fixed("5")),
            [7_500, 500, 1_500, 1_417, 8_500],
        ),
        (
            // 40.00 + 10.00, of it 50 × 20/120: half of 80.00 is not 50.00 (WooCommerce 8020, shipping 15.00).
            "80 less a half",
            cart(true, "80", "50").code("HALF", part("50")),
            [8_000, 4_000, 1_500, 917, 5_500],
        ),
        (
            // With tax 55.00, without it 45.83.
            "55 with tax, of 50 (WooCommerce 28752)",
            cart(true, "55", "50"),
            [5_500, 0, 0, 917, 5_500],
        ),
        (
            // 45.00 without tax, 54.00 with it: (45.00 + 15.00) × 20 % = 12.00.
            "45 without tax, of 50",
            cart(false, "45", "50"),
            [4_500, 0, 1_500, 1_200, 7_200],
        ),
        (
            // What is free already costs a code nothing.
            "a code for what is free",
            cart(true, "75", "75").code("SHIP", Benefit::FreeShipping),
            [7_500, 0, 0, 1_250, 7_500],
        ),
        (
            // No more is taken off than shipping costs (Saleor 787).
            "a code where shipping costs more than the order",
            cart(true, "1.2", "75").code("SHIP", Benefit::FreeShipping),
            [120, 1_500, 1_500, 20, 120],
        ),
    ]);
}

#[test]
fn halves_are_rounded_up_wherever_they_come_from() {
    let one = |currency: &str, inside, rate: &str, price: &str, quantity| {
        Cart::new(currency, inside)
            .tax("standard", rate)
            .item(price, quantity, "standard")
    };
    assert_sums(&[
        // 0.005, 0.015 and 0.025: to even they would be 0.00, 0.02 and 0.02.
        (
            "a tax of 0.005",
            one("EUR", false, "5", "0.1", 1),
            [10, 0, 0, 1, 11],
        ),
        (
            "a tax of 0.015",
            one("EUR", false, "5", "0.1", 3),
            [30, 0, 0, 2, 32],
        ),
        (
            "a tax of 0.025",
            one("EUR", false, "5", "0.1", 5),
            [50, 0, 0, 3, 53],
        ),
        // 0.03 × 20/120 = 0.005.
        (
            "a tax of 0.005 inside",
            one("EUR", true, "20", "0.03", 1),
            [3, 0, 0, 1, 3],
        ),
        (
            "a line of 0.005",
            one("EUR", true, "0", "0.0005", 10),
            [1, 0, 0, 0, 1],
        ),
        (
            "a line of 1.005, which binary fractions have as less",
            one("EUR", true, "0", "1.005", 1),
            [101, 0, 0, 0, 101],
        ),
        (
            "a discount of 0.005",
            one("EUR", true, "0", "0.05", 1).code("TENTH", part("10")),
            [5, 1, 0, 0, 4],
        ),
        (
            "half a yen of tax",
            one("JPY", false, "10", "5", 1),
            [5, 0, 0, 1, 6],
        ),
        (
            "half a yen in a line",
            one("JPY", false, "10", "0.5", 1),
            [1, 0, 0, 0, 1],
        ),
        (
            "half a fils of tax",
            one("KWD", false, "5", "0.01", 1),
            [10, 0, 0, 1, 11],
        ),
        (
            "half a fils in a line",
            one("KWD", false, "5", "0.0005", 1),
            [1, 0, 0, 0, 1],
        ),
    ]);
}

#[test]
fn ten_thousand_of_the_dearest_are_exact() {
    let dearest = |currency: &str| {
        Cart::new(currency, false)
            .tax("standard", "20")
            .item("999999999.9999", 10_000, "standard")
    };
    let mut hundred = dearest("KWD");
    for _ in 1..100 {
        hundred = hundred.item("999999999.9999", 10_000, "standard");
    }
    assert_sums(&[
        (
            // 9,999,999,999,999.00; 20 % of it 1,999,999,999,999.80.
            "one line in euros",
            dearest("EUR"),
            [
                999_999_999_999_900,
                0,
                0,
                199_999_999_999_980,
                1_199_999_999_999_880,
            ],
        ),
        (
            // 9,999,999,999,999; 1,999,999,999,999.8 → 2,000,000,000,000.
            "one line in yen",
            dearest("JPY"),
            [
                9_999_999_999_999,
                0,
                0,
                2_000_000_000_000,
                11_999_999_999_999,
            ],
        ),
        (
            "a hundred lines in dinars",
            hundred,
            [
                999_999_999_999_900_000,
                0,
                0,
                199_999_999_999_980_000,
                1_199_999_999_999_880_000,
            ],
        ),
    ]);
    // 9,999,999,999,999.00 × 33.3333 % = 3,333,329,999,999.666667 → .67.
    let less = dearest("EUR").code("THIRD", part("33.3333")).quote();
    assert_eq!(less.totals.discount, 333_332_999_999_967);
}

#[test]
fn free_lines_among_paid_ones_bear_nothing() {
    let quote = shop(false, "20")
        .tax("gift", "10")
        .item("0", 3, "standard")
        .item("10", 1, "standard")
        .item("0", 1, "gift")
        .code("CODE", fixed("3.33"))
        .quote();
    // 6.67 × 20 % = 1.334.
    assert_eq!(discounts(&quote), [0, 333, 0]);
    let taxes: Vec<i64> = quote.lines.iter().map(|line| line.tax).collect();
    assert_eq!((taxes, quote.totals.total), (vec![0, 133, 0], 800));
    let of_gift = &quote.taxes[0];
    assert_eq!((of_gift.net, of_gift.tax), (0, 0));
    let all_free = shop(true, "20").item("0", 1, "standard").quote();
    assert_eq!(all_free.totals.total, 0);
}

#[test]
fn a_code_for_lines_leaves_shipping_at_its_own_rate() {
    let quote = shop(false, "10")
        .tax("shipping", "20")
        .item("10", 1, "standard")
        .item("20", 1, "standard")
        .shipping("4.9", None)
        .code_with("CUP", part("50"), |code| {
            code.terms.products = vec![super::product(1)];
        })
        .quote();
    // 10.00 + 10.00 at 10 %: 2.00; 4.90 at 20 %: 0.98.
    assert_eq!(discounts(&quote), [0, 1_000]);
    let shipping = quote.shipping.as_ref().unwrap();
    assert_eq!(
        [shipping.discount, shipping.net, shipping.tax],
        [0, 490, 98]
    );
    assert_eq!((quote.totals.tax, quote.totals.total), (298, 2_788));
}

#[test]
fn one_line_of_two_costs_what_two_lines_of_one_cost() {
    let cart = || shop(false, "21");
    assert_sums(&[
        // 21.40 × 21 % = 4.494; line by line it would be 2.25 twice (WooCommerce 18710).
        (
            "one line",
            cart().item("10.7", 2, "standard"),
            [2_140, 0, 0, 449, 2_589],
        ),
        (
            "two lines",
            cart()
                .item("10.7", 1, "standard")
                .item("10.7", 1, "standard"),
            [2_140, 0, 0, 449, 2_589],
        ),
    ]);
}

/// Lines, rates and units that are given back one by one come to what was paid. Elsewhere their rounded parts came to a cent more, and the
/// last could not be given back (WooCommerce 26734, 30263, 34641, 64668), or to less (Medusa 15885).
#[test]
fn parts_of_an_order_come_to_what_was_paid() {
    for quote in [
        // 4.20 × 24/124 = 0.8129: of the tax the lines bear 0.41 and 0.40, and cost 2.10 each.
        shop(true, "24")
            .item("2.1", 1, "standard")
            .item("2.1", 1, "standard")
            .quote(),
        shop(true, "20")
            .item("23.9", 10, "standard")
            .code("QUARTER", part("25"))
            .quote(),
        shop(false, "23")
            .tax("food", "5.5")
            .item("0.99", 7, "food")
            .item("13.37", 3, "standard")
            .item("0.01", 1, "food")
            .shipping("4.9", None)
            .code("THIRD", part("33.3333"))
            .quote(),
    ] {
        let lines = quote.lines.iter();
        let units: i64 = lines
            .flat_map(|line| {
                let units = vec![1; usize::try_from(line.quantity.get()).unwrap()];
                spread(line.total, &units)
            })
            .sum();
        let shipping = quote.shipping.as_ref().map_or(0, |it| it.total);
        assert_eq!(units + shipping, quote.totals.total);
        let rates: i64 = quote.taxes.iter().map(|it| it.net + it.tax).sum();
        assert_eq!(rates, quote.totals.total);
    }
}
