use std::future::Future;
use std::pin::Pin;

use mercato_kernel::{Caller, RecordedAnswer};
use mercato_testing::in_every_order;

use crate::application::commands::create_order::{self, CreateOutcome, Idempotency, Placement};
use crate::application::commands::record_answer;
use crate::application::tests::shop::{
    REQUEST_MINOR, START_MS, Shop, Side, StockState, TTL_MS, admin, customer, lines, product,
    request, run,
};
use crate::application::{ABANDON_AFTER_MS, KEY_KEPT_MS};
use crate::domain::{
    EventOutcome, LineProblem, OrderError, OrderStatus, PaymentStatus, RejectedLine, Transition,
};

fn placed(outcome: Result<CreateOutcome, OrderError>) -> Placement {
    match outcome {
        Ok(CreateOutcome::Placed(placement)) => placement,
        other => panic!("{other:?}"),
    }
}

fn is_released(shop: &Shop) -> bool {
    (shop.free(1), shop.free(2)) == (10, 10)
}

#[test]
fn an_order_holds_its_stock_and_opens_its_payment() {
    let shop = Shop::new();
    let Placement { order, session } = placed(shop.create(None));
    assert_eq!((order.status, order.version), (OrderStatus::Pending, 1));
    assert_eq!(
        (order.total_amount.to_string(), order.total_items),
        ("20.085".to_owned(), 3)
    );
    assert_eq!(order.amount_due(), REQUEST_MINOR);
    assert_eq!(order.created_at, START_MS);
    assert_eq!(session.unwrap().expires_at, START_MS + TTL_MS);
    assert_eq!((shop.free(1), shop.free(2)), (8, 9));
    assert_eq!(shop.stock_state(order.id), Some(StockState::Held));
    assert_eq!(shop.history(order.id), [">PENDING Order placed"]);
    assert_eq!(shop.find(order.id).unwrap().order, order);
    shop.check_invariants("placed");
}

#[test]
fn an_order_keeps_what_was_chosen_of_its_products() {
    let shop = Shop::new();
    shop.add_coffee(3, 4, "9.5");
    let command = |number| create_order::CreateOrder {
        lines: lines(&[(number, 2)]),
        ..request(None)
    };
    let refused = run(create_order::handle(&shop, command(3)));
    let Err(OrderError::LinesRejected(rejected)) = refused else {
        panic!("a variant of it must be chosen: {refused:?}");
    };
    assert_eq!(rejected[0].code, LineProblem::UnknownProduct);
    let order = placed(run(create_order::handle(&shop, command(4)))).order;
    assert_eq!(order.items[0].title(), "Coffee – 250 g");
    assert_eq!(shop.order(order.id).unwrap().items, order.items);
    assert_eq!(shop.all_orders()[0].items, order.items, "in lists too");
}

#[test]
fn rejected_lines_make_no_order_and_keep_no_stock() {
    let shop = Shop::new();
    let command = create_order::CreateOrder {
        lines: lines(&[(1, 2), (2, 11), (3, 1)]),
        ..request(None)
    };
    let expected = vec![
        RejectedLine {
            product_id: product(2),
            code: LineProblem::InsufficientStock,
            requested: 11,
            available: 10,
        },
        RejectedLine {
            product_id: product(3),
            code: LineProblem::UnknownProduct,
            requested: 1,
            available: 0,
        },
    ];
    assert_eq!(
        run(create_order::handle(&shop, command)),
        Err(OrderError::LinesRejected(expected))
    );
    assert!(shop.all_orders().is_empty() && is_released(&shop));
    shop.check_invariants("rejected");
}

#[test]
fn a_rejection_is_kept_under_its_key_even_when_stock_has_come() {
    let shop = Shop::new();
    let command = || create_order::CreateOrder {
        lines: lines(&[(1, 11)]),
        ..request(Some("k"))
    };
    let first = run(create_order::handle(&shop, command()));
    assert!(matches!(first, Err(OrderError::LinesRejected(_))));
    shop.add_stock(1, 100);
    assert_eq!(run(create_order::handle(&shop, command())), first);
    let kept = shop.record("k", 409, b"first");
    assert_eq!(
        run(create_order::handle(&shop, command())),
        Ok(CreateOutcome::Replayed(kept))
    );
    shop.check_invariants("rejected twice");
}

