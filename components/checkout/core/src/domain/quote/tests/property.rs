//! Invariant 7 for any cart.

use std::rc::Rc;

use mercato_money::Money;
use proptest::prelude::*;

use super::super::ports::{
    Offer, Offers, OffersAnswer, OffersRequest, RateOption, Rates, RatesAnswer, RatesRequest,
    TaxAnswer, Taxes, TaxesRequest,
};
use super::{Cart, assert_adds_up};
use crate::domain::{Benefit, CodeName, Rate};

/// Whatever a shop may be asked to quote.
#[derive(Debug, Clone)]
struct Any {
    currency: &'static str,
    prices_include_tax: bool,
    /// Price in ten-thousandths, quantity, index of the class.
    items: Vec<(i64, u32, usize)>,
    /// Of each class and of shipping, in ten-thousandths of a percent.
    rates: [u32; 4],
    shipping: Option<i64>,
    codes: Vec<(u32, i64)>,
}

const CLASSES: [&str; 4] = ["standard", "food", "books", "shipping"];

fn any_cart() -> impl Strategy<Value = Any> {
    let item = (0_i64..=10_000_000_000_000, 1_u32..=10_000, 0_usize..3);
    let cheap = (0_i64..100_000, 1_u32..20, 0_usize..3);
    let items = prop_oneof![
        prop::collection::vec(item, 1..100),
        prop::collection::vec(cheap, 1..12),
    ];
    let rate = prop_oneof![Just(0), Just(200_000), 0..=Rate::WHOLE];
    let code = (0_u32..3, 1_i64..=1_000_000);
    (
        prop_oneof![Just("JPY"), Just("EUR"), Just("KWD")],
        any::<bool>(),
        items,
        [rate.clone(), rate.clone(), rate.clone(), rate],
        prop::option::of(0_i64..1_000_000),
        prop::collection::vec(code, 0..4),
    )
        .prop_map(
            |(currency, prices_include_tax, items, rates, shipping, codes)| Any {
                currency,
                prices_include_tax,
                items,
                rates,
                shipping,
                codes,
            },
        )
}

fn cart(any: &Any) -> Cart {
    let mut cart = Cart::new(any.currency, any.prices_include_tax);
    let currency = cart.tables.currency;
    for (class, rate) in CLASSES.iter().zip(any.rates) {
        let rate = Rate::from_units(rate).unwrap();
        cart = cart.tax(class, &rate.percent().to_string());
    }
    for (price, quantity, class) in &any.items {
        let price = Money::from_units(*price).to_string();
        cart = cart.item(&price, *quantity, CLASSES[*class]);
    }
    if let Some(minor) = any.shipping {
        let amount = Money::from_minor(minor, currency).unwrap();
        cart = cart.shipping(&amount.to_string(), None);
        // A hundred lines of ten thousand may weigh what they will.
        Rc::make_mut(&mut cart.tables.shipping).zones[0].options[0].steps[0].up_to = None;
    }
    for (index, (kind, value)) in any.codes.iter().enumerate() {
        let benefit = match kind {
            0 => Benefit::Percent(Rate::from_units(u32::try_from(*value).unwrap()).unwrap()),
            1 => Benefit::Fixed(Money::from_minor(*value, currency).unwrap()),
            _ => Benefit::FreeShipping,
        };
        cart = cart.code_with(&format!("CODE{index}"), benefit, |code| {
            code.terms.is_combinable = true;
        });
    }
    cart
}

/// Ports that answer what nobody should.
#[derive(Debug, Clone)]
struct Hostile {
    shipping: i64,
    rates: Vec<u32>,
    discounts: Vec<Vec<i64>>,
}

impl Rates for Hostile {
    fn quote(&self, _: &RatesRequest) -> RatesAnswer {
        RatesAnswer {
            ships: true,
            options: vec![RateOption {
                code: "at-post".to_owned(),
                name: String::new(),
                amount: self.shipping,
            }],
        }
    }
}

impl Taxes for Hostile {
    fn quote(&self, _: &TaxesRequest) -> Vec<TaxAnswer> {
        let answer = |rate: &u32| TaxAnswer {
            rate: *rate,
            reason: None,
        };
        self.rates.iter().map(answer).collect()
    }
}

impl Offers for Hostile {
    fn quote(&self, _: &OffersRequest) -> OffersAnswer {
        let offer = |discounts: &Vec<i64>| Offer {
            code: "A".to_owned(),
            label: String::new(),
            discounts: discounts.clone(),
            ships_free: true,
        };
        OffersAnswer {
            offers: self.discounts.iter().map(offer).collect(),
            refused: vec![],
        }
    }
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let discounts = prop::collection::vec(any::<i64>(), 0..6);
    (
        -1_000_000_i64..1_000_000_000,
        prop::collection::vec(any::<u32>(), 0..8),
        prop::collection::vec(discounts, 0..4),
    )
        .prop_map(|(shipping, rates, discounts)| Hostile {
            shipping,
            rates,
            discounts,
        })
}

proptest! {
    #[test]
    fn whatever_the_ports_answer_everything_adds_up(
        hostile in hostile(),
        inside: bool,
        prices in prop::collection::vec(0_i64..1_000_000, 0..5),
    ) {
        let mut cart = Cart::new("EUR", inside);
        for price in prices {
            cart = cart.item(&Money::from_units(price).to_string(), 3, "standard");
        }
        cart.option = Some("at-post");
        cart.codes = vec![CodeName::parse("A").unwrap()];
        assert_adds_up(&cart.quote_by(&hostile));
    }

    #[test]
    fn whatever_is_bought_everything_adds_up(any in any_cart()) {
        let cart = cart(&any);
        // `quote` asserts it.
        let quote = cart.quote();
        prop_assert_eq!(quote.lines.len(), any.items.len());
        prop_assert_eq!(quote.shipping.is_some(), any.shipping.is_some());
        prop_assert_eq!(quote.discounts.len(), any.codes.len());
        prop_assert_eq!(&cart.quote(), &quote);
    }
}
