//! Orders that take the place of older ones, and customers who say what they expect to pay.

use mercato_kernel::OrderId;
use mercato_platform::client::Client;

use crate::application::commands::create_order::{self, CreateOrder, CreateOutcome, Placement};
use crate::application::commands::sweep::EVENT_OVERDUE_AFTER_MS;
use crate::application::tests::shop::{SIDES, Shop, customer, lines, request, run};
use crate::domain::{
    HolderKind, Limit, LimitReached, Limits, OrderError, OrderStatus, PaymentStatus, Share,
    TotalChanged, Transition,
};

/// More calls than an order that replaces another one makes.
const CALLS_MAX: u64 = 200;

fn replacing(older: OrderId, key: Option<&str>) -> CreateOrder {
    CreateOrder {
        replaces: Some(older),
        lines: lines(&[(1, 9)]),
        ..request(key)
    }
}

fn create(shop: &Shop, command: CreateOrder) -> Result<Placement, OrderError> {
    match run(create_order::handle(shop, command))? {
        CreateOutcome::Placed(placement) => Ok(placement),
        CreateOutcome::Replayed(answer) => panic!("{answer:?}"),
    }
}

fn expecting(total: &str, key: Option<&str>) -> CreateOrder {
    CreateOrder {
        expected_total: Some(total.parse().unwrap()),
        ..request(key)
    }
}

#[test]
fn the_older_order_ends_first_and_frees_its_stock() {
    let shop = Shop::new();
    let older = shop.placed();
    // Of ten units the older order has two: nine are there only without it.
    let newer = create(&shop, replacing(older, None)).unwrap().order;
    assert_eq!(shop.status(older), OrderStatus::Cancelled);
    assert_eq!(
        shop.payment_status(older),
        Some(PaymentStatus::Cancelled),
        "nobody can pay the older one any more"
    );
    let last = shop.history(older).pop().unwrap();
    assert_eq!(
        last,
        format!("PENDING>CANCELLED Replaced by order {}", newer.id)
    );
    assert_eq!((newer.status, shop.free(1)), (OrderStatus::Pending, 1));
    shop.deliver_events();
    shop.check_invariants("replaced");
}

