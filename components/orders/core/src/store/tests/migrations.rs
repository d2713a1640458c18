//! Databases of older versions of the shop.

use mercato_sql::{Migration, params};

use super::*;

/// The migration of that name. Tests of older ones run also those whose columns the code of now reads.
fn migration(name: &str) -> &'static Migration {
    let is_it = |migration: &&Migration| migration.name == name;
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
        let migrations = [&MIGRATIONS.sqlite[4], migration("0010_checkouts")];
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
        let besides = ["0010_checkouts", "0012_choices"].map(migration);
        let migrations = std::iter::once(&MIGRATIONS.sqlite[place]).chain(besides);
        for statement in migrations.flat_map(|it| it.sql.split(";\n\n")) {
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

/// Stores a quote as versions before did: with rows in six tables.
fn insert_in_rows(connection: &Connection, order: &str, quote: &OrderedQuote) -> Result<(), Error> {
    let insert = |table: &str, values: &[Value]| {
        let places = mercato_sql::placeholders(values.len());
        let statement = format!("INSERT INTO {table} VALUES ({places}) -- of a test");
        connection.execute(&statement, values)
    };
    let (content, drawn, totals) = (quote.content(), quote.quote(), quote.quote().totals);
    let shipping = drawn.shipping.as_ref();
    let values = params![
        order,
        key(quote.checkout_id()),
        quote.token_hash().map(OrderTokenHash::as_str),
        &drawn.id,
        drawn.expires_at,
        &drawn.currency,
        drawn.prices_include_tax,
        &content.email,
        content.note.as_deref(),
        totals.items,
        totals.discount,
        totals.shipping,
        totals.tax,
        totals.total,
        shipping.map(|it| it.code.as_str()),
        shipping.map(|it| it.name.as_str()),
        shipping.map(|it| it.discount),
        shipping.map(|it| it.tax_rate.rate),
        shipping.and_then(|it| it.tax_rate.reason.as_deref()),
        shipping.map(|it| it.net),
        shipping.map(|it| it.tax),
        shipping.map(|it| it.total),
    ];
    insert("order_quotes", values)?;
    for (position, line) in (0_u32..).zip(&drawn.lines) {
        let (id, name, rate) = (&line.product_id, &line.name, &line.tax_rate);
        let (unit_price, amount, discount) = (line.unit_price, line.amount, line.discount);
        let (net, tax, total) = (line.net, line.tax, line.total);
        let reason = rate.reason.as_deref();
        let values = params![
            order,
            position,
            id,
            name,
            line.quantity,
            unit_price,
            amount,
            discount,
            rate.rate,
            reason,
            net,
            tax,
            total
        ];
        insert("order_quote_lines", values)?;
    }
    for (position, it) in (0_u32..).zip(&drawn.discounts) {
        let values = params![order, position, &it.code, &it.label, it.amount];
        insert("order_quote_discounts", values)?;
    }
    for (position, it) in (0_u32..).zip(&drawn.taxes) {
        let reason = it.tax_rate.reason.as_deref();
        let values = params![order, position, it.tax_rate.rate, reason, it.net, it.tax];
        insert("order_quote_taxes", values)?;
    }
    let shipping = [("shipping", &content.shipping_address)].into_iter();
    let billing = content.billing_address.iter().map(|it| ("billing", it));
    for (kind, it) in shipping.chain(billing) {
        let values = params![
            order,
            kind,
            &it.name,
            it.company.as_deref(),
            &it.line1,
            it.line2.as_deref(),
            it.postal_code.as_deref(),
            it.city.as_deref(),
            it.region.as_deref(),
            &it.country,
            it.phone.as_deref(),
        ];
        insert("order_addresses", values)?;
    }
    for (position, (name, value)) in (0_u32..).zip(&content.metadata) {
        insert("order_metadata", params![order, position, name, value])?;
    }
    Ok(())
}

/// A quote that has nothing but what every one has.
fn least_quote() -> OrderedQuote {
    let full = full_quote();
    let mut content = full.content().clone();
    content.billing_address = None;
    content.note = None;
    content.metadata.clear();
    content.quote.prices_include_tax = false;
    content.quote.shipping = None;
    content.quote.discounts.clear();
    content.quote.taxes.clear();
    OrderedQuote::new(full.checkout_id(), None, content).unwrap()
}

/// The quote as it was before there were options.
fn without_choices(quote: &OrderedQuote) -> OrderedQuote {
    let mut content = quote.content().clone();
    for line in &mut content.quote.lines {
        line.choices.clear();
    }
    let hash = quote.token_hash().cloned();
    OrderedQuote::new(quote.checkout_id(), hash, content).unwrap()
}

/// The migrations before that one, and that one, of the database that is tested.
fn up_to(name: &str) -> (Migrations, &'static Migration) {
    let split = |migrations: &'static [Migration]| {
        let is_it = |migration: &Migration| migration.name.ends_with(name);
        let place = migrations.iter().position(is_it).unwrap();
        (&migrations[..place], &migrations[place])
    };
    let (sqlite, postgres) = (split(MIGRATIONS.sqlite), split(MIGRATIONS.postgres));
    let last = if mercato_sql::is_tested_on_postgres() {
        postgres.1
    } else {
        sqlite.1
    };
    let before = Migrations {
        sqlite: sqlite.0,
        postgres: postgres.0,
    };
    (before, last)
}

