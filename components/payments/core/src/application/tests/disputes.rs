//! Customers' banks that want money back.

use mercato_kernel::Caller;

use serde_json::{Value, json};

use super::shop::{AMOUNT, START_MS, Shop, units};
use crate::application::commands::WebhookOutcome;
use crate::application::queries;
use crate::domain::{DISPUTES_MAX, DisputeStatus, EventType};

/// What the provider tells of a dispute, so many seconds after the shop began.
fn dispute(id: &str, status: &str, at: u64) -> Value {
    let began = START_MS / 1_000;
    let kind = match status {
        "needs_response" | "warning_needs_response" => "created",
        "under_review" => "updated",
        _ => "closed",
    };
    json!({"id": id, "type": format!("charge.dispute.{kind}"), "created": began + at, "data": {"object": {
        "id": "du_1", "object": "dispute", "amount": AMOUNT, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
        "reason": "fraudulent", "status": status, "created": began, "metadata": {},
    }}})
}

/// What the payment, the list and the figures say of disputes.
fn state(shop: &Shop) -> (bool, i64, Vec<DisputeStatus>, u64) {
    let payment = shop.payment();
    let disputes = queries::list_disputes(shop, &Caller::System, payment.id).unwrap();
    let statuses = disputes.iter().map(|dispute| dispute.status).collect();
    let open = queries::metrics_snapshot(shop).unwrap().disputes_open;
    (
        payment.is_disputed,
        payment.lost_to_disputes.get(),
        statuses,
        open,
    )
}

fn assert_told(shop: &Shop, words: &[&str]) {
    let entries = shop.entries();
    assert_eq!(entries.len(), words.len(), "{entries:?}");
    for (entry, words) in entries.iter().zip(words) {
        assert_eq!(entry.event.event_type, EventType::Updated);
        let told = entry.event.reason.as_deref().unwrap();
        assert!(told.contains(words), "{words:?} in {told:?}");
    }
}

#[test]
fn a_dispute_is_told_when_it_opens_and_when_it_ends() {
    for (end, status, lost, words) in [
        ("won", DisputeStatus::Won, 0, "was won"),
        ("lost", DisputeStatus::Lost, AMOUNT, "was lost"),
        ("warning_closed", DisputeStatus::Closed, 0, "ended without"),
    ] {
        let shop = Shop::with_paid_order();
        let opened = dispute("evt_1", "needs_response", 1);
        assert_eq!(shop.webhook(&opened), Ok(WebhookOutcome::Applied));
        assert_eq!(state(&shop), (true, 0, vec![DisputeStatus::Open], 1));
        assert_eq!(
            shop.webhook(&dispute("evt_2", "under_review", 2)),
            Ok(WebhookOutcome::Ignored),
            "nothing that the shop would do"
        );
        shop.webhook(&dispute("evt_3", end, 3)).unwrap();
        assert_eq!(state(&shop), (false, lost, vec![status], 0));
        assert_told(&shop, &["19.99 USD (fraudulent, du_1) was opened", words]);
        assert_eq!(queries::metrics_snapshot(&shop).unwrap().disputes, 1);
        let money = queries::money_received(&shop).unwrap();
        assert_eq!(money[0].lost_to_disputes, units(lost));
        assert_eq!(money[0].gross, units(AMOUNT));
    }
}

#[test]
fn every_order_of_events_ends_in_the_same_state() {
    let events = |shop: &Shop| {
        [
            shop.completed("evt_paid"),
            dispute("evt_1", "warning_needs_response", 1),
            dispute("evt_2", "needs_response", 2),
            dispute("evt_3", "lost", 3),
        ]
    };
    for first in 0..4 {
        for second in (0..4).filter(|place| *place != first) {
            let shop = Shop::with_pending_order();
            let events = events(&shop);
            let rest = (0..4).filter(|place| ![first, second].contains(place));
            for place in [first, second].into_iter().chain(rest.rev()) {
                shop.webhook(&events[place]).unwrap();
            }
            let expected = (false, AMOUNT, vec![DisputeStatus::Lost], 0);
            assert_eq!(state(&shop), expected, "{first} {second}");
            assert_eq!(queries::metrics_snapshot(&shop).unwrap().disputes, 1);
        }
    }
}

