//! Orders of checkouts: what the customer saw is what is ordered and paid.

use mercato_kernel::Caller;

use crate::application::commands::create_order::CreateOutcome;
use crate::application::commands::order_checkout;
use crate::application::queries::find_order::{self, Viewer};
use crate::application::tests::shop::{
    Filled, Shop, StockState, TTL_MS, UNPAID_KEPT_MS, admin, command, customer, product, run,
};
use crate::domain::{
    CheckoutHolder, CheckoutToken, LineProblem, Message, Missing, OrderError, OrderStatus,
    OrderToken, PaymentStatus, RejectedLine,
};

/// A shop with a code that is good for one use.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.make_code("ONCE", Some(1));
    shop
}

fn is_changed(outcome: &Result<CreateOutcome, OrderError>) -> bool {
    matches!(outcome, Err(OrderError::QuoteChanged(_)))
}

#[test]
fn a_guest_orders_what_they_saw_and_pays_it() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    assert_eq!(filled.total, 900, "9.99 + 0.11 (half up) − 1.10");
    let placed = shop.ordered(&filled);
    let (order, session) = (placed.order, placed.session.unwrap());
    assert_eq!(order.amount_due(), 900);
    assert_eq!(order.account(), None);
    let quote = order.quote.as_ref().unwrap();
    assert_eq!(quote.quote().id, filled.quote);
    assert_eq!(quote.content().email, "ada@example.com");
    assert_eq!(quote.content().shipping_address.country, "AT");
    assert_eq!(shop.checkouts.uses("ONCE"), 1);
    assert_eq!((shop.free(1), shop.free(2)), (9, 9));
    assert!(session.url.contains("pay"));
    shop.check_invariants("pending");
    shop.customer_pays(order.id);
    shop.deliver_events();
    assert_eq!(shop.status(order.id), OrderStatus::Paid);
    assert_eq!(shop.stock_state(order.id), Some(StockState::Committed));
    assert_eq!(shop.checkouts.uses("ONCE"), 1);
    shop.check_invariants("paid");
}

#[test]
fn an_order_keeps_its_quote_whatever_becomes_of_prices() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let order = shop.ordered(&filled).order;
    shop.add_product(1, "99", 10);
    let stored = shop.order(order.id).unwrap();
    assert_eq!(stored.quote, order.quote);
    assert_eq!(stored, order);
    shop.customer_pays(order.id);
    shop.deliver_events();
    let paid = shop.order(order.id).unwrap();
    assert_eq!((paid.quote, paid.items), (order.quote, order.items));
    assert_eq!(shop.all_orders()[0].quote, stored.quote, "in lists too");
}

#[test]
fn a_checkout_and_its_order_have_what_was_chosen() {
    let shop = shop();
    shop.add_coffee(3, 4, "9.5");
    let filled = shop.checkouts.fill(None, &[(product(4), 1)], &[]);
    let order = shop.ordered(&filled).order;
    let quoted = &order.quote.as_ref().unwrap().quote().lines[0];
    assert_eq!((&*quoted.name, quoted.choices.len()), ("Coffee", 1));
    assert_eq!(quoted.choices, order.items[0].choices);
    assert_eq!(order.items[0].title(), "Coffee – 250 g");
    assert_eq!(shop.order(order.id), Some(order));
}

#[test]
fn a_price_that_has_moved_is_told_before_anything_is_held() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    shop.add_product(1, "10.99", 10);
    let Err(OrderError::QuoteChanged(shown)) = shop.order_checkout(&filled, Some("k")) else {
        panic!("ordered")
    };
    let quote = shown.quote;
    assert_eq!(quote.totals.total, 1_000);
    assert!(matches!(shown.messages[..], [Message::PriceChanged(_)]));
    assert_eq!(shown.shipping_address.unwrap().country, "AT");
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (10, 0));
    assert_eq!(shop.stored_sagas_and_keys(), (0, 0));
    // What was shown now is ordered, with the same key: it was not used.
    let seen = shop.checkouts.look(&filled);
    assert_eq!((seen.quote.clone(), seen.total), (quote.id, 1_000));
    assert!(shop.order_checkout(&seen, Some("k")).is_ok());
}