#[test]
fn a_total_that_money_cannot_hold_is_refused() {
    let shop = Shop::new();
    for number in 10..103 {
        shop.add_product(number, "1000000000", 10_000);
    }
    let wanted: Vec<_> = (10..103).map(|number| (number, 10_000)).collect();
    let command = || create_order::CreateOrder {
        lines: lines(&wanted),
        ..request(Some("k"))
    };
    for _ in 0..2 {
        match run(create_order::handle(&shop, command())) {
            Err(OrderError::Invalid(errors)) => {
                assert_eq!(
                    (errors[0].field.as_str(), &*errors[0].code),
                    ("items", "max")
                )
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shop.free(10), 10_000);
    shop.check_invariants("too much");
}

#[test]
fn invalid_requests_do_not_use_their_key_up() {
    let shop = Shop::new();
    let command = create_order::CreateOrder {
        lines: vec![],
        ..request(Some("k"))
    };
    assert!(matches!(
        run(create_order::handle(&shop, command)),
        Err(OrderError::Invalid(_))
    ));
    placed(shop.create(Some("k")));
    for key in ["", "two words", "caf\u{e9}", &"k".repeat(256)] {
        assert!(
            matches!(shop.create(Some(key)), Err(OrderError::Invalid(_))),
            "{key:?}"
        );
    }
    placed(shop.create(Some(&"k".repeat(255))));
}

#[test]
fn a_key_gives_the_first_answer_again_byte_for_byte() {
    let shop = Shop::new();
    let first = placed(shop.create(Some("k")));
    assert_eq!(
        placed(shop.create(Some("k"))),
        first,
        "before an answer was kept, the order itself"
    );
    let kept = RecordedAnswer {
        status: 201,
        body: b"first \xff bytes".to_vec(),
    };
    assert_eq!(shop.record("k", 201, b"first \xff bytes"), kept);
    assert_eq!(
        shop.record("k", 201, b"second"),
        kept,
        "the first answer stays"
    );
    assert_eq!(
        shop.create(Some("k")),
        Ok(CreateOutcome::Replayed(kept.clone()))
    );
    shop.cancel(first.order.id).unwrap();
    assert_eq!(
        shop.create(Some("k")),
        Ok(CreateOutcome::Replayed(kept)),
        "whatever became of the order"
    );
    assert_eq!(shop.all_orders().len(), 1);
}

#[test]
fn a_key_belongs_to_one_customer_and_one_body() {
    let shop = Shop::new();
    let first = placed(shop.create(Some("k")));
    let mut other_body = request(Some("k"));
    other_body.idempotency.as_mut().unwrap().fingerprint = vec![8; 32];
    assert_eq!(
        run(create_order::handle(&shop, other_body)),
        Err(OrderError::IdempotencyKeyReused)
    );
    let other_customer = create_order::CreateOrder {
        customer_id: customer(2).into(),
        ..request(Some("k"))
    };
    assert_ne!(
        placed(run(create_order::handle(&shop, other_customer)))
            .order
            .id,
        first.order.id
    );
}

#[test]
fn the_answer_to_another_body_is_not_kept() {
    let shop = Shop::new();
    placed(shop.create(Some("k")));
    let other = Idempotency {
        key: "k".to_owned(),
        fingerprint: vec![8; 32],
    };
    let refusal = RecordedAnswer {
        status: 400,
        body: b"invalid".to_vec(),
    };
    let sent = record_answer::handle(&shop, customer(1), &other, refusal.clone());
    assert_eq!(sent, Ok(refusal));
    placed(shop.create(Some("k")));
}

#[test]
fn a_key_is_free_again_after_24_hours() {
    let shop = Shop::new();
    let first = placed(shop.create(Some("k")));
    shop.record("k", 201, b"first");
    shop.wait(KEY_KEPT_MS - 1);
    assert!(matches!(
        shop.create(Some("k")),
        Ok(CreateOutcome::Replayed(_))
    ));
    shop.wait(1);
    assert_ne!(placed(shop.create(Some("k"))).order.id, first.order.id);
    assert_eq!(shop.record("unknown", 201, b"x").body, b"x");
}

#[test]
fn the_first_answer_is_given_again_whatever_became_of_the_order() {
    let shop = Shop::new();
    let first = placed(shop.create(Some("k")));
    shop.customer_pays(first.order.id);
    shop.deliver_events();
    assert_eq!(shop.status(first.order.id), OrderStatus::Paid);
    assert_eq!(placed(shop.create(Some("k"))), first);
    let other = placed(shop.create(Some("l")));
    shop.cancel(other.order.id).unwrap();
    assert_eq!(placed(shop.create(Some("l"))), other);
    assert_eq!(shop.all_orders().len(), 2);
}

#[test]
fn an_order_without_a_payment_is_finished_by_its_key() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert_eq!(shop.create(Some("k")), Err(OrderError::PaymentUnavailable));
    assert_eq!(shop.create(Some("k")), Err(OrderError::PaymentUnavailable));
    shop.provider().down.set(false);
    let order = placed(shop.create(Some("k"))).order;
    assert_eq!(shop.all_orders(), [order]);
    shop.check_invariants("finished by the key");
}

#[test]
fn without_a_key_the_sweep_ends_it_at_once() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert_eq!(shop.create(None), Err(OrderError::PaymentUnavailable));
    shop.provider().down.set(false);
    shop.inventory.down.set(true);
    assert_eq!(shop.create(None), Err(OrderError::Unavailable));
    shop.inventory.down.set(false);
    assert_eq!(shop.sweep().resumed, 2);
    assert!(is_released(&shop));
    let orders = shop.all_orders();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].status, OrderStatus::Cancelled);
    shop.deliver_events();
    shop.check_invariants("ended");
}

