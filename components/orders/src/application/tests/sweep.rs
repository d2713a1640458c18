use crate::application::commands::create_order::{self, CreateOrder};
use crate::application::commands::sweep::{self, SweepReport};
use crate::application::testing::{START_MS, Shop, StockState, TTL_MS, lines, request, run};
use crate::application::{ABANDON_AFTER_MS, INBOX_KEPT_MS, KEY_KEPT_MS, RESUME_AFTER_MS};
use crate::domain::{OrderError, OrderStatus, PaymentStatus};
use crate::ports::OpenError;

#[test]
fn a_reservation_that_runs_out_cancels_the_order_and_closes_the_payment() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.wait(TTL_MS - 1);
    assert_eq!(shop.sweep(), SweepReport::default());
    shop.wait(1);
    assert_eq!(shop.sweep().expired, 1);
    assert_eq!(
        (shop.status(&id), shop.free(1)),
        (OrderStatus::Cancelled, 10)
    );
    assert_eq!(shop.payment_status(&id), Some(PaymentStatus::Cancelled));
    assert_eq!(
        shop.history(&id)[1],
        "PENDING>CANCELLED The reservation ran out before the order was paid"
    );
    shop.sweep();
    shop.check_invariants("expired");
}

#[test]
fn an_order_that_was_paid_in_time_does_not_expire() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.wait(TTL_MS);
    shop.customer_pays(&id);
    assert_eq!(shop.sweep().expired, 0);
    assert_eq!(
        (shop.status(&id), shop.stock_state(&id)),
        (OrderStatus::Paid, Some(StockState::Committed))
    );
    shop.settle();
    assert_eq!(shop.status(&id), OrderStatus::Paid);
    shop.check_invariants("paid at the last moment");
}

#[test]
fn events_that_never_arrive_are_fetched() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(&id);
    assert_eq!(
        shop.sweep(),
        SweepReport {
            events_applied: 1,
            ..SweepReport::default()
        }
    );
    assert_eq!(shop.status(&id), OrderStatus::Paid);
    shop.check_invariants("fetched");
}

#[test]
fn a_half_made_order_with_a_key_is_finished_after_a_while() {
    let shop = Shop::new();
    shop.payments.refuses.set(Some(OpenError::Unavailable));
    assert!(shop.create(Some("k")).is_err());
    shop.payments.refuses.set(None);
    assert_eq!(shop.sweep().resumed, 0, "its request may still be running");
    shop.wait(RESUME_AFTER_MS);
    assert_eq!(shop.sweep().resumed, 1);
    let order = shop.all_orders().remove(0);
    assert!(shop.has_pending_payment(&order.id));
    shop.check_invariants("finished");
}

#[test]
fn a_running_request_without_a_key_is_given_time() {
    let shop = Shop::new();
    assert!(
        shop.crash_at(2, crate::application::testing::Side::After, |shop| drop(
            shop.create(None)
        ))
    );
    shop.wait(ABANDON_AFTER_MS - 1);
    assert_eq!(shop.sweep().resumed, 0);
    shop.wait(1);
    assert_eq!(shop.sweep().resumed, 1);
    shop.check_invariants("abandoned");
}

#[test]
fn a_half_made_order_that_fails_is_tried_less_and_less_often() {
    let shop = Shop::new();
    shop.payments.refuses.set(Some(OpenError::Unavailable));
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
fn a_follow_up_that_fails_is_tried_less_and_less_often_and_done_in_the_end() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(&id);
    shop.inventory.down.set(true);
    shop.deliver_events();
    shop.wait(RESUME_AFTER_MS);
    let mut tries = Vec::new();
    for second in 0..60 {
        let before = shop.follow_ups_tried(&id);
        shop.sweep();
        if shop.follow_ups_tried(&id) > before {
            tries.push(second);
        }
        shop.wait(1_000);
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31]);
    shop.inventory.down.set(false);
    shop.wait(60_000);
    shop.sweep();
    assert_eq!(shop.stock_state(&id), Some(StockState::Committed));
    shop.check_invariants("done in the end");
}

