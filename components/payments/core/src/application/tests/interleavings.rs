//! Two requests at a time: one waits for the provider or the broker while another one runs.

use super::shop::{
    AMOUNT, SESSION_MS, Shop, admin, cancellation, new_payment, run, started, units,
};
use crate::application::commands::{
    self, RefundOutcome, handle_webhook, refund_payment, relay_outbox,
};
use crate::domain::{EventType, Payment, PaymentError, PaymentStatus};

const LONG_MS: u64 = 10 * 60 * 1_000;

fn refund_of(shop: &Shop, amount: i64, key: &str) -> refund_payment::Command {
    refund_payment::Command {
        requested_by: admin(),
        payment_id: shop.payment().id,
        amount: Some(amount),
        reason: None,
        idempotency_key: Some(key.to_owned()),
        expected_version: None,
    }
}

fn refunded(outcome: RefundOutcome) -> Payment {
    match outcome {
        RefundOutcome::Refunded(payment) => payment,
        RefundOutcome::Replayed(answer) => panic!("{answer:?}"),
    }
}

#[test]
fn a_session_opened_while_its_payment_is_cancelled_is_closed() {
    let shop = Shop::new();
    let new = new_payment();
    shop.provider.slow.set(true);
    let creating = started(commands::create_session::handle(&shop, &new));
    // There is no payment yet; who is told so needs no event about it.
    assert_eq!(shop.cancel(), Err(PaymentError::NotFound));
    let refused = Err(PaymentError::Conflict(PaymentStatus::Cancelled));
    assert_eq!(run(creating), refused);
    assert_eq!(shop.payment().status, PaymentStatus::Cancelled);
    assert_eq!(shop.event_types(), []);
    let session = shop.newest_session();
    assert!(!shop.provider.expired.borrow().contains(&session));
    shop.relay();
    assert!(shop.provider.expired.borrow().contains(&session));
    assert_eq!(shop.create().unwrap().status, PaymentStatus::Cancelled);
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
}

#[test]
fn a_session_whose_end_is_asked_while_it_opens_is_closed() {
    let shop = Shop::new();
    let new = new_payment();
    shop.provider.slow.set(true);
    let creating = started(commands::create_session::handle(&shop, &new));
    let cancelled = shop.cancel_opening().unwrap();
    assert_eq!(cancelled.status, PaymentStatus::Cancelled);
    assert_eq!(run(creating).unwrap().status, PaymentStatus::Cancelled);
    let session = shop.newest_session();
    assert!(shop.provider.expired.borrow().contains(&session));
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
    assert_eq!(shop.event_types(), [EventType::Cancelled]);
}

#[test]
fn an_answer_counts_whatever_became_of_another_request() {
    let shop = Shop::new();
    let new = new_payment();
    shop.provider.slow.set(true);
    let first = started(commands::create_session::handle(&shop, &new));
    shop.provider.down.set(true);
    assert_eq!(shop.create(), Err(PaymentError::ProviderUnavailable));
    assert_eq!(shop.payment().session.opened, None);
    let opened = run(first).unwrap();
    assert!(opened.session.opened.is_some());
    assert_eq!(shop.payment(), opened.into());
}

#[test]
fn two_requests_open_one_session() {
    let shop = Shop::new();
    let new = new_payment();
    shop.provider.slow.set(true);
    let first = started(commands::create_session::handle(&shop, &new));
    let second = shop.create().unwrap();
    assert_eq!(run(first).unwrap(), second);
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
}

#[test]
fn a_payment_that_arrives_while_it_is_being_cancelled_stands() {
    let shop = Shop::with_pending_order();
    shop.provider.slow.set(true);
    let too_late = cancellation("too late");
    let cancelling = started(commands::cancel_payment::handle(&shop, &too_late));
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let payment = run(cancelling).unwrap();
    assert_eq!(
        (payment.status, payment.reason.clone()),
        (PaymentStatus::Succeeded, None)
    );
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
}

#[test]
fn the_same_refund_twice_at_once_is_one() {
    let shop = Shop::with_paid_order();
    shop.provider.slow.set(true);
    let first = started(refund_payment::handle(&shop, refund_of(&shop, 500, "key")));
    let second = run(refund_payment::handle(&shop, refund_of(&shop, 500, "key"))).unwrap();
    assert_eq!(run(first).unwrap(), second);
    let second = refunded(second);
    assert_eq!(
        (second.refunded, shop.provider.refunded()),
        (units(500), 500)
    );
    assert_eq!(shop.event_types(), [EventType::Refunded]);
}

