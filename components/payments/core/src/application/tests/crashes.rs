//! The process dies at every single step of every command, before or after the step took effect; then it starts
//! again, the client repeats its request, and the relay runs. Nothing may be lost, and nothing done twice.

use super::shop::{AMOUNT, SIDES, Shop, units};
use crate::domain::{CheckoutOutcome, EventType, PaymentStatus};

/// Longer than any lease, pause or session's start.
const LATER_MS: u64 = 6 * 60 * 1_000;

/// More steps than any command has.
const STEPS_MAX: u64 = 20;

/// Runs `work` once for every point where it can die; each run begins with a shop that `prepare` makes. `check` gets the shop and
/// the answer, if there was one.
fn at_every_crash<T>(
    prepare: fn() -> Shop,
    work: impl Fn(&Shop) -> T,
    check: impl Fn(&Shop, Option<T>),
) {
    for side in SIDES {
        let mut crashes = 0;
        for step in 0..STEPS_MAX {
            let shop = prepare();
            let answer = shop.crash_at(step, side, &work);
            let has_died = answer.is_none();
            check(&shop, answer);
            if !has_died {
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
    at_every_crash(Shop::new, Shop::create, |shop, first| {
        let payment = shop.create().unwrap();
        assert!(first.is_none_or(|first| first == Ok(payment.clone())));
        assert!(payment.session.opened.is_some());
        assert_eq!(shop.provider.sessions.borrow().len(), 1);
    });
}

#[test]
fn a_cancelled_payment_leaves_no_open_session_wherever_it_dies() {
    at_every_crash(Shop::with_pending_order, Shop::cancel, |shop, _| {
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
    let tell = |shop: &Shop| shop.webhook(&shop.completed("evt_1"));
    at_every_crash(Shop::with_pending_order, tell, |shop, _| {
        tell(shop).unwrap();
        assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
        assert_told_once(shop, EventType::Succeeded);
    });
}

#[test]
fn a_simulated_payment_is_applied_once_wherever_it_dies() {
    let pay = |shop: &Shop| shop.simulate(&shop.newest_session(), CheckoutOutcome::Succeed);
    at_every_crash(Shop::with_pending_order, pay, |shop, _| {
        let _ = pay(shop);
        assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
        assert_told_once(shop, EventType::Succeeded);
    });
}

#[test]
fn money_goes_back_once_wherever_a_refund_dies() {
    for key in [None, Some("key")] {
        let refund = |shop: &Shop| shop.refund(None, key);
        at_every_crash(Shop::with_paid_order, refund, |shop, first| {
            let again = refund(shop);
            assert!(
                first.is_some_and(|first| first.is_ok())
                    || again.is_ok()
                    || shop.payment().status == PaymentStatus::Refunded
            );
            assert_eq!(shop.payment().refunded, units(AMOUNT));
            assert_eq!(shop.provider.refunded(), AMOUNT);
            assert_told_once(shop, EventType::Refunded);
        });
    }
}

#[test]
fn a_refund_that_nobody_repeats_is_finished_by_the_relay() {
    let refund = |shop: &Shop| shop.refund(Some(500), Some("key"));
    at_every_crash(Shop::with_paid_order, refund, |shop, _| {
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
