use serde_json::{Value, json};

use super::shop::{AMOUNT, START_MS, Shop, Side, units};
use crate::application::commands::WebhookOutcome;
use crate::application::queries;
use crate::domain::{EventType, PaymentError, PaymentStatus};

/// The provider's sum as `charge.refunded` tells it, so many seconds after the shop began.
fn total(shop: &Shop, id: &str, refunded: i64, at: u64) -> Value {
    let mut event = shop.refunded_event(id, refunded);
    event["created"] = json!(START_MS / 1_000 + at);
    event
}

fn state(shop: &Shop) -> (PaymentStatus, i64, i64) {
    let payment = shop.payment();
    (
        payment.status,
        payment.refunded.get(),
        payment.failed_refunds.get(),
    )
}

#[test]
fn a_refund_that_fails_later_leaves_the_payment_paid() {
    for (amount, key) in [(AMOUNT, "whole"), (500, "part")] {
        let shop = Shop::with_paid_order();
        shop.refund(Some(amount), Some(key)).unwrap();
        shop.acknowledge_all();
        let failed = shop.refund_event("evt_f", &shop.provider_refund_id(), amount, "failed", 9);
        assert_eq!(shop.webhook(&failed), Ok(WebhookOutcome::Applied));
        assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, amount));
        let failure = shop.payment().refund_failure;
        assert_eq!(failure.as_deref(), Some("lost_or_stolen_card"));
        let entry = shop.entries().remove(0);
        assert_eq!(entry.event.event_type, EventType::Updated);
        assert_eq!(entry.event.refunded, units(0));
        assert_eq!(entry.event.payment_version, shop.payment().version);
        let told = entry.event.reason.unwrap();
        assert!(
            told.contains("failed") && told.contains("lost_or_stolen_card"),
            "{told}"
        );
        assert_eq!(shop.webhook(&failed), Ok(WebhookOutcome::Duplicate));
        let other = shop.refund_event("evt_g", &shop.provider_refund_id(), amount, "failed", 9);
        assert_eq!(
            shop.webhook(&other),
            Ok(WebhookOutcome::Ignored),
            "the same failure told in another way"
        );
        assert_eq!(shop.entries().len(), 1);
    }
}

#[test]
fn after_a_failure_all_can_be_refunded_again() {
    let shop = Shop::with_paid_order();
    shop.refund(None, Some("first")).unwrap();
    let failed = shop.refund_event("evt_f", &shop.provider_refund_id(), AMOUNT, "failed", 9);
    shop.webhook(&failed).unwrap();
    assert_eq!(
        shop.refund(None, Some("first")),
        Err(PaymentError::ProviderRejected(
            "lost_or_stolen_card".to_owned()
        )),
        "that refund has ended"
    );
    // The test's provider counts what failed as given back.
    shop.provider.refunds.borrow_mut().clear();
    let again = shop.refund(None, Some("second")).unwrap();
    assert_eq!(
        (again.status, again.refunded.get()),
        (PaymentStatus::Refunded, AMOUNT)
    );
    shop.webhook(&total(&shop, "evt_late", AMOUNT, 1)).unwrap();
    assert_eq!(state(&shop), (PaymentStatus::Refunded, AMOUNT, AMOUNT));
}

#[test]
fn a_failure_told_before_the_answer_ends_the_refund() {
    let shop = Shop::with_paid_order();
    let refund = |shop: &Shop| shop.refund(Some(500), Some("key"));
    assert_eq!(shop.crash_at(1, Side::After, refund), None);
    let failed = shop.refund_event("evt_f", &shop.provider_refund_id(), 500, "failed", 9);
    shop.webhook(&failed).unwrap();
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, 500));
    assert_eq!(
        shop.refund(Some(500), Some("key")),
        Err(PaymentError::ProviderRejected(
            "lost_or_stolen_card".to_owned()
        ))
    );
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, 500));
    assert_eq!(shop.event_types(), [EventType::Updated]);
    assert_eq!(queries::metrics_snapshot(&shop).unwrap().refunds_failed, 1);
}

#[test]
fn every_order_of_events_ends_in_the_same_sum() {
    // Made by hand at the provider: 500 that fail, then 300.
    let events = |shop: &Shop| {
        vec![
            shop.completed("evt_paid"),
            shop.refund_event("evt_1", "re_1", 500, "succeeded", 1),
            total(shop, "evt_2", 500, 1),
            shop.refund_event("evt_3", "re_1", 500, "failed", 5),
            total(shop, "evt_4", 300, 7),
        ]
    };
    let count = events(&Shop::with_pending_order()).len();
    for first in 0..count {
        for second in (0..count).filter(|place| *place != first) {
            let shop = Shop::with_pending_order();
            let events = events(&shop);
            let rest = (0..count).filter(|place| ![first, second].contains(place));
            for place in [first, second].into_iter().chain(rest.clone().rev()) {
                shop.webhook(&events[place]).unwrap();
            }
            let case = format!("{first} {second}");
            assert_eq!(state(&shop), (PaymentStatus::Succeeded, 300, 500), "{case}");
            let told = shop.event_types();
            let updates = told.iter().filter(|told| **told == EventType::Updated);
            assert_eq!(updates.count(), 1, "{case}: {told:?}");
        }
    }
}

#[test]
fn refunds_of_strangers_change_nothing() {
    let shop = Shop::with_paid_order();
    let mut stranger = shop.refund_event("evt_1", "re_9", 500, "failed", 5);
    stranger["data"]["object"]["payment_intent"] = json!("pi_9");
    assert_eq!(shop.webhook(&stranger), Ok(WebhookOutcome::Kept));
    assert_eq!(state(&shop), (PaymentStatus::Succeeded, 0, 0));
    let mut nobodys = shop.refund_event("evt_2", "re_8", 500, "failed", 5);
    nobodys["data"]["object"]["payment_intent"] = Value::Null;
    assert_eq!(shop.webhook(&nobodys), Ok(WebhookOutcome::Ignored));
    let too_much = shop.refund_event("evt_3", "re_7", AMOUNT + 1, "failed", 5);
    assert_eq!(shop.webhook(&too_much), Err(PaymentError::MalformedEvent));
    assert_eq!(queries::metrics_snapshot(&shop).unwrap().refunds_failed, 0);
}