/// After the quote was found to hold, before the stock is taken.
fn meanwhile(shop: &Shop, happens: impl FnOnce() + 'static) {
    shop.checkouts
        .after_preparing
        .replace(Some(Box::new(happens)));
}

#[test]
fn a_price_that_moves_while_it_is_ordered_orders_nothing() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let change = shop.inventory.price_change(product(1), "10.99");
    meanwhile(&shop, change);
    let outcome = shop.order_checkout(&filled, Some("k"));
    let Err(OrderError::QuoteChanged(shown)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(shown.quote.totals.total, 1_000);
    assert!(shop.all_orders().is_empty());
    shop.settle();
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (10, 0));
    shop.check_invariants("refused");
    // The same request is refused again, and for the same reason.
    assert!(is_changed(&shop.order_checkout(&filled, Some("k"))));
}

#[test]
fn of_a_code_that_is_good_once_one_order_has_it() {
    let shop = shop();
    let (first, second) = (shop.filled(&["ONCE"]), shop.filled(&["ONCE"]));
    assert_eq!((first.total, second.total), (900, 900));
    shop.ordered(&first);
    let refused = shop.order_checkout(&second, None);
    assert!(is_changed(&refused), "{refused:?}");
    assert_eq!(shop.checkouts.uses("ONCE"), 1);
    let seen = shop.checkouts.look(&second);
    assert_eq!(seen.total, 1_010, "without the code");
    shop.ordered(&seen);
    shop.check_invariants("both");
}

#[test]
fn a_last_use_that_goes_while_it_is_ordered_orders_nothing() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let take = shop.checkouts.taking("ONCE");
    meanwhile(&shop, take);
    assert!(is_changed(&shop.order_checkout(&filled, None)));
    assert!(shop.all_orders().is_empty());
    shop.settle();
    assert_eq!(shop.free(1), 10);
    assert_eq!(shop.checkouts.uses("ONCE"), 1, "the other one's");
    shop.check_invariants("refused");
}

#[test]
fn stock_that_is_gone_is_no_order_and_no_use_of_a_code() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let sell = shop.inventory.price_change(product(1), "9.99");
    meanwhile(&shop, sell);
    shop.add_product(2, "0.105", 0);
    let outcome = shop.order_checkout(&filled, None);
    let sold_out = RejectedLine {
        product_id: product(2),
        code: LineProblem::InsufficientStock,
        requested: 1,
        available: 0,
    };
    assert_eq!(outcome, Err(OrderError::LinesUnavailable(vec![sold_out])));
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (10, 0));
}

#[test]
fn what_is_missing_is_named() {
    let shop = shop();
    let filled = shop.checkouts.fill(None, &[], &[]);
    let refused = shop.order_checkout(&filled, None);
    let missing = Err(OrderError::QuoteIncomplete(vec![Missing::Items]));
    assert_eq!(refused, missing);
}

#[test]
fn a_cancelled_order_gives_its_code_back() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let order = shop.ordered(&filled).order;
    let cancelled = shop.change(admin(), order.id, OrderStatus::Cancelled);
    assert_eq!(cancelled.unwrap().status, OrderStatus::Cancelled);
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (10, 0));
    shop.deliver_events();
    shop.check_invariants("cancelled");
}

#[test]
fn an_expired_order_gives_its_code_back() {
    let shop = shop();
    let order = shop.ordered(&shop.filled(&["ONCE"])).order;
    shop.wait(TTL_MS);
    shop.settle();
    assert_eq!(shop.status(order.id), OrderStatus::Cancelled);
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (10, 0));
    shop.check_invariants("expired");
}

#[test]
fn a_refund_gives_the_code_back_though_it_was_used_for_good() {
    let shop = shop();
    let order = shop.ordered(&shop.filled(&["ONCE"])).order;
    shop.customer_pays(order.id);
    shop.deliver_events();
    shop.refund(order.id, 100);
    shop.deliver_events();
    assert_eq!(shop.checkouts.uses("ONCE"), 1, "a refund in part");
    shop.refund(order.id, 800);
    shop.deliver_events();
    assert_eq!(shop.status(order.id), OrderStatus::Refunded);
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (10, 0));
    shop.check_invariants("refunded");
}

