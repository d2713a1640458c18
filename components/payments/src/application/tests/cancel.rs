use super::shop::{ORDER, SESSION_MS, Shop, now};
use crate::application::commands;
use crate::domain::{EventType, PaymentError, PaymentStatus};

#[test]
fn cancelling_closes_the_session_and_tells_the_shop() {
    let shop = Shop::with_pending_order();
    let cancelled = shop.cancel().unwrap();
    assert_eq!(cancelled.status, PaymentStatus::Cancelled);
    assert_eq!(cancelled.reason.as_deref(), Some("order cancelled"));
    assert!(
        shop.provider
            .expired
            .borrow()
            .contains(&shop.newest_session())
    );
    assert_eq!(shop.published_types(), [EventType::Cancelled]);
    assert_eq!(shop.cancel().unwrap(), cancelled);
    assert_eq!(shop.event_types(), [EventType::Cancelled]);
}

#[test]
fn a_customer_who_was_faster_keeps_what_was_paid() {
    let shop = Shop::with_pending_order();
    shop.provider.paid.set(true);
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Pending);
    assert!(shop.entries().is_empty());
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Succeeded);
}

#[test]
fn nothing_is_decided_while_the_provider_is_down() {
    let shop = Shop::with_pending_order();
    shop.provider.down.set(true);
    assert_eq!(shop.cancel(), Err(PaymentError::ProviderUnavailable));
    assert!(shop.payment().is_pending());
}

#[test]
fn a_session_whose_opening_was_cut_off_is_closed_too() {
    let shop = Shop::new();
    shop.crash_at(super::shop::Crash::After(1));
    assert!(shop.create().is_err());
    assert!(shop.restart());
    assert_eq!(
        shop.payment().session.opened,
        None,
        "the provider's answer was lost"
    );
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
    assert!(
        shop.provider
            .expired
            .borrow()
            .contains(&shop.newest_session())
    );
}

#[test]
fn a_session_that_the_provider_refused_needs_no_closing() {
    let shop = Shop::new();
    shop.provider.refuses.set(true);
    assert!(shop.create().is_err());
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
}

#[test]
fn a_session_that_lapsed_before_it_was_known_is_not_asked_for_again() {
    let shop = Shop::new();
    shop.provider.down.set(true);
    assert!(shop.create().is_err());
    shop.advance(SESSION_MS);
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
}

#[test]
fn an_order_without_payment_has_nothing_to_cancel() {
    let shop = Shop::new();
    assert_eq!(
        now(commands::cancel_payment(&shop, ORDER, "x")),
        Err(PaymentError::NotFound)
    );
}
