//! What the ordinary path of an order costs in the database of payments. Statements that begin and end transactions count.

use super::shop::{Cost, SECRET, Shop, run};
use crate::application::queries;
use crate::domain::{CheckoutOutcome, PaymentError, PaymentStatus};

const fn cost(statements: u64, commits: u64) -> Cost {
    Cost {
        statements,
        commits,
    }
}

#[test]
fn a_payment_is_opened_in_one_transaction() {
    let shop = Shop::new();
    let (opened, spent) = shop.cost_of(Shop::create);
    assert!(opened.unwrap().session.opened.is_some());
    // A look, BEGIN, the payment, its session, its lines, COMMIT.
    assert_eq!(spent, cost(6, 1));
    let (again, spent) = shop.cost_of(Shop::create);
    assert!(again.is_ok());
    assert_eq!(spent, cost(1, 0));
}

#[test]
fn an_order_that_was_refused_costs_a_look() {
    let shop = Shop::new();
    assert_eq!(shop.cancel(), Err(PaymentError::NotFound));
    let (refused, spent) = shop.cost_of(Shop::create);
    let cancelled = PaymentError::Conflict(PaymentStatus::Cancelled);
    assert_eq!((refused, spent), (Err(cancelled), cost(1, 0)));
}

#[test]
fn a_payment_is_taken_in_one_transaction() {
    let shop = Shop::with_pending_order();
    let paid = shop.completed("evt_1");
    let (told, spent) = shop.cost_of(|shop| shop.webhook(&paid));
    assert!(told.is_ok());
    // BEGIN, the payment, the webhook, the session, what was kept of the charge, the payment, the event, COMMIT.
    assert_eq!(spent, cost(8, 1));
    assert_eq!(shop.published_types().len(), 1);
}

#[test]
fn a_simulated_payment_is_taken_in_one_transaction() {
    for (secret, statements) in [(SECRET, 9), ("", 10)] {
        let shop = Shop::with_pending_order();
        shop.settings.0.replace(secret.to_owned());
        run(queries::webhook_secret(&shop)).unwrap();
        let session = shop.newest_session();
        let pay = |shop: &Shop| shop.simulate(&session, CheckoutOutcome::Succeed);
        let (paid, spent) = shop.cost_of(pay);
        assert_eq!(paid.unwrap().status, PaymentStatus::Succeeded);
        assert_eq!(spent, cost(statements, 1));
        assert_eq!(shop.published_types().len(), 1);
    }
}

#[test]
fn events_are_acknowledged_in_one_transaction() {
    let shop = Shop::with_pending_order();
    shop.webhook(&shop.completed("evt_1")).unwrap();
    super::outbox::add_events(&shop, 30);
    let ids: Vec<_> = shop.entries().iter().map(|entry| entry.event.id).collect();
    let ((), spent) = shop.cost_of(|shop| shop.acknowledge_these(&ids).unwrap());
    // BEGIN, the events, COMMIT, and a look at what is due.
    assert_eq!(spent, cost(4, 1));
    assert!(shop.entries().is_empty());
}
