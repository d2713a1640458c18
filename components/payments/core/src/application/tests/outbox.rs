use mercato_kernel::{Cursor, EventId, Key, PageRequest, Total};
use mercato_platform::clock::Clock;

use super::shop::{ORDER, Shop, Stored, UNPAID_KEPT_MS, id_of, order, units};
use crate::application::commands::{
    EXCHANGED_KEPT_MS, IDEMPOTENCY_KEY_TTL_MS, OUTLIVES_ORDER_MS, PURGED_PER_RUN, RELAY_BATCH,
    RelayReport, WebhookOutcome,
};
use crate::application::locks;
use crate::application::ports::{Ports, Store};
use crate::application::queries::{self, Lag};
use crate::domain::{EventType, FAILURES_MAX, PaymentError, PaymentEvent, PaymentStatus};

const LONG_MS: u64 = 10 * 60 * 1_000;

/// A shop with one event that could not be published.
fn shop_with_unpublished_event() -> Shop {
    let shop = Shop::with_pending_order();
    shop.publisher.down.set(true);
    shop.webhook(&shop.completed("evt_1")).unwrap();
    shop
}

/// Adds events of other orders like the one there is, each a millisecond younger.
pub fn add_events(shop: &Shop, count: u32) {
    let first = shop.entries()[0].event.clone();
    shop.store()
        .write(locks::publishing(), |records| {
            (1..=count).try_for_each(|number| {
                let mut event = first.clone();
                event.id = id_of(&format!("01890a5d-ac96-774b-bccf-{number:012x}"));
                event.order_id = id_of(&format!("01890a5d-ac96-774b-bcd0-{number:012x}"));
                event.time += u64::from(number);
                records.append_event(&event)
            })
        })
        .unwrap();
    shop.advance(u64::from(count));
}

#[test]
fn an_event_is_published_again_until_it_is_acknowledged() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
    for (attempts, pause_ms) in [(1, 5_000), (2, 10_000), (3, 20_000)] {
        assert_eq!(shop.entries()[0].attempts, attempts);
        shop.advance(pause_ms - 1);
        assert_eq!(
            shop.relay(),
            RelayReport {
                published: 0,
                failed: 0,
                pending: 1,
                more: false,
            }
        );
        shop.advance(1);
        assert_eq!(
            shop.relay(),
            RelayReport {
                published: 1,
                failed: 0,
                pending: 1,
                more: false,
            }
        );
    }
    let event = shop.entries()[0].event.clone();
    assert!(
        shop.publisher
            .published
            .borrow()
            .iter()
            .all(|published| *published == event)
    );
    shop.acknowledge(event.id);
    shop.acknowledge(event.id);
    shop.advance(LONG_MS);
    assert_eq!(shop.relay(), RelayReport::default());
}

#[test]
fn the_pauses_grow_to_five_minutes_and_no_longer() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    for _ in 0..40 {
        shop.advance(LONG_MS);
        shop.relay();
    }
    let entry = shop.entries().remove(0);
    assert_eq!(entry.attempts, 41);
    assert_eq!(entry.next_attempt_at - shop.clock.now_ms(), 5 * 60 * 1_000);
}

#[test]
fn a_broker_that_is_down_costs_one_attempt_and_loses_nothing() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 10);
    shop.publisher.attempts.set(0);
    shop.advance(2_000);
    assert_eq!(
        shop.relay(),
        RelayReport {
            published: 0,
            failed: 1,
            pending: 11,
            more: false,
        }
    );
    assert_eq!(shop.publisher.attempts.get(), 1);
    let first = shop.entries().remove(0);
    assert_eq!(
        (first.attempts, first.last_error.as_deref()),
        (0, Some("not published: connection refused"))
    );
    shop.publisher.down.set(false);
    shop.advance(2_000);
    assert_eq!(
        shop.relay(),
        RelayReport {
            published: 11,
            failed: 0,
            pending: 11,
            more: false,
        }
    );
    let times: Vec<_> = shop
        .publisher
        .published
        .borrow()
        .iter()
        .map(|event| event.time)
        .collect();
    assert!(times.is_sorted(), "oldest first: {times:?}");
}

