//! A customer who has paid twice for the same order.

use mercato_kernel::{Caller, PageRequest};

use serde_json::{Value, json};

use super::shop::{AMOUNT, SIDES, START_MS, Shop, units};
use crate::application::commands::WebhookOutcome;
use crate::application::queries;
use crate::application::queries::MoneyReceived;
use crate::domain::{EventType, PaymentStatus, Refund, RefundState};

/// The session was paid, but by another charge than the payment's own.
fn second(shop: &Shop, id: &str) -> Value {
    charged_by(shop, id, "pi_2")
}

fn charged_by(shop: &Shop, id: &str, reference: &str) -> Value {
    let mut event = shop.completed(id);
    event["data"]["object"]["payment_intent"] = json!(reference);
    event
}

/// Told of the second charge.
fn about_second(mut event: Value) -> Value {
    event["data"]["object"]["payment_intent"] = json!("pi_2");
    event
}

fn refunds(shop: &Shop) -> Vec<Refund> {
    let request = PageRequest {
        page: 1,
        limit: 100,
        after: None,
    };
    let payment = shop.payment();
    let (_, page) = queries::list_refunds(shop, &Caller::System, payment.id, &request).unwrap();
    page.entries
}

fn state(shop: &Shop) -> (PaymentStatus, i64, i64, i64) {
    let payment = shop.payment();
    (
        payment.status,
        payment.refunded.get(),
        payment.duplicates.get(),
        payment.duplicates_refunded.get(),
    )
}

/// What the order is told and was not acknowledged.
fn told(shop: &Shop) -> Vec<String> {
    let entries = shop.entries().into_iter();
    entries
        .map(|entry| {
            assert_eq!(entry.event.event_type, EventType::Updated);
            entry.event.reason.unwrap()
        })
        .collect()
}

fn assert_told(shop: &Shop, words: &[&str]) {
    let told = told(shop);
    assert_eq!(told.len(), words.len(), "{told:?}");
    for (told, words) in told.iter().zip(words) {
        assert!(told.contains(words), "{words:?} in {told:?}");
    }
}

#[test]
fn a_second_charge_is_given_back_and_the_first_stays() {
    let shop = Shop::with_paid_order();
    assert_eq!(
        shop.webhook(&second(&shop, "evt_2")),
        Ok(WebhookOutcome::Applied)
    );
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, 0));
    shop.relay();
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
    let asked: Vec<_> = shop.provider.refunds.borrow().values().cloned().collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].provider_reference.as_str(), asked[0].amount),
        ("pi_2", units(AMOUNT))
    );
    assert_eq!(asked[0].reason.as_deref(), Some("duplicate"));
    assert_told(
        &shop,
        &[
            "second time, 19.99 USD (pi_2)",
            "19.99 USD (pi_2) given back",
        ],
    );
    let listed = refunds(&shop);
    assert_eq!(listed[0].duplicate_charge.as_deref(), Some("pi_2"));
    assert_eq!(listed[0].state, RefundState::Succeeded);
    assert_eq!(
        queries::metrics_snapshot(&shop).unwrap().duplicate_charges,
        1
    );
    let money = MoneyReceived {
        currency: "USD".parse().unwrap(),
        gross: units(2 * AMOUNT),
        refunded: units(AMOUNT),
        lost_to_disputes: units(0),
    };
    assert_eq!(queries::money_received(&shop), Ok(vec![money]));
    // The payment's own charge can still be refunded, while and after the other one is.
    shop.provider.refunds.borrow_mut().clear();
    shop.refund(None, Some("all")).unwrap();
    assert_eq!(
        state(&shop),
        (PaymentStatus::Refunded, AMOUNT, AMOUNT, AMOUNT)
    );
}

#[test]
fn what_is_told_again_of_a_second_charge_changes_nothing() {
    let shop = Shop::with_paid_order();
    let first = second(&shop, "evt_2");
    shop.webhook(&first).unwrap();
    assert_eq!(shop.webhook(&first), Ok(WebhookOutcome::Duplicate));
    let again = second(&shop, "evt_3");
    assert_eq!(shop.webhook(&again), Ok(WebhookOutcome::Ignored));
    let own = shop.completed("evt_4");
    assert_eq!(shop.webhook(&own), Ok(WebhookOutcome::Ignored));
    shop.relay();
    let later = second(&shop, "evt_5");
    assert_eq!(shop.webhook(&later), Ok(WebhookOutcome::Ignored));
    let told = about_second(shop.refunded_event("evt_6", AMOUNT));
    assert_eq!(shop.webhook(&told), Ok(WebhookOutcome::Ignored));
    shop.relay();
    assert_eq!(refunds(&shop).len(), 1);
    assert_eq!(shop.provider.refunded(), AMOUNT);
    assert_eq!(shop.entries().len(), 2);
}

