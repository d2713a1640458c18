use super::shop::{Shop, complete, shown, terms};
use crate::application::Error;
use crate::application::commands::save_tax_settings;
use crate::domain::quote::{Missing, QUOTE_LIFETIME_MS};
use crate::domain::{Benefit, Changes, Rate};

#[test]
fn what_was_seen_and_is_complete_can_be_ordered() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let prepared = shop.prepare(view.checkout.id(), &holder, &shown(&view));
    assert_eq!(prepared, Ok(view));
}

#[test]
fn nothing_is_ordered_at_another_price_stock_tax_or_code() {
    let changes: [fn(&Shop); 4] = [
        |shop| shop.put(1, "12.51", 20),
        |shop| shop.put(1, "12.5", 1),
        |shop| {
            let mut settings = super::shop::taxes();
            settings.rules[0].rate = Rate::from_percent(super::shop::money("19")).unwrap();
            let command = save_tax_settings::Command {
                settings,
                expected_version: None,
            };
            save_tax_settings::handle(&shop.ports, command).unwrap();
        },
        |shop| {
            let mut limited = terms();
            limited.valid_until = Some(super::shop::NOW);
            shop.ports
                .store
                .change(|records| {
                    let mut code = records.code(&super::shop::code_name("TEN"))?.unwrap();
                    code.terms = limited.clone();
                    records.save_code(&code)
                })
                .unwrap();
        },
    ];
    for change in changes {
        let shop = Shop::new();
        let ten = Benefit::Percent(Rate::from_units(100_000).unwrap());
        shop.make_code("TEN", ten, terms());
        let (view, holder) = shop.guest(Changes {
            codes: Some(vec![super::shop::code_name("TEN")]),
            ..complete()
        });
        assert_eq!(view.quote.totals.discount, 250);
        let id = view.checkout.id();
        change(&shop);
        let Err(Error::QuoteChanged(now)) = shop.prepare(id, &holder, &shown(&view)) else {
            panic!("another quote was prepared");
        };
        assert_ne!(shown(&now), shown(&view));
        if now.quote.is_complete() {
            assert_eq!(shop.prepare(id, &holder, &shown(&now)), Ok(*now));
        } else {
            let again = shop.prepare(id, &holder, &shown(&now));
            assert!(matches!(again, Err(Error::Incomplete(missing)) if missing.is_empty()));
        }
    }
}

#[test]
fn an_expired_quote_comes_back_as_a_new_one() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    shop.clock.advance(QUOTE_LIFETIME_MS);
    let Err(Error::QuoteChanged(now)) = shop.prepare(id, &holder, &shown(&view)) else {
        panic!("an expired quote was prepared");
    };
    assert_eq!(shown(&now), shown(&view));
    assert_eq!(shop.prepare(id, &holder, &shown(&now)), Ok(*now));
}

#[test]
fn what_is_missing_is_named_and_nothing_is_ordered() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(Changes {
        email: None,
        option: None,
        ..complete()
    });
    let prepared = shop.prepare(view.checkout.id(), &holder, &shown(&view));
    let missing = [Missing::Email, Missing::ShippingOption];
    assert!(matches!(prepared, Err(Error::Incomplete(found)) if found == missing));
}

#[test]
fn somebody_elses_quote_is_not_found() {
    let shop = Shop::new();
    let (view, _) = shop.guest(complete());
    let (_, other) = shop.guest(complete());
    let prepared = shop.prepare(view.checkout.id(), &other, &shown(&view));
    assert_eq!(prepared, Err(Error::NotFound));
}