#[test]
fn a_run_is_bounded() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 2 * RELAY_BATCH);
    shop.publisher.down.set(false);
    shop.advance(2_000);
    assert_eq!(shop.relay().published, RELAY_BATCH);
    assert_eq!(shop.relay().published, RELAY_BATCH);
    assert_eq!(shop.relay().published, 1);
    assert_eq!(shop.relay().published, 0);
}

#[test]
fn a_run_waits_for_the_least_time_since_the_last() {
    let shop = shop_with_unpublished_event();
    let relay = |min_interval_ms| shop.relay_after(min_interval_ms);
    shop.publisher.down.set(false);
    shop.advance(2_000);
    shop.publisher.attempts.set(0);
    relay(1_000);
    assert_eq!(shop.publisher.attempts.get(), 1);
    shop.advance(5_000);
    relay(0);
    assert_eq!(shop.publisher.attempts.get(), 2);
    shop.advance(999);
    add_events(&shop, 0);
    assert_eq!(
        relay(1_000),
        RelayReport {
            published: 0,
            failed: 0,
            pending: 1,
            more: false,
        }
    );
    shop.advance(LONG_MS);
    assert_eq!(relay(1_000).published, 1);
}

#[test]
fn an_event_that_fails_too_often_is_parked_until_it_is_retried() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let id = shop.entries()[0].event.id;
    for failures in 1..=FAILURES_MAX {
        assert!(!shop.entries()[0].parked);
        shop.fail_handling(id, "orders\nunavailable");
        assert_eq!(shop.entries()[0].failures, failures);
    }
    let parked = shop.entries().remove(0);
    assert!(parked.parked);
    assert_eq!(parked.last_error.as_deref(), Some("ordersunavailable"));
    shop.advance(LONG_MS);
    shop.publisher.published.borrow_mut().clear();
    assert_eq!(shop.relay(), RelayReport::default());
    assert_eq!(queries::overdue_events(&shop, 0, 10), Ok(vec![]));
    assert_eq!(
        queries::pending_events_of_order(&shop, order())
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        queries::lag(&shop),
        Ok(Lag {
            pending: 0,
            parked: 1,
            oldest_ms: 0
        })
    );

    let retried = shop.retry(id).unwrap();
    assert!(!retried.parked && retried.failures == 0);
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
    shop.acknowledge(id);
    assert_eq!(shop.retry(id), Err(PaymentError::NotFound));
    assert_eq!(shop.retry(id_of(ORDER)), Err(PaymentError::NotFound));
}

#[test]
fn an_unknown_event_leaves_no_trace() {
    let shop = Shop::with_paid_order();
    shop.acknowledge(id_of(ORDER));
    shop.fail_handling(id_of(ORDER), "x");
    assert!(shop.entries().is_empty());
}

#[test]
fn overdue_events_are_old_and_not_in_the_pause_after_a_failure() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(queries::overdue_events(&shop, 2_000, 10), Ok(vec![]));
    shop.advance(2_000);
    let overdue = queries::overdue_events(&shop, 2_000, 10).unwrap();
    assert_eq!(overdue.len(), 1);
    assert_eq!(queries::overdue_events(&shop, 2_000, 0), Ok(vec![]));
    shop.fail_handling(overdue[0].id, "no");
    assert_eq!(queries::overdue_events(&shop, 2_000, 10), Ok(vec![]));
    shop.advance(5_000);
    assert_eq!(queries::overdue_events(&shop, 2_000, 10), Ok(overdue));
}

