use mercato_platform::clock::Clock as _;

use super::shop::{AMOUNT, Shop};
use crate::application::locks;
use crate::application::ports::Store as _;
use crate::application::queries;
use crate::application::queries::MetricsSnapshot;
use crate::domain::FAILURES_MAX;
use crate::domain::PaymentStatus;

const LONG_MS: u64 = 10 * 60 * 1_000;

fn figures(shop: &Shop) -> MetricsSnapshot {
    queries::metrics_snapshot(shop).unwrap()
}

fn payments(shop: &Shop, status: PaymentStatus) -> u64 {
    let figures = figures(shop);
    assert_eq!(figures.payments.len(), 5, "every status is there");
    let of = figures.payments.iter().find(|(known, _)| *known == status);
    of.unwrap().1
}

#[test]
fn payments_are_counted_by_status_through_their_lives() {
    let shop = Shop::new();
    assert_eq!(payments(&shop, PaymentStatus::Pending), 0);
    shop.create().unwrap();
    shop.create().unwrap();
    assert_eq!(payments(&shop, PaymentStatus::Pending), 1);
    shop.webhook(&shop.completed("evt_1")).unwrap();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(payments(&shop, PaymentStatus::Pending), 0);
    assert_eq!(payments(&shop, PaymentStatus::Succeeded), 1);
    shop.refund(Some(100), None).unwrap();
    assert_eq!(payments(&shop, PaymentStatus::Succeeded), 1, "a part");
    shop.refund(None, None).unwrap();
    assert_eq!(payments(&shop, PaymentStatus::Refunded), 1);
}

#[test]
fn runs_of_the_relay_and_what_they_publish_again_are_counted() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let before = figures(&shop);
    assert_eq!((before.published, before.published_again), (1, 0));
    for _ in 0..2 {
        shop.advance(LONG_MS);
        shop.relay();
    }
    // Too early: this is no run.
    shop.relay_after(1_000);
    let after = figures(&shop);
    assert_eq!(after.relay_runs, before.relay_runs + 2);
    assert_eq!((after.published, after.published_again), (3, 2));
    shop.acknowledge_all();
    shop.advance(LONG_MS);
    shop.relay();
    assert_eq!(figures(&shop).published, 3);
}

#[test]
fn an_event_counts_as_published_once_however_often_that_fails() {
    let shop = Shop::with_pending_order();
    shop.publisher.down.set(true);
    // It is counted with the change that it is about.
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let published = || {
        let counted = figures(&shop);
        (counted.published, counted.published_again)
    };
    assert_eq!(published(), (1, 0));
    shop.advance(LONG_MS);
    assert_eq!(shop.relay().failed, 1);
    assert_eq!(published(), (1, 0));
    shop.publisher.down.set(false);
    shop.advance(LONG_MS);
    assert_eq!(shop.relay().published, 1);
    assert_eq!(published(), (1, 0));
    shop.advance(LONG_MS);
    assert_eq!(shop.relay().published, 1);
    assert_eq!(published(), (2, 1));
}

#[test]
fn an_event_that_waits_for_the_broker_is_not_counted() {
    let shop = Shop::with_pending_order();
    shop.store
        .write(locks::publishing(), |records| {
            records.pause_publishing(shop.clock.now_ms() + 1_000)
        })
        .unwrap();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(figures(&shop).published, 0);
    shop.relay();
    assert_eq!(figures(&shop).published, 1);
}

#[test]
fn failures_and_parked_events_are_counted() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let id = shop.entries()[0].event.id;
    for _ in 0..=FAILURES_MAX {
        shop.fail_handling(id, "no");
    }
    let counted = figures(&shop);
    assert_eq!(counted.handling_failures, u64::from(FAILURES_MAX) + 1);
    assert_eq!(
        counted.parked, 1,
        "parked once, however often it fails then"
    );
    shop.retry(id).unwrap();
    assert_eq!(
        figures(&shop).handling_failures,
        u64::from(FAILURES_MAX) + 1
    );
}

#[test]
fn refunds_that_wait_and_are_asked_for_again_are_counted() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    shop.refund(None, Some("k")).unwrap_err();
    let waiting = figures(&shop);
    assert_eq!((waiting.refunds_waiting, waiting.refund_retries), (1, 1));
    shop.advance(LONG_MS);
    shop.relay();
    assert_eq!(figures(&shop).refund_retries, 2);
    shop.provider.down.set(false);
    shop.advance(LONG_MS);
    shop.relay();
    let done = figures(&shop);
    assert_eq!((done.refunds_waiting, done.refund_retries), (0, 2));
}

#[test]
fn money_is_what_was_charged_and_what_was_given_back() {
    let shop = Shop::new();
    let received = || {
        let received = queries::money_received(&shop).unwrap();
        let sums = received.iter().map(|money| {
            let code = money.currency.code().to_owned();
            (code, money.gross.get(), money.refunded.get())
        });
        sums.collect::<Vec<_>>()
    };
    shop.create().unwrap();
    assert_eq!(received(), [], "nobody has paid");
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let usd = "USD".to_owned();
    assert_eq!(received(), [(usd.clone(), AMOUNT, 0)]);
    shop.refund(Some(100), None).unwrap();
    assert_eq!(received(), [(usd.clone(), AMOUNT, 100)], "a part");
    shop.refund(None, None).unwrap();
    assert_eq!(received(), [(usd, AMOUNT, AMOUNT)]);
}
