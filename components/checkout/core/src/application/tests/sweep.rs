use super::shop::{Shop, complete, items, terms, with_codes};
use crate::application::Error;
use crate::application::commands::settle_codes::Settlement::Release;
use crate::application::commands::sweep::{self, RELEASED_KEPT_MS, REMOVED_PER_RUN_MAX, Report};
use crate::domain::{Benefit, UNUSED_KEPT_MS, WINDOW_MS};

fn sweep(shop: &Shop) -> Report {
    sweep::handle(&shop.ports).unwrap()
}

#[test]
fn a_checkout_that_nobody_uses_goes_after_thirty_days() {
    let shop = Shop::new();
    let (old, holder) = shop.guest(complete());
    shop.clock.advance(UNUSED_KEPT_MS - 1);
    assert_eq!(sweep(&shop).checkouts, 0);
    let (young, young_holder) = shop.guest(items(&[(1, 1)]));
    shop.clock.advance(1);
    assert_eq!(sweep(&shop).checkouts, 1);
    assert_eq!(shop.show(old.checkout.id(), &holder), Err(Error::NotFound));
    assert!(shop.show(young.checkout.id(), &young_holder).is_ok());
}

#[test]
fn to_look_at_a_checkout_is_to_use_it() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    shop.clock.advance(UNUSED_KEPT_MS - 1);
    shop.show(view.checkout.id(), &holder).unwrap();
    shop.clock.advance(UNUSED_KEPT_MS - 1);
    assert_eq!(sweep(&shop).checkouts, 0);
}

#[test]
fn one_run_removes_so_many_and_says_that_there_are_more() {
    let shop = Shop::new();
    for _ in 0..=REMOVED_PER_RUN_MAX {
        shop.guest(items(&[(1, 1)]));
    }
    shop.clock.advance(UNUSED_KEPT_MS);
    let first = sweep(&shop);
    assert_eq!(
        (first.checkouts, first.more),
        (u64::from(REMOVED_PER_RUN_MAX), true)
    );
    let second = sweep(&shop);
    assert_eq!((second.checkouts, second.more), (1, false));
    assert_eq!(sweep(&shop), Report::default());
}

#[test]
fn counters_and_released_holds_are_forgotten_in_time() {
    let shop = Shop::new();
    shop.make_code("TEN", Benefit::FreeShipping, terms());
    shop.hold(1, "TEN", None, None).unwrap();
    shop.hold(2, "TEN", None, None).unwrap();
    shop.settle(1, Release).unwrap();
    shop.guest(with_codes(&["NOPE"]));
    shop.clock.advance(WINDOW_MS);
    assert_eq!((sweep(&shop).counters, sweep(&shop).holds), (1, 0));
    shop.clock.advance(RELEASED_KEPT_MS);
    assert_eq!(sweep(&shop).holds, 1);
    assert_eq!(shop.uses("TEN"), 1, "a held use stays");
}