#[test]
fn the_lag_is_the_age_of_the_oldest_event() {
    let shop = Shop::with_pending_order();
    assert_eq!(queries::lag(&shop), Ok(Lag::default()));
    shop.webhook(&shop.completed("evt_1")).unwrap();
    shop.advance(1_234);
    assert_eq!(
        queries::lag(&shop),
        Ok(Lag {
            pending: 1,
            parked: 0,
            oldest_ms: 1_234
        })
    );
}

#[test]
fn the_outbox_is_read_in_pages() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 4);
    let page = |page, limit| shop.page(page, limit);
    let all = page(1, 100).unwrap();
    assert_eq!((all.entries.len(), all.total), (5, Total::counted(5)));
    let last = page(3, 2).unwrap();
    assert_eq!(
        (&last.entries[..], last.total),
        (&all.entries[4..], Total::counted(5))
    );
    assert!(page(4, 2).unwrap().entries.is_empty());
    for (number, limit) in [(102, 100), (u32::MAX, 1)] {
        assert!(matches!(page(number, limit), Err(PaymentError::Invalid(_))));
    }
}

#[test]
fn a_walk_by_cursor_sees_every_event_once() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 4);
    let there: Vec<EventId> = shop.entries().into_iter().map(|e| e.event.id).collect();
    let (mut seen, mut after) = (Vec::new(), None);
    for number in 1.. {
        let request = PageRequest {
            page: 1,
            limit: 2,
            after,
        };
        let page = queries::list_entries(&shop, &request).unwrap();
        assert_eq!(page.page, number);
        seen.extend(page.entries.into_iter().map(|entry| entry.event.id));
        if number == 1 {
            shop.acknowledge(there[0]);
            shop.acknowledge(there[4]);
            add_one_of_another_order(&shop);
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(seen[..4], there[..4], "what was there throughout");
    assert_eq!(seen.len(), 5, "and what came meanwhile, but not what went");
    assert!(!seen.contains(&there[4]));
}

#[test]
fn a_cursor_that_no_page_of_the_outbox_gave_is_refused() {
    let shop = shop_with_unpublished_event();
    let cursor = |scope: &str, keys: Vec<Key>| {
        Cursor {
            scope: scope.to_owned(),
            page: 2,
            keys,
        }
        .encode()
    };
    for (text, fits) in [
        (String::new(), false),
        ("2".to_owned(), false),
        (cursor("orders:-id", vec![0.into()]), false),
        (cursor("outbox:sequence", vec!["0".into()]), false),
        (cursor("outbox:sequence", vec![(-1).into()]), false),
        (cursor("outbox:sequence", vec![0.into(), 0.into()]), false),
        (cursor("outbox:sequence", vec![0.into()]), true),
    ] {
        let request = PageRequest {
            page: 1,
            limit: 10,
            after: Some(text.clone()),
        };
        assert_eq!(
            queries::list_entries(&shop, &request).is_ok(),
            fits,
            "{text}"
        );
    }
}

#[test]
fn a_broker_that_failed_is_spared_while_customers_wait() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 1);
    let attempts = || shop.publisher.attempts.get();
    let ordinary = || shop.relay_after(1);
    assert_eq!(attempts(), 1);
    ordinary();
    shop.acknowledge(id_of(ORDER));
    assert_eq!(attempts(), 1, "no request waits for it again");
    shop.advance(1_998);
    ordinary();
    assert_eq!(attempts(), 1);
    shop.advance(1);
    ordinary();
    assert_eq!(attempts(), 2, "after the pause one does");
    shop.advance(1);
    ordinary();
    assert_eq!(attempts(), 2);
    shop.relay();
    assert_eq!(attempts(), 3, "who asks for a run gets it");
    shop.publisher.down.set(false);
    shop.advance(2_000);
    assert_eq!(ordinary().published, 2);
}

#[test]
fn a_run_that_reaches_the_broker_ends_the_pause() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 2);
    shop.publisher.down.set(false);
    assert_eq!(shop.relay().published, 2, "all but the one that failed");
    add_one_of_another_order(&shop);
    shop.acknowledge(id_of(ORDER));
    assert_eq!(shop.publisher.published.borrow().len(), 3);
}

