use mercato_kernel::Caller;
use mercato_money::Money;

use super::shop::{
    AMOUNT, CUSTOMER, ORDER, SESSION_MS, START_MS, Shop, Side, account, new_payment, order, run,
    units,
};
use crate::application::{commands, queries};
use crate::domain::{NewPayment, PaymentError, PaymentStatus, payment_id_of};

#[test]
fn a_payment_is_opened_once_per_order() {
    let shop = Shop::new();
    let first = shop.create().unwrap();
    assert_eq!(
        (first.status, first.amount.get(), first.version),
        (PaymentStatus::Pending, AMOUNT, 2)
    );
    let session = first.session.opened.as_ref().unwrap();
    assert_eq!(session.expires_at, START_MS + SESSION_MS);
    assert_eq!(first.id, payment_id_of(order()));
    shop.advance(1_000);
    assert_eq!(shop.create().unwrap(), first);
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
    assert!(shop.entries().is_empty());
}

#[test]
fn an_answer_that_was_not_kept_is_given_again() {
    let shop = Shop::new();
    assert_eq!(shop.crash_at(0, Side::After, Shop::create), None);
    assert_eq!(shop.try_payment(), Err(PaymentError::NotFound));
    let asked = shop.provider.sessions.borrow().clone();
    shop.advance(1_000);
    let payment = shop.create().unwrap();
    assert_eq!(*shop.provider.sessions.borrow(), asked, "one session");
    let first = asked.values().next().unwrap();
    assert_eq!(payment.id, first.payment.id);
    let session = payment.session.opened.as_ref().unwrap();
    assert_eq!(session.id, shop.newest_session());
}

#[test]
fn a_payment_of_an_older_version_keeps_its_id() {
    let shop = Shop::with_pending_order();
    let old = "01890a5d-ac96-774b-bcce-0000000000ff";
    // Its provider had not answered yet.
    shop.store.database.execute("DELETE FROM payment_contents");
    shop.store.database.execute("DELETE FROM sessions");
    shop.store
        .database
        .execute(&format!("UPDATE payments SET id = '{old}'"));
    shop.store.database.execute(
        "INSERT INTO sessions (payment_id, number, requested_expiry) SELECT id, 1, 1700000900000 FROM payments",
    );
    let payment = shop.create().unwrap();
    assert_eq!(payment.id.to_string(), old);
    assert!(payment.session.opened.is_some());
    assert_eq!(shop.create().unwrap(), payment);
}

#[test]
fn an_order_has_no_second_payment_of_another_kind() {
    let shop = Shop::with_pending_order();
    let mut line = new_payment().lines.remove(0);
    line.quantity = 1;
    for other in [
        NewPayment {
            customer_id: account(ORDER),
            ..new_payment()
        },
        NewPayment {
            amount: units(500),
            lines: vec![line.clone()],
            ..new_payment()
        },
        NewPayment {
            currency: "EUR".parse().unwrap(),
            ..new_payment()
        },
    ] {
        let result = run(commands::create_session::handle(&shop, &other));
        // 4.995 is rounded half to even, to 5.00.
        assert_eq!(result, Err(PaymentError::IdempotencyKeyReused), "{other:?}");
    }
}

