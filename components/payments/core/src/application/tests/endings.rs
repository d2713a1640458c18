//! Sessions in which nobody is to pay any more are ended at the provider, whatever was lost on the way.

use super::shop::{AMOUNT, SESSION_MS, SIDES, Shop, Side, new_payment, run, session_id, started};
use crate::application::commands::{SESSION_LIFE_LONGEST_MS, create_session};
use crate::domain::{EventType, PaymentStatus};

/// Every session that the provider has opened and not ended.
fn open_sessions(shop: &Shop) -> Vec<String> {
    let expired = shop.provider.expired.borrow();
    let sessions = shop.provider.sessions.borrow();
    let ids = sessions.keys().map(|key| session_id(key));
    ids.filter(|id| !expired.contains(id)).collect()
}

/// The relay runs until nothing is left to do, or for so long that nothing is put off for longer.
fn relay_for_long(shop: &Shop) {
    for _ in 0..40 {
        shop.relay();
        shop.advance(60_000);
    }
}

#[test]
fn what_came_of_a_session_is_not_asked_when_it_is_known() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    shop.relay();
    assert_eq!(shop.writes(), {
        shop.relay();
        shop.writes()
    });
    let shop = Shop::with_pending_order();
    shop.cancel().unwrap();
    shop.acknowledge_all();
    let writes = shop.writes();
    shop.relay();
    shop.relay();
    // The second run finds nothing.
    assert!(shop.writes() <= writes + 1);
}

#[test]
fn an_unanswered_session_is_ended_when_another_one_decides() {
    let shop = Shop::with_pending_order();
    let first = shop.newest_session();
    // The first one's answer is forgotten, as if it had been lost, and the second one's is lost.
    shop.forget_answer(1);
    shop.advance(SESSION_MS);
    assert!(shop.crash_at(1, Side::After, Shop::open_session).is_none());
    assert_eq!(shop.payment().session.number, 2);
    assert_eq!(open_sessions(&shop).len(), 2);
    let mut event = shop.session_event("evt_1", "checkout.session.expired", &first);
    event["data"]["object"]["metadata"]["payment_id"] = shop.payment().id.to_string().into();
    shop.webhook(&event).unwrap();
    assert_eq!(shop.payment().status, PaymentStatus::Cancelled);
    relay_for_long(&shop);
    assert_eq!(open_sessions(&shop), Vec::<String>::new());
}

#[test]
fn the_provider_is_asked_until_it_says_that_a_session_is_over() {
    let shop = Shop::with_pending_order();
    shop.fail_payment();
    assert_eq!(shop.payment().status, PaymentStatus::Failed);
    shop.acknowledge_all();
    shop.reopen_sessions();
    shop.provider.down.set(true);
    for _ in 0..5 {
        shop.relay();
        shop.advance(60_000);
    }
    assert_eq!(open_sessions(&shop).len(), 1);
    shop.provider.down.set(false);
    relay_for_long(&shop);
    assert_eq!(open_sessions(&shop), Vec::<String>::new());
    let ended = shop.writes();
    relay_for_long(&shop);
    assert_eq!(shop.writes(), ended, "nothing is left to do");
}

#[test]
fn a_session_that_opens_while_its_order_is_cancelled_is_ended() {
    for call in 0..12 {
        for side in SIDES {
            let point = (side, call);
            let shop = Shop::new();
            shop.provider.slow.set(true);
            let new = new_payment();
            let opening = started(create_session::handle(&shop, &new));
            drop(shop.crash_at(call, side, Shop::cancel));
            drop(run(opening));
            let _ = shop.cancel();
            relay_for_long(&shop);
            assert_eq!(shop.payment().status, PaymentStatus::Cancelled, "{point:?}");
            assert_eq!(open_sessions(&shop), Vec::<String>::new(), "{point:?}");
        }
    }
}

#[test]
fn money_that_is_found_when_a_session_is_ended_is_taken() {
    let shop = Shop::with_pending_order();
    shop.fail_payment();
    shop.acknowledge_all();
    shop.reopen_sessions();
    shop.provider.take(AMOUNT, "USD");
    relay_for_long(&shop);
    assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
    let written = shop.writes();
    relay_for_long(&shop);
    let again = shop.writes();
    assert!(
        again - written <= 40 * 3,
        "only the event is published again"
    );
}

#[test]
fn money_on_its_way_is_waited_for() {
    let shop = Shop::with_pending_order();
    shop.fail_payment();
    shop.reopen_sessions();
    shop.provider.paid.set(true);
    relay_for_long(&shop);
    assert_eq!(shop.payment().status, PaymentStatus::Failed);
    shop.provider.take(AMOUNT, "USD");
    relay_for_long(&shop);
    assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
}

#[test]
fn a_session_that_cannot_be_ended_is_over_some_day() {
    let shop = Shop::with_pending_order();
    shop.fail_payment();
    shop.reopen_sessions();
    shop.provider.refuses.set(true);
    relay_for_long(&shop);
    assert!(shop.has_session_to_end());
    shop.advance(SESSION_MS + SESSION_LIFE_LONGEST_MS);
    relay_for_long(&shop);
    assert!(!shop.has_session_to_end());
}
