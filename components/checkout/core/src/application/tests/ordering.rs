use super::shop::{Shop, complete, order, product, shown, terms};
use crate::application::commands::{hold_codes, save_tax_settings, settle_codes::Settlement};
use crate::application::{Error, UnavailableLine};
use crate::domain::quote::{Missing, QUOTE_LIFETIME_MS};
use crate::domain::{Benefit, Changes, Quantity, Rate};

#[test]
fn what_was_seen_and_is_complete_can_be_ordered() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let prepared = shop.prepare(view.checkout.id(), &holder, &shown(&view));
    assert_eq!(prepared, Ok(view));
}

#[test]
fn a_quote_is_prepared_with_two_statements() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let before = shop.ports.store.statements();
    let prepared = shop.prepare(view.checkout.id(), &holder, &shown(&view));
    assert!(prepared.is_ok());
    // The checkout with all that is in it, and whether the settings are what they were.
    assert_eq!(shop.ports.store.statements() - before, 2);
}

#[test]
fn nothing_is_ordered_at_another_price_tax_or_code() {
    let changes: [fn(&Shop); 3] = [
        |shop| shop.put(1, "12.51", 20),
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
        assert_eq!(shop.prepare(id, &holder, &shown(&now)), Ok(*now));
    }
}

#[test]
fn a_quote_that_holds_again_can_be_ordered_again() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    shop.put(1, "12.51", 20);
    assert!(shop.prepare(id, &holder, &shown(&view)).is_err());
    shop.put(1, "12.5", 20);
    assert!(shop.prepare(id, &holder, &shown(&view)).is_ok());
}

#[test]
fn lines_that_cannot_be_served_are_named() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    let line = UnavailableLine {
        product_id: product(1),
        is_known: true,
        requested: Quantity::new(2).unwrap(),
        available: 1,
    };
    shop.put(1, "12.5", 1);
    let refused = Err(Error::LinesUnavailable(vec![line]));
    assert_eq!(shop.prepare(id, &holder, &shown(&view)), refused);
    shop.ports.catalogue.items.borrow_mut().clear();
    let unknown = UnavailableLine {
        is_known: false,
        available: 0,
        ..line
    };
    let refused = Err(Error::LinesUnavailable(vec![unknown]));
    assert_eq!(shop.prepare(id, &holder, &shown(&view)), refused);
}

#[test]
fn an_expired_quote_that_still_holds_can_be_ordered() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    shop.clock.advance(QUOTE_LIFETIME_MS);
    let prepared = shop.prepare(view.checkout.id(), &holder, &shown(&view));
    assert_eq!(shown(&prepared.unwrap()), shown(&view));
}

#[test]
fn the_last_use_of_a_code_is_free_for_who_gives_it_up() {
    let shop = Shop::new();
    let ten = Benefit::Percent(Rate::from_units(100_000).unwrap());
    let mut once = terms();
    once.limits.total = Some(1);
    once.limits.per_customer = Some(1);
    shop.make_code("TEN", ten, once);
    let codes = vec![super::shop::code_name("TEN")];
    let (view, holder) = shop.guest(Changes {
        codes: Some(codes.clone()),
        ..complete()
    });
    let (id, email) = (view.checkout.id(), view.checkout.content().email.clone());
    let (other, others) = shop.guest(Changes {
        codes: Some(codes.clone()),
        ..complete()
    });
    let hold = hold_codes::Command {
        order: order(1),
        checkout: id,
        codes,
        account: None,
        email,
    };
    hold_codes::handle(&shop.ports, &hold).unwrap();
    // It stands in nobody's way who has it: neither in the quote that is shown nor in the one that is ordered.
    assert_eq!(shown(&shop.show(id, &holder).unwrap()), shown(&view));
    let again = || shop.prepare(id, &holder, &shown(&view));
    assert_eq!(shown(&again().unwrap()), shown(&view));
    let by_others = shop.prepare(other.checkout.id(), &others, &shown(&other));
    assert!(matches!(by_others, Err(Error::QuoteChanged(_))));
    // Used for good is used.
    shop.settle(1, Settlement::Commit).unwrap();
    assert!(matches!(again(), Err(Error::QuoteChanged(_))));
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
