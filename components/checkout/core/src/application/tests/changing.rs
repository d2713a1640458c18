use mercato_testing::Task;

use super::shop::{NOW, Shop, complete, items, money, product, shown};
use crate::application::Error;
use crate::application::commands::change_checkout;
use crate::domain::quote::{Message, QUOTE_LIFETIME_MS};
use crate::domain::{Changes, Note};

#[test]
fn a_changed_price_is_told_until_the_customer_changes_something() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    assert_eq!(view.quote.messages, []);
    shop.put(1, "13", 20);
    let (line, was, is) = (0, money("12.5"), money("13"));
    for _ in 0..2 {
        let view = shop.show(id, &holder).unwrap();
        assert_eq!(
            view.quote.messages,
            [Message::PriceChanged { line, was, is }]
        );
        assert_eq!(view.checkout.version(), 2);
    }
    let view = shop.change(id, &holder, Changes::default()).unwrap();
    assert_eq!(view.quote.messages, []);
}

#[test]
fn a_quote_lives_for_half_an_hour_from_when_it_was_shown() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    let first = view.checkout.shown().unwrap().clone();
    assert_eq!(first.expires_at, NOW + QUOTE_LIFETIME_MS);
    shop.clock.advance(QUOTE_LIFETIME_MS - 1);
    let view = shop.show(id, &holder).unwrap();
    assert_eq!(view.checkout.shown(), Some(&first));
    shop.clock.advance(1);
    let view = shop.show(id, &holder).unwrap();
    let second = view.checkout.shown().unwrap();
    assert_eq!(
        (&second.id, second.expires_at),
        (&first.id, NOW + 2 * QUOTE_LIFETIME_MS)
    );
}

#[test]
fn the_same_content_has_the_same_quote_in_any_checkout() {
    let shop = Shop::new();
    let (one, holder) = shop.guest(complete());
    let (other, _) = shop.own(1, complete());
    assert_eq!(shown(&one), shown(&other));
    let changed = Changes {
        email: Some(None),
        ..Changes::default()
    };
    let changed = shop.change(one.checkout.id(), &holder, changed).unwrap();
    assert_ne!(shown(&one), shown(&changed));
}

#[test]
fn a_product_that_is_gone_is_in_no_line_and_stands_in_the_way() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(items(&[(1, 2), (7, 1)]));
    let product_id = product(7);
    assert_eq!(
        view.quote.messages,
        [Message::UnknownProduct { product_id }]
    );
    assert_eq!(view.quote.lines.len(), 1);
    let view = shop.change(view.checkout.id(), &holder, items(&[(1, 2)]));
    assert_eq!(view.unwrap().quote.messages, []);
}

/// Enough for both tasks of a test, each of which may have to try again.
const TURNS: u32 = 8;

#[test]
fn two_changes_at_a_time_both_count_in_any_order() {
    for schedule in 0_u32..1 << TURNS {
        let shop = Shop::new();
        let (view, holder) = shop.guest(complete());
        let id = view.checkout.id();
        let change = |changes| {
            let command = change_checkout::Command {
                id,
                holder: holder.clone(),
                client: None,
                changes,
                expected_version: None,
            };
            Box::pin(change_checkout::handle(&shop.ports, command)) as Task<'_, _>
        };
        let note = Changes {
            note: Some(Some(Note::parse("Ring twice").unwrap())),
            ..Changes::default()
        };
        let both = [change(note), change(items(&[(2, 3)]))];
        let whose = |turn: u32| (schedule >> (turn % TURNS) & 1) as usize;
        let outcomes = shop.ports.catalogue.faults.interleave(both, whose);
        assert!(outcomes.iter().all(Result::is_ok), "{schedule:b}");
        let view = shop.show(id, &holder).unwrap();
        let content = view.checkout.content();
        assert!(content.note.is_some(), "{schedule:b}");
        assert_eq!(content.lines[0].product_id, product(2), "{schedule:b}");
        assert_eq!(view.checkout.version(), 3, "{schedule:b}");
    }
}

#[test]
fn a_stale_change_is_refused_also_while_it_waits() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    let change = |number| {
        let command = change_checkout::Command {
            id,
            holder: holder.clone(),
            client: None,
            changes: items(&[(number, 1)]),
            expected_version: Some(1),
        };
        Box::pin(change_checkout::handle(&shop.ports, command)) as Task<'_, _>
    };
    let both = [change(2), change(3)];
    let outcomes = shop
        .ports
        .catalogue
        .faults
        .interleave(both, |turn| (turn % 2) as usize);
    let refused = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(Error::VersionMismatch));
    assert_eq!(refused.count(), 1);
}

#[test]
fn shipping_goes_by_address_weight_and_value() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    let cost = |lines: &[(u32, u32)]| {
        let view = shop.change(id, &holder, items(lines)).unwrap();
        view.quote.shipping.unwrap().amount
    };
    assert_eq!(cost(&[(1, 5)]), 490);
    assert_eq!(cost(&[(1, 6)]), 990);
    assert_eq!(cost(&[(1, 8)]), 0);
    let mut graz = super::shop::vienna();
    graz.postal_code = Some("8010".to_owned());
    let graz = Changes {
        shipping_address: Some(Some(graz)),
        ..Changes::default()
    };
    let view = shop.change(id, &holder, graz).unwrap();
    assert!(view.quote.messages.contains(&Message::NoShippingOption));
}