#[test]
fn a_third_charge_is_given_back_too() {
    let shop = Shop::with_paid_order();
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    shop.relay();
    // The test's provider gives no more back than one payment.
    shop.provider.refunds.borrow_mut().clear();
    shop.webhook(&charged_by(&shop, "evt_3", "pi_3")).unwrap();
    shop.relay();
    let all = (PaymentStatus::Succeeded, 0, 2 * AMOUNT, 2 * AMOUNT);
    assert_eq!(state(&shop), all);
}

#[test]
fn an_order_that_was_refunded_gives_a_second_charge_back_too() {
    let shop = Shop::with_paid_order();
    shop.refund(None, Some("all")).unwrap();
    shop.provider.refunds.borrow_mut().clear();
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    shop.relay();
    assert_eq!(
        state(&shop),
        (PaymentStatus::Refunded, AMOUNT, AMOUNT, AMOUNT)
    );
}

#[test]
fn the_provider_is_asked_until_it_answers() {
    let shop = Shop::with_paid_order();
    shop.provider.down.set(true);
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    for _ in 0..3 {
        shop.relay();
        shop.advance(60_000);
    }
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, 0));
    assert_eq!(queries::metrics_snapshot(&shop).unwrap().refunds_waiting, 1);
    shop.provider.down.set(false);
    shop.relay();
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
}

#[test]
fn a_refusal_is_told_and_somebody_gives_it_back_by_hand() {
    let shop = Shop::with_paid_order();
    shop.provider.refuses.set(true);
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    shop.relay();
    assert_told(&shop, &["second time", "could not be given back"]);
    assert!(matches!(refunds(&shop)[0].state, RefundState::Failed(_)));
    assert_eq!(queries::metrics_snapshot(&shop).unwrap().refunds_failed, 1);
    shop.acknowledge_all();
    shop.relay();
    assert_eq!(shop.entries().len(), 0, "it is not asked again");
    let by_hand = about_second(shop.refunded_event("evt_3", AMOUNT));
    assert_eq!(shop.webhook(&by_hand), Ok(WebhookOutcome::Applied));
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
    assert_told(&shop, &["given back"]);
}

#[test]
fn what_was_given_back_by_hand_is_not_given_back_again() {
    let shop = Shop::with_paid_order();
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    let by_hand = about_second(shop.refunded_event("evt_3", AMOUNT));
    shop.webhook(&by_hand).unwrap();
    shop.relay();
    assert_eq!(shop.provider.refunded(), 0);
    assert_eq!(refunds(&shop)[0].state, RefundState::Succeeded);
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
}

#[test]
fn only_what_is_left_of_a_second_charge_is_given_back() {
    for (by_hand, left) in [(500, AMOUNT - 500), (AMOUNT, 0)] {
        let shop = Shop::with_paid_order();
        // Before anybody knows whose charge it is.
        let early = shop.refund_event("evt_h", "re_hand", by_hand, "succeeded", 1);
        let early = about_second(early);
        assert_eq!(shop.webhook(&early), Ok(WebhookOutcome::Kept));
        shop.webhook(&second(&shop, "evt_2")).unwrap();
        shop.relay();
        assert_eq!(shop.provider.refunded(), left);
        assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
        let listed = refunds(&shop);
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].amount, &listed[0].state),
            (units(left), &RefundState::Succeeded)
        );
        let first = told(&shop).remove(0);
        assert_eq!(first.contains("gone back already"), left == 0, "{first}");
    }
}

#[test]
fn refunds_that_are_more_than_was_paid_are_nobodys() {
    let shop = Shop::with_pending_order();
    let huge = shop.refund_event("evt_1", "re_1", AMOUNT * 1_000, "failed", 1);
    assert_eq!(shop.webhook(&huge), Ok(WebhookOutcome::Kept));
    shop.webhook(&shop.completed("evt_paid")).unwrap();
    let payment = shop.payment();
    assert_eq!(
        (payment.refunded, payment.failed_refunds),
        (units(0), units(0))
    );
}

/// What the provider tells of a dispute about the second charge.
fn dispute(status: &str, at: u64) -> Value {
    let created = START_MS / 1_000 + at;
    json!({"id": format!("evt_d{at}"), "type": "charge.dispute.updated", "created": created, "data": {"object": {
        "id": "du_2", "object": "dispute", "amount": AMOUNT, "currency": "usd", "payment_intent": "pi_2",
        "reason": "duplicate", "status": status, "created": created, "metadata": {},
    }}})
}