#[test]
fn only_a_pending_order_of_ones_own_is_replaced() {
    let shop = Shop::new();
    let (older, paid) = (shop.placed(), shop.paid());
    let stranger = CreateOrder {
        customer_id: customer(2).into(),
        ..replacing(older, None)
    };
    let unknown = OrderId::parse("01939f6e-8a00-7000-8000-ffffffffffff").unwrap();
    for command in [stranger, replacing(unknown, None)] {
        match create(&shop, command) {
            Err(OrderError::Invalid(errors)) => {
                assert_eq!(
                    (errors[0].field.as_str(), &*errors[0].code),
                    ("replaces", "unknown")
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = OrderError::InvalidTransition(Transition {
        from: OrderStatus::Paid,
        to: OrderStatus::Cancelled,
    });
    assert_eq!(create(&shop, replacing(paid, None)), Err(refused));
    assert_eq!(shop.status(older), OrderStatus::Pending);
    assert_eq!(shop.all_orders().len(), 2);
    shop.finish_sales();
    shop.check_invariants("refused");
}

#[test]
fn an_order_that_ended_by_itself_is_replaced_all_the_same() {
    let shop = Shop::new();
    let older = shop.placed();
    shop.cancel(older).unwrap();
    shop.deliver_events();
    create(&shop, replacing(older, None)).unwrap();
    shop.check_invariants("replaced after it was cancelled");
}

#[test]
fn an_order_is_replaced_by_one_at_a_time() {
    let shop = Shop::new();
    let older = shop.placed();
    let newer = create(&shop, replacing(older, Some("a"))).unwrap().order.id;
    let again = create(&shop, replacing(older, Some("a"))).unwrap();
    assert_eq!(again.order.id, newer, "the key repeats the same order");
    assert_eq!(
        create(&shop, replacing(older, Some("b"))),
        Err(OrderError::AlreadyReplaced(newer))
    );
    shop.cancel(newer).unwrap();
    shop.deliver_events();
    create(&shop, replacing(older, Some("c"))).unwrap();
    shop.check_invariants("replaced again");
}

#[test]
fn an_order_that_is_paid_meanwhile_stays_and_there_is_no_other() {
    for key in [None, Some("k")] {
        let shop = Shop::new();
        let older = shop.placed();
        shop.customer_pays(older);
        let outcome = create(&shop, replacing(older, key));
        assert!(
            matches!(outcome, Err(OrderError::InvalidTransition(_))),
            "{outcome:?}"
        );
        assert_eq!(shop.status(older), OrderStatus::Paid);
        assert_eq!(shop.all_orders().len(), 1);
        assert_eq!(shop.stored_sagas_and_keys().1, 0, "the key is free");
        shop.check_invariants("paid meanwhile");
    }
}

#[test]
fn a_payment_under_way_keeps_the_older_order() {
    let shop = Shop::new();
    let older = shop.placed();
    shop.provider().is_paying.set(true);
    assert_eq!(
        create(&shop, replacing(older, Some("k"))),
        Err(OrderError::PaymentUnderWay)
    );
    shop.customer_pays(older);
    shop.deliver_events();
    shop.settle();
    assert_eq!(shop.status(older), OrderStatus::Paid);
    assert_eq!(shop.all_orders().len(), 1);
    shop.check_invariants("paid in the end");
}

#[test]
fn what_the_older_order_holds_does_not_count_any_more() {
    let mut shop = Shop::new();
    let share = Share {
        open_orders: 1,
        held_units: 9,
        ..Share::default()
    };
    shop.settings.limits = Limits {
        account: share,
        client: share,
    };
    let at_home = |command| CreateOrder {
        client: Client::parse("192.0.2.1"),
        ..command
    };
    let older = create(&shop, at_home(request(None))).unwrap().order.id;
    let reached = Err(OrderError::LimitReached(LimitReached {
        holder: HolderKind::Account,
        limit: Limit::OpenOrders,
        max: 1,
    }));
    assert_eq!(create(&shop, at_home(request(None))), reached);
    let newer = create(&shop, at_home(replacing(older, None))).unwrap();
    assert_eq!(create(&shop, at_home(request(None))), reached);
    let too_many = CreateOrder {
        lines: lines(&[(1, 10)]),
        ..replacing(newer.order.id, None)
    };
    let refused = create(&shop, at_home(too_many));
    assert!(
        matches!(refused, Err(OrderError::LimitReached(_))),
        "{refused:?}"
    );
    assert_eq!(shop.status(newer.order.id), OrderStatus::Pending);
}

#[test]
fn a_replacement_that_crashed_leaves_nothing_double() {
    for key in [None, Some("k")] {
        for side in SIDES {
            for call in 0..CALLS_MAX {
                let shop = Shop::new();
                let older = shop.placed();
                let crashed = shop.crash_at(call, side, |shop| {
                    drop(create(shop, replacing(older, key)));
                });
                let case = format!("crash {side:?} call {call}, key {key:?}");
                let pending = |shop: &Shop| {
                    let orders = shop.all_orders();
                    let open = orders
                        .iter()
                        .filter(|order| order.status == OrderStatus::Pending);
                    open.count()
                };
                let ended = shop.payment_status(older) == Some(PaymentStatus::Cancelled);
                assert!(
                    shop.all_orders().len() == 1 || ended,
                    "{case}: two orders can be paid"
                );
                if key.is_some() {
                    create(&shop, replacing(older, key)).unwrap();
                    shop.deliver_events();
                    assert_eq!((pending(&shop), shop.free(1)), (1, 1), "{case}");
                    assert_eq!(shop.status(older), OrderStatus::Cancelled, "{case}");
                    shop.check_invariants(&case);
                } else {
                    shop.wait(60_000);
                    for _ in 0..3 {
                        shop.sweep();
                        shop.wait(EVENT_OVERDUE_AFTER_MS.into());
                    }
                    assert!(pending(&shop) <= 1, "{case}");
                    shop.check_invariants(&case);
                }
                shop.settle();
                assert_eq!((shop.free(1), shop.free(2)), (10, 10), "{case}");
                shop.check_invariants(&case);
                if !crashed {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_order_is_placed_for_the_total_that_its_customer_saw() {
    let shop = Shop::new();
    for total in ["20.085", "20.08", "20.0850"] {
        let placed = create(&shop, expecting(total, None)).unwrap();
        assert_eq!(placed.order.total_amount.to_string(), "20.085", "{total}");
    }
}

#[test]
fn with_another_total_nothing_is_ordered() {
    let shop = Shop::new();
    let seen = create(&shop, request(None)).unwrap().order;
    shop.cancel(seen.id).unwrap();
    shop.deliver_events();
    let changed = TotalChanged {
        expected: "19.99".parse().unwrap(),
        total: seen.total_amount,
        items: seen.items,
    };
    let refused = Err(OrderError::TotalChanged(changed));
    assert_eq!(create(&shop, expecting("19.99", None)), refused);
    for _ in 0..2 {
        assert_eq!(create(&shop, expecting("19.99", Some("k"))), refused);
    }
    shop.record("k", 409, b"kept");
    let replayed = run(create_order::handle(&shop, expecting("19.99", Some("k"))));
    assert!(matches!(replayed, Ok(CreateOutcome::Replayed(_))));
    assert_eq!((shop.all_orders().len(), shop.free(1)), (1, 10));
    shop.check_invariants("refused for its total");
}

#[test]
fn a_refused_total_leaves_no_stock_behind_after_a_crash() {
    for side in SIDES {
        for call in 0..CALLS_MAX {
            let shop = Shop::new();
            let crashed = shop.crash_at(call, side, |shop| {
                drop(create(shop, expecting("1", Some("k"))));
            });
            let case = format!("crash {side:?} call {call}");
            let refused = create(&shop, expecting("1", Some("k")));
            assert!(
                matches!(refused, Err(OrderError::TotalChanged(_))),
                "{case}: {refused:?}"
            );
            shop.settle();
            assert!(shop.all_orders().is_empty() && shop.free(1) == 10, "{case}");
            shop.check_invariants(&case);
            if !crashed {
                break;
            }
        }
    }
}
