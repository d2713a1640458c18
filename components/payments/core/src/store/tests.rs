use mercato_kernel::{AccountId, FromText};
use mercato_money::Money;
use mercato_sql::Migration;

use super::{
    Connection, Database, Error, LABEL, Locks, MIGRATIONS, PurgeTimes, Records, SqlStore, Stored,
};
use crate::application::ports::Store as _;
use crate::domain::{
    Charge, CheckoutLine, CheckoutSession, EventType, MinorUnits, NewPayment, Payment,
    PaymentError, PaymentStatus, PaymentView, ProviderRefund, Refund, RefundFailure, RefundState,
    RefundTotal,
};

mod contents;
mod counts;
mod plans;

const CUSTOMER: &str = "01890a5d-ac96-774b-bcce-000000000001";

fn units(units: i64) -> MinorUnits {
    MinorUnits::new(units).unwrap()
}

/// The id that is called so in a test.
fn id<T: FromText>(name: &str) -> T {
    T::from_text(&text(name)).unwrap()
}

/// Its text, which sorts as its name.
fn text(name: &str) -> String {
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("01890a5d-ac96-774b-bcce-{digits:0<12}")
}

fn payment(name: &str, order: &str) -> Payment {
    payment_of(name, order, 100)
}

fn payment_of(name: &str, order: &str, amount: i64) -> Payment {
    let new = NewPayment {
        order_id: id(order),
        order_number: "M-7K3F-29QD".to_owned(),
        customer_id: AccountId::parse(CUSTOMER).unwrap(),
        amount: units(amount),
        currency: "USD".parse().unwrap(),
        lines: vec![],
        details: None,
        expires_at: 1_000,
    };
    Payment::open(id(name), "test".to_owned(), &new, 10)
}

fn refund(name: &str, key: Option<&str>, created_at: u64) -> Refund {
    Refund {
        id: id(name),
        payment_id: id("p1"),
        duplicate_charge: None,
        amount: units(30),
        refunded_before: units(0),
        reason: Some("it's \"broken\"; DROP TABLE refunds".to_owned()),
        idempotency_key: key.map(str::to_owned),
        fingerprint: vec![0, 255],
        state: RefundState::Pending,
        attempts: 0,
        created_at,
        answer: None,
    }
}

fn of_a_test() -> Locks {
    Locks::name("test", "")
}