#[test]
fn a_disputed_second_charge_goes_back_when_the_dispute_is_won() {
    let shop = Shop::with_paid_order();
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    shop.webhook(&dispute("needs_response", 1)).unwrap();
    shop.provider.refuses.set(true);
    shop.relay();
    shop.advance(60_000);
    shop.relay();
    assert_eq!(refunds(&shop)[0].state, RefundState::Pending);
    shop.provider.refuses.set(false);
    shop.webhook(&dispute("won", 2)).unwrap();
    shop.advance(3_600_000);
    shop.relay();
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
}

#[test]
fn a_second_charge_that_was_lost_in_a_dispute_is_not_given_back() {
    let shop = Shop::with_paid_order();
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    shop.webhook(&dispute("lost", 1)).unwrap();
    shop.relay();
    assert_eq!(shop.provider.refunded(), 0);
    assert!(matches!(refunds(&shop)[0].state, RefundState::Failed(_)));
    assert_told(&shop, &["second time", "was lost"]);
    assert_eq!(shop.payment().lost_to_disputes, units(AMOUNT));
}

#[test]
fn a_refund_of_a_second_charge_that_fails_is_told() {
    let shop = Shop::with_paid_order();
    shop.webhook(&second(&shop, "evt_2")).unwrap();
    shop.relay();
    shop.acknowledge_all();
    let failed = shop.refund_event("evt_f", &shop.provider_refund_id(), AMOUNT, "failed", 9);
    shop.webhook(&about_second(failed)).unwrap();
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, 0));
    assert_told(
        &shop,
        &["of the second charge (pi_2) failed at the payment provider (lost_or_stolen_card"],
    );
    assert!(matches!(refunds(&shop)[0].state, RefundState::Failed(_)));
}

#[test]
fn the_providers_word_on_a_session_tells_of_a_second_charge_too() {
    let shop = Shop::with_pending_order();
    shop.webhook(&charged_by(&shop, "evt_1", "pi_0")).unwrap();
    shop.acknowledge_all();
    // The relay ends the session, and the provider says that it was paid: by a charge that nobody has told of.
    shop.provider.take(AMOUNT, "USD");
    shop.reopen_sessions();
    shop.advance(1);
    shop.relay();
    shop.relay();
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT));
}

#[test]
fn a_session_that_names_no_charge_is_not_a_second_one() {
    for is_first in [true, false] {
        let shop = Shop::with_pending_order();
        let mut nameless = shop.completed("evt_1");
        nameless["data"]["object"]["payment_intent"] = Value::Null;
        let mut events = [nameless, shop.completed("evt_2")];
        if !is_first {
            events.reverse();
        }
        for event in &events {
            shop.webhook(event).unwrap();
        }
        shop.relay();
        assert_eq!(shop.provider.refunded(), 0);
        assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, 0, 0));
    }
}

#[test]
fn charges_of_strangers_are_not_given_back() {
    let shop = Shop::with_paid_order();
    let charge = json!({"id": "evt_9", "type": "charge.succeeded", "created": START_MS / 1_000, "data": {"object": {
        "id": "ch_9", "metadata": {"order_id": super::shop::ORDER}, "amount": AMOUNT, "currency": "usd",
        "payment_intent": "pi_9", "captured": true,
    }}});
    assert_eq!(shop.webhook(&charge), Ok(WebhookOutcome::Ignored));
    let mut session = second(&shop, "evt_10");
    session["data"]["object"]["id"] = json!("cs_of_somebody");
    assert_eq!(shop.webhook(&session), Ok(WebhookOutcome::Ignored));
    shop.relay();
    assert_eq!(shop.provider.refunded(), 0);
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, 0, 0));
}

#[test]
fn no_crash_gives_a_second_charge_back_twice_or_never() {
    let mut crashes = 0;
    for step in 0.. {
        let shop = Shop::with_paid_order();
        let event = second(&shop, "evt_2");
        let side = SIDES[usize::from(step % 2 == 1)];
        let mut answered = false;
        let whole = shop.crash_at(step / 2, side, |shop| {
            answered = shop.webhook(&event).is_ok();
            shop.relay();
        });
        let died = whole.is_none();
        crashes += u32::from(died);
        for _ in 0..4 {
            // The provider sends until it is answered.
            answered = answered || shop.webhook(&event).is_ok();
            shop.advance(60_000);
            shop.relay();
        }
        assert_eq!(
            state(&shop),
            (PaymentStatus::Succeeded, 0, AMOUNT, AMOUNT),
            "step {step}"
        );
        assert_eq!(shop.provider.refunded(), AMOUNT, "step {step}");
        assert_told(&shop, &["second time", "given back"]);
        if !died {
            break;
        }
    }
    assert!(crashes > 6, "{crashes}");
}
