//! What is counted stays right, whoever else counts at the same time. On PostgreSQL each change of a count is a row, and many are
//! folded into few; SQLite has a row for each count.

use std::sync::mpsc::channel;
use std::thread;

use mercato_sql::{Beside, Dialect};

use super::*;

const WRITERS: u64 = 4;
const ROUNDS: u64 = 20;
/// Orders that each writer makes in each of its transactions, of which fewer are paid, and fewer still delivered.
const MADE: u64 = 9;
const PAID: u64 = 6;
const DELIVERED: u64 = 4;

/// Changes after which they are folded; as many more may come before that is committed.
const FOLDED_AT: u64 = 1_000;

/// How many orders there are of that status, and how often the sweep ran.
fn counted(database: &Database, status: OrderStatus) -> (u64, u64) {
    let snapshot = read(database, |records| records.metrics_snapshot(0));
    let orders = snapshot.orders.iter().find(|(of, _)| *of == status);
    (orders.unwrap().1, snapshot.sweeps)
}

/// How many rows the counts are kept in.
fn rows(database: &Database) -> u64 {
    let dialect = database.read::<_, Error>(|connection| Ok(connection.dialect()));
    let statement = match dialect.unwrap() {
        Dialect::Sqlite => {
            "SELECT (SELECT COUNT(*) FROM order_counts) + (SELECT COUNT(*) FROM tallies)"
        }
        Dialect::Postgres => "SELECT COUNT(*) FROM count_changes",
    };
    number(database, statement)
}

fn sweep(database: &Database, times: u64) {
    write(database, |records| {
        (0..times).try_for_each(|now| records.set_last_sweep(now))
    });
}

/// What opens connections to that database, where there can be several.
fn beside(database: &Database) -> Option<Beside> {
    let beside = database.beside().unwrap();
    if beside.is_none() {
        println!("left out: SQLite lets one transaction change it at a time");
    }
    beside
}

/// An order of a writer, through its life as far as its number says.
fn live(records: &Records<'_>, writer: u64, round: u64, nth: u64) -> Result<(), OrderError> {
    let number = (writer * ROUNDS + round) * MADE + nth + 1;
    let mut order = order(&format!("01939f6e-8a00-7000-8000-{number:012x}"), 1);
    assert!(records.insert_order(&order)?);
    if nth < PAID {
        order.pay(receipt(), "paid", 8)?;
        records.update_order(&order)?;
    }
    if nth < DELIVERED {
        order.deliver(Actor::System, "sent", 9)?;
        records.update_order(&order)?;
    }
    Ok(())
}

#[test]
fn counts_are_right_after_many_changes_at_once() {
    let database = database();
    let before = rows(&database);
    let changed = database.change_at_once(WRITERS, |database, writer| {
        for round in 0..ROUNDS {
            let key = Locks::name("test", &writer.to_string());
            let done = Store::write(database, key, |records| {
                (0..MADE).try_for_each(|nth| live(records, writer, round, nth))
            });
            done.unwrap();
        }
    });
    changed.unwrap();
    let all = WRITERS * ROUNDS;
    for (status, orders) in [
        (OrderStatus::Pending, all * (MADE - PAID)),
        (OrderStatus::Paid, all * (PAID - DELIVERED)),
        (OrderStatus::Delivered, all * DELIVERED),
        (OrderStatus::Cancelled, 0),
    ] {
        assert_eq!(counted(&database, status).0, orders, "{status:?}");
    }
    let changes = all * (MADE + 2 * PAID + 2 * DELIVERED);
    assert!(
        changes > 2 * FOLDED_AT,
        "{changes} are too few to be folded"
    );
    let rows = rows(&database) - before;
    assert!(rows <= 2 * FOLDED_AT, "{rows} rows for {changes} changes");
}

#[test]
fn folding_again_and_again_keeps_counts() {
    let database = database();
    write(&database, |records| {
        records.insert_order(&order(ORDER, 1))?;
        records.insert_order(&order(OTHER, 1))
    });
    let mut most = 0;
    for times in 1..=6 {
        sweep(&database, FOLDED_AT);
        assert_eq!(
            counted(&database, OrderStatus::Pending),
            (2, times * FOLDED_AT)
        );
        most = most.max(rows(&database));
    }
    assert!(most <= FOLDED_AT + 10, "{most} rows");
}

/// Does something in a transaction, by another connection. `meanwhile` is done before that is committed, or taken back.
fn while_it_is_open(
    beside: &Beside,
    work: impl Fn(&Database, &dyn Fn()) -> bool + Send,
    meanwhile: impl FnOnce(),
) {
    thread::scope(|scope| {
        let (begun, has_begun) = channel();
        let (may_end, end) = channel::<()>();
        let other = scope.spawn(move || {
            let wait = || {
                begun.send(()).unwrap();
                let _ = end.recv();
            };
            work(&beside.open().unwrap(), &wait)
        });
        has_begun.recv().unwrap();
        meanwhile();
        drop(may_end);
        assert!(other.join().unwrap());
    });
}

#[test]
fn changes_under_way_are_counted_once_while_others_fold() {
    let database = database();
    let Some(beside) = beside(&database) else {
        return;
    };
    for (id, is_committed) in [(ORDER, true), (OTHER, false)] {
        let (pending, sweeps) = counted(&database, OrderStatus::Pending);
        // Its change has a lower number than those that are folded while it is not committed yet.
        let slow = |database: &Database, wait: &dyn Fn()| {
            let written = Store::write(database, Locks::name("test", "slow"), |records| {
                records.insert_order(&order(id, 1))?;
                wait();
                is_committed.then_some(()).ok_or(OrderError::Internal)
            });
            written.is_ok() == is_committed
        };
        while_it_is_open(&beside, slow, || {
            sweep(&database, 2 * FOLDED_AT);
            let now = counted(&database, OrderStatus::Pending);
            assert_eq!(now, (pending, sweeps + 2 * FOLDED_AT));
        });
        sweep(&database, FOLDED_AT);
        assert_eq!(
            counted(&database, OrderStatus::Pending),
            (pending + u64::from(is_committed), sweeps + 3 * FOLDED_AT)
        );
        assert!(rows(&database) <= FOLDED_AT + 10);
    }
}

#[test]
fn who_meets_somebody_who_folds_goes_on_without() {
    let database = database();
    let Some(beside) = beside(&database) else {
        return;
    };
    for is_committed in [true, false] {
        let (_, before) = counted(&database, OrderStatus::Pending);
        let add = "INSERT INTO count_changes (counter, change) SELECT 'sweeps', 1 FROM generate_series(1, 1000)";
        let folding = |database: &Database, wait: &dyn Fn()| {
            let key = Locks::name("test", "folding");
            let written = database.write::<_, Error>(key, |connection| {
                connection.execute(add, &[])?;
                wait();
                is_committed.then_some(()).ok_or(Error::Full)
            });
            written.is_ok() == is_committed
        };
        while_it_is_open(&beside, folding, || {
            // Reaches the next thousand, and does not wait.
            sweep(&database, FOLDED_AT);
            let (_, now) = counted(&database, OrderStatus::Pending);
            assert_eq!(now, before + FOLDED_AT);
        });
        let theirs = if is_committed { FOLDED_AT } else { 0 };
        sweep(&database, FOLDED_AT);
        let (_, now) = counted(&database, OrderStatus::Pending);
        assert_eq!(now, before + theirs + 2 * FOLDED_AT);
    }
}
