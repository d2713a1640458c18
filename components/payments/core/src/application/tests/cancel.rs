use super::shop::{
    AMOUNT, ORDER, SESSION_MS, SIDES, Shop, Side, cancellation, id_of, new_payment, run,
};
use crate::application::commands::{
    self, CANCELLATIONS_MAX, Cancellation, SESSION_LIFE_LONGEST_MS,
};
use crate::domain::{EventType, Payment, PaymentError, PaymentStatus};

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
    assert!(shop.crash_at(0, Side::After, Shop::create).is_none());
    assert_eq!(
        shop.try_payment(),
        Err(PaymentError::NotFound),
        "the provider's answer was lost"
    );
    let cancelled = shop.cancel_opening().unwrap();
    assert_eq!(cancelled.status, PaymentStatus::Cancelled);
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
    assert!(
        shop.provider
            .expired
            .borrow()
            .contains(&shop.newest_session())
    );
}

#[test]
fn a_session_cut_off_is_closed_wherever_that_crashes() {
    for call in 0..6 {
        for side in SIDES {
            let crash = (side, call);
            let shop = Shop::new();
            assert!(shop.crash_at(0, Side::After, Shop::create).is_none());
            drop(shop.crash_at(call, side, Shop::cancel_opening));
            let cancelled = shop.cancel_opening().unwrap();
            assert_eq!(cancelled.status, PaymentStatus::Cancelled, "{crash:?}");
            shop.advance(600_000);
            shop.relay();
            let session = shop.newest_session();
            assert!(
                shop.provider.expired.borrow().contains(&session),
                "{crash:?}"
            );
        }
    }
}

#[test]
fn a_session_cut_off_is_closed_among_others() {
    let shop = Shop::new();
    assert!(shop.crash_at(0, Side::After, Shop::create).is_none());
    let cancellation = Cancellation {
        opening: Some(new_payment()),
        ..cancellation("run out")
    };
    let all = [cancellation];
    let closing = commands::cancel_payment::handle_all(&shop, &all);
    let outcomes = run(closing).unwrap();
    let closed = outcomes[0].as_ref().unwrap();
    assert_eq!(closed.status, PaymentStatus::Cancelled);
    let session = shop.newest_session();
    assert!(shop.provider.expired.borrow().contains(&session));
}

#[test]
fn what_the_provider_was_never_asked_for_is_not_closed() {
    let shop = Shop::new();
    let mut nameless = new_payment();
    nameless.lines[0].name.clear();
    let cancellation = Cancellation {
        opening: Some(nameless),
        ..cancellation("order cancelled")
    };
    let cancelled = run(commands::cancel_payment::handle(&shop, &cancellation));
    assert_eq!(cancelled, Err(PaymentError::NotFound));
    let refused = Err(PaymentError::Conflict(PaymentStatus::Cancelled));
    assert_eq!(shop.create(), refused);
    assert!(shop.provider.sessions.borrow().is_empty());
}

#[test]
fn a_session_that_the_provider_refused_needs_no_closing() {
    let shop = Shop::new();
    shop.provider.refuses.set(true);
    assert!(shop.create().is_err());
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
}

#[test]
fn a_session_that_expired_unknown_is_not_asked_for_again() {
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
        run(commands::cancel_payment::handle(&shop, &cancellation("x"))),
        Err(PaymentError::NotFound)
    );
}

#[test]
fn an_order_cancelled_without_a_payment_never_gets_one() {
    let shop = Shop::new();
    assert_eq!(shop.cancel(), Err(PaymentError::NotFound));
    let refused = Err(PaymentError::Conflict(PaymentStatus::Cancelled));
    assert_eq!(
        shop.create(),
        refused,
        "it was under way when the order ended"
    );
    assert!(shop.provider.sessions.borrow().is_empty());
    assert_eq!(shop.cancel(), Err(PaymentError::NotFound));
}

#[test]
fn a_session_that_cannot_be_ended_is_over_some_day() {
    let shop = Shop::with_pending_order();
    shop.provider.refuses.set(true);
    let refused = Err(PaymentError::ProviderRejected("no".to_owned()));
    assert_eq!(shop.cancel(), refused);
    shop.advance(SESSION_MS + SESSION_LIFE_LONGEST_MS - 1);
    assert_eq!(shop.cancel(), refused);
    shop.advance(1);
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
}

#[test]
fn what_the_provider_says_is_paid_needs_no_webhook() {
    let shop = Shop::with_pending_order();
    shop.provider.take(AMOUNT, "USD");
    let paid = shop.cancel().unwrap();
    assert_eq!(
        (paid.status, paid.provider_reference.as_deref()),
        (PaymentStatus::Succeeded, Some("pi_1"))
    );
    assert_eq!(shop.published_types(), [EventType::Succeeded]);
    shop.webhook(&shop.completed("evt_late")).unwrap();
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
    assert!(shop.payment().receipt_url.is_some());
}