fn add_one_of_another_order(shop: &Shop) {
    let mut event = shop.entries()[0].event.clone();
    event.id = id_of("01890a5d-ac96-774b-bcd1-000000000000");
    event.order_id = id_of("01890a5d-ac96-774b-bcd1-000000000000");
    shop.store()
        .write(locks::publishing(), |records| records.append_event(&event))
        .unwrap();
}

#[test]
fn events_of_one_order_are_told_one_after_the_other() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.refunded_event("evt_1", 500)).unwrap();
    shop.webhook(&shop.completed("evt_2")).unwrap();
    assert_eq!(
        shop.event_types(),
        [EventType::Succeeded, EventType::Refunded]
    );
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
    shop.advance(LONG_MS);
    shop.relay();
    assert_eq!(shop.published_types(), [EventType::Succeeded; 2]);
    let overdue = queries::overdue_events(&shop, 0, 10).unwrap();
    assert_eq!(overdue.len(), 1);
    assert_eq!(
        queries::pending_events_of_order(&shop, order())
            .unwrap()
            .len(),
        2
    );
    shop.acknowledge(overdue[0].id);
    assert_eq!(
        shop.published_types(),
        [
            EventType::Succeeded,
            EventType::Succeeded,
            EventType::Refunded
        ],
        "at once when the first is acknowledged"
    );
}

#[test]
fn what_has_done_its_service_is_removed_in_small_batches() {
    let shop = Shop::with_paid_order();
    shop.refund(Some(1), Some("key")).unwrap();
    shop.record_answer("key", 200, b"refunded");
    shop.acknowledge_all();
    let waiting = shop.webhook(&shop.refunded_event("evt_2", 2)).unwrap();
    assert_eq!(waiting, WebhookOutcome::Applied);
    let events = PURGED_PER_RUN + 1;
    add_acknowledged(&shop, events);
    let there = shop.stored();
    assert_eq!(
        (there.webhooks, there.outbox, there.answers),
        (2, u64::from(events) + 3, 1)
    );

    shop.advance(IDEMPOTENCY_KEY_TTL_MS);
    shop.relay();
    assert_eq!(
        shop.stored(),
        Stored {
            answers: 0,
            ..there
        }
    );
    shop.advance(EXCHANGED_KEPT_MS - IDEMPOTENCY_KEY_TTL_MS - 1);
    shop.relay();
    assert_eq!(shop.stored().outbox, there.outbox, "not old enough");
    shop.advance(1);
    shop.relay();
    assert_eq!(
        shop.stored(),
        Stored {
            webhooks: 0,
            outbox: there.outbox - u64::from(PURGED_PER_RUN),
            answers: 0,
            kept_charges: 0,
        }
    );
    shop.relay();
    assert_eq!(shop.stored().outbox, 1, "what waits stays");
    assert_eq!(shop.page(1, 10).unwrap().total, Total::counted(1));
    assert_eq!(shop.payment().refunded, units(2));
}

#[test]
fn a_walk_by_cursor_goes_on_when_what_was_seen_is_removed() {
    let shop = shop_with_unpublished_event();
    add_events(&shop, 4);
    let there: Vec<EventId> = shop.entries().into_iter().map(|e| e.event.id).collect();
    let page = |after| {
        let request = PageRequest {
            page: 1,
            limit: 2,
            after,
        };
        queries::list_entries(&shop, &request).unwrap()
    };
    let first = page(None);
    for id in &there[..3] {
        shop.acknowledge(*id);
    }
    shop.advance(EXCHANGED_KEPT_MS);
    shop.relay();
    assert_eq!(shop.stored().outbox, 2, "the seen ones are gone");
    let second = page(first.next);
    let seen: Vec<EventId> = second.entries.iter().map(|e| e.event.id).collect();
    assert_eq!(seen, there[3..]);
}

