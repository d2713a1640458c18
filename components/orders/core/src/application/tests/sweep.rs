use crate::application::commands::create_order::{self, CreateOrder};
use crate::application::commands::sweep::{self, EVENT_OVERDUE_AFTER_MS, SweepReport};
use crate::application::queries::metrics_snapshot;
use crate::application::saga::pending_actions::SOLD_AFTER_MS;
use crate::application::tests::shop::{
    START_MS, Shop, Side, StockState, TTL_MS, UNPAID_KEPT_MS, lines, request, run,
};
use crate::application::{ABANDON_AFTER_MS, INBOX_KEPT_MS, KEY_KEPT_MS, RESUME_AFTER_MS};
use crate::domain::{OrderError, OrderStatus, PaymentStatus};
use crate::store::Action;

#[test]
fn an_expired_reservation_cancels_order_and_payment() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.wait(TTL_MS - 1);
    assert_eq!(shop.sweep(), SweepReport::default());
    shop.wait(1);
    assert_eq!(shop.sweep().expired, 1);
    assert_eq!(
        (shop.status(id), shop.free(1)),
        (OrderStatus::Cancelled, 10)
    );
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Cancelled));
    assert_eq!(
        shop.history(id)[1],
        "PENDING>CANCELLED The reservation ran out before the order was paid"
    );
    shop.sweep();
    shop.check_invariants("expired");
}

#[test]
fn a_cancellation_that_stood_still_is_resumed_and_not_expired() {
    let mut resumed = 0;
    for call in 1.. {
        let shop = Shop::new();
        let id = shop.placed();
        let crashed = shop.crash_at(call, Side::After, |shop| {
            shop.cancel(id).ok();
        });
        if !crashed {
            break;
        }
        shop.wait(RESUME_AFTER_MS);
        let report = shop.sweep();
        assert_eq!(report.expired, 0, "call {call}");
        resumed += report.resumed;
    }
    assert!(resumed > 0, "no crash left a cancellation half done");
}

#[test]
fn an_order_that_was_paid_in_time_does_not_expire() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.wait(TTL_MS);
    shop.customer_pays(id);
    assert_eq!(shop.sweep().expired, 0);
    assert_eq!(
        (shop.status(id), shop.stock_state(id)),
        (OrderStatus::Paid, Some(StockState::Committed))
    );
    shop.settle();
    assert_eq!(shop.status(id), OrderStatus::Paid);
    shop.check_invariants("paid at the last moment");
}

#[test]
fn events_that_never_arrive_are_fetched() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    assert_eq!(shop.sweep(), SweepReport::default(), "it may still come");
    shop.wait(EVENT_OVERDUE_AFTER_MS.into());
    let report = SweepReport {
        events_applied: 1,
        ..SweepReport::default()
    };
    assert_eq!(shop.sweep(), report);
    assert_eq!(shop.status(id), OrderStatus::Paid);
    shop.finish_sales();
    shop.check_invariants("fetched");
}

#[test]
fn a_half_made_order_with_a_key_is_finished_after_a_while() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert!(shop.create(Some("k")).is_err());
    shop.provider().down.set(false);
    assert_eq!(shop.sweep().resumed, 0, "its request may still be running");
    shop.wait(RESUME_AFTER_MS);
    assert_eq!(shop.sweep().resumed, 1);
    let order = shop.all_orders().remove(0);
    assert!(shop.has_pending_payment(order.id));
    shop.check_invariants("finished");
}

#[test]
fn a_running_request_without_a_key_is_given_time() {
    let shop = Shop::new();
    assert!(shop.crash_at(2, Side::After, |shop| drop(shop.create(None))));
    shop.wait(ABANDON_AFTER_MS - 1);
    assert_eq!(shop.sweep().resumed, 0);
    shop.wait(1);
    assert_eq!(shop.sweep().resumed, 1);
    shop.check_invariants("abandoned");
}

#[test]
fn a_half_made_order_that_fails_is_tried_less_and_less_often() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert!(shop.create(Some("k")).is_err());
    shop.wait(RESUME_AFTER_MS);
    let mut tries = Vec::new();
    for second in 0..60 {
        let before = shop.sagas_tried();
        shop.sweep();
        if shop.sagas_tried() > before {
            tries.push(second);
        }
        shop.wait(1_000);
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31]);
}

