//! Whatever a shop may be asked to quote.

use std::ops::RangeInclusive;
use std::rc::Rc;

use mercato_money::Money;
use proptest::prelude::*;

use super::{Cart, product};
use crate::domain::{Benefit, Rate};

/// The tax classes of what is bought, and that of shipping.
const CLASSES: [&str; 4] = ["standard", "food", "books", "shipping"];

/// How a tax class is taxed.
#[derive(Debug, Clone, Copy)]
pub enum Taxation {
    /// At a rate, in ten-thousandths of a percent.
    At(u32),
    /// Not at all, for a reason.
    Without(&'static str),
    /// As what has no class, for want of a rate of its own.
    Unset,
}

/// A code, for all products or for that of one line.
#[derive(Debug, Clone, Copy)]
pub struct AnyCode {
    kind: u32,
    value: i64,
    line: Option<usize>,
}

/// A cart, as it is drawn.
#[derive(Debug, Clone)]
pub struct Any {
    pub currency: &'static str,
    pub prices_include_tax: bool,
    /// Price in ten-thousandths, quantity, index of the class.
    pub items: Vec<(i64, u32, usize)>,
    /// Of each class.
    pub taxes: [Taxation; 4],
    /// What it costs, and from which value of the lines on nothing, in minor units.
    pub shipping: Option<(i64, Option<i64>)>,
    pub codes: Vec<AnyCode>,
}

fn taxation(
    rates: RangeInclusive<u32>,
    reasons: &'static [&'static str],
) -> impl Strategy<Value = Taxation> {
    prop_oneof![
        3 => prop::sample::select(&[50_000_u32, 100_000, 190_000, 200_000, 255_000][..])
            .prop_map(Taxation::At),
        3 => rates.prop_map(Taxation::At),
        3 => prop::sample::select(reasons).prop_map(Taxation::Without),
        1 => Just(Taxation::Unset),
    ]
}

/// Any cart with such rates (ten-thousandths of a percent), and without tax for one of those reasons.
pub fn any_cart(
    rates: RangeInclusive<u32>,
    reasons: &'static [&'static str],
) -> impl Strategy<Value = Any> {
    let item = (0_i64..=10_000_000_000_000, 1_u32..=10_000, 0_usize..3);
    let cheap = (0_i64..100_000, 1_u32..20, 0_usize..3);
    let items = prop_oneof![
        prop::collection::vec(item, 1..100),
        prop::collection::vec(cheap, 1..12),
    ];
    let tax = || taxation(rates.clone(), reasons);
    let value = prop_oneof![1_i64..=1_000, 1_i64..=i64::from(Rate::WHOLE)];
    let code = (0_u32..3, value, prop::option::of(0_usize..100))
        .prop_map(|(kind, value, line)| AnyCode { kind, value, line });
    let free_from = prop::option::of(0_i64..100_000);
    (
        prop_oneof![Just("JPY"), Just("EUR"), Just("KWD")],
        any::<bool>(),
        items,
        [tax(), tax(), tax(), tax()],
        prop::option::of((0_i64..1_000_000, free_from)),
        prop::collection::vec(code, 0..4),
    )
        .prop_map(
            |(currency, prices_include_tax, items, taxes, shipping, codes)| Any {
                currency,
                prices_include_tax,
                items,
                taxes,
                shipping,
                codes,
            },
        )
}

impl Any {
    pub fn cart(&self) -> Cart {
        let mut cart = Cart::new(self.currency, self.prices_include_tax);
        let currency = cart.tables.currency;
        for (class, taxation) in CLASSES.iter().zip(self.taxes) {
            cart = match taxation {
                Taxation::At(rate) => {
                    let rate = Rate::from_units(rate).unwrap();
                    cart.tax(class, &rate.percent().to_string())
                }
                Taxation::Without(reason) => cart.untaxed(class, reason),
                Taxation::Unset => cart,
            };
        }
        for (price, quantity, class) in &self.items {
            let price = Money::from_units(*price).to_string();
            cart = cart.item(&price, *quantity, CLASSES[*class]);
        }
        let money = |minor| Money::from_minor(minor, currency).unwrap();
        if let Some((amount, free_from)) = self.shipping {
            let free_from = free_from.map(|value| money(value).to_string());
            cart = cart.shipping(&money(amount).to_string(), free_from.as_deref());
            // A hundred lines of ten thousand may weigh what they will.
            Rc::make_mut(&mut cart.tables.shipping).zones[0].options[0].steps[0].up_to = None;
        }
        for (index, any) in self.codes.iter().enumerate() {
            let benefit = match any.kind {
                0 => Benefit::Percent(Rate::from_units(u32::try_from(any.value).unwrap()).unwrap()),
                1 => Benefit::Fixed(money(any.value)),
                _ => Benefit::FreeShipping,
            };
            let line = any.line.map(|line| line % self.items.len());
            cart = cart.code_with(&format!("CODE{index}"), benefit, |code| {
                code.terms.is_combinable = true;
                let line = line.map(|line| product(u32::try_from(line).unwrap()));
                code.terms.products = line.into_iter().collect();
            });
        }
        cart
    }
}
