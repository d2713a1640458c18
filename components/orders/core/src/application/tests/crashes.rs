//! A crash at every call that leaves the application, before and after its effect; then the shop is put right by
//! whoever comes by, and everything must hold.

use mercato_kernel::OrderId;

use mercato_testing::take_turns;

use crate::application::ABANDON_AFTER_MS;
use crate::application::commands::sweep::EVENT_OVERDUE_AFTER_MS;
use crate::application::commands::{create_order, sweep};
use crate::application::tests::shop::{
    SIDES, Shop, Side, StockState, Task, UNPAID_KEPT_MS, admin, request,
};
use crate::domain::{OrderError, OrderStatus, PaymentStatus};

/// More calls than any use case makes.
const CALLS_MAX: u64 = 200;

/// How a crash is got over.
#[derive(Debug, Clone, Copy)]
enum Recovery {
    Repeat,
    Read,
    Sweep,
}

const RECOVERIES: [Recovery; 3] = [Recovery::Repeat, Recovery::Read, Recovery::Sweep];

/// Crashes `work` at every call in turn; `check` gets the shop after each crash.
fn at_every_call<T: Copy>(
    prepare: impl Fn(&Shop) -> T,
    work: impl Fn(&Shop, T),
    check: impl Fn(&Shop, T, &str),
) {
    for side in SIDES {
        for call in 0..CALLS_MAX {
            let shop = Shop::new();
            let prepared = prepare(&shop);
            let crashed = shop.crash_at(call, side, |shop| work(shop, prepared));
            let case = format!("crash {side:?} call {call}");
            check(&shop, prepared, &case);
            if !crashed {
                assert!(call > 1, "nothing to crash");
                break;
            }
            assert!(call + 1 < CALLS_MAX);
        }
    }
}

fn only_order(shop: &Shop) -> OrderId {
    let orders = shop.all_orders();
    assert_eq!(orders.len(), 1);
    orders[0].id
}