fn write<T>(store: &SqlStore, work: impl Fn(&Records<'_>) -> Stored<T>) -> T {
    store.write(of_a_test(), work).unwrap()
}

fn store_with_payment() -> SqlStore {
    let store = SqlStore::for_test();
    write(&store, |records| {
        records.insert_payment(&payment("p1", "o1"), None, &[], None)
    });
    store
}

#[test]
fn a_payment_is_read_as_it_was_written() {
    let store = store_with_payment();
    let mut payment = payment("p1", "o1");
    let found = || {
        store
            .read(|records| records.find_payment(id("p1")))
            .unwrap()
            .unwrap()
    };
    assert_eq!(found(), payment);
    payment.record_session(
        1,
        CheckoutSession {
            id: "cs_1".to_owned(),
            url: "http://pay".to_owned(),
            expires_at: 1_000,
        },
        20,
    );
    write(&store, |records| records.save_payment_and_session(&payment));
    assert_eq!(found(), payment);
    payment.begin_next_session(2_000, 1_000);
    payment.succeed(
        &Charge {
            reference: Some("pi_1".to_owned()),
            receipt_url: Some("http://receipt".to_owned()),
        },
        1_001,
    );
    let failed = ProviderRefund {
        id: "re_1".to_owned(),
        amount: units(30),
        created_at: 1,
        failure: Some(RefundFailure {
            at: 2,
            reason: "gone".to_owned(),
        }),
    };
    let total = RefundTotal {
        since: 3,
        until: 3,
        total: units(40),
    };
    assert!(payment.record_refunds(&[failed], &[total], 1_002));
    write(&store, |records| records.save_payment_and_session(&payment));
    assert_eq!(found(), payment);
    store
        .read(|records| {
            assert_eq!(
                records.find_payment_of_order(id("o1"))?.as_ref(),
                Some(&payment)
            );
            assert_eq!(
                records.find_payment_of_session("cs_1")?.as_ref(),
                Some(&payment),
                "an older one"
            );
            assert_eq!(records.find_payment(id("p2"))?, None);
            assert_eq!(records.find_payment_of_order(id("o2"))?, None);
            assert_eq!(records.find_payment_of_session("cs_2")?, None);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_order_has_one_payment() {
    let store = store_with_payment();
    let second = store.write(of_a_test(), |records| {
        records.insert_payment(&payment("p2", "o1"), None, &[], None)
    });
    // Where there are several writers, another one may have been faster.
    let refused = matches!(
        second,
        Err(PaymentError::Internal | PaymentError::Unavailable)
    );
    assert!(refused, "{second:?}");
    assert_eq!(
        store.read(|records| records.find_payment(id("p2"))),
        Ok(None),
        "nothing is left of it"
    );
}

#[test]
fn the_database_itself_refuses_to_refund_more_than_was_paid() {
    let store = store_with_payment();
    let mut payment = payment("p1", "o1");
    payment.succeed(&Charge::default(), 20);
    let payment = Payment::restore(PaymentView {
        refunded: units(101),
        ..payment.into()
    });
    assert!(
        store
            .write(of_a_test(), |records| records.save_payment(&payment))
            .is_err()
    );
}

#[test]
fn an_error_takes_the_whole_transaction_back() {
    let store = store_with_payment();
    let result: Result<(), _> = store.write(of_a_test(), |records| {
        records.append_event(&payment("p1", "o1").event(id("e1"), EventType::Succeeded, 1))?;
        Err(PaymentError::MalformedEvent)
    });
    assert_eq!(result, Err(PaymentError::MalformedEvent));
    assert_eq!(store.read(|records| records.find_entry(id("e1"))), Ok(None));
}

#[test]
fn lines_keep_their_sequence() {
    let store = SqlStore::for_test();
    let lines: Vec<_> = ["b", "a", "c"]
        .into_iter()
        .zip(1..)
        .map(|(name, quantity)| CheckoutLine {
            name: name.to_owned(),
            unit_price: Money::from_units(12_345),
            quantity,
        })
        .collect();
    write(&store, |records| {
        records.insert_payment(&payment("p1", "o1"), Some("M-7K3F-29QD"), &lines, None)?;
        records.insert_payment(&payment("p2", "o2"), None, &[], None)
    });
    for (payment, number) in [("p1", Some("M-7K3F-29QD")), ("p2", None), ("p3", None)] {
        let content = store.read(|records| records.content_of_payment(id(payment)));
        let content = content.unwrap();
        assert_eq!(content.order_number.as_deref(), number);
        assert_eq!(content.lines.is_empty(), payment != "p1");
        assert_eq!(content.details, None);
    }
    let content = store.read(|records| records.content_of_payment(id("p1")));
    assert_eq!(content.unwrap().lines, lines);
}

#[test]
fn a_payment_has_one_pending_refund() {
    let store = store_with_payment();
    write(&store, |records| {
        records.insert_refund(&refund("r1", Some("k"), 10), 20)
    });
    assert!(
        store
            .write(of_a_test(), |records| records
                .insert_refund(&refund("r2", None, 10), 20))
            .is_err()
    );
    write(&store, |records| {
        assert_eq!(
            records.find_pending_refund(id("p1"))?,
            Some(refund("r1", Some("k"), 10))
        );
        assert_eq!(records.find_due_refund(19)?, None);
        assert_eq!(
            records.find_due_refund(20)?.map(|refund| refund.id),
            Some(id("r1"))
        );
        records.postpone_refund(id("r1"), 50, 21)?;
        assert_eq!(records.find_due_refund(49)?, None);
        assert_eq!(
            records
                .find_pending_refund(id("p1"))?
                .map(|refund| refund.attempts),
            Some(1)
        );
        assert!(records.finish_refund(id("r1"), Ok(Some("re_1")), 30)?);
        assert!(!records.finish_refund(id("r1"), Err("too late"), 31)?);
        assert_eq!(
            records
                .find_refund_by_key("k", 0)?
                .map(|refund| refund.state),
            Some(RefundState::Succeeded)
        );
        records.insert_refund(&refund("r2", Some("k2"), 40), 50)?;
        assert!(records.finish_refund(id("r2"), Err("no"), 41)?);
        let status = records
            .find_refund_by_key("k2", 0)?
            .map(|refund| refund.state);
        assert_eq!(status, Some(RefundState::Failed("no".to_owned())));
        assert_eq!(records.find_pending_refund(id("p1"))?, None);
        Ok(())
    });
}

#[test]
fn an_idempotency_key_is_found_until_it_is_old() {
    let store = store_with_payment();
    write(&store, |records| {
        records.insert_refund(&refund("r1", Some("k"), 10), 20)?;
        assert!(
            records.find_refund_by_key("k", 10)?.is_some(),
            "pending ones never grow old"
        );
        records.finish_refund(id("r1"), Ok(None), 30)?;
        assert!(records.find_refund_by_key("k", 29)?.is_some());
        assert!(records.find_refund_by_key("k", 30)?.is_none());
        records.insert_refund(&refund("r2", Some("k"), 40), 50)?;
        assert_eq!(
            records.find_refund_by_key("k", 0)?.map(|refund| refund.id),
            Some(id("r2"))
        );
        Ok(())
    });
}

#[test]
fn the_secret_that_was_kept_first_stays() {
    let store = SqlStore::for_test();
    write(&store, |records| {
        assert_eq!(records.generated_secret()?, None);
        assert_eq!(records.keep_generated_secret("one")?, "one");
        assert_eq!(records.keep_generated_secret("two")?, "one");
        assert_eq!(records.generated_secret()?, Some("one".to_owned()));
        Ok(())
    });
}

#[test]
fn an_acknowledged_event_is_out_of_reach() {
    let store = store_with_payment();
    let event = payment("p1", "o1").event(id("e1"), EventType::Cancelled, 5);
    write(&store, |records| {
        records.append_event(&event)?;
        let mut entry = records
            .find_entry(id("e1"))?
            .ok_or(PaymentError::NotFound)?;
        assert_eq!(entry.event, event);
        assert_eq!(records.pending_event(id("e1"))?.as_ref(), Some(&event));
        records.acknowledge_event(id("e1"), 6)?;
        entry.retry(9);
        records.save_entry(&entry)?;
        assert_eq!(records.find_entry(id("e1"))?, None);
        assert_eq!(records.pending_event(id("e1"))?, None);
        assert_eq!(records.pending_events_of_order(id("o1"))?, []);
        assert_eq!(records.lag()?, super::outbox::OutboxLag::default());
        Ok(())
    });
}

#[test]
fn the_relays_last_run_is_remembered() {
    let store = SqlStore::for_test();
    write(&store, |records| {
        assert_eq!(records.last_relay_run()?, 0);
        records.record_relay_run(7)?;
        records.record_relay_run(8)?;
        assert_eq!(records.last_relay_run()?, 8);
        Ok(())
    });
}

/// A database from before payments were removed, with a payment of every kind.
fn older_store() -> SqlStore {
    const PAYMENT: &str = "
        INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider,
          session_number, provider_reference, created_at, updated_at, version)
        VALUES (?1, ?1, '01890a5d-ac96-774b-bcce-000000000001', 5, 0, 'EUR', ?2, 'mock', 1, ?3, 1, 10, 2)";
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..3]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        for (id, status, reference) in [
            ("unpaid", "CANCELLED", None),
            ("failed", "FAILED", None),
            ("charged", "CANCELLED", Some("pi_1")),
            ("paid", "SUCCEEDED", Some("pi_2")),
            ("open", "PENDING", None),
            ("untold", "CANCELLED", None),
        ] {
            connection.execute(PAYMENT, mercato_sql::params![id, status, reference])?;
        }
        for statement in [
            "INSERT INTO sessions (payment_id, number, requested_expiry) SELECT id, 1, 9 FROM payments",
            "INSERT INTO checkout_lines (payment_id, position, name, unit_price, quantity)
              SELECT id, 0, 'Tea', 1, 1 FROM payments",
            "INSERT INTO webhooks (event_id, event_type, payment_id, received_at) SELECT id, 'x', id, 9 FROM payments",
            "INSERT INTO outbox (event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
                next_attempt_at, acknowledged_at)
              SELECT id, 'cancelled', 1, id, id, 5, 0, 'EUR', 1, iif(id = 'untold', NULL, 9) FROM payments",
        ] {
            connection.execute(statement, &[])?;
        }
        migrate_from(connection, 3)
    });
    run.unwrap();
    SqlStore(database)
}

