//! A crash at every call of ordering a checkout, before and after its effect.

use crate::application::ABANDON_AFTER_MS;
use crate::application::commands::create_order::CreateOutcome;
use crate::application::commands::order_checkout;
use crate::application::commands::sweep::EVENT_OVERDUE_AFTER_MS;
use crate::application::tests::shop::{Filled, SIDES, Shop, Task, command, product};
use crate::domain::{OrderError, OrderStatus};

/// Whose turn it is, bit by bit, again and again.
const SCHEDULES: [u32; 12] = [
    0x0000_0000,
    0xffff_ffff,
    0x5555_5555,
    0xaaaa_aaaa,
    0x3333_3333,
    0xcccc_cccc,
    0x0f0f_0f0f,
    0xf0f0_f0f0,
    0x00ff_00ff,
    0xff00_ff00,
    0x0000_ffff,
    0x1234_5678,
];

/// More calls than any use case makes.
const CALLS_MAX: u64 = 200;

fn at_every_call(
    prepare: impl Fn(&Shop) -> Filled,
    work: impl Fn(&Shop, &Filled),
    check: impl Fn(&Shop, &Filled, &str),
) {
    for side in SIDES {
        for call in 0..CALLS_MAX {
            let shop = Shop::new();
            shop.make_code("ONCE", Some(1));
            let filled = prepare(&shop);
            let crashed = shop.crash_at(call, side, |shop| work(shop, &filled));
            let case = format!("crash {side:?} call {call}");
            check(&shop, &filled, &case);
            if !crashed {
                assert!(call > 4, "nothing to crash");
                break;
            }
            assert!(call + 1 < CALLS_MAX);
        }
    }
}

fn catch_up(shop: &Shop) {
    shop.wait(ABANDON_AFTER_MS);
    for _ in 0..3 {
        shop.sweep();
        shop.wait(EVENT_OVERDUE_AFTER_MS.into());
    }
}

