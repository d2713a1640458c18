use super::shop::{ORDER_NUMBER, SESSION_MS, Shop, Side, run, session_id};
use crate::application::queries;
use crate::domain::{CheckoutOutcome, EventType, PaymentError, PaymentStatus};

#[test]
fn what_the_simulated_customer_does_arrives_as_a_webhook() {
    for (outcome, status, event) in [
        (
            CheckoutOutcome::Succeed,
            PaymentStatus::Succeeded,
            EventType::Succeeded,
        ),
        (
            CheckoutOutcome::Fail,
            PaymentStatus::Failed,
            EventType::Failed,
        ),
        (
            CheckoutOutcome::Cancel,
            PaymentStatus::Cancelled,
            EventType::Cancelled,
        ),
    ] {
        let shop = Shop::with_pending_order();
        let payment = shop.simulate(&shop.newest_session(), outcome).unwrap();
        assert_eq!(payment.status, status);
        assert_eq!(
            payment.provider_reference.is_some(),
            outcome == CheckoutOutcome::Succeed
        );
        assert_eq!(shop.published_types(), [event]);
        for again in [
            CheckoutOutcome::Succeed,
            CheckoutOutcome::Fail,
            CheckoutOutcome::Cancel,
        ] {
            let result = shop.simulate(&shop.newest_session(), again);
            assert_eq!(result, Err(PaymentError::Conflict(status)));
        }
    }
}

#[test]
fn the_page_and_the_provider_know_the_number_of_the_order() {
    let shop = Shop::with_pending_order();
    let checkout = queries::find_checkout(&shop, &shop.newest_session()).unwrap();
    assert_eq!(checkout.order_number.as_deref(), Some(ORDER_NUMBER));
    let asked = shop.provider.sessions.borrow();
    let asked = asked.values().next().expect("a session");
    assert_eq!(asked.order_number.as_deref(), Some(ORDER_NUMBER));
}

#[test]
fn a_expired_session_expires_whatever_the_customer_wants() {
    let shop = Shop::with_pending_order();
    shop.advance(SESSION_MS);
    let result = shop.simulate(&shop.newest_session(), CheckoutOutcome::Succeed);
    assert_eq!(
        result,
        Err(PaymentError::Conflict(PaymentStatus::Cancelled))
    );
    assert_eq!(shop.payment().status, PaymentStatus::Cancelled);
}

#[test]
fn a_replaced_session_leads_nowhere_until_it_is_decided() {
    let shop = Shop::with_pending_order();
    let first = shop.newest_session();
    shop.advance(SESSION_MS);
    shop.open_session().unwrap();
    assert_eq!(
        shop.simulate(&first, CheckoutOutcome::Succeed),
        Err(PaymentError::NotFound)
    );
    assert_eq!(
        queries::find_checkout(&shop, &first),
        Err(PaymentError::NotFound)
    );
    let second = shop.newest_session();
    assert_ne!(first, second);
    assert_eq!(
        shop.simulate(&second, CheckoutOutcome::Fail)
            .unwrap()
            .status,
        PaymentStatus::Failed
    );
    assert_eq!(
        queries::find_checkout(&shop, &first)
            .unwrap()
            .payment
            .status,
        PaymentStatus::Failed
    );
}

#[test]
fn a_checkout_shows_what_is_paid_for() {
    let shop = Shop::with_pending_order();
    let checkout = queries::find_checkout(&shop, &shop.newest_session()).unwrap();
    let lines: Vec<_> = checkout
        .lines
        .iter()
        .map(|line| (line.name.as_str(), line.quantity))
        .collect();
    assert_eq!(lines, [("Tea", 3), ("Cup", 1)]);
    assert_eq!(checkout.payment, shop.payment());
    assert_eq!(
        queries::find_checkout(&shop, &session_id("x")),
        Err(PaymentError::NotFound)
    );
}

#[test]
fn a_real_provider_has_no_checkout_of_ours() {
    let shop = Shop::with_pending_order();
    shop.provider.real.set(true);
    let session = shop.newest_session();
    assert_eq!(
        shop.simulate(&session, CheckoutOutcome::Succeed),
        Err(PaymentError::NotSupported)
    );
    assert_eq!(
        queries::find_checkout(&shop, &session),
        Err(PaymentError::NotSupported)
    );
}

#[test]
fn without_a_configured_secret_one_is_made_and_kept() {
    let shop = Shop::with_pending_order();
    shop.settings.0.borrow_mut().clear();
    let made = run(queries::webhook_secret(&shop)).unwrap();
    assert!(made.len() > 32);
    assert_eq!(run(queries::webhook_secret(&shop)).unwrap(), made);
    assert_eq!(
        shop.webhook(&shop.completed("evt_1")),
        Err(PaymentError::InvalidSignature)
    );
    let paid = shop
        .simulate(&shop.newest_session(), CheckoutOutcome::Succeed)
        .unwrap();
    assert_eq!(paid.status, PaymentStatus::Succeeded);
}

#[test]
fn what_the_customer_does_first_is_what_happens() {
    let shop = Shop::with_pending_order();
    let session = shop.newest_session();
    let simulate = |shop: &Shop| shop.simulate(&session, CheckoutOutcome::Succeed);
    // The choice and what comes of it are written down together, or not at all.
    assert_eq!(shop.crash_at(0, Side::Before, simulate), None);
    assert!(shop.payment().is_pending());
    assert_eq!(shop.crash_at(0, Side::After, simulate), None);
    assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
    let other = shop.simulate(&session, CheckoutOutcome::Cancel);
    assert_eq!(other, Err(PaymentError::Conflict(PaymentStatus::Succeeded)));
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
}

#[test]
fn what_an_older_version_has_written_down_happens() {
    let shop = Shop::with_pending_order();
    let session = shop.newest_session();
    let chosen = "UPDATE sessions SET simulated_outcome = 'succeed'";
    shop.store.database.execute(chosen);
    let other = shop.simulate(&session, CheckoutOutcome::Cancel);
    assert_eq!(other, Err(PaymentError::Conflict(PaymentStatus::Succeeded)));
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
}

#[test]
fn a_card_is_declined_only_where_one_could_pay() {
    let shop = Shop::with_pending_order();
    let session = shop.newest_session();
    let decline = || shop.simulate(&session, CheckoutOutcome::Decline);
    for _ in 0..2 {
        assert_eq!(decline(), Ok(shop.payment()));
    }
    assert_eq!(shop.payment().version, 2, "nothing has changed");
    shop.advance(SESSION_MS);
    assert_eq!(decline(), Err(PaymentError::SessionEnded));
    shop.set_back(SESSION_MS);
    shop.simulate(&session, CheckoutOutcome::Debit).unwrap();
    assert_eq!(decline(), Err(PaymentError::UnderWay));
    shop.simulate(&session, CheckoutOutcome::Succeed).unwrap();
    let paid = Err(PaymentError::Conflict(PaymentStatus::Succeeded));
    assert_eq!(decline(), paid);
}