#[test]
fn two_refunds_at_once_cannot_exceed_the_amount() {
    let shop = Shop::with_paid_order();
    shop.provider.slow.set(true);
    let first = started(refund_payment::handle(&shop, refund_of(&shop, 1_500, "a")));
    let second = run(refund_payment::handle(&shop, refund_of(&shop, 1_500, "b")));
    assert_eq!(
        second,
        Err(PaymentError::RefundExceedsAmount(units(AMOUNT - 1_500)))
    );
    assert_eq!(refunded(run(first).unwrap()).refunded, units(1_500));
    assert_eq!(shop.provider.refunded(), 1_500);
}

#[test]
fn two_runs_do_not_publish_the_same_event() {
    let shop = Shop::with_pending_order();
    shop.publisher.slow.set(true);
    let event = shop.completed("evt_1").to_string().into_bytes();
    let signature =
        stripe_signature::sign(super::shop::SECRET, super::shop::START_MS / 1_000, &event).unwrap();
    let webhook = started(handle_webhook::handle(
        &shop,
        handle_webhook::Command {
            body: &event,
            signature: &signature,
        },
    ));
    assert_eq!(shop.relay().published, 0);
    run(webhook).unwrap();
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
}

#[test]
fn what_happens_to_an_event_while_it_is_published_is_kept() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    let id = shop.entries()[0].event.id;
    shop.advance(LONG_MS);
    shop.publisher.slow.set(true);
    let relay = started(relay_outbox::handle(
        &shop,
        relay_outbox::Command::default(),
    ));
    for _ in 0..3 {
        shop.fail_handling(id, "no");
    }
    let next_attempt_at = shop.entries()[0].next_attempt_at;
    run(relay).unwrap();
    let entry = shop.entries().remove(0);
    assert_eq!(
        (entry.failures, entry.attempts, entry.next_attempt_at),
        (3, 2, next_attempt_at)
    );

    shop.advance(LONG_MS);
    shop.publisher.slow.set(true);
    let relay = started(relay_outbox::handle(
        &shop,
        relay_outbox::Command::default(),
    ));
    shop.acknowledge(id);
    run(relay).unwrap();
    assert!(
        shop.entries().is_empty(),
        "an acknowledged event does not come back"
    );
}

#[test]
fn a_slow_broker_ends_a_run_and_what_is_left_stays_due() {
    let shop = Shop::with_pending_order();
    shop.publisher.down.set(true);
    shop.webhook(&shop.completed("evt_1")).unwrap();
    super::outbox::add_events(&shop, 2);
    shop.publisher.down.set(false);
    shop.advance(LONG_MS);
    shop.publisher.slow.set(true);
    let relay = started(relay_outbox::handle(
        &shop,
        relay_outbox::Command::default(),
    ));
    shop.advance(2_000);
    assert_eq!(run(relay).unwrap().published, 1);
    assert_eq!(shop.relay().published, 2);
}

#[test]
fn a_next_session_opened_during_a_cancellation_is_closed_too() {
    let shop = Shop::with_pending_order();
    shop.provider.slow.set(true);
    let too_late = cancellation("too late");
    let cancelling = started(commands::cancel_payment::handle(&shop, &too_late));
    shop.advance(SESSION_MS);
    assert_eq!(shop.open_session().unwrap().session.number, 2);
    assert_eq!(run(cancelling).unwrap().status, PaymentStatus::Cancelled);
    assert!(
        shop.provider
            .expired
            .borrow()
            .contains(&shop.newest_session())
    );
    assert_eq!(shop.event_types(), [EventType::Cancelled]);
}

#[test]
fn events_do_not_wait_for_a_refund_that_is_taken_up() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    shop.refund(Some(500), None).unwrap_err();
    shop.provider.down.set(false);
    shop.publisher.down.set(true);
    shop.webhook(&shop.refunded_event("evt_2", 1)).unwrap();
    shop.publisher.down.set(false);
    shop.advance(LONG_MS);
    shop.provider.slow.set(true);
    let relay = started(relay_outbox::handle(
        &shop,
        relay_outbox::Command::default(),
    ));
    assert_eq!(shop.published_types(), [EventType::Refunded]);
    run(relay).unwrap();
    assert_eq!(shop.payment().refunded, units(500));
}

#[test]
fn who_asks_in_vain_is_told_what_another_one_reached() {
    for refuses in [false, true] {
        let shop = Shop::with_paid_order();
        shop.faults.yields.set(true);
        let mut first = started(refund_payment::handle(&shop, refund_of(&shop, 500, "key")));
        shop.faults.yields.set(false);
        let second = refund_payment::handle(&shop, refund_of(&shop, 500, "key"));
        let second = run(second).unwrap();
        shop.provider.refuses.set(refuses);
        shop.provider.down.set(!refuses);
        assert_eq!(run(first.as_mut()).unwrap(), second);
        assert_eq!(shop.payment().refunded, units(500));
    }
}