/// Brings an older database to the newest version.
fn migrate_from(connection: &Connection, version: usize) -> Result<(), Error> {
    for statement in MIGRATIONS.sqlite[version..]
        .iter()
        .flat_map(|migration| migration.sql.split(";\n\n"))
    {
        connection.execute(statement, &[])?;
    }
    Ok(())
}

#[test]
fn refunds_of_older_versions_can_fail_too() {
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..6]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        for statement in [
            "INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider,
                session_number, provider_reference, created_at, updated_at, version)
              VALUES ('01890a5d-ac96-774b-bcce-703100000000', '01890a5d-ac96-774b-bcce-6f3100000000',
                '01890a5d-ac96-774b-bcce-000000000001', 100, 90, 'EUR', 'SUCCEEDED', 'mock', 1, 'pi_1', 1, 10, 4)",
            "INSERT INTO sessions (payment_id, number, requested_expiry) VALUES ('01890a5d-ac96-774b-bcce-703100000000', 1, 9)",
            "INSERT INTO refunds (id, payment_id, amount, refunded_before, fingerprint, status, provider_id, attempts,
                next_attempt_at, created_at, updated_at)
              VALUES ('01890a5d-ac96-774b-bcce-723100000000', '01890a5d-ac96-774b-bcce-703100000000', 60, 0, X'00', 'SUCCEEDED', 're_1', 0, 1, 1, 1)",
            "INSERT INTO outbox (sequence, event_id, event_type, time, order_id, payment_id, amount, refunded_amount,
                currency, next_attempt_at)
              VALUES (7, '01890a5d-ac96-774b-bcce-653100000000', 'refunded', 1, '01890a5d-ac96-774b-bcce-6f3100000000', '01890a5d-ac96-774b-bcce-703100000000', 100, 90, 'EUR', 1)",
        ] {
            connection.execute(statement, &[])?;
        }
        migrate_from(connection, 6)
    });
    run.unwrap();
    let store = SqlStore(database);
    let mut payment = store
        .read(|records| records.find_payment(id("p1")))
        .unwrap()
        .unwrap();
    let failed = ProviderRefund {
        id: "re_1".to_owned(),
        amount: units(60),
        created_at: 5,
        failure: Some(RefundFailure {
            at: 7,
            reason: "gone".to_owned(),
        }),
    };
    let known = |store: &SqlStore| {
        let known = store.read(|records| {
            let refunds = records.provider_refunds("pi_1")?;
            Ok((refunds, records.refund_totals(id("p1"), "pi_1")?))
        });
        known.unwrap()
    };
    let (refunds, totals) = known(&store);
    assert!(!payment.record_refunds(&refunds, &totals, 20), "as it was");
    write(&store, |records| {
        records.keep_provider_refund(None, "pi_1", &failed, 20)?;
        records.fail_refund("re_1", "gone", 20)?;
        let event = payment.event(id("e2"), EventType::Updated, 20);
        records.append_event(&event)
    });
    let (refunds, totals) = known(&store);
    assert!(payment.record_refunds(&refunds, &totals, 20));
    assert_eq!(
        (payment.refunded, payment.failed_refunds),
        (units(30), units(60))
    );
    assert_eq!(store.count("refunds WHERE status = 'FAILED'"), 1);
    assert_eq!(
        store.count("outbox WHERE sequence = 8 AND event_type = 'updated'"),
        1
    );
    let snapshot = store.read(|records| records.metrics_snapshot()).unwrap();
    assert_eq!(snapshot.refunds_failed, 1);
}