#[test]
fn a_pending_action_that_fails_is_tried_less_and_less_often() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    shop.inventory.down.set(true);
    shop.apply(&shop.waiting_events()[0]).unwrap();
    shop.wait(RESUME_AFTER_MS);
    let mut tries = Vec::new();
    for second in 0..60 {
        let before = shop.actions_tried(id);
        shop.sweep();
        if shop.actions_tried(id) > before {
            tries.push(second);
        }
        shop.wait(1_000);
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31]);
    shop.inventory.down.set(false);
    shop.wait(60_000);
    shop.sweep();
    assert_eq!(shop.stock_state(id), Some(StockState::Committed));
    shop.check_invariants("done in the end");
}

#[test]
fn a_run_that_follows_too_soon_does_nothing() {
    let shop = Shop::new();
    let sweep = || run(sweep::handle(&shop, 5_000)).unwrap();
    shop.placed();
    shop.wait(TTL_MS);
    assert_eq!(sweep().expired, 1);
    let id = shop.placed();
    shop.customer_pays(id);
    shop.wait(4_999);
    assert_eq!(sweep().events_applied, 0);
    shop.wait(1);
    assert_eq!(sweep().events_applied, 1);
}

/// So many orders of one unit each.
fn place_many(shop: &Shop, count: usize) {
    shop.add_product(1, "1", 1_000);
    for _ in 0..count {
        let one = CreateOrder {
            lines: lines(&[(1, 1)]),
            ..request(None)
        };
        run(create_order::handle(shop, one)).unwrap();
    }
}

#[test]
fn one_run_ends_all_that_is_due_many_orders_at_a_time() {
    let shop = Shop::new();
    place_many(&shop, 90);
    shop.wait(TTL_MS);
    let calls = shop.faults.calls();
    let report = shop.sweep();
    assert_eq!((report.expired, report.more), (90, false));
    assert_eq!(shop.free(1), 1_000);
    // Calls that leave the application are made for eight, sixteen and twice thirty-two orders, and the last two. The provider is asked
    // for each order.
    let called = shop.faults.calls() - calls - 90;
    assert!(called <= 12 * 5, "{called} calls");
    assert!(shop.waiting_events().is_empty(), "the answer was enough");
    shop.check_invariants("ninety");
}

#[test]
fn what_a_run_has_no_time_for_is_due_at_the_next() {
    let shop = Shop::new();
    let count = u32::try_from(3 * sweep::ORDERS_AT_FIRST as usize).unwrap();
    place_many(&shop, count as usize);
    shop.wait(TTL_MS);
    shop.provider().takes_ms.set(sweep::SWEEP_TIME_MS);
    let mut runs = Vec::new();
    for _ in 0..3 {
        let report = shop.sweep();
        runs.push((report.expired, report.more));
    }
    // What is slow is not done in larger numbers.
    assert_eq!(runs, [(sweep::ORDERS_AT_FIRST, true); 3]);
    assert_eq!(shop.sweep(), SweepReport::default());
    shop.check_invariants("a slow provider");
}

#[test]
fn an_order_that_fails_with_others_is_tried_alone_in_the_end() {
    for are_paying in [false, true] {
        let shop = Shop::new();
        place_many(&shop, 5);
        shop.wait(TTL_MS);
        shop.hold_sessions(are_paying);
        for _ in 0..4 {
            assert_eq!(shop.sweep().expired, 0);
            shop.wait(60_000);
        }
        let ids: Vec<_> = shop.all_orders().iter().map(|order| order.id).collect();
        shop.let_sessions_end(&ids);
        assert_eq!(shop.sweep().expired, 5, "each by itself");
        shop.deliver_events();
        shop.check_invariants("alone");
    }
}

#[test]
fn stock_that_could_not_be_given_back_is_given_back_later() {
    let shop = Shop::new();
    place_many(&shop, 5);
    shop.wait(TTL_MS);
    shop.inventory.down.set(true);
    assert_eq!(shop.sweep().expired, 5);
    assert_eq!(shop.free(1), 995);
    shop.inventory.down.set(false);
    shop.wait(RESUME_AFTER_MS);
    let report = shop.sweep();
    assert_eq!(
        (report.resumed, shop.inventory.released_together.get()),
        (5, 5)
    );
    assert_eq!(shop.free(1), 1_000);
    shop.check_invariants("given back");
}

