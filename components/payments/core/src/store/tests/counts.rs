//! What is counted stays right, whoever else counts at the same time. On PostgreSQL each change of a count or of a sum is a row, and
//! many are folded into few; SQLite has a row for each count.

use mercato_kernel::Total;
use mercato_sql::Dialect;

use super::*;

const WRITERS: u64 = 4;
const ROUNDS: u64 = 20;
/// Payments that each writer makes in each of its transactions, of which fewer succeed, and fewer still are given back.
const MADE: u64 = 9;
const SUCCEEDED: u64 = 8;
const REFUNDED: u64 = 3;

/// What a payment is of, in minor units: sums have a higher part.
const AMOUNT: i64 = 700_000_001;

/// Changes after which they are folded; as many more may come before that is committed.
const FOLDED_AT: u64 = 1_000;

/// How many rows the counts and the sums are kept in.
fn rows(database: &Database) -> [u64; 2] {
    let statements = database.read::<_, Error>(|connection| {
        Ok(match connection.dialect() {
            Dialect::Sqlite => [
                "SELECT (SELECT COUNT(*) FROM payment_counts) + (SELECT COUNT(*) FROM tallies)",
                "SELECT COUNT(*) FROM money_received",
            ],
            Dialect::Postgres => [
                "SELECT COUNT(*) FROM count_changes",
                "SELECT COUNT(*) FROM money_changes",
            ],
        })
    });
    statements.unwrap().map(|statement| {
        let row = database.read::<_, Error>(|connection| connection.query_one(statement, &[]));
        row.unwrap().unwrap().get(0).unwrap()
    })
}

/// A payment of a writer, through its life as far as its number says.
fn live(records: &Records<'_>, writer: u64, round: u64, nth: u64) -> Stored<()> {
    let number = (writer * ROUNDS + round) * MADE + nth;
    let mut payment = payment_of(&format!("p{number:05}"), &format!("o{number:05}"), AMOUNT);
    records.insert_payment(&payment, None, &[], None)?;
    if nth < SUCCEEDED {
        payment.succeed(&Charge::default(), 20);
        records.save_payment(&payment)?;
    }
    if nth < REFUNDED {
        let total = RefundTotal {
            since: 1,
            until: 1,
            total: units(AMOUNT),
        };
        assert!(payment.record_refunds(&[], &[total], 30));
        records.save_payment(&payment)?;
    }
    Ok(())
}

#[test]
fn sums_are_right_after_many_changes_at_once() {
    let database = Database::for_test(LABEL, MIGRATIONS).unwrap();
    let changed = database.change_at_once(WRITERS, |database, writer| {
        for round in 0..ROUNDS {
            let key = Locks::name("test", &writer.to_string());
            let done = database.write::<_, PaymentError>(key, |connection| {
                let records = Records(connection);
                (0..MADE).try_for_each(|nth| live(&records, writer, round, nth))
            });
            done.unwrap();
        }
    });
    changed.unwrap();
    let [counts, sums] = rows(&database);
    let store = SqlStore(database);
    let snapshot = store.read(|records| records.metrics_snapshot()).unwrap();
    let all = WRITERS * ROUNDS;
    let total = store.read(|records| records.count_payments()).unwrap();
    assert_eq!(total, Total::counted(all * MADE));
    for (status, payments) in [
        (PaymentStatus::Pending, all * (MADE - SUCCEEDED)),
        (PaymentStatus::Succeeded, all * (SUCCEEDED - REFUNDED)),
        (PaymentStatus::Refunded, all * REFUNDED),
    ] {
        let counted = snapshot.payments.iter().find(|(of, _)| *of == status);
        assert_eq!(counted, Some(&(status, payments)));
    }
    let money = store.read(|records| records.money_received()).unwrap();
    let sum = |payments: u64| units(AMOUNT * i64::try_from(payments).unwrap());
    assert_eq!(money.len(), 1);
    assert_eq!(money[0].gross, sum(all * SUCCEEDED));
    assert_eq!(money[0].refunded, sum(all * REFUNDED));
    let (count_changes, sum_changes) = (
        all * (MADE + 2 * SUCCEEDED + 2 * REFUNDED),
        all * (SUCCEEDED + 2 * REFUNDED),
    );
    for (rows, changes) in [(counts, count_changes), (sums, sum_changes)] {
        assert!(changes > FOLDED_AT, "{changes} are too few to be folded");
        let most = 2 * FOLDED_AT;
        assert!(
            rows < changes.min(most),
            "{rows} rows for {changes} changes"
        );
    }
}

#[test]
fn counts_do_not_grow_while_the_relay_has_nothing_to_do() {
    let database = Database::for_test(LABEL, MIGRATIONS).unwrap();
    let mut most = [0, 0];
    for round in 0..4 * ROUNDS {
        let done = database.write::<_, PaymentError>(of_a_test(), |connection| {
            (0..MADE).try_for_each(|nth| live(&Records(connection), 0, round, nth))
        });
        done.unwrap();
        let now = rows(&database);
        most = [most[0].max(now[0]), most[1].max(now[1])];
    }
    assert!(most.iter().all(|rows| *rows < FOLDED_AT + 50), "{most:?}");
}
