use mercato_sqlite::Value;

use super::*;
use crate::domain::EventType;

const ORDER: &str = "01939f6e-8a00-7000-8000-000000000001";
const OTHER: &str = "01939f6e-8a00-7000-8000-000000000002";
const CUSTOMER: &str = "01939f6e-8a00-7000-8000-00000000000c";
const PRODUCT: &str = "01939f6e-8a00-7000-8000-00000000000b";

fn database() -> Database {
    Database::in_memory(LABEL, MIGRATIONS).unwrap()
}

fn read<T>(
    database: &Database,
    work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
) -> T {
    OrderRepository::read(database, work).unwrap()
}

fn write<T>(
    database: &Database,
    work: impl FnOnce(&dyn OrderRecords) -> Result<T, OrderError>,
) -> T {
    OrderRepository::write(database, work).unwrap()
}

fn order_id(text: &str) -> OrderId {
    OrderId::parse(text).unwrap()
}

fn order(id: &str, price: i64) -> Order {
    let item = |name: &str, units| OrderItem {
        product_id: ProductId::parse(PRODUCT).unwrap(),
        name: name.to_owned(),
        unit_price: Money::from_units(price),
        quantity: Quantity::new(units).unwrap(),
    };
    let items = vec![
        item("Tea \u{2615} 'green'", 3),
        item("; DROP TABLE orders --", 1),
    ];
    Order::place(
        order_id(id),
        CustomerId::parse(CUSTOMER).unwrap(),
        items,
        "EUR".parse().unwrap(),
        5,
    )
    .unwrap()
}

fn receipt() -> Receipt {
    Receipt {
        id: OTHER.to_owned(),
        url: Some("https://r".to_owned()),
        issued_at: 7,
    }
}

fn saga(id: &str) -> Saga {
    let line = Line {
        product_id: ProductId::parse(PRODUCT).unwrap(),
        quantity: Quantity::new(3).unwrap(),
    };
    Saga::begin(
        order_id(id),
        CustomerId::parse(CUSTOMER).unwrap(),
        Some(Holder::stored("c1".to_owned())),
        vec![line],
        10,
        100,
    )
}

fn number(database: &Database, statement: &str) -> u64 {
    let row = database.read::<_, Error>(|connection| connection.query_one(statement, &[]));
    row.unwrap().unwrap().get(0).unwrap()
}

fn session() -> PaymentSession {
    PaymentSession {
        id: "cs".to_owned(),
        url: "https://pay".to_owned(),
        expires_at: 99,
    }
}

#[test]
fn an_order_is_read_as_it_was_written() {
    let database = database();
    let mut order = order(ORDER, 99_900);
    write(&database, |records| records.insert_order(&order));
    assert_eq!(
        read(&database, |records| records.order(&order.id)),
        Some(order.clone())
    );
    order.pay(receipt(), "paid", 8).unwrap();
    write(&database, |records| records.update_order(&order));
    assert_eq!(
        read(&database, |records| records.order(&order.id)),
        Some(order)
    );
    assert_eq!(
        read(&database, |records| records.order(&order_id(OTHER))),
        None
    );
}

#[test]
fn history_is_read_in_the_order_it_was_written() {
    let database = database();
    let mut order = order(ORDER, 1);
    let first = order.placed_change();
    let second = order.pay(receipt(), "paid", 3).unwrap();
    write(&database, |records| {
        records.insert_order(&order)?;
        records.add_history(&order.id, &first)?;
        records.add_history(&order.id, &second)
    });
    assert_eq!(
        read(&database, |records| records.history(&order.id)),
        [first, second]
    );
}

