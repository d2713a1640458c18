use mercato_kernel::{Caller, Named as _, OrderId};

use crate::application::commands::change_status::{self, ChangeStatus};
use crate::application::tests::shop::{Shop, StockState, admin, buyer, customer, run};
use crate::domain::{Actor, OrderError, OrderStatus, OrderView, PaymentStatus, Transition};

use OrderStatus::{Cancelled, Delivered, Paid, Pending, Refunded};

/// An order of that status.
fn order_of(shop: &Shop, status: OrderStatus) -> OrderId {
    match status {
        Pending => shop.placed(),
        Paid => shop.paid(),
        Delivered => {
            let id = shop.paid();
            shop.change(admin(), id, Delivered).unwrap();
            id
        }
        Cancelled => {
            let id = shop.placed();
            shop.cancel(id).unwrap();
            id
        }
        Refunded => {
            let id = shop.paid();
            shop.refund(id, i64::MAX);
            shop.deliver_events();
            id
        }
    }
}

fn outcome(result: Result<OrderView, OrderError>) -> Result<OrderStatus, OrderError> {
    result.map(|order| order.status)
}

#[test]
fn every_change_by_everyone_is_as_the_rules_say() {
    for from in OrderStatus::ALL.iter().copied() {
        for to in OrderStatus::ALL.iter().copied() {
            let refused = Err(OrderError::InvalidTransition(Transition { from, to }));
            let cases = [
                (
                    admin(),
                    if matches!((from, to), (Paid, Delivered) | (Pending, Cancelled)) {
                        Ok(to)
                    } else {
                        refused.clone()
                    },
                ),
                (
                    buyer(),
                    match (from, to) {
                        (Pending, Cancelled) => Ok(Cancelled),
                        (_, Cancelled) => refused,
                        _ => Err(OrderError::Forbidden),
                    },
                ),
                (Caller::Customer(customer(2)), Err(OrderError::NotFound)),
            ];
            for (caller, expected) in cases {
                let shop = Shop::new();
                let id = order_of(&shop, from);
                let before = shop.order(id).unwrap();
                let case = format!("{caller:?} from {from} to {to}");
                assert_eq!(outcome(shop.change(caller, id, to)), expected, "{case}");
                if expected.is_err() {
                    assert_eq!(shop.order(id), Some(before), "{case}");
                }
                shop.deliver_events();
                shop.check_invariants(&case);
            }
        }
    }
}

#[test]
fn nothing_is_delivered_while_the_payment_is_disputed() {
    let shop = Shop::new();
    let id = order_of(&shop, Paid);
    let dispute = |is_disputed| shop.payments.dispute(id, is_disputed);
    dispute(true);
    assert_eq!(
        shop.change(admin(), id, Delivered),
        Err(OrderError::PaymentDisputed)
    );
    assert_eq!(shop.order(id).unwrap().status, Paid);
    dispute(false);
    assert_eq!(outcome(shop.change(admin(), id, Delivered)), Ok(Delivered));
}

#[test]
fn cancelling_closes_the_payment_and_gives_the_stock_back() {
    let shop = Shop::new();
    let id = shop.placed();
    let order = shop.cancel(id).unwrap();
    assert_eq!((order.status, order.version), (Cancelled, 2));
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Cancelled));
    assert_eq!(
        (shop.free(1), shop.stock_state(id)),
        (10, Some(StockState::Released))
    );
    shop.deliver_events();
    let details = shop.find(id).unwrap();
    assert_eq!(details.history.len(), 2);
    assert_eq!(details.history[1].actor, Actor::Account(customer(1)));
    assert_eq!(details.history[1].reason, "Cancelled by the customer");
    shop.check_invariants("cancelled");
}

#[test]
fn a_payment_that_was_faster_wins_over_the_cancellation() {
    for delivered_before in [false, true] {
        let shop = Shop::new();
        let id = shop.placed();
        shop.customer_pays(id);
        if delivered_before {
            shop.deliver_events();
        }
        let transition = Transition {
            from: Paid,
            to: Cancelled,
        };
        assert_eq!(
            shop.cancel(id),
            Err(OrderError::InvalidTransition(transition))
        );
        assert_eq!(
            (shop.status(id), shop.stock_state(id)),
            (Paid, Some(StockState::Committed))
        );
        shop.finish_sales();
        shop.check_invariants("paid");
    }
}

#[test]
fn a_cancellation_without_payments_is_carried_out_later() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.payments.down.set(true);
    assert_eq!(shop.cancel(id), Err(OrderError::Unavailable));
    assert_eq!(shop.status(id), Pending);
    shop.payments.down.set(false);
    assert_eq!(shop.cancel(id).map(|order| order.status), Ok(Cancelled));
    shop.deliver_events();
    shop.check_invariants("cancelled later");
}

#[test]
fn a_change_is_meant_for_one_version() {
    let shop = Shop::new();
    let id = shop.paid();
    let deliver = |version| {
        run(change_status::handle(
            &shop,
            ChangeStatus {
                caller: admin(),
                order_id: id,
                status: Delivered,
                reason: Some("  left at the door\n".to_owned()),
                expected_version: Some(version),
            },
        ))
    };
    assert_eq!(deliver(1), Err(OrderError::VersionMismatch));
    assert_eq!(deliver(2).map(|order| order.version), Ok(3));
    assert_eq!(shop.history(id)[2], "PAID>DELIVERED left at the door");
}

#[test]
fn a_reason_is_text_of_bounded_length() {
    let shop = Shop::new();
    let id = shop.placed();
    for (reason, code) in [
        ("x".repeat(501), "max"),
        ("a\u{0}b".to_owned(), "control-characters"),
    ] {
        let command = ChangeStatus {
            caller: buyer(),
            order_id: id,
            status: Cancelled,
            reason: Some(reason),
            expected_version: None,
        };
        match run(change_status::handle(&shop, command)) {
            Err(OrderError::Invalid(errors)) => {
                assert_eq!(
                    (errors[0].field.as_str(), &*errors[0].code),
                    ("reason", code)
                )
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shop.status(id), Pending);
}

#[test]
fn what_was_refunded_meanwhile_is_not_delivered() {
    let shop = Shop::new();
    let id = shop.paid();
    shop.refund(id, i64::MAX);
    let refused = shop.change(admin(), id, Delivered);
    assert_eq!(
        refused,
        Err(OrderError::InvalidTransition(Transition {
            from: Refunded,
            to: Delivered,
        }))
    );
    assert_eq!(shop.stock_state(id), Some(StockState::Restocked));
    shop.check_invariants("refunded before it was delivered");
}