#[test]
fn a_expired_session_that_is_paid_is_not_replaced() {
    let shop = Shop::with_pending_order();
    shop.provider.take(AMOUNT, "USD");
    shop.advance(SESSION_MS);
    assert_eq!(
        shop.open_session(),
        Err(PaymentError::Conflict(PaymentStatus::Succeeded))
    );
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
}

#[test]
fn another_amount_or_currency_than_the_orders_decides_nothing() {
    for (amount, currency) in [(AMOUNT - 1, "USD"), (AMOUNT, "EUR")] {
        let shop = Shop::with_pending_order();
        shop.provider.take(amount, currency);
        assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Pending);
        assert!(shop.entries().is_empty());
    }
}

const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

fn cancel_all(
    shop: &Shop,
    orders: &[&str],
) -> Result<Vec<Result<Payment, PaymentError>>, PaymentError> {
    let cancellation = |order_id: &&str| Cancellation {
        order_id: id_of(order_id),
        reason: "run out".to_owned(),
        opening: None,
    };
    let cancellations: Vec<_> = orders.iter().map(cancellation).collect();
    run(commands::cancel_payment::handle_all(shop, &cancellations))
}

#[test]
fn payments_closed_together_are_told_by_the_answer_alone() {
    let shop = Shop::with_pending_order();
    for _ in 0..2 {
        let outcomes = cancel_all(&shop, &[ORDER, OTHER]).unwrap();
        let closed = outcomes[0].as_ref().unwrap();
        assert_eq!(closed.status, PaymentStatus::Cancelled);
        assert_eq!(closed.reason.as_deref(), Some("run out"));
        assert_eq!(outcomes[1], Err(PaymentError::NotFound));
    }
    assert!(shop.entries().is_empty() && shop.published_types().is_empty());
    let session = shop.newest_session();
    assert!(shop.provider.expired.borrow().contains(&session));
    assert_eq!(shop.cancel().unwrap().status, PaymentStatus::Cancelled);
    assert!(shop.entries().is_empty(), "nothing is news any more");
}

#[test]
fn an_order_closed_among_others_gets_no_payment_any_more() {
    let shop = Shop::new();
    cancel_all(&shop, &[ORDER]).unwrap();
    assert_eq!(
        shop.create(),
        Err(PaymentError::Conflict(PaymentStatus::Cancelled))
    );
}

#[test]
fn among_others_too_a_customer_who_was_faster_has_paid() {
    let shop = Shop::with_pending_order();
    shop.provider.take(AMOUNT, "USD");
    let outcomes = cancel_all(&shop, &[OTHER, ORDER]).unwrap();
    let paid = outcomes[1].as_ref().unwrap();
    assert_eq!(paid.status, PaymentStatus::Succeeded);
    assert_eq!(shop.published_types(), [EventType::Succeeded]);

    let shop = Shop::with_pending_order();
    shop.provider.paid.set(true);
    let outcomes = cancel_all(&shop, &[ORDER]).unwrap();
    assert!(outcomes[0].as_ref().unwrap().is_pending());
}

#[test]
fn a_silent_provider_leaves_only_its_payments_open() {
    let shop = Shop::with_pending_order();
    shop.provider.down.set(true);
    let outcomes = cancel_all(&shop, &[OTHER, ORDER]).unwrap();
    assert_eq!(outcomes[0], Err(PaymentError::NotFound));
    assert_eq!(outcomes[1], Err(PaymentError::ProviderUnavailable));
    assert!(shop.payment().is_pending());
}

#[test]
fn payments_closed_together_are_closed_wherever_that_crashed() {
    for call in 0..3 {
        for side in SIDES {
            let crash = (side, call);
            let shop = Shop::with_pending_order();
            drop(shop.crash_at(call, side, |shop| cancel_all(shop, &[ORDER, OTHER])));
            let outcomes = cancel_all(&shop, &[ORDER, OTHER]).unwrap();
            let closed = outcomes[0].as_ref().unwrap();
            assert_eq!(closed.status, PaymentStatus::Cancelled, "{crash:?}");
            assert_eq!(outcomes[1], Err(PaymentError::NotFound), "{crash:?}");
        }
    }
}

#[test]
fn one_call_closes_a_bounded_number_of_payments() {
    let shop = Shop::new();
    let many = vec![ORDER; CANCELLATIONS_MAX + 1];
    assert!(matches!(
        cancel_all(&shop, &many),
        Err(PaymentError::Invalid(_))
    ));
    assert_eq!(cancel_all(&shop, &[]), Ok(vec![]));
}
