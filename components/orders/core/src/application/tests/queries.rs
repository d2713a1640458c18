use std::collections::BTreeSet;

use mercato_kernel::{AccountId, Caller, Cursor, Key, OrderId, PageRequest, Total};

use crate::application::queries::find_order;
use crate::application::queries::list_orders::{self, OrderFilter, OrderSort};
use crate::application::queries::order_stats::{self, MoneyReceived};
use crate::application::tests::shop::{REQUEST_MINOR, Shop, admin, buyer, customer, run};
use crate::domain::{OrderError, OrderNumber, OrderStatus};

#[test]
fn a_decided_payment_is_applied_before_the_order_is_shown() {
    let shop = Shop::new();
    let id = shop.placed();
    shop.customer_pays(id);
    let details = shop.find(id).unwrap();
    assert_eq!(details.order.status, OrderStatus::Paid);
    assert_eq!(details.history.len(), 2);
    assert_eq!(details.payment.unwrap().amount, details.order.amount_due());
    shop.finish_sales();
    shop.check_invariants("found");
}

#[test]
fn a_reserved_order_that_is_read_is_finished() {
    let shop = Shop::new();
    shop.provider().down.set(true);
    assert!(shop.create(Some("k")).is_err());
    let id = shop.all_orders()[0].id;
    let payment = shop.find(id).unwrap().payment.unwrap();
    assert_eq!(payment.session, None, "shown as it stands");
    shop.provider().down.set(false);
    assert!(shop.find(id).unwrap().payment.unwrap().session.is_some());
    shop.check_invariants("finished by reading");
}

#[test]
fn what_was_rejected_or_belongs_to_others_is_not_found() {
    let shop = Shop::new();
    shop.inventory.down.set(true);
    assert!(shop.create(Some("k")).is_err());
    shop.inventory.down.set(false);
    let first_id = OrderId::parse("01939f6e-8a00-7000-8000-000000000001").unwrap();
    let find = |caller: Caller| run(find_order::handle(&shop, caller, first_id));
    let stranger = Caller::Customer(customer(2));
    assert_eq!(find(stranger), Err(OrderError::NotFound));
    assert!(shop.all_orders().is_empty(), "a stranger finishes nothing");
    assert!(find(buyer()).is_ok(), "its customer finishes it by reading");
    assert_eq!(find(stranger), Err(OrderError::NotFound));
    let unknown = OrderId::parse("01939f6e-8a00-7000-8000-ffffffffffff").unwrap();
    assert_eq!(
        run(find_order::handle(&shop, admin(), unknown)),
        Err(OrderError::NotFound)
    );
}

fn numbered(page: u32, limit: u32) -> PageRequest {
    PageRequest {
        page,
        limit,
        after: None,
    }
}

fn after(cursor: &str, limit: u32) -> PageRequest {
    PageRequest {
        page: 1,
        limit,
        after: Some(cursor.to_owned()),
    }
}

fn ids(
    shop: &Shop,
    caller: Caller,
    filter: OrderFilter,
    page: u32,
    limit: u32,
) -> (Vec<OrderId>, u64) {
    let page = list_orders::handle(
        shop,
        caller,
        filter,
        OrderSort::default(),
        &numbered(page, limit),
    )
    .unwrap();
    (
        page.entries.into_iter().map(|order| order.id).collect(),
        page.total.entries,
    )
}

#[test]
fn lists_show_the_newest_first_and_a_customer_only_their_own() {
    let shop = Shop::new();
    let (first, second, third) = (shop.placed(), shop.paid(), shop.placed());
    let all = OrderFilter::default;
    assert_eq!(ids(&shop, buyer(), all(), 1, 2), (vec![third, second], 3));
    assert_eq!(ids(&shop, buyer(), all(), 2, 2), (vec![first], 3));
    assert_eq!(ids(&shop, buyer(), all(), 3, 2), (vec![], 3));
    assert_eq!(ids(&shop, admin(), all(), 1, 10).1, 3);

    let of_status = |status| OrderFilter {
        status: Some(status),
        ..OrderFilter::default()
    };
    assert_eq!(
        ids(&shop, buyer(), of_status(OrderStatus::Paid), 1, 10),
        (vec![second], 1)
    );
    assert_eq!(
        ids(&shop, admin(), of_status(OrderStatus::Pending), 1, 10),
        (vec![third, first], 2)
    );

    let of_customer = |id: AccountId| OrderFilter {
        customer_id: Some(id),
        ..OrderFilter::default()
    };
    assert_eq!(ids(&shop, admin(), of_customer(customer(1)), 1, 10).1, 3);
    assert_eq!(ids(&shop, admin(), of_customer(customer(2)), 1, 10).1, 0);
    let stranger = Caller::Customer(customer(2));
    assert_eq!(
        ids(&shop, stranger, of_customer(customer(1)), 1, 10).1,
        0,
        "a filter widens nobody's view"
    );
}

