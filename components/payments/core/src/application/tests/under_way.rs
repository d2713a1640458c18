use serde_json::{Value, json};

use super::shop::{AMOUNT, SESSION_MS, Shop, units};
use crate::application::commands::WebhookOutcome;
use crate::domain::{CheckoutOutcome, EventType, PaymentError, PaymentStatus};

/// The customer has paid in a way that takes days.
fn unpaid(shop: &Shop) -> Value {
    let mut event = shop.session_event(
        "evt_unpaid",
        "checkout.session.completed",
        &shop.newest_session(),
    );
    event["data"]["object"]["payment_status"] = json!("unpaid");
    event
}

fn state(shop: &Shop) -> (PaymentStatus, bool) {
    let payment = shop.payment();
    (payment.status, payment.is_processing)
}

#[test]
fn money_on_its_way_is_shown_and_its_session_not_opened_again() {
    let shop = Shop::with_pending_order();
    assert_eq!(shop.webhook(&unpaid(&shop)), Ok(WebhookOutcome::Applied));
    assert_eq!(state(&shop), (PaymentStatus::Pending, true));
    assert_eq!(shop.open_session(), Err(PaymentError::UnderWay));
    shop.advance(SESSION_MS);
    assert_eq!(shop.open_session(), Err(PaymentError::UnderWay));
    assert_eq!(shop.event_types(), [], "the order goes on waiting");
    assert_eq!(shop.webhook(&unpaid(&shop)), Ok(WebhookOutcome::Duplicate));
}

#[test]
fn money_on_its_way_arrives_or_fails() {
    for (event_type, status, told) in [
        (
            "checkout.session.async_payment_succeeded",
            PaymentStatus::Succeeded,
            EventType::Succeeded,
        ),
        (
            "checkout.session.async_payment_failed",
            PaymentStatus::Failed,
            EventType::Failed,
        ),
    ] {
        for is_late in [false, true] {
            let shop = Shop::with_pending_order();
            let mut end = shop.completed("evt_end");
            end["type"] = json!(event_type);
            let mut events = [unpaid(&shop), end];
            if is_late {
                events.reverse();
            }
            for event in &events {
                shop.webhook(event).unwrap();
            }
            assert_eq!(state(&shop), (status, false), "{event_type} {is_late}");
            assert_eq!(shop.event_types(), [told]);
        }
    }
}

#[test]
fn a_payment_under_way_is_not_cancelled() {
    let shop = Shop::with_pending_order();
    shop.webhook(&unpaid(&shop)).unwrap();
    // The test's provider ends every session that is not paid.
    let kept = shop.cancel().unwrap();
    assert_eq!(
        (kept.status, kept.is_processing),
        (PaymentStatus::Pending, true)
    );
}

#[test]
fn the_providers_answer_tells_of_money_on_its_way_too() {
    for ask in [(|shop: &Shop| drop(shop.cancel())) as fn(&Shop), |shop| {
        shop.advance(SESSION_MS);
        assert_eq!(shop.open_session(), Err(PaymentError::UnderWay));
    }] {
        let shop = Shop::with_pending_order();
        shop.provider.paid.set(true);
        ask(&shop);
        assert_eq!(state(&shop), (PaymentStatus::Pending, true));
        shop.provider.take(AMOUNT, "USD");
        assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Succeeded);
        assert_eq!(shop.payment().refunded, units(0));
    }
}

#[test]
fn a_customer_of_the_stand_in_pays_by_debit() {
    for (end, status) in [
        (CheckoutOutcome::Succeed, PaymentStatus::Succeeded),
        (CheckoutOutcome::Fail, PaymentStatus::Failed),
    ] {
        let shop = Shop::with_pending_order();
        let session = shop.newest_session();
        for _ in 0..2 {
            let payment = shop.simulate(&session, CheckoutOutcome::Debit).unwrap();
            assert!(payment.is_processing);
        }
        assert_eq!(
            shop.simulate(&session, CheckoutOutcome::Cancel),
            Err(PaymentError::UnderWay)
        );
        shop.advance(2 * SESSION_MS);
        assert_eq!(shop.simulate(&session, end).unwrap().status, status);
        assert_eq!(
            shop.simulate(&session, CheckoutOutcome::Debit),
            Err(PaymentError::Conflict(status))
        );
    }
}