#[test]
fn every_state_of_a_saga_is_read_as_it_was_written() {
    let closing = Closing {
        actor: Actor::System,
        reason: "why".to_owned(),
    };
    let lines =
        [LineProblem::UnknownProduct, LineProblem::InsufficientStock].map(|problem| RejectedLine {
            product_id: ProductId::parse(PRODUCT).unwrap(),
            problem,
            requested: 3,
            available: 2,
        });
    let states = [
        Saga {
            step: Step::Reserved,
            attempts: 2,
            next_attempt_at: 77,
            ..saga(ORDER)
        },
        Saga {
            step: Step::Ready,
            session: Some(session()),
            ..saga(ORDER)
        },
        Saga {
            step: Step::Closing,
            session: Some(session()),
            closing: Some(closing),
            ..saga(ORDER)
        },
        Saga {
            step: Step::Done,
            ..saga(ORDER)
        },
        Saga {
            step: Step::Rejected,
            rejection: Some(Rejection::Lines(lines.to_vec())),
            ..saga(ORDER)
        },
        Saga {
            step: Step::Rejected,
            rejection: Some(Rejection::TotalTooLarge),
            ..saga(ORDER)
        },
        Saga {
            step: Step::Rejected,
            rejection: Some(Rejection::Abandoned),
            ..saga(ORDER)
        },
    ];
    for state in states {
        let database = database();
        write(&database, |records| records.insert_saga(&saga(ORDER)));
        assert_eq!(
            read(&database, |records| records.saga(&order_id(ORDER))),
            Some(saga(ORDER))
        );
        write(&database, |records| records.update_saga(&state));
        write(&database, |records| records.update_saga(&state));
        // Lines go when the stock is held, the client when the order has ended.
        let has_ended = matches!(state.step, Step::Done | Step::Rejected);
        let stored = Saga {
            lines: vec![],
            client: state.client.clone().filter(|_| !has_ended),
            ..state
        };
        assert_eq!(
            read(&database, |records| records.saga(&order_id(ORDER))),
            Some(stored)
        );
    }
}

#[test]
fn follow_ups_are_read_in_order_and_removed_one_by_one() {
    let database = database();
    let id = order_id(ORDER);
    let tasks = [
        Task::CommitStock,
        Task::ReleaseStock,
        Task::RestockStock,
        Task::Acknowledge(EventId::parse(OTHER).unwrap()),
        Task::Refund(PaymentId::parse(OTHER).unwrap()),
        Task::CancelPayment,
    ];
    write(&database, |records| {
        tasks
            .iter()
            .try_for_each(|task| records.add_follow_up(&id, task, 50))
    });
    let owed = read(&database, |records| records.follow_ups(&id));
    assert_eq!(
        owed.iter()
            .map(|follow_up| follow_up.task.clone())
            .collect::<Vec<_>>(),
        tasks
    );
    assert!(read(&database, |records| records.due_follow_ups(49, 10)).is_empty());
    assert_eq!(
        read(&database, |records| records.due_follow_ups(50, 10)),
        [(id.clone(), 0)]
    );
    write(&database, |records| records.postpone_follow_ups(&id, 60));
    assert_eq!(
        read(&database, |records| records.due_follow_ups(60, 10)),
        [(id.clone(), 1)]
    );
    write(&database, |records| {
        records.remove_follow_up(owed[0].number)
    });
    assert_eq!(
        read(&database, |records| records.follow_ups(&id)).len(),
        tasks.len() - 1
    );
}

#[test]
fn the_inbox_takes_an_event_once() {
    let database = database();
    let event = PaymentEvent {
        id: EventId::parse(OTHER).unwrap(),
        event_type: EventType::Succeeded,
        time: 1,
        order_id: order_id(ORDER),
        payment_id: PaymentId::parse(OTHER).unwrap(),
        amount: 1,
        refunded_amount: 0,
        payment_version: 0,
        currency: "EUR".to_owned(),
        receipt_url: None,
        reason: None,
    };
    let insert = || write(&database, |records| records.insert_into_inbox(&event, 1));
    assert_eq!([insert(), insert()], [true, false]);
}

#[test]
fn what_fails_half_way_leaves_nothing() {
    let database = database();
    let result: Result<(), _> = OrderRepository::write(&database, |records| {
        records.insert_order(&order(ORDER, 1))?;
        records.insert_saga(&saga(ORDER))?;
        Err(OrderError::VersionMismatch)
    });
    assert_eq!(result, Err(OrderError::VersionMismatch));
    assert_eq!(
        read(&database, |records| records.order(&order_id(ORDER))),
        None
    );
    assert_eq!(
        read(&database, |records| records.saga(&order_id(ORDER))),
        None
    );
}

#[test]
fn the_schema_refuses_what_the_rules_forbid() {
    let unpaid = Order {
        status: OrderStatus::Paid,
        ..order(ORDER, 1)
    };
    let negative = Order {
        total_amount: Money::from_units(-1),
        ..order(ORDER, 1)
    };
    for broken in [unpaid, negative] {
        let result = OrderRepository::write(&database(), |records| records.insert_order(&broken));
        assert_eq!(result, Err(OrderError::Internal), "{broken:?}");
    }
    for broken in [
        Saga {
            step: Step::Closing,
            ..saga(ORDER)
        },
        Saga {
            step: Step::Rejected,
            ..saga(ORDER)
        },
        Saga {
            step: Step::Ready,
            rejection: Some(Rejection::Abandoned),
            ..saga(ORDER)
        },
    ] {
        let result = OrderRepository::write(&database(), |records| {
            records.insert_saga(&saga(ORDER))?;
            records.update_saga(&broken)
        });
        assert_eq!(result, Err(OrderError::Internal), "{broken:?}");
    }
    let missing = OrderRepository::write(&database(), |records| {
        records.update_order(&order(ORDER, 1))
    });
    assert_eq!(missing, Err(OrderError::Internal));
}

