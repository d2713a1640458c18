//! Quotes by the tables that admins set.

mod any;
mod exact;
mod families;
mod invoice;
mod messages;
mod property;
mod rules;
mod samples;

use std::rc::Rc;

use mercato_kernel::ProductId;
use mercato_money::{Currency, Money};

use super::ports::{Offers, Rates, Taxes};
use super::{Quote, QuoteItem, QuoteRequest, draw};
use crate::adapters::Tables;
use crate::domain::code::tests::code;
use crate::domain::{
    Benefit, CodeName, CodeStanding, Destination, DiscountCode, Label, Measure, OptionCode,
    Quantity, Rate, Reason, ShippingOption, Step, TaxClass, TaxRule, TaxSettings, Zone,
};

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn percent(text: &str) -> Rate {
    Rate::from_percent(money(text)).unwrap()
}

pub fn product(number: u32) -> ProductId {
    ProductId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012x}")).unwrap()
}

/// A cart in a shop.
pub struct Cart {
    pub items: Vec<QuoteItem>,
    pub unknown: Vec<ProductId>,
    pub tables: Tables,
    pub option: Option<&'static str>,
    pub codes: Vec<CodeName>,
    pub country: Option<&'static str>,
    pub has_email: bool,
}

impl Cart {
    /// An empty one of a customer in Austria, in a shop that ships nothing and has no taxes.
    pub fn new(currency: &str, prices_include_tax: bool) -> Self {
        Self {
            items: Vec::new(),
            unknown: Vec::new(),
            tables: Tables {
                currency: currency.parse::<Currency>().unwrap(),
                shipping: Rc::default(),
                taxes: Rc::new(TaxSettings {
                    prices_include_tax,
                    ..TaxSettings::default()
                }),
                codes: Vec::new(),
                now: 1_000,
            },
            option: None,
            codes: Vec::new(),
            country: Some("AT"),
            has_email: true,
        }
    }

    pub fn item(mut self, price: &str, quantity: u32, class: &str) -> Self {
        let number = u32::try_from(self.items.len()).unwrap();
        self.items.push(QuoteItem {
            product_id: product(number),
            name: format!("Product {number}"),
            choices: Vec::new(),
            quantity: Quantity::new(quantity).unwrap(),
            unit_price: money(price),
            seen_price: None,
            tax_class: TaxClass::parse(class).unwrap(),
            weight_grams: 100,
            available: 10_000,
        });
        self
    }

    pub fn tax(self, class: &str, rate: &str) -> Self {
        let rate = percent(rate);
        let reason = rate.is_zero().then_some("export");
        self.rule(class, rate, reason)
    }

    pub fn untaxed(self, class: &str, reason: &str) -> Self {
        self.rule(class, Rate::ZERO, Some(reason))
    }

    fn rule(mut self, class: &str, rate: Rate, reason: Option<&str>) -> Self {
        Rc::make_mut(&mut self.tables.taxes).rules.push(TaxRule {
            country: "AT".to_owned(),
            region: None,
            tax_class: TaxClass::parse(class).unwrap(),
            rate,
            reason: reason.map(|reason| Reason::parse(reason).unwrap()),
        });
        self
    }

    /// The shop ships for that amount, by an option that the customer has chosen.
    pub fn shipping(mut self, amount: &str, free_from: Option<&str>) -> Self {
        let step = |up_to, amount| Step { up_to, amount };
        Rc::make_mut(&mut self.tables.shipping).zones.push(Zone {
            name: Label::parse("Austria").unwrap(),
            countries: vec!["AT".to_owned()],
            regions: vec![],
            postal_codes: vec![],
            options: vec![ShippingOption {
                code: OptionCode::parse("at-post").unwrap(),
                name: Label::parse("Post AT").unwrap(),
                measure: Measure::Weight,
                steps: vec![step(Some(money("31500")), money(amount))],
                free_from: free_from.map(money),
            }],
        });
        self.option = Some("at-post");
        self
    }

    pub fn code(self, name: &str, benefit: Benefit) -> Self {
        self.code_with(name, benefit, |_| {})
    }

    pub fn code_with(
        mut self,
        name: &str,
        benefit: Benefit,
        change: impl FnOnce(&mut DiscountCode),
    ) -> Self {
        let mut code = code(name, benefit);
        change(&mut code);
        self.codes.push(code.name.clone());
        self.tables.codes.push(CodeStanding {
            name: code.name.clone(),
            code: Some(code),
            uses_by_customer: 0,
        });
        self
    }

    pub fn quote(&self) -> Quote {
        let quote = self.quote_by(&self.tables);
        assert_adds_up(&quote);
        quote
    }

    /// What those ports make of the cart.
    pub fn quote_by(&self, ports: &(impl Rates + Taxes + Offers)) -> Quote {
        let destination = self.country.map(|country| Destination {
            country: country.to_owned(),
            region: None,
            postal_code: None,
        });
        let option = self.option.map(|code| OptionCode::parse(code).unwrap());
        let request = QuoteRequest {
            currency: self.tables.currency,
            prices_include_tax: self.tables.taxes.prices_include_tax,
            items: &self.items,
            unknown: &self.unknown,
            destination: destination.as_ref(),
            has_email: self.has_email,
            option: option.as_ref(),
            codes: &self.codes,
        };
        draw(&request, ports, ports, ports).unwrap()
    }
}

/// Invariant 7: everything adds up, exactly.
pub fn assert_adds_up(quote: &Quote) {
    let shipping = quote.shipping.iter();
    let priced: Vec<_> = quote
        .lines
        .iter()
        .map(|it| {
            (
                it.amount,
                it.discount,
                it.net,
                it.tax,
                it.total,
                &it.tax_rate,
            )
        })
        .chain(shipping.map(|it| {
            (
                it.amount,
                it.discount,
                it.net,
                it.tax,
                it.total,
                &it.tax_rate,
            )
        }))
        .collect();
    for (amount, discount, net, tax, total, _) in &priced {
        assert!(
            [amount, discount, net, tax, total]
                .iter()
                .all(|it| **it >= 0)
        );
        assert_eq!(net + tax, *total);
        let after_discount = if quote.prices_include_tax { total } else { net };
        assert_eq!(amount - discount, *after_discount);
    }
    let totals = quote.totals;
    assert_eq!(priced.iter().map(|it| it.4).sum::<i64>(), totals.total);
    assert_eq!(priced.iter().map(|it| it.3).sum::<i64>(), totals.tax);
    assert_eq!(priced.iter().map(|it| it.1).sum::<i64>(), totals.discount);
    for rate in &quote.taxes {
        let bearing = || priced.iter().filter(|it| *it.5 == rate.tax_rate);
        assert_eq!(bearing().map(|it| it.2).sum::<i64>(), rate.net);
        assert_eq!(bearing().map(|it| it.3).sum::<i64>(), rate.tax);
    }
    let by_codes: i64 = quote.discounts.iter().map(|it| it.amount).sum();
    assert_eq!(by_codes, totals.discount);
    let added = if quote.prices_include_tax {
        0
    } else {
        totals.tax
    };
    let sum = totals.items - totals.discount + totals.shipping + added;
    assert_eq!(sum, totals.total);
    let nets: i64 = quote.taxes.iter().map(|it| it.net + it.tax).sum();
    assert_eq!(nets, totals.total);
}