#[test]
fn a_dispute_that_comes_before_the_payment_is_kept_for_it() {
    let shop = Shop::with_pending_order();
    let opened = dispute("evt_1", "needs_response", 1);
    assert_eq!(shop.webhook(&opened), Ok(WebhookOutcome::Kept));
    assert!(!shop.payment().is_disputed);
    assert_eq!(queries::metrics_snapshot(&shop).unwrap().disputes_open, 0);
    shop.webhook(&shop.completed("evt_paid")).unwrap();
    assert!(shop.payment().is_disputed);
    assert_eq!(
        shop.event_types(),
        [EventType::Succeeded, EventType::Updated]
    );
}

#[test]
fn a_dispute_about_a_second_charge_is_the_payments_too() {
    let shop = Shop::with_paid_order();
    let mut early = dispute("evt_1", "needs_response", 1);
    early["data"]["object"]["payment_intent"] = json!("pi_2");
    assert_eq!(shop.webhook(&early), Ok(WebhookOutcome::Kept));
    let mut second = shop.completed("evt_2");
    second["data"]["object"]["payment_intent"] = json!("pi_2");
    shop.webhook(&second).unwrap();
    assert!(shop.payment().is_disputed);
    let mut end = dispute("evt_3", "won", 2);
    end["data"]["object"]["payment_intent"] = json!("pi_2");
    shop.webhook(&end).unwrap();
    assert!(!shop.payment().is_disputed);
}

#[test]
fn what_a_dispute_is_about_may_change() {
    let shop = Shop::with_paid_order();
    let about = |mut event: Value, amount: i64| {
        event["data"]["object"]["amount"] = json!(amount);
        event
    };
    shop.webhook(&about(dispute("evt_1", "lost", 1), 500))
        .unwrap();
    assert_eq!(shop.payment().lost_to_disputes, units(500));
    shop.webhook(&about(dispute("evt_2", "lost", 2), AMOUNT))
        .unwrap();
    assert_eq!(shop.payment().lost_to_disputes, units(AMOUNT));
    let late = about(dispute("evt_3", "lost", 1), 500);
    assert_eq!(shop.webhook(&late), Ok(WebhookOutcome::Ignored));
    assert_told(&shop, &["about 5 USD", "about 19.99 USD"]);
}

#[test]
fn each_of_two_disputes_is_told() {
    let shop = Shop::with_paid_order();
    let other = |mut event: Value| {
        event["data"]["object"]["id"] = json!("du_2");
        event
    };
    let opened = dispute("evt_1", "needs_response", 1);
    let second = other(dispute("evt_2", "needs_response", 2));
    let first_won = dispute("evt_3", "won", 3);
    for event in [opened, second, first_won] {
        assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Applied));
    }
    assert!(shop.payment().is_disputed, "the second one goes on");
    assert_told(
        &shop,
        &["du_1) was opened", "du_2) was opened", "du_1) was won"],
    );
    shop.webhook(&other(dispute("evt_4", "warning_closed", 4)))
        .unwrap();
    assert!(!shop.payment().is_disputed);
}

#[test]
fn disputes_are_bounded_and_may_be_in_another_currency() {
    let shop = Shop::with_paid_order();
    for number in 0..DISPUTES_MAX + 2 {
        let mut event = dispute(&format!("evt_{number}"), "lost", 1);
        event["data"]["object"]["id"] = json!(format!("du_{number:02}"));
        event["data"]["object"]["currency"] = json!("jpy");
        event["data"]["object"]["amount"] = json!(300_000);
        shop.webhook(&event).unwrap();
    }
    let (_, lost, statuses, _) = state(&shop);
    assert_eq!((lost, statuses.len()), (AMOUNT, DISPUTES_MAX));
}

#[test]
fn a_dispute_that_cannot_be_read_is_refused() {
    let shop = Shop::with_paid_order();
    for (member, value) in [
        ("id", json!("")),
        ("amount", json!(-1)),
        ("amount", Value::Null),
        ("currency", Value::Null),
        ("currency", json!("dollars")),
    ] {
        let mut event = dispute("evt_1", "needs_response", 1);
        event["data"]["object"][member] = value.clone();
        assert!(shop.webhook(&event).is_err(), "{member} {value}");
    }
    let mut nobodys = dispute("evt_2", "needs_response", 1);
    nobodys["data"]["object"]["payment_intent"] = Value::Null;
    nobodys["data"]["object"]["charge"] = Value::Null;
    assert_eq!(shop.webhook(&nobodys), Ok(WebhookOutcome::Ignored));
}