#[test]
fn a_key_is_taken_once_per_customer_and_freed_with_its_order() {
    let database = database();
    let customer = CustomerId::parse(CUSTOMER).unwrap();
    let record = KeyRecord {
        fingerprint: vec![1; 32],
        order_id: order_id(ORDER),
        created_at: 5,
        answer: None,
    };
    write(&database, |records| {
        records.insert_key(&customer, "k", &record)
    });
    assert_eq!(
        read(&database, |records| records.key(&customer, "k")),
        Some(record.clone())
    );
    assert!(read(&database, |records| records.has_key(&order_id(ORDER))));
    let other = KeyRecord {
        order_id: order_id(OTHER),
        ..record.clone()
    };
    assert!(
        OrderRepository::write(&database, |records| records
            .insert_key(&customer, "k", &other))
        .is_err()
    );
    let answer = RecordedAnswer {
        status: 201,
        body: vec![0, 255],
    };
    write(&database, |records| {
        records.set_answer(&customer, "k", &answer)
    });
    let answered = KeyRecord {
        answer: Some(answer),
        ..record
    };
    assert_eq!(
        read(&database, |records| records.key(&customer, "k")),
        Some(answered)
    );
    write(&database, |records| records.free_key(&order_id(ORDER)));
    assert_eq!(read(&database, |records| records.key(&customer, "k")), None);
}

