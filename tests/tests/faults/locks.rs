//! Another program holds a database's write lock: for a moment, and for long.

use std::{
    thread,
    time::{Duration, Instant},
};

use mercato_tests::{
    Server, is_quick,
    shop::{Account, Shop, unique},
    wait_until,
};
use rusqlite::Connection;

use crate::market::{Market, order};

/// Less than a statement waits.
const MOMENT: Duration = Duration::from_millis(1_500);

/// The longest that anything may take to be refused: what a statement waits, and what else there is to do on a busy
/// machine. For what needs no lock, it must not take as long as a statement waits.
const REFUSAL_TIME: Duration = Duration::from_secs(12);
const READ_TIME: Duration = Duration::from_secs(4);

const STOCK: u64 = 100_000;

/// More than there are threads in the runner, on this machine or another.
const WAITING: usize = 40;

/// A transaction of another program on a database of a server.
struct Lock(Connection);

impl Lock {
    fn hold(server: &Server, database: &str, begin: &str) -> Self {
        let path = server.databases().join(format!("{database}.db"));
        let connection = Connection::open(path).expect("the database");
        wait_until("the lock", || connection.execute_batch(begin).ok());
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").expect("the end of the lock");
    }
}

#[test]
fn a_lock_of_a_moment_costs_a_moment() {
    if is_quick() {
        return;
    }
    let server = Server::start();
    let market = Market::new(&[&server], 4, STOCK);
    let mut report = market.trade_during(|| {
        for (database, begin) in [
            ("orders", "BEGIN IMMEDIATE"),
            ("products", "BEGIN EXCLUSIVE"),
            ("payments", "BEGIN IMMEDIATE"),
        ] {
            market.wait_for_answers(6);
            let lock = Lock::hold(&server, database, begin);
            thread::sleep(MOMENT);
            lock.release();
        }
        market.wait_for_answers(6);
    });
    eprintln!("slowest: {:?}", report.slowest);
    assert!(report.refused.is_empty(), "{}", report.refused[0].text());
    market.settle(&mut report);
}

/// What needs the locked database's writer is refused in time; everything else goes on.
fn long(database: &str) {
    let server = Server::start();
    let market = Market::new(&[&server], WAITING, STOCK);
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, STOCK);
    let paid = shop.paid_order(&customer, &product, 1);
    let pending = customer.order(&[(&product, 1)]);
    let key = unique("key").replace(' ', "-");

    let lock = Lock::hold(&server, database, "BEGIN IMMEDIATE");
    let mut report = market.trade_during(|| {
        let started = Instant::now();
        let refused = order(&server.client(), &customer, &key, &product).expect("an answer");
        eprintln!("{database}: {} after {:?}", refused.text(), started.elapsed());
        assert!(started.elapsed() < REFUSAL_TIME, "{:?}", started.elapsed());
        assert!(refused.header("retry-after").is_some());
        let code = if database == "payments" { "payment-unavailable" } else { "unavailable" };
        refused.expect_problem(503, code);
        read_everything(&shop, &customer, &product, [&paid.id, &pending.id]);
        if database != "auth" {
            shop.customer();
        }
    });
    lock.release();
    eprintln!("{database}: {} refused, {} placed, slowest {:?}", report.refused.len(), report.placed(), report.slowest);
    assert!(!report.refused.is_empty());
    report.expect_helpful_refusals();
    assert!(report.slowest < REFUSAL_TIME, "{:?}", report.slowest);
    market.settle(&mut report);

    let first = order(&server.client(), &customer, &key, &product).expect("an answer").expect(201);
    let again = order(&server.client(), &customer, &key, &product).expect("an answer").expect(201);
    assert_eq!(first.bytes(), again.bytes());
    shop.pay(&pending);
    customer.wait_for_order(&pending.id, "PAID");
    shop.wait_for_stock(&product, STOCK - 3, 1, 2);
}

fn read_everything(shop: &Shop, customer: &Account, product: &str, orders: [&str; 2]) {
    let started = Instant::now();
    let get = |path: &str| {
        let started = Instant::now();
        customer.get(path).send().expect(200);
        eprintln!("{path}: {:?}", started.elapsed());
    };
    get(&format!("/api/v1/products/{product}"));
    get("/api/v1/products?limit=3");
    get("/api/v1/orders");
    for order in orders {
        get(&format!("/api/v1/orders/id/{order}"));
        get(&format!("/api/v1/payments/order/{order}"));
    }
    shop.nobody().get("/api/health/ready").send().expect(200);
    eprintln!("all reads: {:?}", started.elapsed());
    assert!(started.elapsed() < READ_TIME, "{:?}", started.elapsed());
}

#[test]
fn while_orders_are_locked_for_long_an_order_is_refused_and_reads_go_on() {
    if is_quick() {
        return;
    }
    long("orders");
}

#[test]
fn while_the_catalogue_is_locked_for_long_an_order_is_refused_and_reads_go_on() {
    if is_quick() {
        return;
    }
    long("products");
}

#[test]
fn while_payments_are_locked_for_long_an_order_is_refused_and_reads_go_on() {
    if is_quick() {
        return;
    }
    long("payments");
}
