//! What accounts and clients may hold and do before they pay or cancel.

use mercato_kernel::OrderId;
use mercato_platform::client::Client;
use mercato_testing::in_every_order;

use crate::application::commands::create_order::{self, CreateOrder, CreateOutcome};
use crate::application::tests::shop::{SIDES, Shop, TTL_MS, customer, lines, request, run};
use crate::domain::{
    DAY_MS, Holder, HolderKind, Limit, LimitReached, Limits, MINUTE_MS, OrderError, Share,
};

const NONE: Share = Share {
    open_orders: 0,
    held_units: 0,
    orders_per_minute: 0,
    orders_per_day: 0,
};

fn shop(account: Share, client: Share) -> Shop {
    limited(Shop::new(), account, client)
}

fn limited(mut shop: Shop, account: Share, client: Share) -> Shop {
    shop.add_product(1, "1", 1_000_000);
    shop.settings.limits = Limits { account, client };
    shop
}

fn open(open_orders: u64) -> Share {
    Share {
        open_orders,
        ..NONE
    }
}

/// The customer of that number orders so many units from an address.
fn order(shop: &Shop, number: u64, address: &str, units: u32) -> Result<OrderId, OrderError> {
    let command = CreateOrder {
        customer_id: customer(number).into(),
        client: Client::parse(address),
        lines: lines(&[(1, units)]),
        ..request(None)
    };
    match run(create_order::handle(shop, command))? {
        CreateOutcome::Placed(placement) => Ok(placement.order.id),
        CreateOutcome::Replayed(answer) => panic!("{answer:?}"),
    }
}

fn reached<T: std::fmt::Debug>(result: Result<T, OrderError>) -> (HolderKind, Limit, u64) {
    match result {
        Err(OrderError::LimitReached(LimitReached { holder, limit, max })) => (holder, limit, max),
        other => panic!("{other:?}"),
    }
}

const HOME: &str = "192.0.2.1";
const OFFICE: &str = "192.0.2.2";

#[test]
fn unpaid_orders_count_until_they_are_paid_or_cancelled() {
    let shop = shop(open(2), NONE);
    let (first, second) = (order(&shop, 1, HOME, 1).unwrap(), order(&shop, 1, HOME, 1));
    let second = second.unwrap();
    let full = (HolderKind::Account, Limit::OpenOrders, 2);
    assert_eq!(reached(order(&shop, 1, OFFICE, 1)), full);
    order(&shop, 2, HOME, 1).expect("another account");
    shop.cancel(first).unwrap();
    order(&shop, 1, HOME, 1).expect("one was cancelled");
    assert_eq!(reached(order(&shop, 1, HOME, 1)), full);
    shop.customer_pays(second);
    shop.deliver_events();
    order(&shop, 1, HOME, 1).expect("one was paid");
    assert_eq!(reached(order(&shop, 1, HOME, 1)), full);
    shop.wait(TTL_MS);
    shop.sweep();
    order(&shop, 1, HOME, 1).expect("all have expired");
    shop.check_invariants("limits");
}

#[test]
fn a_paid_order_that_has_not_heard_of_it_counts_no_more() {
    let units = Share {
        held_units: 2,
        ..NONE
    };
    for (account, client) in [(open(2), NONE), (NONE, open(2)), (units, NONE)] {
        let shop = shop(account, client);
        let paid = order(&shop, 1, HOME, 1).unwrap();
        order(&shop, 1, HOME, 1).unwrap();
        reached(order(&shop, 1, HOME, 1));
        shop.customer_pays(paid);
        reached(order(&shop, 1, HOME, 1));
        shop.wait(create_order::EVENT_LATE_AFTER_MS.into());
        order(&shop, 1, HOME, 1).expect("one is paid");
        reached(order(&shop, 1, HOME, 1));
        shop.check_invariants("late events");
    }
}

#[test]
fn units_of_unpaid_orders_are_counted_together() {
    let held = Share {
        held_units: 10,
        ..NONE
    };
    let shop = shop(held, NONE);
    let full = (HolderKind::Account, Limit::HeldUnits, 10);
    assert_eq!(reached(order(&shop, 1, HOME, 11)), full);
    let first = order(&shop, 1, HOME, 7).unwrap();
    assert_eq!(reached(order(&shop, 1, HOME, 4)), full);
    order(&shop, 1, HOME, 3).unwrap();
    assert_eq!(shop.free(1), 1_000_000 - 10);
    shop.cancel(first).unwrap();
    order(&shop, 1, HOME, 7).unwrap();
    shop.deliver_events();
    shop.check_invariants("units");
}

#[test]
fn a_client_is_limited_whatever_accounts_it_has() {
    let shop = shop(NONE, open(3));
    for number in 1..=3 {
        order(&shop, number, "2001:db8::1", 1).unwrap();
    }
    let full = (HolderKind::Client, Limit::OpenOrders, 3);
    assert_eq!(reached(order(&shop, 4, "2001:db8::ffff:1", 1)), full);
    order(&shop, 4, "2001:db8:0:1::1", 1).expect("another network");
    order(&shop, 1, OFFICE, 1).expect("the account has no limit");
    shop.wait(TTL_MS);
    shop.sweep();
    order(&shop, 4, "2001:db8::ffff:1", 1).unwrap();
    shop.check_invariants("clients");
}