#[test]
fn a_definite_no_of_the_provider_cancels_the_order() {
    let shop = Shop::new();
    let refusal = "the amount is too small".to_owned();
    shop.provider().refuses.replace(Some(refusal));
    let refused = Err(OrderError::PaymentRefused(
        "the amount is too small".to_owned(),
    ));
    assert_eq!(shop.create(Some("k")), refused);
    // Also when the answer was lost before it was kept, and whatever the provider would say now.
    shop.provider().refuses.replace(None);
    assert_eq!(shop.create(Some("k")), refused);
    let orders = shop.all_orders();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].status, OrderStatus::Cancelled);
    assert_eq!(
        shop.history(orders[0].id)[1],
        "PENDING>CANCELLED The payment provider does not take this payment: the amount is too small"
    );
    assert!(is_released(&shop));
    shop.deliver_events();
    shop.check_invariants("refused");
}

#[test]
fn an_order_resumed_too_late_is_no_refusal_for_good() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert_eq!(shop.create(Some("k")), Err(OrderError::PaymentUnavailable));
    let refusal = "the session would end too soon".to_owned();
    shop.provider().down.set(false);
    shop.provider().refuses.replace(Some(refusal));
    shop.wait(TTL_MS - 1);
    assert_eq!(shop.create(Some("k")), Err(OrderError::PaymentUnavailable));
    let orders = shop.all_orders();
    assert_eq!(orders[0].status, OrderStatus::Cancelled);
    assert_eq!(
        shop.history(orders[0].id)[1],
        "PENDING>CANCELLED The payment could not be opened in time"
    );
    assert!(matches!(
        shop.create(Some("k")),
        Err(OrderError::InvalidTransition(_))
    ));
    shop.deliver_events();
    shop.check_invariants("too late");
}

#[test]
fn a_request_that_comes_back_too_late_starts_afresh() {
    let shop = Shop::new();
    shop.inventory.down.set(true);
    assert_eq!(shop.create(Some("k")), Err(OrderError::Unavailable));
    shop.inventory.down.set(false);
    shop.wait(TTL_MS);
    assert_eq!(
        shop.create(Some("k")),
        Err(OrderError::Unavailable),
        "the first one is ended"
    );
    let order = placed(shop.create(Some("k"))).order;
    assert_eq!(order.created_at, START_MS + TTL_MS);
    shop.deliver_events();
    shop.check_invariants("afresh");
}