/// Orders take all the time of each run. What others still have to do goes on all the same, and waits no longer for not having been tried.
#[test]
fn what_is_pending_does_not_wait_for_a_slow_provider() {
    let shop = Shop::new();
    let orders = ["FIRST", "SECOND", "THIRD"].map(|code| {
        shop.make_code(code, None);
        (code, shop.ordered(&shop.filled(&[code])).order.id)
    });
    shop.wait(TTL_MS);
    for (_, id) in orders {
        shop.leave_to_do(id, &Action::ReleaseCodes);
    }
    shop.hold_sessions(true);
    shop.provider().takes_ms.set(sweep::SWEEP_TIME_MS);
    let used = || -> u64 {
        let uses = orders.iter().map(|(code, _)| shop.checkouts.uses(code));
        uses.sum()
    };
    let mut after_each_run = vec![used()];
    for _ in 0..3 {
        assert!(shop.sweep().more, "the provider takes all the time");
        after_each_run.push(used());
        // Until the provider is asked again.
        shop.wait(RESUME_AFTER_MS);
    }
    assert_eq!(after_each_run, [3, 2, 1, 0], "one in each run");
}

#[test]
fn a_run_that_finds_nothing_to_do_writes_nothing() {
    let shop = Shop::on_sqlite();
    let (placed, paid) = (shop.placed(), shop.paid());
    shop.sweep();
    let (writes, sweeps) = (
        shop.writes(),
        metrics_snapshot::handle(&shop).unwrap().sweeps,
    );
    for _ in 0..50 {
        assert_eq!(shop.sweep(), SweepReport::default());
        assert_eq!(run(sweep::handle(&shop, 1_000)), Ok(SweepReport::default()));
        shop.wait(1_000);
    }
    assert_eq!(shop.writes(), writes);
    assert_eq!(metrics_snapshot::handle(&shop).unwrap().sweeps, sweeps);
    assert_eq!(shop.status(placed), OrderStatus::Pending);
    assert_eq!(shop.status(paid), OrderStatus::Paid);
}

#[test]
fn orders_that_nobody_paid_are_removed_after_their_time() {
    let shop = Shop::on_sqlite();
    let (cancelled, expired, paid) = (shop.placed(), shop.placed(), shop.paid());
    shop.cancel(cancelled).unwrap();
    shop.deliver_events();
    shop.wait(TTL_MS);
    shop.sweep();
    let late = shop.placed();
    shop.cancel(late).unwrap();
    shop.deliver_events();
    shop.customer_pays(late);
    shop.deliver_events();
    assert_eq!(shop.payment_status(late), Some(PaymentStatus::Refunded));
    shop.deliver_events();
    let delivered = 4 * SOLD_AFTER_MS;
    shop.wait(UNPAID_KEPT_MS - TTL_MS - delivered - 1);
    shop.sweep();
    assert!(shop.order(cancelled).is_some(), "not old enough");
    shop.wait(1);
    assert!(!shop.sweep().more);
    assert!(shop.order(cancelled).is_none());
    assert!(shop.order(expired).is_some(), "cancelled later");
    shop.wait(TTL_MS + SOLD_AFTER_MS);
    shop.sweep();
    assert!(shop.order(expired).is_none());
    assert_eq!(shop.status(paid), OrderStatus::Paid);
    assert_eq!(shop.status(late), OrderStatus::Cancelled, "money moved");
    assert_eq!(shop.rows("orders"), 2);
    assert_eq!(shop.rows("order_items"), 4);
    assert_eq!(shop.rows("holders"), 0, "nobody has ordered for a day");
    assert_eq!(shop.inventory.purged_after_ms.get(), UNPAID_KEPT_MS);
    assert!(matches!(shop.find(cancelled), Err(OrderError::NotFound)));
    let counted = metrics_snapshot::handle(&shop).unwrap().orders;
    let cancelled = counted
        .iter()
        .find(|(status, _)| *status == OrderStatus::Cancelled);
    assert_eq!(cancelled.unwrap().1, 1);
    let writes = shop.writes();
    shop.sweep();
    assert_eq!(
        shop.writes(),
        writes,
        "what stays is not looked at for ever"
    );
}

#[test]
fn an_order_with_a_pending_action_is_not_removed() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.inventory.down.set(true);
    shop.cancel(id).unwrap();
    shop.wait(2 * UNPAID_KEPT_MS);
    shop.sweep();
    assert!(shop.order(id).is_some());
    shop.inventory.down.set(false);
    shop.wait(UNPAID_KEPT_MS);
    shop.sweep();
    shop.sweep();
    assert!(shop.order(id).is_none());
    assert_eq!(shop.free(1), 10);
}

