//! Events that are published right after the transaction that appends them, and acknowledgements of many.

use super::outbox::add_events;
use super::shop::{ORDER, SIDES, Shop, id_of};
use crate::application::commands::ACKNOWLEDGEMENTS_MAX;
use crate::domain::{EventType, PaymentError};

const LONG_MS: u64 = 10 * 60 * 1_000;

#[test]
fn an_event_waits_for_its_acknowledgement_from_its_transaction_on() {
    // The process dies before the event is published, and after.
    for (call, side, published) in [(0, SIDES[1], 0), (1, SIDES[0], 0), (1, SIDES[1], 1)] {
        let shop = Shop::with_pending_order();
        let tell = |shop: &Shop| shop.webhook(&shop.completed("evt_1"));
        assert_eq!(shop.crash_at(call, side, tell), None);
        assert_eq!(shop.published_types().len(), published);
        let entry = shop.entries().remove(0);
        assert_eq!((entry.attempts, entry.last_error), (1, None));
        assert_eq!(shop.relay().published, 0, "it may be on its way");
        shop.advance(5_000);
        assert_eq!(shop.relay().published, 1);
    }
}

#[test]
fn an_event_that_could_not_be_published_is_due_again() {
    let shop = Shop::with_pending_order();
    shop.publisher.down.set(true);
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let entry = shop.entries().remove(0);
    assert_eq!(
        (entry.attempts, entry.last_error.as_deref()),
        (0, Some("not published: connection refused"))
    );
    shop.publisher.down.set(false);
    shop.advance(1_999);
    assert_eq!(shop.relay().published, 0);
    shop.advance(1);
    assert_eq!(shop.relay().published, 1);
    assert_eq!(shop.entries()[0].attempts, 1);
}

#[test]
fn a_broker_that_is_spared_is_not_asked_for_a_new_event() {
    let shop = Shop::with_paid_order();
    shop.publisher.down.set(true);
    shop.webhook(&shop.refunded_event("evt_2", 1)).unwrap();
    shop.publisher.attempts.set(0);
    shop.publisher.down.set(false);
    shop.acknowledge_all();
    shop.webhook(&shop.refunded_event("evt_3", 2)).unwrap();
    assert_eq!(shop.publisher.attempts.get(), 0);
    assert_eq!(shop.entries()[0].attempts, 0);
    assert_eq!(shop.relay().published, 1, "who asks for a run gets it");

    let shop = Shop::with_paid_order();
    shop.publisher.down.set(true);
    shop.webhook(&shop.refunded_event("evt_2", 1)).unwrap();
    shop.publisher.down.set(false);
    shop.acknowledge_all();
    shop.set_back(LONG_MS);
    shop.webhook(&shop.refunded_event("evt_3", 2)).unwrap();
    assert_eq!(
        shop.published_types(),
        [EventType::Refunded],
        "a pause that ends later than any could counts as over"
    );
}

#[test]
fn a_new_event_waits_for_the_one_before_it() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    shop.webhook(&shop.refunded_event("evt_2", 500)).unwrap();
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
    let entries = shop.entries();
    assert_eq!((entries[0].attempts, entries[1].attempts), (1, 0));
    shop.acknowledge(entries[0].event.id);
    assert_eq!(
        shop.published_types(),
        [EventType::Succeeded, EventType::Refunded]
    );
}

#[test]
fn events_are_acknowledged_together() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    shop.webhook(&shop.refunded_event("evt_2", 500)).unwrap();
    add_events(&shop, 2);
    let ids: Vec<_> = shop.entries().iter().map(|entry| entry.event.id).collect();
    // The refund waits for the payment; one is unknown, and one is named twice.
    let some = [ids[0], id_of(ORDER), ids[2], ids[2]];
    for _ in 0..2 {
        shop.acknowledge_these(&some).unwrap();
        let left: Vec<_> = shop.entries().iter().map(|entry| entry.event.id).collect();
        assert_eq!(left, [ids[1], ids[3]]);
    }
    assert!(
        shop.published_types().contains(&EventType::Refunded),
        "at once when the first is acknowledged"
    );
}

#[test]
fn one_call_acknowledges_a_bounded_number_of_events() {
    let shop = Shop::with_paid_order();
    let writes = shop.writes();
    let many = vec![id_of(ORDER); ACKNOWLEDGEMENTS_MAX + 1];
    let refused = shop.acknowledge_these(&many);
    assert!(matches!(refused, Err(PaymentError::Invalid(_))));
    assert_eq!(shop.acknowledge_these(&many[1..]), Ok(()));
    assert_eq!(shop.acknowledge_these(&[]), Ok(()));
    assert_eq!(shop.writes(), writes);
}
