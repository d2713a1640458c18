use crate::application::commands::apply_payment_event;
use crate::application::commands::sweep::EVENT_OVERDUE_AFTER_MS;
use crate::application::tests::shop::{REQUEST_MINOR, Shop, StockState, TTL_MS, admin, run};
use crate::domain::{EventOutcome, OrderError, OrderStatus, PaymentEvent, PaymentStatus};
use crate::store::Action;

use EventOutcome::{Applied, Duplicate, Ignored, Unconfirmed};
use OrderStatus::{Cancelled, Paid, Refunded};

#[test]
fn a_success_pays_the_order_sells_the_stock_and_is_acknowledged() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    assert_eq!(shop.apply(&event), Ok(Applied));
    let order = shop.order(id).unwrap();
    assert_eq!((order.status, order.paid_at), (Paid, Some(event.time)));
    assert_eq!(order.receipt.unwrap().url, event.receipt_url);
    assert_eq!(shop.stock_state(id), Some(StockState::Committed));
    assert_eq!(
        shop.waiting_events().len(),
        1,
        "many are acknowledged at a time"
    );
    shop.finish_sales();
    shop.check_invariants("paid");
}

#[test]
fn an_event_that_comes_again_changes_nothing() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    assert_eq!(shop.apply(&event), Ok(Applied));
    let before = (shop.order(id), shop.history(id));
    assert_eq!(shop.apply(&event), Ok(Duplicate));
    assert_eq!((shop.order(id), shop.history(id)), before);
    shop.check_invariants("twice");
}

#[test]
fn an_event_that_comes_again_does_what_was_left_undone() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    shop.inventory.down.set(true);
    assert_eq!(shop.apply(&event), Ok(Applied));
    assert_eq!(
        (shop.status(id), shop.stock_state(id)),
        (Paid, Some(StockState::Held))
    );
    assert_eq!(shop.apply(&event), Ok(Duplicate));
    assert_eq!(
        shop.waiting_events().len(),
        1,
        "not acknowledged before the stock is moved"
    );
    shop.inventory.down.set(false);
    assert_eq!(shop.apply(&event), Ok(Duplicate));
    shop.check_invariants("redone");
}

#[test]
fn a_payment_that_ends_without_success_cancels_the_order() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.payment_fails(id);
    shop.deliver_events();
    assert_eq!((shop.status(id), shop.free(1)), (Cancelled, 10));
    let last = "PENDING>CANCELLED Payment failed: the payment was declined";
    assert_eq!(shop.history(id)[1], last);
    shop.check_invariants("failed");
}

#[test]
fn a_full_refund_gives_the_stock_back_unless_it_was_delivered() {
    for delivered in [false, true] {
        let shop = Shop::new();
        let id = shop.paid();
        if delivered {
            shop.change(admin(), id, OrderStatus::Delivered).unwrap();
        }
        shop.refund(id, i64::MAX);
        shop.deliver_events();
        assert_eq!(
            (shop.status(id), shop.free(1)),
            (Refunded, if delivered { 8 } else { 10 })
        );
        shop.check_invariants("refunded");
    }
}

#[test]
fn part_refunds_leave_the_order_paid_until_all_is_given_back() {
    let shop = Shop::new();
    let id = shop.paid();
    shop.refund(id, 8);
    shop.deliver_events();
    assert_eq!(
        (shop.status(id), shop.stock_state(id)),
        (Paid, Some(StockState::Committed))
    );
    assert_eq!(shop.history(id)[2], "PAID>PAID 0.08 of 20.08 USD refunded");
    shop.refund(id, REQUEST_MINOR - 8);
    shop.deliver_events();
    assert_eq!(
        (shop.status(id), shop.stock_state(id)),
        (Refunded, Some(StockState::Restocked))
    );
    shop.check_invariants("refunded in parts");
}

/// Every order in which these events can arrive.
fn permutations(events: &[PaymentEvent]) -> Vec<Vec<PaymentEvent>> {
    if events.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for index in 0..events.len() {
        let mut rest = events.to_vec();
        let first = rest.remove(index);
        for mut tail in permutations(&rest) {
            tail.insert(0, first.clone());
            all.push(tail);
        }
    }
    all
}

#[test]
fn events_in_any_order_end_in_the_same_state() {
    for order_of_arrival in 0..6 {
        let shop = Shop::new();
        let id = shop.placed();
        shop.customer_pays(id);
        shop.refund(id, 8);
        shop.refund(id, i64::MAX);
        let arrival = permutations(&shop.waiting_events()).remove(order_of_arrival);
        for event in &arrival {
            shop.apply(event).unwrap();
        }
        let case = format!(
            "{:?}",
            arrival
                .iter()
                .map(|event| event.event_type)
                .collect::<Vec<_>>()
        );
        let order = shop.order(id).unwrap();
        assert_eq!((order.status, shop.free(1)), (Refunded, 10), "{case}");
        assert!(order.receipt.is_some(), "{case}");
        shop.check_invariants(&case);
    }
}

#[test]
fn a_part_refund_that_arrives_first_pays_the_order() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    shop.refund(id, 8);
    for event in shop.waiting_events().iter().rev() {
        shop.apply(event).unwrap();
    }
    assert_eq!(
        (shop.status(id), shop.stock_state(id)),
        (Paid, Some(StockState::Committed))
    );
    shop.check_invariants("part refund first");
}