#[test]
fn the_key_finishes_the_order_of_a_checkout() {
    at_every_call(
        |shop| shop.filled(&["ONCE"]),
        |shop, filled| drop(shop.order_checkout(filled, Some("k"))),
        |shop, filled, case| {
            shop.order_checkout(filled, Some("k"))
                .unwrap_or_else(|error| panic!("{case}: {error:?}"));
            let orders = shop.all_orders();
            assert_eq!(orders.len(), 1, "{case}");
            assert_eq!(orders[0].amount_due(), 900, "{case}");
            assert_eq!(
                (shop.free(1), shop.checkouts.uses("ONCE")),
                (9, 1),
                "{case}"
            );
            shop.check_invariants(case);
            shop.settle();
            assert_eq!(
                (shop.free(1), shop.checkouts.uses("ONCE")),
                (10, 0),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

#[test]
fn the_sweep_leaves_nothing_of_a_checkout_that_nobody_waits_for() {
    at_every_call(
        |shop| shop.filled(&["ONCE"]),
        |shop, filled| drop(shop.order_checkout(filled, None)),
        |shop, _, case| {
            catch_up(shop);
            shop.check_invariants(case);
            shop.settle();
            assert_eq!(
                (shop.free(1), shop.checkouts.uses("ONCE")),
                (10, 0),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

#[test]
fn ordering_anew_after_a_crash_leaves_one_order() {
    at_every_call(
        |shop| shop.filled(&["ONCE"]),
        |shop, filled| drop(shop.order_checkout(filled, None)),
        |shop, filled, case| {
            shop.order_checkout(filled, None)
                .unwrap_or_else(|error| panic!("{case}: {error:?}"));
            catch_up(shop);
            let pending = shop.all_orders().into_iter();
            let pending = pending.filter(|order| order.status == OrderStatus::Pending);
            assert_eq!(pending.count(), 1, "{case}");
            assert_eq!(shop.free(1), 9, "{case}");
            assert_eq!(shop.checkouts.uses("ONCE"), 1, "{case}");
            shop.check_invariants(case);
        },
    );
}

#[test]
fn replacing_a_pending_order_survives_a_crash_anywhere() {
    at_every_call(
        |shop| {
            let filled = shop.filled(&["ONCE"]);
            shop.ordered(&filled);
            filled
        },
        |shop, filled| drop(shop.order_checkout(filled, Some("k"))),
        |shop, filled, case| {
            shop.order_checkout(filled, Some("k"))
                .unwrap_or_else(|error| panic!("{case}: {error:?}"));
            let orders = shop.all_orders();
            let pending = orders
                .iter()
                .filter(|order| order.status == OrderStatus::Pending);
            assert_eq!((orders.len(), pending.count()), (2, 1), "{case}");
            shop.deliver_events();
            assert_eq!(
                (shop.free(1), shop.checkouts.uses("ONCE")),
                (9, 1),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

#[test]
fn an_order_of_nothing_is_paid_once_whatever_crashes() {
    at_every_call(
        |shop| {
            shop.make_code("ALL", None);
            shop.checkouts.fill(None, &[(product(2), 1)], &["ALL"])
        },
        |shop, filled| drop(shop.order_checkout(filled, Some("k"))),
        |shop, filled, case| {
            shop.order_checkout(filled, Some("k"))
                .unwrap_or_else(|error| panic!("{case}: {error:?}"));
            catch_up(shop);
            let orders = shop.all_orders();
            assert_eq!(orders.len(), 1, "{case}");
            assert_eq!(orders[0].status, OrderStatus::Paid, "{case}");
            assert_eq!((shop.free(2), shop.checkouts.uses("ALL")), (9, 1), "{case}");
            shop.check_invariants(case);
        },
    );
}

#[test]
fn paying_uses_the_code_once_whatever_crashes() {
    at_every_call(
        |shop| {
            let filled = shop.filled(&["ONCE"]);
            let order = shop.ordered(&filled).order;
            shop.customer_pays(order.id);
            filled
        },
        |shop, _| shop.deliver_events(),
        |shop, _, case| {
            catch_up(shop);
            shop.deliver_events();
            assert_eq!(shop.all_orders()[0].status, OrderStatus::Paid, "{case}");
            assert_eq!(
                (shop.free(1), shop.checkouts.uses("ONCE")),
                (9, 1),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

/// The same request, sent twice at once.
fn twice(shop: &Shop, filled: &Filled, key: Option<&'static str>, schedule: u32) {
    let task = || -> Task<'_, Result<CreateOutcome, OrderError>> {
        Box::pin(order_checkout::handle(shop, command(filled, key)))
    };
    let outcomes = shop.interleave([task(), task()], schedule);
    let case = format!("key {key:?}, schedule {schedule:b}");
    let placed: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Ok(CreateOutcome::Placed(placement)) => Some(placement.order.id),
            _ => None,
        })
        .collect();
    assert!(!placed.is_empty(), "{case}: {outcomes:?}");
    catch_up(shop);
    shop.deliver_events();
    let pending = shop.all_orders().into_iter();
    let pending = pending.filter(|order| order.status == OrderStatus::Pending);
    let pending: Vec<_> = pending.map(|order| order.id).collect();
    assert_eq!(pending.len(), 1, "{case}");
    if key.is_some() {
        assert_eq!(outcomes[0], outcomes[1], "{case}");
        assert_eq!(pending, [placed[0]], "{case}");
    }
    assert_eq!(
        (shop.free(1), shop.checkouts.uses("ONCE")),
        (9, 1),
        "{case}"
    );
    shop.check_invariants(&case);
}

#[test]
fn a_request_that_is_sent_twice_at_once_is_one_order() {
    for key in [Some("k"), None] {
        for schedule in SCHEDULES {
            let shop = Shop::new();
            shop.make_code("ONCE", Some(1));
            let filled = shop.filled(&["ONCE"]);
            twice(&shop, &filled, key, schedule);
        }
    }
}

#[test]
fn two_keys_at_once_are_one_pending_order_and_put_nobody_off() {
    for schedule in SCHEDULES {
        let shop = Shop::new();
        shop.make_code("ONCE", Some(1));
        let filled = shop.filled(&["ONCE"]);
        let task = |key| -> Task<'_, Result<CreateOutcome, OrderError>> {
            Box::pin(order_checkout::handle(&shop, command(&filled, Some(key))))
        };
        let outcomes = shop.interleave([task("a"), task("b")], schedule);
        let case = format!("schedule {schedule:b}: {outcomes:?}");
        assert!(outcomes.iter().all(Result::is_ok), "{case}");
        catch_up(&shop);
        shop.deliver_events();
        let pending = shop.all_orders().into_iter();
        let pending = pending.filter(|order| order.status == OrderStatus::Pending);
        assert_eq!(pending.count(), 1, "{case}");
        let held = (shop.free(1), shop.checkouts.uses("ONCE"));
        assert_eq!(held, (9, 1), "{case}");
        shop.check_invariants(&case);
        // Each key knows what came of it.
        for (key, outcome) in ["a", "b"].into_iter().zip(&outcomes) {
            let again = shop.order_checkout(&filled, Some(key));
            assert_eq!(again, *outcome, "{key}, {case}");
        }
    }
}

#[test]
fn of_two_guests_one_has_the_last_use() {
    for schedule in SCHEDULES {
        let shop = Shop::new();
        shop.make_code("ONCE", Some(1));
        let (one, other) = (shop.filled(&["ONCE"]), shop.filled(&["ONCE"]));
        let task = |filled: &Filled| -> Task<'_, Result<CreateOutcome, OrderError>> {
            Box::pin(order_checkout::handle(&shop, command(filled, None)))
        };
        let outcomes = shop.interleave([task(&one), task(&other)], schedule);
        let placed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(placed, 1, "{schedule:b}: {outcomes:?}");
        let changed = |outcome: &Result<_, _>| matches!(outcome, Err(OrderError::QuoteChanged(_)));
        assert!(outcomes.iter().any(changed), "{schedule:b}: {outcomes:?}");
        catch_up(&shop);
        assert_eq!(
            (shop.free(1), shop.checkouts.uses("ONCE")),
            (9, 1),
            "{schedule:b}"
        );
        shop.check_invariants("one of two");
    }
}
