use crate::application::commands::sweep;
use crate::application::queries::figures;
use crate::application::testing::{REQUEST_MINOR, Shop, TTL_MS, run};
use crate::domain::OrderStatus;
use crate::ports::{Figures, OpenError};

fn figures(shop: &Shop) -> Figures {
    figures::handle(shop).unwrap()
}

fn orders(shop: &Shop) -> Vec<u64> {
    figures(shop)
        .orders
        .iter()
        .map(|(_, orders)| *orders)
        .collect()
}

#[test]
fn orders_are_counted_by_status_through_their_lives() {
    let shop = Shop::new();
    let statuses: Vec<_> = figures(&shop)
        .orders
        .iter()
        .map(|(status, _)| *status)
        .collect();
    assert_eq!(statuses, OrderStatus::ALL);
    assert_eq!(orders(&shop), [0, 0, 0, 0, 0]);
    let first = shop.placed();
    shop.placed();
    assert_eq!(orders(&shop), [2, 0, 0, 0, 0]);
    shop.customer_pays(&first);
    shop.deliver_events();
    assert_eq!(orders(&shop), [1, 1, 0, 0, 0]);
    shop.wait(TTL_MS);
    shop.sweep();
    assert_eq!(orders(&shop), [0, 1, 0, 1, 0]);
    shop.refund(&first, REQUEST_MINOR);
    shop.deliver_events();
    assert_eq!(orders(&shop), [0, 0, 0, 1, 1]);
}

#[test]
fn runs_of_the_sweeper_and_applied_events_are_counted_once() {
    let shop = Shop::new();
    let before = figures(&shop);
    let id = shop.placed();
    shop.customer_pays(&id);
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
    let after = figures(&shop);
    assert_eq!(after.events_applied, before.events_applied + 1);
    assert_eq!(
        after.sweeps,
        before.sweeps + 2,
        "those that found something to do"
    );
    assert_eq!(after.order_retries, 0);
}

#[test]
fn what_the_sweeper_is_behind_with_and_tries_again_is_counted() {
    let shop = Shop::new();
    shop.placed();
    assert_eq!(figures(&shop).overdue, 0);
    shop.wait(TTL_MS);
    assert_eq!(figures(&shop).overdue, 1);
    shop.payments.down.set(true);
    for _ in 0..4 {
        // Payments cannot be asked for events either.
        assert!(run(sweep::handle(&shop, 0)).is_err());
        shop.wait(600_000);
    }
    let figures = figures(&shop);
    assert_eq!(
        figures.order_retries, 2,
        "the first try of expiring and of closing is no retry"
    );
    assert_eq!(figures.overdue, 1);
}

#[test]
fn what_is_owed_is_counted_until_it_is_done() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(&id);
    shop.inventory.down.set(true);
    shop.apply(&shop.waiting_events()[0]).unwrap();
    assert_eq!(
        figures(&shop).follow_ups,
        2,
        "the stock and the acknowledgement"
    );
    shop.wait(600_000);
    shop.sweep();
    assert!(figures(&shop).follow_up_retries > 0);
    shop.inventory.down.set(false);
    shop.settle();
    assert_eq!(figures(&shop).follow_ups, 0);
}

#[test]
fn an_order_that_was_never_placed_is_not_counted() {
    let shop = Shop::new();
    shop.payments
        .refuses
        .replace(Some(OpenError::Refused("no".to_owned())));
    assert!(shop.create(None).is_err());
    shop.inventory.down.set(true);
    assert!(shop.create(Some("k")).is_err());
    assert_eq!(
        orders(&shop).iter().sum::<u64>(),
        shop.all_orders().len() as u64
    );
}