#[test]
fn pages_have_bounds() {
    let shop = Shop::new();
    for (page, limit) in [(102, 100), (10_002, 1), (u32::MAX, 1)] {
        let request = numbered(page, limit);
        let list = list_orders::handle(
            &shop,
            admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &request,
        );
        assert!(
            matches!(list, Err(OrderError::Invalid(_))),
            "{page} {limit}"
        );
    }
    assert!(
        list_orders::handle(
            &shop,
            admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &numbered(101, 100)
        )
        .unwrap()
        .entries
        .is_empty()
    );
}

/// Follows the cursors from the first page on; `meanwhile` happens between two pages.
fn walk(
    shop: &Shop,
    caller: Caller,
    filter: &OrderFilter,
    limit: u32,
    meanwhile: impl Fn(),
) -> Vec<OrderId> {
    let mut seen = Vec::new();
    let mut request = numbered(1, limit);
    for number in 1.. {
        let page =
            list_orders::handle(shop, caller, filter.clone(), OrderSort::default(), &request)
                .unwrap();
        assert_eq!(page.page, number);
        seen.extend(page.entries.into_iter().map(|order| order.id));
        let Some(next) = page.next else { break };
        request = after(&next, limit);
        meanwhile();
    }
    seen
}

#[test]
fn a_walk_by_cursor_sees_every_order_once_while_others_come_in() {
    let shop = Shop::new();
    shop.add_product(1, "1", 1_000);
    shop.add_product(2, "1", 1_000);
    let mut placed: Vec<OrderId> = (0..5).map(|_| shop.placed()).collect();
    placed.reverse();
    for limit in [1, 2, 3, 4] {
        let seen = walk(&shop, admin(), &OrderFilter::default(), limit, || {
            shop.placed();
        });
        assert!(seen.ends_with(&placed), "{limit} at a time: {seen:?}");
        let once: BTreeSet<&OrderId> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "{limit} at a time: {seen:?}");
    }
}

