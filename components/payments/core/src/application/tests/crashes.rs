//! The process dies at every single step of every command, before or after the step took effect; then it starts
//! again, the client repeats its request, and the relay runs. Nothing may be lost, and nothing done twice.

use super::shop::{AMOUNT, Crash, Shop, units};
use crate::domain::{CheckoutOutcome, EventType, PaymentStatus};

/// Longer than any lease, pause or session's start.
const LATER_MS: u64 = 6 * 60 * 1_000;

/// More steps than any command has.
const STEPS_MAX: u32 = 20;

/// Runs `scenario` once for every point where it can die; each run begins with a shop that `prepare` makes.
fn at_every_crash(prepare: fn() -> Shop, scenario: impl Fn(&Shop, &dyn Fn(&Shop))) {
    for after in [false, true] {
        let mut crashes = 0;
        for step in 0..STEPS_MAX {
            let shop = prepare();
            let crash = if after {
                Crash::After(step)
            } else {
                Crash::Before(step)
            };
            let died = std::cell::Cell::new(false);
            let restart = |shop: &Shop| died.set(shop.restart());
            shop.crash_at(crash);
            scenario(&shop, &restart);
            if !died.get() {
                break;
            }
            crashes += 1;
        }
        assert!(
            (2..STEPS_MAX).contains(&crashes),
            "{crashes} crash points were met"
        );
    }
}

/// The event has been published at least once, and there is one of it.
fn assert_told_once(shop: &Shop, event_type: EventType) {
    shop.advance(LATER_MS);
    shop.relay();
    let waiting = shop.event_types();
    assert_eq!(
        waiting.iter().filter(|told| **told == event_type).count(),
        1,
        "{waiting:?}"
    );
    assert!(shop.published_types().contains(&event_type));
}

#[test]
fn a_session_is_opened_once_wherever_its_request_dies() {
    at_every_crash(Shop::new, |shop, restart| {
        let first = shop.create();
        restart(shop);
        let payment = shop.create().unwrap();
        assert!(first.is_err() || first == Ok(payment.clone()));
        assert!(payment.session.opened.is_some());
        assert_eq!(shop.provider.sessions.borrow().len(), 1);
    });
}

#[test]
fn a_cancelled_payment_leaves_no_open_session_wherever_it_dies() {
    at_every_crash(Shop::with_pending_order, |shop, restart| {
        let _ = shop.cancel();
        restart(shop);
        assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
        assert!(
            shop.provider
                .expired
                .borrow()
                .contains(&shop.newest_session())
        );
        assert_told_once(shop, EventType::Cancelled);
    });
}

#[test]
fn a_webhook_is_applied_once_wherever_it_dies() {
    at_every_crash(Shop::with_pending_order, |shop, restart| {
        let event = shop.completed("evt_1");
        let _ = shop.webhook(&event);
        restart(shop);
        shop.webhook(&event).unwrap();
        assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
        assert_told_once(shop, EventType::Succeeded);
    });
}

#[test]
fn a_simulated_payment_is_applied_once_wherever_it_dies() {
    at_every_crash(Shop::with_pending_order, |shop, restart| {
        let session = shop.newest_session();
        let _ = shop.simulate(&session, CheckoutOutcome::Succeed);
        restart(shop);
        let _ = shop.simulate(&session, CheckoutOutcome::Succeed);
        assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
        assert_told_once(shop, EventType::Succeeded);
    });
}

#[test]
fn money_goes_back_once_wherever_a_refund_dies() {
    for key in [None, Some("key")] {
        at_every_crash(Shop::with_paid_order, |shop, restart| {
            let first = shop.refund(None, key);
            restart(shop);
            let again = shop.refund(None, key);
            assert!(
                first.is_ok() || again.is_ok() || shop.payment().status == PaymentStatus::Refunded
            );
            assert_eq!(shop.payment().refunded, units(AMOUNT));
            assert_eq!(shop.provider.refunded(), AMOUNT);
            assert_told_once(shop, EventType::Refunded);
        });
    }
}

#[test]
fn a_refund_that_nobody_repeats_is_finished_by_the_relay() {
    at_every_crash(Shop::with_paid_order, |shop, restart| {
        let _ = shop.refund(Some(500), Some("key"));
        restart(shop);
        shop.advance(LATER_MS);
        shop.relay();
        let told = shop.payment().refunded;
        assert_eq!(
            told.get(),
            shop.provider.refunded(),
            "the shop and the provider agree"
        );
        assert_eq!(shop.event_types().len(), usize::from(!told.is_zero()));
    });
}