#[test]
fn ordering_anew_ends_the_pending_order_first() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let first = shop.ordered(&filled).order;
    let second = shop.ordered(&filled).order;
    assert_ne!(second.id, first.id);
    assert_eq!(
        second.amount_due(),
        900,
        "its own code does not stand in its way"
    );
    assert_eq!(shop.status(first.id), OrderStatus::Cancelled);
    assert_eq!((shop.free(1), shop.checkouts.uses("ONCE")), (9, 1));
    let last = shop.history(first.id).pop().unwrap();
    assert!(last.contains("ordered anew"), "{last}");
    shop.deliver_events();
    shop.check_invariants("anew");
}

#[test]
fn the_last_units_are_no_hindrance_to_ordering_them_anew() {
    let shop = shop();
    shop.add_product(1, "9.99", 1);
    let filled = shop.filled(&[]);
    let first = shop.ordered(&filled).order;
    assert_eq!(shop.free(1), 0);
    let second = shop.ordered(&filled).order;
    assert_eq!(shop.status(first.id), OrderStatus::Cancelled);
    assert_eq!(shop.status(second.id), OrderStatus::Pending);
    assert_eq!(shop.free(1), 0);
}

#[test]
fn the_last_use_of_a_code_is_no_hindrance_to_ordering_it_anew() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let first = shop.ordered(&filled).order;
    let second = shop.ordered(&filled).order;
    assert_eq!(shop.status(first.id), OrderStatus::Cancelled);
    assert_eq!(first.total_amount, second.total_amount);
    assert_eq!(shop.checkouts.uses("ONCE"), 1);
}

#[test]
fn an_order_goes_on_when_nothing_can_take_its_place() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let order = shop.ordered(&filled).order;
    shop.add_product(2, "0.205", 10);
    assert!(is_changed(&shop.order_checkout(&filled, None)));
    assert_eq!(shop.status(order.id), OrderStatus::Pending);
    shop.add_product(2, "0.105", 10);
    let other = shop.filled(&[]);
    let of_another = Filled {
        quote: other.quote,
        ..filled
    };
    assert!(is_changed(&shop.order_checkout(&of_another, None)));
    assert_eq!(shop.status(order.id), OrderStatus::Pending);
    assert_eq!(shop.checkouts.uses("ONCE"), 1);
}

#[test]
fn a_checkout_that_was_paid_is_not_ordered_again() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let order = shop.ordered(&filled).order;
    shop.customer_pays(order.id);
    let again = shop.order_checkout(&filled, None);
    assert_eq!(again, Err(OrderError::AlreadyOrdered(order.id)));
    assert_eq!(shop.status(order.id), OrderStatus::Paid);
    let again = shop.order_checkout(&filled, None);
    assert_eq!(again, Err(OrderError::AlreadyOrdered(order.id)));
    shop.deliver_events();
    shop.check_invariants("paid");
}

#[test]
fn nothing_to_pay_is_paid_at_once() {
    let shop = Shop::new();
    shop.make_code("ALL", None);
    let filled = shop.checkouts.fill(None, &[(product(2), 1)], &["ALL"]);
    assert_eq!(filled.total, 0);
    let placed = shop.ordered(&filled);
    assert_eq!(placed.session, None);
    assert_eq!(placed.order.status, OrderStatus::Paid);
    assert!(placed.order.receipt.is_some());
    let id = placed.order.id;
    assert_eq!(shop.payment_status(id), Some(PaymentStatus::Succeeded));
    assert_eq!(shop.stock_state(id), Some(StockState::Committed));
    shop.deliver_events();
    assert_eq!(shop.checkouts.uses("ALL"), 1);
    assert!(shop.provider().payable_orders().is_empty());
    shop.check_invariants("free");
    let again = shop.order_checkout(&filled, None);
    assert_eq!(again, Err(OrderError::AlreadyOrdered(id)));
}

#[test]
fn the_same_key_is_the_same_order() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let first = shop.order_checkout(&filled, Some("k")).unwrap();
    shop.add_product(1, "10.99", 10);
    let again = shop.order_checkout(&filled, Some("k")).unwrap();
    assert_eq!(again, first, "though it would cost something else now");
    assert_eq!(shop.all_orders().len(), 1);
    let other = Filled {
        quote: format!("q_{}", "0".repeat(40)),
        ..filled
    };
    let refused = shop.order_checkout(&other, Some("other"));
    assert!(
        matches!(
            refused,
            Err(OrderError::QuoteChanged(_) | OrderError::QuoteIncomplete(_))
        ),
        "{refused:?}"
    );
}