#[test]
fn a_request_that_breaks_a_rule_opens_nothing() {
    let shop = Shop::new();
    let mut nameless = new_payment();
    nameless.lines[0].name.clear();
    let mut none_of_it = new_payment();
    none_of_it.lines[0].quantity = 0;
    let mut paid_out = new_payment();
    paid_out.lines[0].unit_price = Money::from_units(-1);
    for (field, new) in [
        (
            "lines",
            NewPayment {
                lines: vec![],
                ..new_payment()
            },
        ),
        (
            "lines",
            NewPayment {
                lines: vec![new_payment().lines.remove(0); 101],
                ..new_payment()
            },
        ),
        (
            "orderNumber",
            NewPayment {
                order_number: String::new(),
                ..new_payment()
            },
        ),
        (
            "orderNumber",
            NewPayment {
                order_number: "M".repeat(33),
                ..new_payment()
            },
        ),
        ("lines", nameless),
        ("lines", none_of_it),
        ("lines", paid_out),
        (
            "amount",
            NewPayment {
                amount: units(AMOUNT - 1),
                ..new_payment()
            },
        ),
        (
            "expiresAt",
            NewPayment {
                expires_at: START_MS,
                ..new_payment()
            },
        ),
    ] {
        match run(commands::create_session::handle(&shop, &new)) {
            Err(PaymentError::Invalid(errors)) => assert_eq!(errors[0].field, field, "{errors:?}"),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert_eq!(
        queries::find_payment_of_order(&shop, &Caller::System, order()),
        Err(PaymentError::NotFound)
    );
}

#[test]
fn a_session_that_was_not_opened_is_opened_by_the_next_request() {
    let shop = Shop::new();
    shop.provider.down.set(true);
    assert_eq!(shop.create(), Err(PaymentError::ProviderUnavailable));
    assert_eq!(shop.payment().session.opened, None);
    shop.provider.down.set(false);
    assert!(shop.open_session().unwrap().session.opened.is_some());
    assert_eq!(shop.payment().session.number, 1);
}

#[test]
fn a_provider_that_refuses_is_not_asked_for_something_else() {
    let shop = Shop::new();
    shop.provider.refuses.set(true);
    assert_eq!(
        shop.create(),
        Err(PaymentError::ProviderRejected("no".to_owned()))
    );
    assert!(shop.payment().is_pending());
}

#[test]
fn an_open_session_stays_and_a_expired_one_is_replaced() {
    let shop = Shop::with_pending_order();
    shop.advance(SESSION_MS - 1);
    assert_eq!(shop.open_session().unwrap().session.number, 1);
    shop.advance(1);
    let reopened = shop.open_session().unwrap();
    assert_eq!(reopened.session.number, 2);
    let session = reopened.session.opened.clone().unwrap();
    assert_eq!(session.expires_at, START_MS + 2 * SESSION_MS);
    assert_eq!(shop.provider.sessions.borrow().len(), 2);
}

#[test]
fn a_expired_session_is_ended_before_another_takes_its_place() {
    let shop = Shop::with_pending_order();
    let first = shop.newest_session();
    shop.advance(SESSION_MS);
    shop.provider.down.set(true);
    assert_eq!(shop.open_session(), Err(PaymentError::ProviderUnavailable));
    assert_eq!(shop.payment().session.number, 1);
    shop.provider.down.set(false);
    assert_eq!(shop.open_session().unwrap().session.number, 2);
    assert!(shop.provider.expired.borrow().contains(&first));
}

#[test]
fn a_expired_session_that_was_paid_after_all_is_not_replaced() {
    let shop = Shop::with_pending_order();
    shop.advance(SESSION_MS);
    shop.provider.paid.set(true);
    assert_eq!(shop.open_session(), Err(PaymentError::UnderWay));
    assert_eq!(shop.provider.sessions.borrow().len(), 1);
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(
        shop.open_session(),
        Err(PaymentError::Conflict(PaymentStatus::Succeeded))
    );
}

#[test]
fn only_the_customer_reaches_a_session_while_it_is_pending() {
    let shop = Shop::with_pending_order();
    let other = Caller::Customer(account(ORDER));
    assert_eq!(shop.open_session_by(other), Err(PaymentError::NotFound));
    assert_eq!(
        queries::find_payment(&shop, &other, shop.payment().id),
        Err(PaymentError::NotFound)
    );
    let own = Caller::Customer(account(CUSTOMER));
    assert_eq!(
        queries::find_payment(&shop, &own, shop.payment().id),
        Ok(shop.payment())
    );
    shop.webhook(&shop.completed("evt_1")).unwrap();
    assert_eq!(
        shop.open_session(),
        Err(PaymentError::Conflict(PaymentStatus::Succeeded))
    );
    assert_eq!(
        shop.create().map(|payment| payment.status),
        Ok(PaymentStatus::Succeeded)
    );
}

#[test]
fn the_database_is_ready() {
    assert_eq!(queries::ready(&Shop::new()), Ok(()));
}