#[test]
fn what_is_asked_often_is_answered_from_an_index() {
    let older = || PageStart::After(order_id(ORDER));
    let by = |status: Option<OrderStatus>, customer: Option<&str>, start: PageStart| {
        let customer_id = customer.map(|id| CustomerId::parse(id).unwrap());
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
        (FOLLOW_UPS.to_owned(), text(1)),
        (PURGE_SAGAS.to_owned(), number(2)),
        (PURGE_KEYS.to_owned(), number(2)),
        (PURGE_INBOX.to_owned(), number(2)),
        (PURGE_HOLDERS.to_owned(), number(2)),
        (UNPAID_ORDERS.to_owned(), number(2)),
        (HAS_OLD.to_owned(), number(4)),
        (HAS_DUE.to_owned(), number(2)),
        (HOLDING.to_owned(), text(1)),
    ]
    .into_iter()
    .chain(REMOVE_ORDERS.map(|statement| (statement.to_owned(), text(1))))
    .chain([
        (HELD_UNITS.to_owned(), text(1)),
        (REPLACEMENT.to_owned(), text(1)),
    ]);
    let database = database();
    for (statement, parameters) in statements {
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let rows = Database::read::<_, Error>(&database, |connection| {
            connection.query(&plan, &parameters)
        })
        .unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get(3).unwrap()).collect();
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
    let database = database();
    let steps = |(statement, values): (String, Vec<Value>)| -> String {
        let rows = Database::read::<_, Error>(&database, |connection| {
            connection.query(&format!("EXPLAIN QUERY PLAN {statement}"), &values)
        });
        let steps: Vec<String> = rows
            .unwrap()
            .iter()
            .map(|row| row.get(3).unwrap())
            .collect();
        steps.join("; ")
    };
    let customer = CustomerId::parse(CUSTOMER).unwrap();
    for status in [None, Some(OrderStatus::Paid)] {
        for customer_id in [None, Some(&customer)] {
            for (created, updated) in [
                (None, None),
                (Some(5), None),
                (None, Some(5)),
                (Some(5), Some(5)),
            ] {
                let filter = OrderFilter {
                    status,
                    customer_id: customer_id.cloned(),
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
                let after = || PageStart::AfterUpdate(7, order_id(ORDER));
                for sort in [LongUnchangedFirst, RecentlyUpdatedFirst] {
                    for start in [PageStart::Offset(0), after()] {
                        let plan = steps(page_of(&filter, sort, true, &start, 10));
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
                    let start = PageStart::After(order_id(ORDER));
                    let many = steps(page_of(&filter, sort, false, &start, 10));
                    assert!(!many.contains("TEMP B-TREE"), "{filter:?}: {many}");
                    assert!(many.starts_with("SEARCH"), "{filter:?}: {many}");
                    if updated.is_some() {
                        let few = steps(page_of(&filter, sort, true, &start, 10));
                        assert!(
                            few.contains(&format!("INDEX {by_update}")),
                            "{filter:?}: {few}"
                        );
                    }
                }
                let count = steps(count_of(&filter));
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
fn orders_from_before_they_were_counted_are_counted() {
    const OLDER: &str = "
        INSERT INTO orders (id, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version)
        VALUES ('o1', 'c', 'PENDING', 1, 1, 'EUR', 1, 1, 2), ('o2', 'c', 'PENDING', 1, 1, 'EUR', 1, 1, 3)";
    let database = Database::in_memory(LABEL, &MIGRATIONS[..2]).unwrap();
    let run: Result<(), Error> = database.write(|connection| {
        for statement in [OLDER].into_iter().chain(MIGRATIONS[2].sql.split(";\n\n")) {
            connection.execute(statement, &[])?;
        }
        Ok(())
    });
    run.unwrap();
    let orders = read(&database, |records| records.figures(0)).orders;
    let counts: Vec<u64> = orders.iter().map(|(_, orders)| *orders).collect();
    assert_eq!(counts, [2, 0, 0, 0, 0]);
}

#[test]
fn telling_figures_reads_no_order() {
    let plan = |statement: &str, parameters: &[Value]| -> String {
        let statement = format!("EXPLAIN QUERY PLAN {statement}");
        let rows: Result<Vec<Row>, Error> =
            database().read(|connection| connection.query(&statement, parameters));
        let steps = rows.unwrap();
        let steps: Vec<String> = steps.iter().map(|row| row.get(3).unwrap()).collect();
        steps.join("\n")
    };
    let waiting = plan(WAITING, params![0, 1]);
    assert!(
        waiting.contains("SEARCH sagas USING INDEX sagas_due"),
        "{waiting}"
    );
    for statement in [ORDER_COUNTS, TALLIES] {
        let steps = plan(statement, params![]);
        assert!(!steps.contains(" orders"), "{steps}");
    }
}

/// The database of a shop from before there were limits, with an unfinished order, a rejected one, and two that are
/// cancelled, one of them with a payment that came too late.
fn older_shop() -> Database {
    const OLDER: [&str; 7] = [
        "INSERT INTO sagas (order_id, customer_id, step, created_at, expires_at, next_attempt_at, attempts)
          VALUES ('s1', 'c', 'ready', 1, 9, 9, 0)",
        "INSERT INTO sagas (order_id, customer_id, step, created_at, expires_at, next_attempt_at, attempts, rejection)
          VALUES ('s2', 'c', 'rejected', 1, 9, 9, 0, 'abandoned')",
        "INSERT INTO saga_lines (order_id, position, product_id, quantity)
          VALUES ('s1', 0, 'p', 3), ('s1', 1, 'q', 4), ('s2', 0, 'p', 5)",
        "INSERT INTO orders (id, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version)
          VALUES ('o1', 'c', 'CANCELLED', 1, 1, 'EUR', 1, 1, 2), ('o2', 'c', 'CANCELLED', 1, 1, 'EUR', 1, 1, 3)",
        "INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
          VALUES ('o1', 0, 'p', 'Tea', 1, 1), ('o2', 0, 'p', 'Tea', 1, 1)",
        "INSERT INTO order_status_history (order_id, from_status, to_status, actor, reason, at)
          VALUES ('o1', 'PENDING', 'CANCELLED', 'system', '', 1), ('o2', 'PENDING', 'CANCELLED', 'system', '', 1)",
        "INSERT INTO order_status_history (order_id, from_status, to_status, actor, reason, at)
          VALUES ('o2', 'CANCELLED', 'CANCELLED', 'system', 'refunded', 2)",
    ];
    let database = Database::in_memory(LABEL, &MIGRATIONS[..4]).unwrap();
    let run: Result<(), Error> = database.write(|connection| {
        let migration = MIGRATIONS[4].sql.split(";\n\n");
        for statement in OLDER.into_iter().chain(migration) {
            connection.execute(statement, &[])?;
        }
        Ok(())
    });
    run.unwrap();
    database
}

#[test]
fn an_older_shops_orders_count_and_its_late_payments_stay() {
    let database = older_shop();
    let account = Holder::stored("c".to_owned());
    let holding = read(&database, |records| records.holding(&account));
    assert_eq!((holding.open_orders, holding.held_units), (1, 7));
    let before = PurgeTimes {
        requests: 0,
        inbox: 0,
        holders: 0,
        unpaid: 5,
    };
    assert!(read(&database, |records| records.has_old(before)));
    assert!(!write(&database, |records| records.purge(before, 10)));
    assert!(!read(&database, |records| records.has_old(before)));
    assert_eq!(
        number(&database, "SELECT COUNT(*) FROM orders WHERE id = 'o2'"),
        1
    );
    assert_eq!(number(&database, "SELECT COUNT(*) FROM orders"), 1);
    assert_eq!(number(&database, "SELECT COUNT(*) FROM order_items"), 1);
    let done = "UPDATE sagas SET step = 'done' WHERE order_id = 's1'";
    let ended = database.write::<_, Error>(|connection| connection.execute(done, &[]));
    ended.unwrap();
    let holding = read(&database, |records| records.holding(&account));
    assert_eq!((holding.open_orders, holding.held_units), (0, 0));
}

#[test]
fn orders_from_before_there_were_numbers_have_them_and_no_two_the_same() {
    const IDS: [&str; 3] = [
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-7fff-bcce-b3ffffffffff",
        // The same last bits as the first one.
        "01890a5d-ac97-774c-8cce-b302099a8057",
    ];
    let is_it = |migration: &Migration| migration.name == "0008_order_numbers";
    let place = MIGRATIONS.iter().position(is_it).unwrap();
    let database = Database::in_memory(LABEL, &MIGRATIONS[..place]).unwrap();
    let run: Result<(), Error> = database.write(|connection| {
        for id in IDS {
            let insert = "
                INSERT INTO orders
                  (id, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version)
                VALUES (?, ?, 'PENDING', 1, 1, 'EUR', 1, 1, 1)";
            connection.execute(insert, params![id, CUSTOMER])?;
        }
        for statement in MIGRATIONS[place].sql.split(";\n\n") {
            connection.execute(statement, &[])?;
        }
        Ok(())
    });
    run.unwrap();
    let numbers = IDS.map(|id| {
        let order = read(&database, |records| records.order(&order_id(id)));
        order.unwrap().number
    });
    for (id, number) in IDS.into_iter().zip(&numbers).take(2) {
        assert_eq!(
            *number,
            OrderNumber::of_id(&order_id(id)),
            "as in a new order"
        );
    }
    assert_ne!(numbers[2], numbers[0]);
}

#[test]
fn an_order_is_found_by_its_number_in_an_index() {
    let database = database();
    write(&database, |records| {
        records.insert_order(&order(ORDER, 1))?;
        records.insert_order(&order(OTHER, 1))
    });
    let number = OrderNumber::of_id(&order_id(OTHER));
    assert!(read(&database, |records| records.has_number(&number)));
    let of_another_id = OrderNumber::of_id(&order_id(CUSTOMER));
    assert!(!read(&database, |records| records.has_number(&of_another_id)));
    for updated_after in [None, Some(1)] {
        let filter = OrderFilter {
            number: Some(number.clone()),
            status: Some(OrderStatus::Pending),
            customer_id: Some(CustomerId::parse(CUSTOMER).unwrap()),
            updated_after,
            ..OrderFilter::default()
        };
        for sort in [OrderSort::NewestFirst, OrderSort::LongUnchangedFirst] {
            let start = PageStart::Offset(0);
            let (found, total) = read(&database, |records| records.list(&filter, sort, &start, 10));
            assert_eq!((found.len(), total), (1, Total::counted(1)));
            let (statement, values) = page_of(&filter, sort, true, &start, 10);
            let rows = Database::read::<_, Error>(&database, |connection| {
                connection.query(&format!("EXPLAIN QUERY PLAN {statement}"), &values)
            });
            let steps: Vec<String> = rows
                .unwrap()
                .iter()
                .map(|row| row.get(3).unwrap())
                .collect();
            let is_by_number = |step: &String| step.contains("orders_by_number");
            assert!(steps.iter().any(is_by_number), "{steps:?}");
        }
    }
    let twice = OrderRepository::write(&database, |records| {
        let mut third = order(CUSTOMER, 1);
        third.number = number.clone();
        records.insert_order(&third)
    });
    assert!(twice.is_err(), "no two orders have one number");
}
