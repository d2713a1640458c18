//! Which indexes the statements go through.

use mercato_sql::params;

use super::*;
use crate::application::queries::list_orders::Place;
use crate::store::history::HISTORY;
use crate::store::holders::{HELD_UNITS, HOLDINGS};
use crate::store::idempotency_keys::KEY;
use crate::store::listing::{count_of, page_of};
use crate::store::metrics::{TALLIES, WAITING};
use crate::store::orders::ORDER_COUNTS;
use crate::store::pending_actions::OF_ORDER;
use crate::store::retention::{
    HAS_OLD, PURGE_HOLDERS, PURGE_INBOX, PURGE_KEYS, PURGE_SAGAS, REMOVE_ORDERS, UNPAID_ORDERS,
};
use crate::store::sagas::{DUE_SAGAS, REPLACEMENT, SAGA, SAGAS_PUT_OFF_TOO_LONG};
use crate::store::sweep_runs::HAS_DUE;

/// The steps of the plan of a statement.
fn steps(statement: &str, values: &[Value]) -> Vec<String> {
    let rows = on_sqlite().read::<_, Error>(|connection| {
        connection.query(&format!("EXPLAIN QUERY PLAN {statement}"), values)
    });
    let rows = rows.unwrap();
    rows.iter().map(|row| row.get("detail").unwrap()).collect()
}

/// After the place of the order, in a list by creation, or by the last change.
fn after(updated_at: Option<u64>) -> PageStart<Place> {
    PageStart::After(Place {
        updated_at,
        id: order_id(ORDER),
    })
}

#[test]
fn what_is_asked_often_is_answered_from_an_index() {
    let older = || after(None);
    let by = |status: Option<OrderStatus>, customer: Option<&str>, start: PageStart<Place>| {
        let customer_id = customer.map(|id| AccountId::parse(id).unwrap());
        let filter = OrderFilter {
            status,
            customer_id,
            ..OrderFilter::default()
        };
        page_of(&filter, OrderSort::NewestFirst, true, &start, 10)
    };
    let first = || PageStart::Offset(0);
    let paid = Some(OrderStatus::Paid);
    let number = |count: usize| vec![Value::from(1_u32); count];
    let text = |count: usize| vec![Value::from("x"); count];
    let statements = [
        by(paid, None, first()),
        by(None, Some(CUSTOMER), first()),
        by(paid, Some(CUSTOMER), first()),
        by(None, None, older()),
        by(paid, None, older()),
        by(None, Some(CUSTOMER), older()),
        by(paid, Some(CUSTOMER), older()),
        (HISTORY.to_owned(), text(1)),
        (SAGA.to_owned(), text(1)),
        (DUE_SAGAS.to_owned(), number(2)),
        (SAGAS_PUT_OFF_TOO_LONG.to_owned(), number(2)),
        (KEY.to_owned(), text(2)),
        (OF_ORDER.to_owned(), text(1)),
        (PURGE_SAGAS.to_owned(), number(2)),
        (PURGE_KEYS.to_owned(), number(2)),
        (PURGE_INBOX.to_owned(), number(2)),
        (PURGE_HOLDERS.to_owned(), number(2)),
        (UNPAID_ORDERS.to_owned(), number(2)),
        (HAS_OLD.to_owned(), number(4)),
        (HAS_DUE.to_owned(), number(2)),
        (HOLDINGS.to_owned(), text(2)),
    ]
    .into_iter()
    .chain(REMOVE_ORDERS.map(|statement| (statement.to_owned(), text(1))))
    .chain([
        (HELD_UNITS.to_owned(), text(1)),
        (REPLACEMENT.to_owned(), text(1)),
    ]);
    for (statement, parameters) in statements {
        let steps = steps(&statement, &parameters);
        let scanned = [
            "orders",
            "sagas",
            "holders",
            "inbox",
            "follow_ups",
            "idempotency_keys",
        ];
        let scans = |step: &String| {
            scanned
                .iter()
                .any(|table| step.trim_end() == format!("SCAN {table}"))
        };
        let sorts_or_scans = |step: &String| step.contains("TEMP B-TREE") || scans(step);
        assert!(!steps.iter().any(sorts_or_scans), "{statement}: {steps:?}");
        assert!(
            steps.iter().any(|step| step.contains("USING")),
            "{statement}: {steps:?}"
        );
    }
}