#[test]
fn the_key_finishes_an_order_wherever_its_making_crashed() {
    let create = |shop: &Shop, (): ()| drop(shop.create(Some("k")));
    at_every_call(
        |_| (),
        create,
        |shop, (), case| {
            shop.create(Some("k")).unwrap();
            let id = only_order(shop);
            assert_eq!(
                (shop.status(id), shop.free(1)),
                (OrderStatus::Pending, 8),
                "{case}"
            );
            shop.check_invariants(case);
            shop.settle();
            assert_eq!(
                (shop.status(id), shop.free(1)),
                (OrderStatus::Cancelled, 10),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

#[test]
fn two_crashes_in_a_row_do_no_harm() {
    let crashes = |first, second, side| {
        let shop = Shop::new();
        let create = |call| shop.crash_at(call, side, |shop| drop(shop.create(Some("k"))));
        let crashed = (create(first), create(second));
        let case = format!("crash {side:?} calls {first} and {second}");
        shop.create(Some("k")).unwrap();
        assert_eq!((shop.all_orders().len(), shop.free(1)), (1, 8), "{case}");
        shop.check_invariants(&case);
        crashed
    };
    for side in SIDES {
        for first in 0..CALLS_MAX {
            let seconds = (0..CALLS_MAX).map(|second| crashes(first, second, side));
            let crashed: Vec<_> = seconds.take_while(|(_, again)| *again).collect();
            assert!(crashed.len() < 60);
            // A first request that makes the order is followed by one whose calls only read.
            if crashed.iter().any(|(at_first, _)| !at_first) {
                break;
            }
        }
    }
}

#[test]
fn the_sweep_finishes_or_ends_an_order_after_a_crash() {
    for key in [None, Some("k")] {
        let create = |shop: &Shop, (): ()| drop(shop.create(key));
        at_every_call(
            |_| (),
            create,
            |shop, (), case| {
                shop.wait(60_000);
                for _ in 0..3 {
                    shop.sweep();
                    shop.wait(EVENT_OVERDUE_AFTER_MS.into());
                }
                shop.check_invariants(case);
                shop.settle();
                assert_eq!((shop.free(1), shop.free(2)), (10, 10), "{case}");
                assert!(
                    shop.all_orders()
                        .iter()
                        .all(|order| order.status == OrderStatus::Cancelled),
                    "{case}"
                );
                shop.check_invariants(case);
            },
        );
    }
}

#[test]
fn an_order_is_never_shown_half_made() {
    let create = |shop: &Shop, (): ()| drop(shop.create(Some("k")));
    at_every_call(
        |_| (),
        create,
        |shop, (), case| {
            for order in shop.all_orders() {
                let details = shop.find(order.id).unwrap();
                assert_eq!(
                    details.payment.unwrap().status,
                    PaymentStatus::Pending,
                    "{case}"
                );
                assert_eq!(details.order.items.len(), 2, "{case}");
            }
            shop.wait(60_000);
            shop.sweep();
            shop.check_invariants(case);
        },
    );
}

#[test]
fn a_rejection_leaves_no_stock_behind_wherever_it_crashed() {
    let prepare = |shop: &Shop| shop.add_product(2, "1", 0);
    let create = |shop: &Shop, (): ()| drop(shop.create(Some("k")));
    at_every_call(prepare, create, |shop, (), case| {
        assert!(
            matches!(shop.create(Some("k")), Err(OrderError::LinesRejected(_))),
            "{case}"
        );
        shop.settle();
        assert!(shop.all_orders().is_empty() && shop.free(1) == 10, "{case}");
        shop.check_invariants(case);
    });
}

#[test]
fn a_payment_event_is_applied_once_wherever_that_crashed() {
    for recovery in RECOVERIES {
        let prepare = |shop: &Shop| {
            let id = shop.placed();
            shop.customer_pays(id);
            id
        };
        at_every_call(
            prepare,
            |shop, _| shop.deliver_events(),
            |shop, id, case| {
                recover_events(shop, id, recovery);
                let case = format!("{case}, {recovery:?}");
                assert_eq!(shop.status(id), OrderStatus::Paid, "{case}");
                assert_eq!(shop.history(id).len(), 2, "{case}");
                assert_eq!(shop.stock_state(id), Some(StockState::Committed), "{case}");
                shop.check_invariants(&case);
            },
        );
    }
}

/// Events come again, or the order is read, or time goes by; what reading leaves is swept.
fn recover_events(shop: &Shop, id: OrderId, recovery: Recovery) {
    match recovery {
        Recovery::Repeat => shop.deliver_events(),
        Recovery::Read => drop(shop.find(id).unwrap()),
        Recovery::Sweep => {}
    }
    shop.settle();
}

#[test]
fn a_refund_is_applied_once_wherever_that_crashed() {
    for recovery in RECOVERIES {
        let prepare = |shop: &Shop| {
            let id = shop.placed();
            shop.customer_pays(id);
            shop.refund(id, i64::MAX);
            id
        };
        at_every_call(
            prepare,
            |shop, _| shop.deliver_events(),
            |shop, id, case| {
                recover_events(shop, id, recovery);
                assert_eq!(
                    (shop.status(id), shop.free(1)),
                    (OrderStatus::Refunded, 10),
                    "{case}, {recovery:?}"
                );
                shop.check_invariants(&format!("{case}, {recovery:?}"));
            },
        );
    }
}

#[test]
fn a_late_payment_is_refunded_once_wherever_that_crashed() {
    let prepare = |shop: &Shop| {
        let id = shop.placed();
        shop.cancel(id).unwrap();
        shop.deliver_events();
        shop.customer_pays(id);
        id
    };
    at_every_call(
        prepare,
        |shop, _| shop.deliver_events(),
        |shop, id, case| {
            shop.settle();
            assert_eq!(
                shop.payment_status(id),
                Some(PaymentStatus::Refunded),
                "{case}"
            );
            assert_eq!(
                (shop.status(id), shop.history(id).len()),
                (OrderStatus::Cancelled, 3),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

#[test]
fn a_cancellation_is_whole_or_never_began_after_a_crash() {
    for recovery in RECOVERIES {
        let cancel = |shop: &Shop, id: OrderId| drop(shop.cancel(id));
        at_every_call(Shop::placed, cancel, |shop, id, case| {
            let case = format!("{case}, {recovery:?}");
            match recovery {
                Recovery::Repeat => drop(shop.cancel(id)),
                Recovery::Read => drop(shop.find(id).unwrap()),
                Recovery::Sweep => {
                    shop.wait(60_000);
                    shop.sweep();
                }
            }
            let status = shop.status(id);
            let began = shop.payment_status(id) == Some(PaymentStatus::Cancelled);
            assert!(
                status == OrderStatus::Cancelled || !began,
                "{case}: {status}"
            );
            assert!(
                status == OrderStatus::Cancelled || !matches!(recovery, Recovery::Repeat),
                "{case}"
            );
            shop.settle();
            assert_eq!(
                (shop.status(id), shop.free(1), shop.history(id).len()),
                (OrderStatus::Cancelled, 10, 2),
                "{case}"
            );
            shop.check_invariants(&case);
        });
    }
}

#[test]
fn a_cancellation_that_loses_ends_paid_after_a_crash() {
    let prepare = |shop: &Shop| {
        let id = shop.placed();
        shop.customer_pays(id);
        id
    };
    at_every_call(
        prepare,
        |shop, id| drop(shop.cancel(id)),
        |shop, id, case| {
            shop.settle();
            assert_eq!(
                (shop.status(id), shop.stock_state(id)),
                (OrderStatus::Paid, Some(StockState::Committed)),
                "{case}"
            );
            shop.check_invariants(case);
        },
    );
}

#[test]
fn a_delivery_stands_or_does_not_wherever_it_crashed() {
    let deliver = |shop: &Shop, id: OrderId| drop(shop.change(admin(), id, OrderStatus::Delivered));
    at_every_call(Shop::paid, deliver, |shop, id, case| {
        let is_recorded = shop
            .history(id)
            .iter()
            .any(|line| line.starts_with("PAID>DELIVERED"));
        assert_eq!(
            shop.status(id) == OrderStatus::Delivered,
            is_recorded,
            "{case}"
        );
        shop.check_invariants(case);
    });
}

#[test]
fn a_sweep_that_crashed_is_made_up_for_by_the_next() {
    let prepare = |shop: &Shop| {
        let (expired, paid) = (shop.placed(), shop.placed());
        shop.customer_pays(paid);
        shop.wait(2_000_000);
        (expired, paid)
    };
    at_every_call(
        prepare,
        |shop, _| {
            shop.sweep();
        },
        |shop, (expired, paid), case| {
            shop.settle();
            assert_eq!(shop.status(expired), OrderStatus::Cancelled, "{case}");
            assert_eq!(shop.status(paid), OrderStatus::Paid, "{case}");
            shop.check_invariants(case);
        },
    );
}

#[test]
fn old_orders_are_removed_whole_wherever_that_crashed() {
    let prepare = |shop: &Shop| {
        let (unpaid, paid) = (shop.placed(), shop.paid());
        shop.wait(2_000_000);
        shop.sweep();
        shop.wait(UNPAID_KEPT_MS);
        (unpaid, paid)
    };
    at_every_call(
        prepare,
        |shop, _| {
            shop.sweep();
        },
        |shop, (unpaid, paid), case| {
            shop.sweep();
            assert!(shop.order(unpaid).is_none(), "{case}");
            assert_eq!(shop.rows("order_items"), 2, "{case}");
            assert_eq!(shop.rows("order_status_history"), 2, "{case}");
            assert_eq!(shop.status(paid), OrderStatus::Paid, "{case}");
            shop.check_invariants(case);
        },
    );
}

/// How somebody else ends the saga of an order that is just being made.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The same request, which finds no stock at first.
    Rejection,
    /// The sweep, for which it is too late.
    Sweep,
}

/// One request is at some turn when another begins or goes on, and crashes at some call; then the first ends. Gives whether the first
/// had ended by that turn, and whether the other one crashed.
fn crash_beside(end: End, turns: u32, call: u64, side: Side) -> (bool, bool) {
    let shop = Shop::new();
    let case = format!("{end:?} after {turns} turns, crash {side:?} call {call}");
    if matches!(end, End::Rejection) {
        shop.add_product(2, "0.105", 0);
    }
    let key = match end {
        End::Rejection => Some("k"),
        End::Sweep => None,
    };
    let make = || -> Task<'_, ()> {
        Box::pin(async { drop(create_order::handle(&shop, request(key)).await) })
    };
    let mut making = make();
    shop.faults.yields.set(true);
    let mut ended = false;
    let (mut first, mut second): (Task<'_, ()>, Task<'_, ()>) = match end {
        End::Rejection => (making, make()),
        End::Sweep => {
            // As far as the saga's beginning.
            ended |= take_turns(&mut making, 4).is_some();
            shop.wait(ABANDON_AFTER_MS);
            let sweep = async { drop(sweep::handle(&shop, 0).await) };
            (Box::pin(sweep), making)
        }
    };
    ended |= take_turns(&mut first, turns).is_some();
    let had_ended = ended;
    shop.add_stock(2, 10);
    let crashed = shop.crash_at(
        call,
        side,
        |_| {
            while take_turns(&mut second, 1).is_none() {}
        },
    );
    drop(second);
    while !ended && take_turns(&mut first, 1).is_none() {}
    drop(first);
    shop.faults.yields.set(false);
    shop.settle();
    shop.check_invariants(&case);
    (had_ended, crashed)
}

#[test]
fn no_payment_stays_open_where_one_request_ends_and_one_crashes() {
    for end in [End::Rejection, End::Sweep] {
        // Later turns than that in which it ends are none.
        let mut has_ended = false;
        let turns = (0..30).take_while(|turns| {
            let is_another = !has_ended;
            for side in SIDES.into_iter().filter(|_| is_another) {
                let crashes = (0..CALLS_MAX).take_while(|call| {
                    let (had_ended, crashed) = crash_beside(end, *turns, *call, side);
                    has_ended |= had_ended;
                    crashed
                });
                assert!(crashes.count() < 60);
            }
            is_another
        });
        assert!((2..30).contains(&turns.count()), "{end:?}");
    }
}

#[test]
fn the_harness_crashes_where_it_should() {
    let shop = Shop::new();
    assert!(shop.crash_at(0, Side::Before, |shop| drop(shop.create(None))));
    assert_eq!(shop.stored_sagas_and_keys(), (0, 0));
    assert!(shop.crash_at(0, Side::After, |shop| drop(shop.create(None))));
    assert_eq!(shop.stored_sagas_and_keys(), (1, 0));
    assert!(!shop.crash_at(CALLS_MAX, Side::After, |shop| drop(shop.create(None))));
}