#[test]
fn a_reserved_order_that_comes_back_too_late_is_cancelled() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert_eq!(shop.create(Some("k")), Err(OrderError::PaymentUnavailable));
    shop.provider().down.set(false);
    shop.wait(TTL_MS);
    let transition = Transition {
        from: OrderStatus::Cancelled,
        to: OrderStatus::Pending,
    };
    assert_eq!(
        shop.create(Some("k")),
        Err(OrderError::InvalidTransition(transition))
    );
    assert!(is_released(&shop));
    shop.deliver_events();
    shop.check_invariants("too late");
}

type Creating<'a> = Pin<Box<dyn Future<Output = Result<CreateOutcome, OrderError>> + 'a>>;

#[test]
fn requests_with_one_key_make_one_order_however_they_meet() {
    let orders = in_every_order(usize::MAX, |turns| {
        let shop = Shop::new();
        let create =
            || -> Creating<'_> { Box::pin(create_order::handle(&shop, request(Some("k")))) };
        let [first, second] = shop.interleave_by([create(), create()], turns);
        assert_eq!(placed(first), placed(second), "{turns:?}");
        assert_eq!((shop.free(1), shop.all_orders().len()), (8, 1), "{turns:?}");
        shop.check_invariants(&format!("{turns:?}"));
    });
    assert!(orders > 50, "{orders}");
}

/// So often one of two requests takes over from the other. Nearly all faults of this kind need no more than two or three changes
/// (Musuvathi and Qadeer, Iterative Context Bounding, 2007); all orders are 1,516.
const SWITCHES_MAX: usize = 4;

#[test]
fn a_cancellation_that_meets_the_making_leaves_nothing_open() {
    let orders = in_every_order(SWITCHES_MAX, |turns| {
        let shop = Shop::new();
        shop.provider().down.set(true);
        assert_eq!(shop.create(Some("k")), Err(OrderError::PaymentUnavailable));
        shop.provider().down.set(false);
        let id = shop.all_orders()[0].id;
        let create: Pin<Box<dyn Future<Output = bool>>> = Box::pin(async {
            create_order::handle(&shop, request(Some("k")))
                .await
                .is_ok()
        });
        let cancel: Pin<Box<dyn Future<Output = bool>>> = Box::pin(async {
            let caller = Caller::Customer(customer(1));
            let command = crate::application::commands::change_status::ChangeStatus {
                caller,
                order_id: id,
                status: OrderStatus::Cancelled,
                reason: None,
                expected_version: None,
            };
            crate::application::commands::change_status::handle(&shop, command)
                .await
                .is_ok()
        });
        let [_, cancelled] = shop.interleave_by([create, cancel], turns);
        assert!(cancelled, "{turns:?}");
        assert_eq!(shop.status(id), OrderStatus::Cancelled);
        shop.settle();
        assert!(
            is_released(&shop) && !shop.has_pending_payment(id),
            "{turns:?}"
        );
        shop.check_invariants(&format!("{turns:?}"));
    });
    assert!(orders > 50, "{orders}");
}

#[test]
fn an_admin_sees_the_order_and_others_do_not() {
    let shop = Shop::new();
    let id = shop.placed();
    let find = |caller| {
        run(crate::application::queries::find_order::handle(
            &shop, caller, id,
        ))
    };
    assert!(find(admin()).is_ok());
    assert_eq!(
        find(Caller::Customer(customer(2))),
        Err(OrderError::NotFound)
    );
}

#[test]
fn a_key_gives_its_first_answer_while_the_order_is_being_cancelled() {
    for is_paying in [false, true] {
        let shop = Shop::new();
        let first = shop.create(Some("k")).unwrap();
        let id = shop.all_orders()[0].id;
        shop.wait(TTL_MS);
        shop.hold_sessions(is_paying);
        assert_eq!(shop.sweep().expired, 0);
        assert_eq!(shop.create(Some("k")).unwrap(), first);
        shop.let_sessions_end(&[id]);
        shop.settle();
        assert_eq!(shop.create(Some("k")).unwrap(), first);
        shop.check_invariants("cancelled in the end");
    }
}