/// Every list by time, whatever narrows it, with the index that it has to go through.
#[test]
fn lists_by_time_are_ranges_of_an_index() {
    use OrderSort::{LongUnchangedFirst, NewestFirst, OldestFirst, RecentlyUpdatedFirst};
    let plan = |(statement, values): (String, Vec<Value>)| steps(&statement, &values).join("; ");
    let customer = AccountId::parse(CUSTOMER).unwrap();
    for status in [None, Some(OrderStatus::Paid)] {
        for customer_id in [None, Some(customer)] {
            for (created, updated) in [
                (None, None),
                (Some(5), None),
                (None, Some(5)),
                (Some(5), Some(5)),
            ] {
                let filter = OrderFilter {
                    status,
                    customer_id,
                    number: None,
                    created_after: created,
                    created_before: created,
                    updated_after: updated,
                };
                let by_update = match (customer_id, status) {
                    (Some(_), _) => "orders_by_customer_and_update",
                    (None, Some(_)) => "orders_by_status_and_update",
                    (None, None) => "orders_by_update",
                };
                for sort in [LongUnchangedFirst, RecentlyUpdatedFirst] {
                    for start in [PageStart::Offset(0), after(Some(7))] {
                        let plan = plan(page_of(&filter, sort, true, &start, 10));
                        let covering = format!("USING COVERING INDEX {by_update}");
                        assert!(plan.contains(&covering), "{filter:?}: {plan}");
                        // Of what the index gives in its order, only the page is looked up and sorted.
                        let lookup = "SEARCH orders USING PRIMARY KEY (id=?); ";
                        assert!(plan.starts_with(lookup), "{filter:?}: {plan}");
                        let sorts = plan.matches("TEMP B-TREE FOR ORDER BY").count();
                        assert_eq!(sorts, 1, "{filter:?}: {plan}");
                    }
                }
                for sort in [NewestFirst, OldestFirst] {
                    let start = after(None);
                    let many = plan(page_of(&filter, sort, false, &start, 10));
                    assert!(!many.contains("TEMP B-TREE"), "{filter:?}: {many}");
                    assert!(many.starts_with("SEARCH"), "{filter:?}: {many}");
                    if updated.is_some() {
                        let few = plan(page_of(&filter, sort, true, &start, 10));
                        assert!(
                            few.contains(&format!("INDEX {by_update}")),
                            "{filter:?}: {few}"
                        );
                    }
                }
                let count = plan(count_of(&filter));
                if updated.is_some() {
                    assert!(count.contains(&format!("INDEX {by_update}")), "{count}");
                } else if created.is_some() || status.is_some() || customer_id.is_some() {
                    assert!(count.contains("SEARCH orders"), "{count}");
                }
            }
        }
    }
}

#[test]
fn the_metrics_read_no_order() {
    let waiting = steps(WAITING, params![0, 1]).join("; ");
    assert!(
        waiting.contains("SEARCH sagas USING INDEX sagas_due"),
        "{waiting}"
    );
    for statement in [ORDER_COUNTS, TALLIES] {
        let steps = steps(statement, &[]).join("; ");
        assert!(!steps.contains(" orders"), "{steps}");
    }
}

#[test]
fn an_order_is_found_by_its_number_in_an_index() {
    let database = database();
    write(&database, |records| {
        records.insert_order(&order(ORDER, 1))?;
        records.insert_order(&order(OTHER, 1))
    });
    let number = OrderNumber::of_id(order_id(OTHER));
    for updated_after in [None, Some(1)] {
        let filter = OrderFilter {
            number: Some(number.clone()),
            status: Some(OrderStatus::Pending),
            customer_id: Some(AccountId::parse(CUSTOMER).unwrap()),
            updated_after,
            ..OrderFilter::default()
        };
        for sort in [OrderSort::NewestFirst, OrderSort::LongUnchangedFirst] {
            let start = PageStart::Offset(0);
            let (found, total) = read(&database, |records| records.list(&filter, sort, &start, 10));
            assert_eq!((found.len(), total), (1, Total::counted(1)));
            let (statement, values) = page_of(&filter, sort, true, &start, 10);
            let steps = steps(&statement, &values);
            let is_by_number = |step: &String| step.contains("orders_by_number");
            assert!(steps.iter().any(is_by_number), "{steps:?}");
        }
    }
    let twice = Store::write(&database, of_a_test(), |records| {
        let mut third = order(CUSTOMER, 1);
        third.renumber(number.clone());
        records.insert_order(&third)
    });
    assert_eq!(twice, Ok(false), "no two orders have one number");
}