#[test]
fn without_a_retention_cancelled_orders_stay() {
    let mut shop = Shop::new();
    shop.settings.unpaid_retention_ms = None;
    let id = shop.placed();
    shop.cancel(id).unwrap();
    shop.deliver_events();
    shop.wait(100 * UNPAID_KEPT_MS);
    shop.sweep();
    assert_eq!(shop.status(id), OrderStatus::Cancelled);
    assert_eq!(shop.inventory.purged_after_ms.get(), u64::MAX);
    assert_eq!(shop.stored_sagas_and_keys(), (0, 0));
}

#[test]
fn old_keys_and_finished_sagas_are_removed_and_orders_stay() {
    let shop = Shop::new();
    assert!(shop.create(Some("k")).is_ok());
    let id = shop.all_orders()[0].id;
    shop.cancel(id).unwrap();
    let rejected = CreateOrder {
        lines: lines(&[(1, 11)]),
        ..request(Some("rejected"))
    };
    assert!(matches!(
        run(create_order::handle(&shop, rejected)),
        Err(OrderError::LinesRejected(_))
    ));
    assert_eq!(shop.stored_sagas_and_keys(), (2, 2));
    shop.wait(KEY_KEPT_MS - 1);
    shop.sweep();
    assert_eq!(shop.stored_sagas_and_keys(), (2, 2));
    shop.wait(1);
    shop.sweep();
    assert_eq!(shop.stored_sagas_and_keys(), (0, 0));
    assert_eq!(shop.find(id).unwrap().order.status, OrderStatus::Cancelled);
    assert_eq!(shop.order(id).unwrap().created_at, START_MS);
    shop.check_invariants("purged");
}

#[test]
fn old_inbox_marks_stay_while_an_action_is_pending() {
    let shop = Shop::new();
    let (settled, owing) = (shop.paid(), shop.placed());
    shop.customer_pays(owing);
    shop.inventory.down.set(true);
    shop.deliver_events();
    assert_eq!(shop.inbox_marks(), 2);
    // Each payment took its time.
    shop.wait(INBOX_KEPT_MS - 2 * SOLD_AFTER_MS - 1);
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 2);
    shop.wait(1);
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 1);
    shop.wait(SOLD_AFTER_MS);
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 1, "the stock of one is not sold yet");
    shop.inventory.down.set(false);
    shop.wait(INBOX_KEPT_MS);
    shop.sweep();
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 0);
    for id in [settled, owing] {
        assert_eq!(shop.order(id).unwrap().status, OrderStatus::Paid);
    }
    shop.check_invariants("purged");
}

#[test]
fn a_run_removes_a_bounded_number_of_old_things() {
    let shop = Shop::new();
    shop.add_product(1, "1", 1_000);
    let count = sweep::PURGED_PER_SWEEP + 1;
    for number in 0..count {
        let request = CreateOrder {
            lines: lines(&[(1, 10_000)]),
            ..request(Some(&format!("k{number}")))
        };
        run(create_order::handle(&shop, request)).unwrap_err();
    }
    shop.wait(KEY_KEPT_MS);
    assert!(shop.sweep().more);
    assert_eq!(shop.stored_sagas_and_keys(), (1, 1));
    assert!(!shop.sweep().more);
    assert_eq!(shop.stored_sagas_and_keys(), (0, 0));
}

#[test]
fn a_sweep_without_payments_fails() {
    let shop = Shop::new();
    shop.payments.down.set(true);
    assert_eq!(run(sweep::handle(&shop, 0)), Err(OrderError::Unavailable));
}

#[test]
fn a_clock_that_is_set_back_holds_up_only_reservations() {
    let shop = Shop::new();
    let (waiting, cancelled, paid) = (shop.placed(), shop.placed(), shop.placed());
    shop.customer_pays(paid);
    shop.inventory.down.set(true);
    shop.deliver_events();
    shop.provider().down.set(true);
    assert!(shop.cancel(cancelled).is_err());
    shop.provider().down.set(false);
    shop.inventory.down.set(false);
    shop.set_clock_back(TTL_MS);
    shop.sweep();
    assert_eq!(shop.status(cancelled), OrderStatus::Cancelled);
    assert_eq!(shop.stock_state(paid), Some(StockState::Committed));
    assert_eq!(shop.status(waiting), OrderStatus::Pending);
    shop.check_invariants("set back");
}