#[test]
fn a_payment_for_a_cancelled_order_is_refunded() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.cancel(id).unwrap();
    shop.deliver_events();
    shop.customer_pays(id);
    let late = shop.waiting_events().remove(0);
    assert_eq!(shop.apply(&late), Ok(Applied));
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Refunded));
    assert_eq!(shop.apply(&late), Ok(Duplicate));
    let refund = shop.waiting_events().remove(0);
    assert_eq!(shop.apply(&refund), Ok(Ignored));
    assert_eq!(shop.status(id), Cancelled);
    assert_eq!(
        shop.history(id)[2],
        "CANCELLED>CANCELLED The payment succeeded after the order was cancelled; it is refunded"
    );
    assert_eq!(shop.history(id).len(), 3);
    shop.check_invariants("late payment");
}

#[test]
fn a_late_payment_is_refunded_as_soon_as_payments_can() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.cancel(id).unwrap();
    shop.deliver_events();
    shop.customer_pays(id);
    let late = shop.waiting_events().remove(0);
    shop.payments.down.set(true);
    assert_eq!(shop.apply(&late), Ok(Applied));
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Succeeded));
    shop.payments.down.set(false);
    shop.settle();
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Refunded));
    shop.check_invariants("late refund");
}

#[test]
fn a_late_refund_that_is_refused_is_recorded_once() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.cancel(id).unwrap();
    shop.deliver_events();
    shop.customer_pays(id);
    shop.provider().refuses.replace(Some("no".to_owned()));
    shop.deliver_events();
    for _ in 0..3 {
        shop.wait(600_000);
        shop.sweep();
    }
    assert_eq!(shop.payments.refunds_asked.get(), 1);
    assert_eq!(shop.status(id), Cancelled);
    let history = shop.history(id);
    assert_eq!(history.len(), 4);
    assert!(history[3].contains("refused to refund"), "{history:?}");
}

#[test]
fn an_event_that_cannot_be_applied_is_reported() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    let wrong = PaymentEvent {
        amount: event.amount + 1,
        ..event.clone()
    };
    assert!(matches!(shop.apply(&wrong), Err(OrderError::Invalid(_))));
    shop.store.down.set(true);
    assert_eq!(shop.apply(&event), Err(OrderError::Unavailable));
    shop.store.down.set(false);
    assert_eq!(shop.outbox()[0].failures, 1);
    assert_eq!(shop.apply(&event), Ok(Applied));
    shop.finish_sales();
    shop.check_invariants("applied later");
}

#[test]
fn an_event_of_an_unknown_order_is_reported() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let mut event = shop.waiting_events().remove(0);
    event.order_id = "01939f6e-8a00-7000-8000-ffffffffffff".to_owned();
    assert_eq!(shop.apply(&event), Err(OrderError::NotFound));
    assert_eq!(shop.outbox()[0].failures, 1);
}

#[test]
fn what_a_message_names_is_applied_as_payments_has_it() {
    let shop = Shop::new();
    let (id, other) = (shop.placed(), shop.placed());
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    let named = |event_id: &str, order_id: &str| {
        run(apply_payment_event::handle_named(&shop, event_id, order_id))
    };
    // Of another order, of no order, unknown: nothing is applied, and nothing counts against the event.
    for (event_id, order_id) in [
        (event.id.as_str(), &*other.text()),
        (&event.id, "no id"),
        (&event.order_id, &event.order_id),
    ] {
        assert_eq!(named(event_id, order_id), Ok(Unconfirmed));
    }
    assert_eq!(shop.outbox()[0].failures, 0);
    assert_eq!(named(&event.id, &event.order_id), Ok(Applied));
    assert_eq!(shop.status(id), Paid);
    shop.finish_sales();
    let again = named(&event.id, &event.order_id);
    assert_eq!(again, Ok(Unconfirmed), "acknowledged");
    shop.payments.down.set(true);
    let unknown = named(&event.id, &event.order_id);
    assert_eq!(unknown, Err(OrderError::Unavailable));
    shop.payments.down.set(false);
    shop.check_invariants("named");
}

#[test]
fn readers_do_not_count_as_failures_of_an_event() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    shop.payments.spoils_events.set(true);
    for _ in 0..3 {
        assert_eq!(shop.find(id).unwrap().order.status, OrderStatus::Pending);
    }
    assert_eq!(shop.outbox()[0].failures, 0, "readers do not park an event");
    shop.wait(EVENT_OVERDUE_AFTER_MS.into());
    shop.sweep();
    assert_eq!(shop.outbox()[0].failures, 1, "the sweeper keeps the pauses");
}

#[test]
fn a_database_that_is_out_of_reach_is_no_failure_of_the_event() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    shop.store.down.set(true);
    assert_eq!(shop.apply(&event), Err(OrderError::Unavailable));
    shop.store.down.set(false);
    assert_eq!(shop.outbox()[0].failures, 0);
    assert_eq!(shop.apply(&event), Ok(Applied));
}

#[test]
fn an_event_whose_stock_cannot_be_moved_is_reported() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    shop.inventory.broken.set(true);
    assert_eq!(shop.apply(&event), Ok(Applied));
    assert_eq!(shop.outbox()[0].failures, 1);
    shop.inventory.broken.set(false);
    assert_eq!(shop.apply(&event), Ok(Duplicate));
    shop.check_invariants("mended");
}

#[test]
fn a_payment_that_could_not_be_closed_yet_stays_pending() {
    for is_paying in [false, true] {
        let shop = Shop::new();
        let id = shop.placed();
        shop.hold_sessions(is_paying);
        shop.leave_to_do(id, &Action::CancelPayment);
        shop.wait(TTL_MS / 2);
        shop.sweep();
        assert!(shop.has_pending_payment(id));
        assert_eq!(shop.actions_tried(id), 1, "it is still pending");
        shop.let_sessions_end(&[id]);
        shop.settle();
        let ended = if is_paying {
            PaymentStatus::Failed
        } else {
            PaymentStatus::Cancelled
        };
        assert_eq!(shop.payment_status(id), Some(ended));
        shop.check_invariants("closed in the end");
    }
}