#[test]
fn old_payments_without_money_go_with_all_that_is_theirs() {
    let store = older_store();
    let before = |unpaid| PurgeTimes {
        exchanged: 0,
        answered: 0,
        unpaid,
    };
    assert_eq!(store.read(|records| records.has_old(before(9))), Ok(false));
    assert_eq!(store.read(|records| records.has_old(before(10))), Ok(true));
    assert_eq!(
        store.write(of_a_test(), |records| records.purge(before(10), 1)),
        Ok(true)
    );
    assert_eq!(
        store.write(of_a_test(), |records| records.purge(before(10), 10)),
        Ok(false)
    );
    assert_eq!(store.read(|records| records.has_old(before(10))), Ok(false));
    for table in [
        "payments",
        "sessions",
        "payment_contents",
        "webhooks",
        "outbox",
    ] {
        assert_eq!(store.count(table), 4, "{table}");
    }
    assert_eq!(store.count("payments WHERE id IN ('unpaid', 'failed')"), 0);
    let counted = store
        .read(|records| records.metrics_snapshot())
        .unwrap()
        .payments;
    let total: u64 = counted.iter().map(|(_, payments)| payments).sum();
    assert_eq!(total, 4);
}

/// Sums of all payments as they are, and as they were counted.
fn sums(store: &SqlStore) -> (Vec<(i64, i64)>, u64) {
    let counted = store.read(|records| records.money_received()).unwrap();
    let sums = counted
        .iter()
        .map(|money| (money.gross.get(), money.refunded.get()));
    let wrong = "
        (SELECT currency, SUM(amount + duplicates) AS gross, SUM(refunded_amount + duplicates_refunded) AS refunded,
          SUM(lost_to_disputes) AS lost
        FROM payments
        WHERE status IN ('SUCCEEDED', 'REFUNDED')
        GROUP BY currency) AS summed
        JOIN money_received USING (currency)
        WHERE gross <> gross_high * 1000000000 + gross_low
          OR refunded <> refunded_high * 1000000000 + refunded_low
          OR lost <> lost_high * 1000000000 + lost_low";
    (sums.collect(), store.count(wrong))
}

