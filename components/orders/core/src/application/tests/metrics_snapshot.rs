use mercato_kernel::Named as _;

use crate::application::commands::sweep;
use crate::application::queries::metrics_snapshot::{self, MetricsSnapshot};
use crate::application::tests::shop::{REQUEST_MINOR, Shop, TTL_MS, run};
use crate::domain::OrderStatus;

fn snapshot(shop: &Shop) -> MetricsSnapshot {
    metrics_snapshot::handle(shop).unwrap()
}

fn orders(shop: &Shop) -> Vec<u64> {
    snapshot(shop)
        .orders
        .iter()
        .map(|(_, orders)| *orders)
        .collect()
}

#[test]
fn orders_are_counted_by_status_through_their_lives() {
    let shop = Shop::new();
    let statuses: Vec<_> = snapshot(&shop)
        .orders
        .iter()
        .map(|(status, _)| *status)
        .collect();
    assert_eq!(statuses, OrderStatus::ALL);
    assert_eq!(orders(&shop), [0, 0, 0, 0, 0]);
    let first = shop.placed();
    shop.placed();
    assert_eq!(orders(&shop), [2, 0, 0, 0, 0]);
    shop.customer_pays(first);
    shop.deliver_events();
    assert_eq!(orders(&shop), [1, 1, 0, 0, 0]);
    shop.wait(TTL_MS);
    shop.sweep();
    assert_eq!(orders(&shop), [0, 1, 0, 1, 0]);
    shop.refund(first, REQUEST_MINOR);
    shop.deliver_events();
    assert_eq!(orders(&shop), [0, 0, 0, 1, 1]);
}

#[test]
fn runs_of_the_sweeper_and_applied_events_are_counted_once() {
    let shop = Shop::new();
    let before = snapshot(&shop);
    let id = shop.placed();
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    for _ in 0..3 {
        shop.apply(&event).unwrap();
    }
    for _ in 0..2 {
        shop.placed();
        shop.wait(TTL_MS);
        shop.sweep();
        shop.sweep();
    }
    let after = snapshot(&shop);
    assert_eq!(after.events_applied, before.events_applied + 1);
    assert_eq!(
        after.sweeps,
        before.sweeps + 2,
        "those that found something to do"
    );
    assert_eq!(after.order_retries, 0);
}

#[test]
fn what_is_overdue_and_tried_again_is_counted() {
    let shop = Shop::new();
    shop.placed();
    assert_eq!(snapshot(&shop).overdue, 0);
    shop.wait(TTL_MS);
    assert_eq!(snapshot(&shop).overdue, 1);
    shop.payments.down.set(true);
    for _ in 0..4 {
        // Payments cannot be asked for events either.
        assert!(run(sweep::handle(&shop, 0)).is_err());
        shop.wait(600_000);
    }
    let snapshot = snapshot(&shop);
    assert_eq!(
        snapshot.order_retries, 2,
        "the first try of expiring and of cancelling is no retry"
    );
    assert_eq!(snapshot.overdue, 1);
}

#[test]
fn pending_actions_are_counted_until_they_are_done() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    shop.inventory.down.set(true);
    shop.apply(&shop.waiting_events()[0]).unwrap();
    assert_eq!(
        snapshot(&shop).pending_actions,
        2,
        "the stock and the acknowledgement"
    );
    for retries in [0, 2] {
        shop.wait(600_000);
        shop.sweep();
        assert_eq!(snapshot(&shop).action_retries, retries);
    }
    shop.inventory.down.set(false);
    shop.settle();
    assert_eq!(snapshot(&shop).pending_actions, 0);
}

#[test]
fn an_order_that_was_never_placed_is_not_counted() {
    let shop = Shop::new();
    shop.provider().refuses.replace(Some("no".to_owned()));
    assert!(shop.create(None).is_err());
    shop.inventory.down.set(true);
    assert!(shop.create(Some("k")).is_err());
    assert_eq!(
        orders(&shop).iter().sum::<u64>(),
        shop.all_orders().len() as u64
    );
}
