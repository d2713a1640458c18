//! Databases of older versions of the shop.

use mercato_sql::{Migration, params};

use super::*;

/// What the code of now reads besides.
fn checkouts() -> &'static Migration {
    let is_it = |migration: &&Migration| migration.name == "0010_checkouts";
    MIGRATIONS.sqlite.iter().find(is_it).unwrap()
}

#[test]
fn orders_from_before_they_were_counted_are_counted() {
    const OLDER: &str = "
        INSERT INTO orders (id, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version)
        VALUES ('o1', 'c', 'PENDING', 1, 1, 'EUR', 1, 1, 2), ('o2', 'c', 'PENDING', 1, 1, 'EUR', 1, 1, 3)";
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..2]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        for statement in [OLDER]
            .into_iter()
            .chain(MIGRATIONS.sqlite[2].sql.split(";\n\n"))
        {
            connection.execute(statement, &[])?;
        }
        Ok(())
    });
    run.unwrap();
    let orders = read(&database, |records| records.metrics_snapshot(0)).orders;
    let counts: Vec<u64> = orders.iter().map(|(_, orders)| *orders).collect();
    assert_eq!(counts, [2, 0, 0, 0, 0]);
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
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..4]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        let migrations = [&MIGRATIONS.sqlite[4], checkouts()];
        let statements = migrations.iter().flat_map(|it| it.sql.split(";\n\n"));
        for statement in OLDER.into_iter().chain(statements) {
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
    let [holding, _] = read(&database, |records| {
        records.holdings([Some(&account), None])
    });
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
    let ended = database.write::<_, Error>(of_a_test(), |connection| connection.execute(done, &[]));
    ended.unwrap();
    let [holding, _] = read(&database, |records| {
        records.holdings([Some(&account), None])
    });
    assert_eq!((holding.open_orders, holding.held_units), (0, 0));
}

#[test]
fn orders_from_before_there_were_numbers_have_them() {
    const IDS: [&str; 3] = [
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-7fff-bcce-b3ffffffffff",
        // The same last bits as the first one.
        "01890a5d-ac97-774c-8cce-b302099a8057",
    ];
    let is_it = |migration: &Migration| migration.name == "0008_order_numbers";
    let place = MIGRATIONS.sqlite.iter().position(is_it).unwrap();
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..place]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        for id in IDS {
            let insert = "
                INSERT INTO orders
                  (id, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version)
                VALUES (?, ?, 'PENDING', 1, 1, 'EUR', 1, 1, 1)";
            connection.execute(insert, params![id, CUSTOMER])?;
        }
        let migrations = [&MIGRATIONS.sqlite[place], checkouts()];
        for statement in migrations.iter().flat_map(|it| it.sql.split(";\n\n")) {
            connection.execute(statement, &[])?;
        }
        Ok(())
    });
    run.unwrap();
    let numbers = IDS.map(|id| {
        let order = read(&database, |records| records.order_view(order_id(id)));
        order.unwrap().number
    });
    for (id, number) in IDS.into_iter().zip(&numbers).take(2) {
        assert_eq!(
            *number,
            OrderNumber::of_id(order_id(id)),
            "as in a new order"
        );
    }
    assert_ne!(numbers[2], numbers[0]);
}

#[test]
fn what_was_pending_before_there_were_codes_stays_so() {
    let is_it = |migration: &Migration| migration.name == "0010_checkouts";
    let place = MIGRATIONS.sqlite.iter().position(is_it).unwrap();
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..place]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        let insert = "
            INSERT INTO follow_ups (number, order_id, task, subject, attempts, next_attempt_at)
            VALUES (7, ?1, 'commit-stock', NULL, 2, 5), (8, ?1, 'acknowledge', 'e', 2, 5)";
        connection.execute(insert, params![ORDER])?;
        for statement in MIGRATIONS.sqlite[place].sql.split(";\n\n") {
            connection.execute(statement, &[])?;
        }
        Ok(())
    });
    run.unwrap();
    let id = order_id(ORDER);
    let pending = || read(&database, |records| records.pending_actions(id));
    let numbers: Vec<u64> = pending().iter().map(|it| it.number).collect();
    assert_eq!((numbers, pending()[0].attempts), (vec![7, 8], 2));
    write(&database, |records| {
        records.add_pending_actions(id, &[Action::CommitCodes, Action::ReleaseCodes], 1)
    });
    let last = pending().pop().unwrap();
    assert_eq!((last.number, last.action), (10, Action::ReleaseCodes));
    write(&database, |records| records.postpone_pending_actions(id, 9));
    let retries = "SELECT follow_up_retries FROM tallies";
    assert_eq!(number(&database, retries), 4);
}
