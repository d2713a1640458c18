//! Invariant 7 for any cart.

use mercato_money::Money;
use proptest::prelude::*;

use super::super::ports::{
    Offer, Offers, OffersAnswer, OffersRequest, RateOption, Rates, RatesAnswer, RatesRequest,
    TaxAnswer, Taxes, TaxesRequest,
};
use super::any::any_cart;
use super::{Cart, assert_adds_up};
use crate::domain::{CodeName, Rate};

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
    fn whatever_is_bought_everything_adds_up(any in any_cart(1..=Rate::WHOLE, &["export"])) {
        let cart = any.cart();
        // `quote` asserts it.
        let quote = cart.quote();
        prop_assert_eq!(quote.lines.len(), any.items.len());
        prop_assert_eq!(quote.shipping.is_some(), any.shipping.is_some());
        prop_assert_eq!(quote.discounts.len(), any.codes.len());
        prop_assert_eq!(&cart.quote(), &quote);
    }
}