#[test]
fn a_walk_by_cursor_keeps_to_the_filter_and_to_ones_own_orders() {
    let shop = Shop::new();
    let (first, paid, third) = (shop.placed(), shop.paid(), shop.placed());
    let pending = OrderFilter {
        status: Some(OrderStatus::Pending),
        ..OrderFilter::default()
    };
    let of_buyer = OrderFilter {
        customer_id: Some(customer(1)),
        ..OrderFilter::default()
    };
    for (caller, filter, expected) in [
        (buyer(), pending.clone(), vec![&third, &first]),
        (admin(), pending, vec![&third, &first]),
        (admin(), of_buyer.clone(), vec![&third, &paid, &first]),
        (Caller::Customer(customer(2)), of_buyer, vec![]),
    ] {
        let seen = walk(&shop, caller, &filter, 1, || {});
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_last_page_has_no_next_even_when_it_is_full() {
    let shop = Shop::new();
    shop.placed();
    shop.placed();
    let list = |request| {
        list_orders::handle(
            &shop,
            admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &request,
        )
        .unwrap()
    };
    assert_eq!(list(numbered(1, 2)).next, None);
    let next = list(numbered(1, 1)).next.unwrap();
    let last = list(after(&next, 1));
    assert_eq!(
        (last.page, last.total, last.next),
        (2, Total::counted(2), None)
    );
    assert_eq!(last.entries, list(numbered(2, 1)).entries);
}

#[test]
fn a_cursor_that_no_page_gave_is_refused() {
    let shop = Shop::new();
    let cursor = |scope: &str, keys: Vec<Key>| {
        Cursor {
            scope: scope.to_owned(),
            page: 2,
            keys,
        }
        .encode()
    };
    let id = "01939f6e-8a00-7000-8000-000000000001";
    for text in [
        String::new(),
        "2".to_owned(),
        cursor("products:-id", vec![id.into()]),
        cursor("orders:-id", vec![7.into()]),
        cursor("orders:-id", vec!["7".into()]),
        cursor("orders:-id", vec![id.into(), id.into()]),
    ] {
        let list = list_orders::handle(
            &shop,
            admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &after(&text, 10),
        );
        let Err(OrderError::Invalid(errors)) = list else {
            panic!("{text}: {list:?}");
        };
        assert_eq!((errors.len(), errors[0].field.as_str()), (1, "after"));
    }
    assert!(
        list_orders::handle(
            &shop,
            admin(),
            OrderFilter::default(),
            OrderSort::default(),
            &after(&cursor("orders:-id", vec![id.into()]), 10)
        )
        .is_ok(),
        "the same with the right keys is one"
    );
}

#[test]
fn listed_orders_have_their_items() {
    let shop = Shop::new();
    let (first, second) = (shop.placed(), shop.placed());
    let listed = shop.all_orders();
    assert_eq!(
        listed,
        [shop.order(second).unwrap(), shop.order(first).unwrap()]
    );
    assert_eq!(listed[0].items.len(), 2);
}

#[test]
fn stats_count_every_status_and_what_was_charged_and_given_back() {
    use OrderStatus::{Cancelled, Delivered, Paid, Pending, Refunded};
    let shop = Shop::new();
    let stats = || run(order_stats::handle(&shop)).unwrap();
    let money = |gross, refunded| MoneyReceived {
        currency: "USD".to_owned(),
        gross,
        lost_to_disputes: 0,
        refunded,
    };
    assert_eq!(stats().by_currency, [money(0, 0)], "of a new shop");
    shop.placed();
    let delivered = shop.paid();
    shop.change(admin(), delivered, Delivered).unwrap();
    let paid = shop.paid();
    let refunded = shop.paid();
    shop.refund(refunded, i64::MAX);
    shop.refund(paid, 1_000);
    shop.deliver_events();
    assert_eq!(
        stats().by_status,
        [
            (Pending, 1),
            (Paid, 1),
            (Delivered, 1),
            (Cancelled, 0),
            (Refunded, 1)
        ]
    );
    // The total is 20.085; nobody pays the half cent.
    assert_eq!(
        stats().by_currency,
        [money(3 * REQUEST_MINOR, REQUEST_MINOR + 1_000)]
    );
    shop.payments.down.set(true);
    assert_eq!(
        run(order_stats::handle(&shop)),
        Err(OrderError::Unavailable)
    );
}

#[test]
fn a_payment_that_came_too_late_is_charged_and_given_back() {
    let shop = Shop::new();
    let late = shop.placed();
    shop.cancel(late).unwrap();
    shop.deliver_events();
    shop.customer_pays(late);
    shop.deliver_events();
    let money = run(order_stats::handle(&shop))
        .unwrap()
        .by_currency
        .remove(0);
    assert_eq!(
        (money.gross, money.refunded),
        (REQUEST_MINOR, REQUEST_MINOR)
    );
}

/// What a list in that order shows, walked one at a time.
fn listed(shop: &Shop, filter: &OrderFilter, sort: OrderSort) -> Vec<OrderId> {
    let mut seen = Vec::new();
    let mut request = numbered(1, 1);
    loop {
        let page = list_orders::handle(shop, admin(), filter.clone(), sort, &request).unwrap();
        seen.extend(page.entries.into_iter().map(|order| order.id));
        match page.next {
            Some(next) => request = after(&next, 1),
            None => return seen,
        }
    }
}

#[test]
fn lists_are_sorted_by_creation_or_by_the_last_change() {
    let shop = Shop::new();
    let place = || {
        shop.wait(1_000);
        shop.placed()
    };
    let (first, second, third) = (place(), place(), place());
    shop.wait(1_000);
    shop.cancel(first).unwrap();
    shop.deliver_events();
    let all = OrderFilter::default();
    for (sort, expected) in [
        (OrderSort::NewestFirst, [&third, &second, &first]),
        (OrderSort::OldestFirst, [&first, &second, &third]),
        (OrderSort::RecentlyUpdatedFirst, [&first, &third, &second]),
        (OrderSort::LongUnchangedFirst, [&second, &third, &first]),
    ] {
        assert_eq!(
            listed(&shop, &all, sort).iter().collect::<Vec<_>>(),
            expected,
            "{sort:?}"
        );
    }
    let page = list_orders::handle(
        &shop,
        admin(),
        all.clone(),
        OrderSort::OldestFirst,
        &numbered(1, 1),
    );
    let next = page.unwrap().next.unwrap();
    for sort in [OrderSort::NewestFirst, OrderSort::LongUnchangedFirst] {
        let other = list_orders::handle(&shop, admin(), all.clone(), sort, &after(&next, 1));
        assert!(
            matches!(other, Err(OrderError::Invalid(_))),
            "a cursor is for its own order"
        );
    }
}

#[test]
fn times_narrow_a_list_and_are_not_in_it_themselves() {
    let shop = Shop::new();
    let mut orders = Vec::new();
    for _ in 0..4 {
        shop.wait(1_000);
        let id = shop.placed();
        orders.push((shop.order(id).unwrap().created_at, id));
    }
    shop.wait(90_000);
    shop.cancel(orders[0].1).unwrap();
    shop.deliver_events();
    let cancelled_at = shop.order(orders[0].1).unwrap().updated_at;
    let ids = |wanted: &[usize]| -> BTreeSet<OrderId> {
        wanted.iter().map(|index| orders[*index].1).collect()
    };
    let filter = |created_after, created_before, updated_after| OrderFilter {
        created_after,
        created_before,
        updated_after,
        ..OrderFilter::default()
    };
    let (second, last) = (orders[1].0, orders[3].0);
    for (filter, expected) in [
        (filter(Some(second), None, None), ids(&[2, 3])),
        (filter(Some(second - 1), None, None), ids(&[1, 2, 3])),
        (filter(None, Some(second), None), ids(&[0])),
        (filter(Some(second), Some(last), None), ids(&[2])),
        (filter(None, None, Some(second)), ids(&[0, 2, 3])),
        (filter(None, None, Some(cancelled_at)), ids(&[])),
        (filter(None, Some(last), Some(last)), ids(&[0])),
        (filter(Some(u64::MAX), None, None), ids(&[])),
        (filter(None, Some(0), Some(0)), ids(&[])),
        (filter(Some(0), None, Some(0)), ids(&[0, 1, 2, 3])),
    ] {
        for sort in [
            OrderSort::NewestFirst,
            OrderSort::OldestFirst,
            OrderSort::RecentlyUpdatedFirst,
            OrderSort::LongUnchangedFirst,
        ] {
            let shown = listed(&shop, &filter, sort);
            let once: BTreeSet<OrderId> = shown.iter().copied().collect();
            assert_eq!(once, expected, "{filter:?} {sort:?}");
            assert_eq!(shown.len(), once.len(), "{filter:?} {sort:?}");
            let page = numbered(1, 100);
            let page = list_orders::handle(&shop, admin(), filter.clone(), sort, &page).unwrap();
            assert_eq!(page.total, Total::counted(expected.len() as u64));
        }
    }
}

#[test]
fn an_order_is_found_by_its_number_by_whoever_may_see_it() {
    let shop = Shop::new();
    shop.placed();
    let wanted = shop.order(shop.placed()).unwrap();
    let filter = || OrderFilter {
        number: Some(wanted.number.clone()),
        ..OrderFilter::default()
    };
    for caller in [buyer(), admin()] {
        let found = ids(&shop, caller, filter(), 1, 10).0;
        assert_eq!(found, std::slice::from_ref(&wanted.id));
    }
    let stranger = Caller::Customer(customer(2));
    assert_eq!(ids(&shop, stranger, filter(), 1, 10).1, 0);
}

#[test]
fn an_order_gets_no_id_whose_number_another_one_has() {
    let shop = Shop::new();
    let first = shop.placed();
    let taken = OrderNumber::of_id(shop.upcoming_id());
    shop.renumber(first, &taken);
    let second = shop.placed();
    let number = shop.order(second).unwrap().number;
    assert_eq!(number, OrderNumber::of_id(second));
    assert_ne!(number, taken);
    assert_eq!(shop.order(first).unwrap().number, taken);
    shop.check_invariants("with a number of its own");
}

#[test]
fn an_order_whose_number_is_taken_meanwhile_gets_another() {
    let shop = Shop::new();
    let first = shop.placed();
    let id = shop.upcoming_id();
    shop.inventory.down.set(true);
    assert_eq!(shop.create(Some("k")), Err(OrderError::Unavailable));
    shop.inventory.down.set(false);
    let taken = OrderNumber::of_id(id);
    shop.renumber(first, &taken);
    assert!(shop.create(Some("k")).is_ok());
    assert_ne!(shop.order(id).unwrap().number, taken);
    shop.check_invariants("with a number of its own");
}