/// So many more events, acknowledged at once.
fn add_acknowledged(shop: &Shop, events: u32) {
    let event = shop.entries()[0].event.clone();
    let now = shop.clock.now_ms();
    shop.store()
        .write(locks::publishing(), |records| {
            for number in 0..events {
                let id = id_of(&format!("01890a5d-ac96-774b-bcd2-{number:012x}"));
                let event = PaymentEvent {
                    id,
                    ..event.clone()
                };
                records.append_event(&event)?;
                records.acknowledge_event(id, now)?;
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_clock_that_is_set_back_holds_up_no_event_and_no_refund() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    shop.refund(Some(5), Some("key")).unwrap_err();
    shop.webhook(&shop.refunded_event("evt_2", 1)).unwrap();
    let published = || shop.publisher.published.borrow().len();
    assert_eq!(published(), 1);
    shop.set_back(LONG_MS);
    assert_eq!(queries::overdue_events(&shop, 2_000, 10).unwrap().len(), 1);
    shop.relay();
    assert_eq!(published(), 2, "it is due later than any pause could last");
    shop.relay();
    assert_eq!(published(), 2, "and waits as always then");
    shop.provider.down.set(false);
    shop.advance(LONG_MS / 2);
    shop.relay();
    assert_eq!(shop.provider.refunded(), 5);
}

#[test]
fn a_retried_event_that_goes_on_failing_is_parked_again() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let id = shop.entries()[0].event.id;
    for _ in 0..2 {
        for failures in 1..=FAILURES_MAX {
            let entry = shop.entries().remove(0);
            assert!(!entry.parked && entry.failures + 1 == failures);
            shop.advance(LONG_MS);
            shop.relay();
            shop.fail_handling(id, "no");
        }
        assert!(shop.entries()[0].parked);
        let retried = shop.retry(id).unwrap();
        assert_eq!((retried.attempts, retried.failures), (1, 0));
        assert_eq!(retried.last_error.as_deref(), Some("no"));
        shop.publisher.published.borrow_mut().clear();
        shop.advance(5_000);
        shop.relay();
        assert_eq!(
            shop.publisher.published.borrow().len(),
            1,
            "a lost message is repeated as soon as that of a new event"
        );
    }
}

#[test]
fn a_relay_that_finds_nothing_to_do_writes_nothing() {
    let shop = Shop::on_sqlite();
    shop.create().unwrap();
    shop.webhook(&shop.completed("evt_paid")).unwrap();
    shop.acknowledge_all();
    shop.relay();
    let (writes, runs) = (
        shop.writes(),
        queries::metrics_snapshot(&shop).unwrap().relay_runs,
    );
    for _ in 0..50 {
        assert_eq!(shop.relay(), RelayReport::default());
        let ordinary = shop.relay_after(1_000);
        assert_eq!(ordinary, RelayReport::default());
        shop.advance(1_000);
    }
    assert_eq!(shop.writes(), writes);
    assert_eq!(queries::metrics_snapshot(&shop).unwrap().relay_runs, runs);
}

#[test]
fn a_payment_without_money_is_removed_a_day_after_its_order() {
    let shop = Shop::with_pending_order();
    shop.cancel().unwrap();
    shop.advance(UNPAID_KEPT_MS + OUTLIVES_ORDER_MS);
    shop.relay();
    assert!(shop.try_payment().is_ok(), "its event is not told yet");
    shop.acknowledge_all();
    shop.relay();
    assert_eq!(shop.try_payment(), Err(PaymentError::NotFound));
    assert_eq!(shop.stored().outbox, 0);

    let paid = Shop::with_paid_order();
    paid.advance(10 * UNPAID_KEPT_MS);
    paid.relay();
    assert_eq!(paid.payment().status, PaymentStatus::Succeeded);
}
