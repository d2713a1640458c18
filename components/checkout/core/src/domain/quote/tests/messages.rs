//! What a quote says besides its sums.

use super::super::{Message, Missing, QuoteId};
use super::{Cart, money, percent, product};
use crate::domain::{Benefit, CodeName, CodeProblem, CodeStanding};

fn cart() -> Cart {
    Cart::new("EUR", true).item("10", 2, "standard")
}

fn problems(cart: &Cart) -> Vec<CodeProblem> {
    let messages = cart.quote().messages.into_iter();
    let problem = |message| match message {
        Message::Code { problem, .. } => Some(problem),
        _ => None,
    };
    messages.filter_map(problem).collect()
}

#[test]
fn what_is_missing_is_named() {
    let mut empty = Cart::new("EUR", true).shipping("4.9", None);
    (empty.country, empty.has_email, empty.option) = (None, false, None);
    assert_eq!(
        empty.quote().missing,
        [
            Missing::Items,
            Missing::Email,
            Missing::ShippingAddress,
            Missing::ShippingOption
        ]
    );
    assert!(
        cart().quote().is_complete(),
        "what ships nothing asks for no option"
    );
}

#[test]
fn a_price_that_has_changed_is_told() {
    let mut cart = cart();
    cart.items[0].seen_price = Some(money("9.5"));
    let quote = cart.quote();
    let (line, was, is) = (0, money("9.5"), money("10"));
    assert_eq!(quote.messages, [Message::PriceChanged { line, was, is }]);
    assert!(quote.is_complete());
}

#[test]
fn too_little_stock_and_lost_products_stand_in_the_way() {
    let mut short = cart();
    short.items[0].available = 1;
    let quote = short.quote();
    let (line, available) = (0, 1);
    assert_eq!(
        quote.messages,
        [Message::InsufficientStock { line, available }]
    );
    assert!(!quote.is_complete());
    let mut lost = cart();
    lost.unknown = vec![product(7)];
    let quote = lost.quote();
    let product_id = product(7);
    assert_eq!(quote.messages, [Message::UnknownProduct { product_id }]);
    assert!(!quote.is_complete());
}

#[test]
fn no_option_fits_or_the_chosen_one_is_gone() {
    let mut abroad = cart().shipping("4.9", None);
    abroad.country = Some("DE");
    let quote = abroad.quote();
    let code = "at-post".to_owned();
    assert_eq!(
        quote.messages,
        [
            Message::NoShippingOption,
            Message::ShippingOptionGone { code: code.clone() }
        ]
    );
    assert_eq!(quote.missing, [Missing::ShippingOption]);
    let mut other = cart().shipping("4.9", None);
    other.option = Some("drone");
    let code = "drone".to_owned();
    assert_eq!(
        other.quote().messages,
        [Message::ShippingOptionGone { code }]
    );
}

#[test]
fn a_code_that_takes_nothing_off_says_why() {
    let all = Benefit::Percent(percent("100"));
    let mut unknown = cart();
    let name = CodeName::parse("NOPE").unwrap();
    unknown.codes = vec![name.clone()];
    unknown.tables.codes = vec![CodeStanding {
        name,
        code: None,
        uses_by_customer: 0,
    }];
    assert_eq!(problems(&unknown), [CodeProblem::Unknown]);
    let early = cart().code_with("A", all, |code| code.terms.valid_from = Some(1_001));
    assert_eq!(problems(&early), [CodeProblem::Unknown]);
    let late = cart().code_with("A", all, |code| code.terms.valid_until = Some(1_000));
    assert_eq!(problems(&late), [CodeProblem::Expired]);
    let used = cart().code_with("A", all, |code| {
        code.terms.limits.total = Some(3);
        code.uses = 3;
    });
    assert_eq!(problems(&used), [CodeProblem::UsedUp]);
    let least = |amount: &str| {
        let amount = Some(money(amount));
        cart().code_with("A", all, |code| code.terms.minimum_value = amount)
    };
    assert_eq!(problems(&least("20.01")), [CodeProblem::BelowMinimum]);
    assert_eq!(problems(&least("20")), []);
    let others = cart().code_with("A", all, |code| code.terms.products = vec![product(9)]);
    assert_eq!(problems(&others), [CodeProblem::NotApplicable]);
}

#[test]
fn a_good_code_that_takes_nothing_off_is_told_too() {
    let all = Benefit::Percent(percent("100"));
    let free = Benefit::FreeShipping;
    let with = |cart: Cart, benefits: &[Benefit]| {
        let names = ["A", "B"].into_iter();
        let codes = names.zip(benefits);
        codes.fold(cart, |cart, (name, benefit)| {
            cart.code_with(name, *benefit, |code| code.terms.is_combinable = true)
        })
    };
    let post = || cart().shipping("4.9", None);
    let told = [CodeProblem::NoEffect];
    assert_eq!(problems(&with(post(), &[all, free])), []);
    assert_eq!(problems(&with(post(), &[all, all])), told);
    assert_eq!(problems(&with(post(), &[free, free])), told);
    assert_eq!(problems(&with(cart(), &[free])), told, "nothing is shipped");
    assert_eq!(problems(&with(cart().shipping("0", None), &[free])), told);
    // Who has not chosen yet how it is shipped learns it then.
    let mut unchosen = with(post(), &[free]);
    unchosen.option = None;
    assert_eq!(problems(&unchosen), []);
    let quote = with(post(), &[all, all]).quote();
    let code = "B".to_owned();
    let problem = CodeProblem::NoEffect;
    assert_eq!(quote.messages, [Message::Code { code, problem }]);
    assert!(quote.is_complete(), "it can be ordered all the same");
}

#[test]
fn codes_stand_together_when_all_of_them_may() {
    let ten = Benefit::Percent(percent("10"));
    let pair = |one: bool, other: bool| {
        let pair = cart()
            .code_with("A", ten, |code| code.terms.is_combinable = one)
            .code_with("B", ten, |code| code.terms.is_combinable = other);
        problems(&pair)
    };
    assert_eq!(pair(true, true), []);
    for (one, other) in [(true, false), (false, true), (false, false)] {
        assert_eq!(pair(one, other), [CodeProblem::NotCombinable]);
    }
}

#[test]
fn whatever_changes_the_sums_changes_the_name() {
    let name = |cart: &Cart| QuoteId::of(&cart.quote());
    let base = name(&cart());
    assert_eq!(base, name(&cart()));
    let mut dearer = cart();
    dearer.items[0].unit_price = money("10.0001");
    for other in [
        dearer,
        cart().tax("standard", "20"),
        cart().shipping("4.9", None),
        cart().code("A", Benefit::FreeShipping),
    ] {
        assert_ne!(base, name(&other));
    }
}

#[test]
fn amounts_beyond_64_bits_are_refused() {
    let mut cart = Cart::new("KWD", true);
    for _ in 0..2 {
        cart = cart.item("1", 10_000, "standard");
    }
    for item in &mut cart.items {
        item.unit_price = mercato_money::Money::from_units(i64::MAX);
    }
    let request = super::super::QuoteRequest {
        currency: cart.tables.currency,
        prices_include_tax: true,
        items: &cart.items,
        unknown: &[],
        destination: None,
        has_email: false,
        option: None,
        codes: &[],
    };
    let quote = super::super::draw(&request, &cart.tables, &cart.tables, &cart.tables);
    assert_eq!(quote, Err(super::super::TooLarge));
}