#[test]
fn orders_of_a_minute_and_of_a_day_are_counted_from_the_first() {
    let rate = Share {
        orders_per_minute: 2,
        orders_per_day: 5,
        ..NONE
    };
    let shop = shop(rate, NONE);
    for _ in 0..2 {
        for _ in 0..2 {
            order(&shop, 1, HOME, 1).unwrap();
            shop.wait(10_000);
        }
        let full = (HolderKind::Account, Limit::OrdersPerMinute(40), 2);
        assert_eq!(reached(order(&shop, 1, HOME, 1)), full);
        shop.wait(MINUTE_MS - 20_000);
    }
    order(&shop, 1, HOME, 1).unwrap();
    let (_, limit, max) = reached(order(&shop, 1, HOME, 1));
    let left = (DAY_MS - 2 * MINUTE_MS) / 1_000;
    assert_eq!((limit, max), (Limit::OrdersPerDay(left), 5));
    shop.wait(DAY_MS - 2 * MINUTE_MS - 1);
    reached(order(&shop, 1, HOME, 1));
    shop.wait(1);
    order(&shop, 1, HOME, 1).unwrap();
}

#[test]
fn orders_without_stock_count_for_the_rate_and_hold_nothing() {
    let rate = Share {
        orders_per_minute: 2,
        open_orders: 1,
        ..NONE
    };
    let shop = shop(rate, NONE);
    let too_many = || {
        let command = CreateOrder {
            lines: lines(&[(2, 11)]),
            ..request(None)
        };
        run(create_order::handle(&shop, command))
    };
    for _ in 0..2 {
        assert!(matches!(too_many(), Err(OrderError::LinesRejected(_))));
    }
    let holding = shop.holding(&Holder::account(customer(1)));
    assert_eq!((holding.minute_orders, holding.open_orders), (2, 0));
    let (_, limit, _) = reached(too_many());
    assert_eq!(limit, Limit::OrdersPerMinute(60));
}

#[test]
fn a_refused_request_leaves_nothing_and_takes_no_stock() {
    let shop = limited(Shop::on_sqlite(), open(1), NONE);
    order(&shop, 1, HOME, 1).unwrap();
    let (rows, free, writes) = (shop.stored_sagas_and_keys(), shop.free(1), shop.writes());
    for _ in 0..20 {
        reached(order(&shop, 1, HOME, 1));
        reached(shop.create(Some("k")));
    }
    assert_eq!(shop.stored_sagas_and_keys(), rows);
    assert_eq!((shop.free(1), shop.writes()), (free, writes));
}

#[test]
fn a_repeated_request_is_never_refused() {
    let shop = shop(open(1), NONE);
    let first = shop.create(Some("k")).unwrap();
    reached(shop.create(Some("other")));
    assert_eq!(shop.create(Some("k")).unwrap(), first);
    shop.record("k", 201, b"placed");
    let replayed = shop.create(Some("k")).unwrap();
    assert!(matches!(replayed, CreateOutcome::Replayed(_)));
}

#[test]
fn an_order_that_began_is_finished_whatever_limits_are_reached() {
    for side in SIDES {
        for call in 0..6 {
            let shop = shop(open(1), open(1));
            shop.crash_at(call, side, |shop| drop(shop.create(Some("k"))));
            shop.create(Some("k")).unwrap();
            reached(shop.create(Some("other")));
            shop.settle();
            shop.create(Some("other")).unwrap();
            shop.check_invariants(&format!("crash {side:?} call {call}"));
        }
    }
}

#[test]
fn an_exempt_order_is_counted_and_not_limited() {
    let shop = shop(open(1), open(1));
    for _ in 0..3 {
        let command = CreateOrder {
            is_exempt: true,
            client: Client::parse(HOME),
            ..request(None)
        };
        run(create_order::handle(&shop, command)).unwrap();
    }
    assert_eq!(shop.holding(&Holder::account(customer(1))).open_orders, 3);
    reached(order(&shop, 1, OFFICE, 1));
}

#[test]
fn two_requests_at_the_same_time_do_not_share_the_last_place() {
    let orders = in_every_order(usize::MAX, |turns| {
        let shop = shop(open(1), NONE);
        let both = ["a", "b"].map(|key| {
            let future: std::pin::Pin<Box<dyn Future<Output = _>>> =
                Box::pin(create_order::handle(&shop, request(Some(key))));
            future
        });
        let outcomes = shop.interleave_by(both, turns);
        let placed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(placed, 1, "{turns:?}: {outcomes:?}");
        shop.check_invariants("two at a time");
    });
    assert!(orders > 5, "{orders}");
}