#[test]
fn quotes_in_rows_of_six_tables_become_documents() {
    let (before, last) = up_to("_quotes_as_documents");
    let database = Database::for_test(LABEL, before).unwrap();
    let kept = [full_quote(), least_quote()].map(|quote| without_choices(&quote));
    let kept: Vec<_> = [ORDER, OTHER].into_iter().zip(kept).collect();
    let found = std::cell::RefCell::new(Vec::new());
    // Taken back in the end: the database is used again.
    let run = database.write::<(), OrderError>(of_a_test(), |connection| {
        for (order, quote) in &kept {
            insert_in_rows(connection, order, quote)?;
        }
        for statement in last.sql.split(";\n\n") {
            connection.execute(&format!("-- plan: a migration\n{statement}"), &[])?;
        }
        let records = Records(connection);
        found.replace(records.quotes(&[order_id(ORDER), order_id(OTHER)])?);
        Err(OrderError::Internal)
    });
    assert_eq!(run, Err(OrderError::Internal));
    let kept = kept
        .into_iter()
        .map(|(order, quote)| (order_id(order), quote));
    let mut found = found.into_inner();
    found.sort_by_key(|(id, _)| *id);
    assert_eq!(found, kept.collect::<Vec<_>>());
}

#[test]
fn nothing_was_chosen_of_lines_from_before_there_were_options() {
    let (before, last) = up_to("_choices");
    let database = Database::for_test(LABEL, before).unwrap();
    let found = std::cell::RefCell::new(None);
    // Taken back in the end: the database is used again.
    let run = database.write::<(), OrderError>(of_a_test(), |connection| {
        let order = "
            INSERT INTO orders
              (id, number, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version)
            VALUES (?, 'M-7K3F-29QD', ?, 'PENDING', 1, 1, 'EUR', 1, 1, 1)";
        connection.execute(order, params![ORDER, CUSTOMER])?;
        let item = "
            INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
            VALUES (?, 0, ?, 'Tea', 1, 1)";
        connection.execute(item, params![ORDER, PRODUCT])?;
        for statement in last.sql.split(";\n\n") {
            connection.execute(&format!("-- plan: a migration\n{statement}"), &[])?;
        }
        // Programs of before go on beside this one.
        let later = item.replace("0, ?", "1, ?");
        connection.execute(&later, params![ORDER, PRODUCT])?;
        found.replace(Records(connection).order_view(order_id(ORDER))?);
        Err(OrderError::Internal)
    });
    assert_eq!(run, Err(OrderError::Internal));
    let items = found.into_inner().unwrap().items;
    let chosen: Vec<_> = items
        .iter()
        .map(|item| (&*item.name, item.choices.len()))
        .collect();
    assert_eq!(chosen, [("Tea", 0), ("Tea", 0)]);
}

/// What versions of today have written has to be read by those of tomorrow.
#[test]
fn the_document_of_a_quote_has_these_members() {
    const DOCUMENT: &str = concat!(
        r#"{"quote":{"id":"q_0000000000000000000000000000000000002098","currency":"USD","prices_include_tax":false,"#,
        r#""lines":[{"product_id":"01939f6e-8a00-7000-8000-00000000000b","name":"Tea","choices":[{"name":"Size","#,
        r#""value":"250 g"}],"quantity":2,"unit_price":99900,"amount":1998,"discount":0,"tax_rate":{"rate":200000,"reason":null},"net":1665,"tax":333,"total":1998},"#,
        r#"{"product_id":"01939f6e-8a00-7000-8000-00000000000b","name":"Tea","choices":[],"quantity":2,"unit_price":5000,"amount":100,"#,
        r#""discount":0,"tax_rate":{"rate":200000,"reason":null},"net":84,"tax":16,"total":100}],"shipping":null,"#,
        r#""discounts":[],"taxes":[],"totals":{"items":2098,"discount":200,"shipping":490,"tax":349,"total":2388},"#,
        r#""expires_at":1800000},"email":"ada@example.com","shipping_address":{"name":"Ada","company":null,"#,
        r#""line1":"Ring 1","line2":null,"postal_code":"1010","city":"Wien","region":null,"country":"AT","#,
        r#""phone":"+43 1 234567"},"billing_address":null,"note":null,"metadata":[]}"#,
    );
    let database = database();
    write(&database, |records| {
        records.insert_quote(order_id(ORDER), &least_quote())
    });
    let statement = "SELECT document FROM order_quotes -- of a test";
    let row = database.read::<_, Error>(|connection| connection.query_one(statement, &[]));
    let stored: String = row.unwrap().unwrap().get("document").unwrap();
    assert_eq!(stored, DOCUMENT);
}

#[test]
fn quotes_from_before_there_were_options_are_read() {
    let database = database();
    write(&database, |records| {
        records.insert_quote(order_id(ORDER), &least_quote())
    });
    let older = "
        UPDATE order_quotes
        SET document = replace(replace(document, '\"choices\":[{\"name\":\"Size\",\"value\":\"250 g\"}],', ''), '\"choices\":[],', '')
        WHERE document LIKE '%choices%' -- plan: of a test";
    let changed = database.write::<_, Error>(of_a_test(), |it| it.execute_counted(older, &[]));
    assert_eq!(changed.unwrap(), 1);
    let found = read(&database, |records| records.quote(order_id(ORDER)));
    assert_eq!(found, Some(without_choices(&least_quote())));
}