#[test]
fn a_run_that_follows_too_soon_does_nothing() {
    let shop = Shop::new();
    let sweep = || run(sweep::handle(&shop, 1_000)).unwrap();
    sweep();
    let id = shop.placed();
    shop.customer_pays(&id);
    shop.wait(999);
    assert_eq!(sweep().events_applied, 0);
    shop.wait(1);
    assert_eq!(sweep().events_applied, 1);
}

#[test]
fn one_run_does_a_bounded_amount_of_work() {
    let shop = Shop::new();
    shop.add_product(1, "1", 1_000);
    let count = sweep::SAGAS_PER_SWEEP + 1;
    for _ in 0..count {
        run(create_order::handle(
            &shop,
            CreateOrder {
                lines: lines(&[(1, 1)]),
                ..request(None)
            },
        ))
        .unwrap();
    }
    shop.wait(TTL_MS);
    assert_eq!(shop.sweep().expired, sweep::SAGAS_PER_SWEEP);
    assert_eq!(shop.sweep().expired, 1);
}

#[test]
fn old_keys_and_finished_sagas_are_removed_and_orders_stay() {
    let shop = Shop::new();
    assert!(shop.create(Some("k")).is_ok());
    let id = shop.all_orders()[0].id.clone();
    shop.cancel(&id).unwrap();
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
    assert_eq!(shop.find(&id).unwrap().order.status, OrderStatus::Cancelled);
    assert_eq!(shop.order(&id).unwrap().created_at, START_MS);
    shop.check_invariants("purged");
}

#[test]
fn old_inbox_marks_are_removed_unless_their_order_still_owes_something() {
    let shop = Shop::new();
    let (settled, owing) = (shop.paid(), shop.placed());
    shop.customer_pays(&owing);
    shop.inventory.down.set(true);
    shop.deliver_events();
    assert_eq!(shop.inbox_marks(), 2);
    shop.wait(INBOX_KEPT_MS - 1);
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 2);
    shop.wait(1);
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 1, "the stock of one is not sold yet");
    shop.inventory.down.set(false);
    shop.wait(INBOX_KEPT_MS);
    shop.sweep();
    shop.sweep();
    assert_eq!(shop.inbox_marks(), 0);
    for id in [settled, owing] {
        assert_eq!(shop.order(&id).unwrap().status, OrderStatus::Paid);
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
    shop.sweep();
    assert_eq!(shop.stored_sagas_and_keys(), (1, 1));
    shop.sweep();
    assert_eq!(shop.stored_sagas_and_keys(), (0, 0));
}

#[test]
fn a_sweep_without_payments_tells_so() {
    let shop = Shop::new();
    shop.payments.down.set(true);
    assert_eq!(run(sweep::handle(&shop, 0)), Err(OrderError::Unavailable));
}

#[test]
fn a_clock_that_is_set_back_holds_up_nothing_but_the_end_of_reservations() {
    let shop = Shop::new();
    let (waiting, cancelled, paid) = (shop.placed(), shop.placed(), shop.placed());
    shop.customer_pays(&paid);
    shop.inventory.down.set(true);
    shop.deliver_events();
    shop.payments.keeps_sessions.set(true);
    assert!(shop.cancel(&cancelled).is_err());
    shop.payments.keeps_sessions.set(false);
    shop.inventory.down.set(false);
    shop.set_clock_back(TTL_MS);
    shop.sweep();
    assert_eq!(shop.status(&cancelled), OrderStatus::Cancelled);
    assert_eq!(shop.stock_state(&paid), Some(StockState::Committed));
    assert_eq!(shop.status(&waiting), OrderStatus::Pending);
    shop.check_invariants("set back");
}

#[test]
fn a_slow_provider_does_not_keep_a_run_going() {
    let shop = Shop::new();
    let orders = [shop.placed(), shop.placed(), shop.placed()];
    shop.wait(TTL_MS);
    shop.payments.takes_ms.set(sweep::SWEEP_TIME_MS);
    let expired: Vec<_> = orders.iter().map(|_| shop.sweep().expired).collect();
    assert_eq!(expired, [1, 1, 1], "each leaves the others to the next");
    shop.check_invariants("a slow provider");
}