#[test]
fn nobody_orders_a_checkout_of_somebody_else() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let order = shop.ordered(&filled).order;
    let thief = |holder| Filled {
        holder,
        ..filled.clone()
    };
    for holder in [
        CheckoutHolder::Guest(CheckoutToken::new("guest_2".to_owned())),
        CheckoutHolder::Account(customer(1)),
    ] {
        let refused = shop.order_checkout(&thief(holder), None);
        assert_eq!(refused, Err(OrderError::CheckoutNotFound));
    }
    assert_eq!(shop.status(order.id), OrderStatus::Pending, "nothing ended");
    shop.order_checkout(&filled, Some("k")).unwrap();
    let mut guess = command(&filled, Some("k"));
    guess.holder = CheckoutHolder::Guest(CheckoutToken::new("guest_2".to_owned()));
    guess.idempotency.as_mut().unwrap().fingerprint = vec![8; 32];
    let refused = run(order_checkout::handle(&shop, guess));
    assert_eq!(
        refused,
        Err(OrderError::CheckoutNotFound),
        "a key that is used tells a stranger nothing"
    );
    let own = shop
        .checkouts
        .fill(Some(customer(1)), &[(product(1), 1)], &[]);
    let stranger = Filled {
        holder: CheckoutHolder::Account(customer(2)),
        ..own.clone()
    };
    let refused = shop.order_checkout(&stranger, None);
    assert_eq!(refused, Err(OrderError::CheckoutNotFound));
    assert_eq!(shop.ordered(&own).order.account(), Some(customer(1)));
}

#[test]
fn a_guest_sees_their_order_by_its_token_alone() {
    let shop = shop();
    let filled = shop.filled(&[]);
    let order = shop.ordered(&filled).order;
    let find = |viewer: Viewer| run(find_order::handle(&shop, viewer, order.id));
    let token = filled.holder.order_token(order.id).unwrap();
    let found = find(Viewer::Guest(token)).unwrap();
    assert_eq!(found.order.id, order.id);
    assert!(find(admin().into()).is_ok());
    for viewer in [
        Viewer::Guest(OrderToken::new("guest_1".to_owned())),
        Viewer::Caller(Caller::Customer(customer(1))),
        // The checkout's id is none of an account.
        Viewer::Caller(Caller::Customer(
            mercato_kernel::Uuid::from(filled.id).into(),
        )),
    ] {
        assert_eq!(
            find(viewer.clone()),
            Err(OrderError::NotFound),
            "{viewer:?}"
        );
    }
    let cancel = shop.change(
        Caller::Customer(customer(1)),
        order.id,
        OrderStatus::Cancelled,
    );
    assert_eq!(cancel, Err(OrderError::NotFound));
}

#[test]
fn orders_may_be_taken_from_checkouts_alone() {
    let mut shop = Shop::new();
    shop.settings.requires_checkout = true;
    assert_eq!(shop.create(None), Err(OrderError::CheckoutRequired));
    let filled = shop.filled(&[]);
    assert_eq!(shop.ordered(&filled).order.status, OrderStatus::Pending);
}

#[test]
fn nothing_of_a_guest_stays_of_an_order_that_is_removed() {
    let shop = shop();
    let order = shop.ordered(&shop.filled(&["ONCE"])).order;
    assert_eq!(shop.rows("order_quotes"), 1);
    shop.change(admin(), order.id, OrderStatus::Cancelled)
        .unwrap();
    shop.wait(UNPAID_KEPT_MS);
    shop.settle();
    assert_eq!(shop.order(order.id), None);
    assert_eq!(shop.rows("order_quotes"), 0);
}

#[test]
fn the_quote_of_an_order_that_was_refused_is_removed_with_it() {
    let shop = shop();
    let filled = shop.filled(&["ONCE"]);
    let change = shop.inventory.price_change(product(1), "10.99");
    meanwhile(&shop, change);
    assert!(is_changed(&shop.order_checkout(&filled, Some("k"))));
    assert_eq!(shop.rows("order_quotes"), 1);
    shop.wait(UNPAID_KEPT_MS);
    shop.settle();
    assert_eq!((shop.rows("sagas"), shop.rows("order_quotes")), (0, 0));
}