#[test]
fn money_of_payments_is_counted_and_corrected() {
    let store = store_with_payment();
    assert_eq!(sums(&store), (vec![], 0));
    for (change, expected) in [
        ("UPDATE payments SET amount = 5000000000", vec![]),
        (
            "UPDATE payments SET status = 'SUCCEEDED'",
            vec![(5_000_000_000, 0)],
        ),
        (
            "UPDATE payments SET refunded_amount = 3000000001",
            vec![(5_000_000_000, 3_000_000_001)],
        ),
        (
            "UPDATE payments SET refunded_amount = amount, status = 'REFUNDED'",
            vec![(5_000_000_000, 5_000_000_000)],
        ),
        // A second charge, given back, and a dispute that was lost and is won after all.
        (
            "UPDATE payments SET duplicates = 5000000000, duplicates_refunded = 4999999999, lost_to_disputes = 7000000001",
            vec![(10_000_000_000, 9_999_999_999)],
        ),
        (
            "UPDATE payments SET duplicates = 0, duplicates_refunded = 0, lost_to_disputes = 0",
            vec![(5_000_000_000, 5_000_000_000)],
        ),
        // A refund that did not arrive.
        (
            "UPDATE payments SET refunded_amount = 1999999999, status = 'SUCCEEDED'",
            vec![(5_000_000_000, 1_999_999_999)],
        ),
        (
            "UPDATE payments SET refunded_amount = 0, status = 'FAILED'",
            vec![(0, 0)],
        ),
    ] {
        store.execute(change);
        assert_eq!(sums(&store), (expected, 0), "{change}");
    }
}

#[test]
fn no_number_of_payments_makes_a_sum_overflow() {
    let store = SqlStore::for_test();
    for number in 0..4 {
        let large = Payment::restore(PaymentView {
            amount: units(i64::MAX / 2),
            status: PaymentStatus::Succeeded,
            ..payment(&format!("p{number}"), &format!("o{number}")).into()
        });
        write(&store, |records| {
            records.insert_payment(&large, None, &[], None)
        });
    }
    let counted = store.read(|records| records.money_received()).unwrap();
    assert_eq!(counted[0].gross, units(i64::MAX), "the largest there is");
}

#[test]
fn payments_from_before_their_money_was_counted_are_counted() {
    const OLDER: [&str; 2] = [
        "INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider,
          session_number, created_at, updated_at, version)
        VALUES ('a', 'o1', 'c', 3000000000, 5, 'EUR', 'SUCCEEDED', 'test', 1, 1, 1, 1),
          ('b', 'o2', 'c', 7, 7, 'EUR', 'REFUNDED', 'test', 1, 1, 1, 1),
          ('c', 'o3', 'c', 11, 0, 'EUR', 'PENDING', 'test', 1, 1, 1, 1)",
        "INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider,
          session_number, created_at, updated_at, version)
        VALUES ('d', 'o4', 'c', 13, 0, 'JPY', 'SUCCEEDED', 'test', 1, 1, 1, 1)",
    ];
    let is_it = |migration: &Migration| migration.name == "0009_money_received";
    let place = MIGRATIONS.sqlite.iter().position(is_it).unwrap();
    let database = Database::in_memory(LABEL, &MIGRATIONS.sqlite[..place]).unwrap();
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        for statement in OLDER {
            connection.execute(statement, &[])?;
        }
        migrate_from(connection, place)
    });
    run.unwrap();
    assert_eq!(sums(&SqlStore(database)).0, [(3_000_000_007, 12), (13, 0)]);
}