#[test]
fn an_order_paid_before_it_was_stored_is_made() {
    for key in [None, Some("k")] {
        let shop = Shop::new();
        let id = shop.upcoming_id();
        let crashed = shop.crash_at(opening(), Side::After, |shop| drop(shop.create(key)));
        assert!(crashed, "the answer of payments was lost");
        assert!(shop.all_orders().is_empty());
        shop.customer_pays(id);
        shop.deliver_events();
        assert_eq!(shop.status(id), OrderStatus::Paid);
        if key.is_some() {
            let again = placed(shop.create(key));
            assert_eq!(
                (again.order.status, again.session.unwrap().id),
                (OrderStatus::Pending, format!("cs_{id}"))
            );
        }
        shop.check_invariants("paid before it was stored");
    }
}

#[test]
fn an_abandoned_order_that_is_paid_meanwhile_is_made() {
    let shop = Shop::new();
    let id = shop.upcoming_id();
    shop.crash_at(opening(), Side::After, |shop| drop(shop.create(None)));
    shop.customer_pays(id);
    shop.wait(ABANDON_AFTER_MS);
    shop.sweep();
    shop.finish_sales();
    assert_eq!(shop.status(id), OrderStatus::Paid);
    assert_eq!(shop.stock_state(id), Some(StockState::Committed));
    shop.check_invariants("paid before it was abandoned");
}

#[test]
fn an_abandoned_order_takes_its_payment_with_it() {
    let shop = Shop::new();
    let id = shop.upcoming_id();
    shop.crash_at(opening(), Side::After, |shop| drop(shop.create(None)));
    assert!(shop.has_pending_payment(id));
    shop.wait(ABANDON_AFTER_MS);
    shop.sweep();
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Cancelled));
    assert!(shop.all_orders().is_empty() && is_released(&shop));
    shop.check_invariants("abandoned");
}

#[test]
fn an_order_is_made_with_one_call_to_each_database_and_two_more() {
    let crashes = |call: &u64| {
        let shop = Shop::new();
        shop.crash_at(*call, Side::Before, |shop| drop(shop.create(Some("k"))))
    };
    // It begins, its stock is held, its payment is opened, for which the provider is asked, it is stored.
    assert_eq!((0..).take_while(crashes).count(), 5);
}

#[test]
fn an_order_and_its_payment_cost_few_statements() {
    let mut shop = Shop::on_sqlite();
    shop.settings.limits.account.open_orders = 10;
    let count = || shop.store.database.statements();
    let before = count();
    let id = placed(shop.create(Some("k"))).order.id;
    // A look at the limits; BEGIN, COMMIT, and for a new saga the key, the limits, saga and lines; for the order saga,
    // order, items and history.
    assert_eq!(count() - before, 1 + 2 + 4 + 2 + 4);
    shop.customer_pays(id);
    let event = shop.waiting_events().remove(0);
    let before = count();
    assert_eq!(shop.apply(&event), Ok(EventOutcome::Applied));
    // The inbox, the order with its saga, the items; order, history, saga and pending actions.
    assert_eq!(count() - before, 2 + 7);
}

#[test]
fn an_order_of_a_checkout_costs_three_statements_more() {
    let mut shop = Shop::on_sqlite();
    shop.settings.limits.account.open_orders = 10;
    let filled = shop.filled(&[]);
    let before = shop.store.database.statements();
    shop.order_checkout(&filled, Some("k")).unwrap();
    // What it was ordered as before and the key are looked up; what it was ordered as is looked up again in the transaction that
    // begins, and the quote is one row, as the lines of others are.
    let of_items = 1 + 2 + 4 + 2 + 4;
    assert_eq!(shop.store.database.statements() - before, of_items + 3);
}

/// The call at which payments is asked to open the payment of a new order.
fn opening() -> u64 {
    let opened = |call: &u64| {
        let shop = Shop::new();
        let id = shop.upcoming_id();
        shop.crash_at(*call, Side::After, |shop| drop(shop.create(Some("k"))));
        shop.payment_status(id).is_some()
    };
    (0..).find(opened).unwrap()
}

#[test]
fn transactions_that_are_run_again_place_the_same_order() {
    let shop = Shop::new();
    let free = shop.free(1);
    let expected = shop.placed();
    let taken = free - shop.free(1);
    let again = Shop::new();
    again.store.database.run_writes_twice();
    let placed = again.placed();
    assert_eq!(placed, expected);
    assert_eq!(again.order(placed), shop.order(expected));
    assert_eq!(again.history(placed), shop.history(expected));
    assert_eq!((again.all_orders().len(), free - again.free(1)), (1, taken));
}
