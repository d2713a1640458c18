//! Another program holds a database's write lock: for a moment, and for long.

use std::{
    thread,
    time::{Duration, Instant},
};

use mercato_tests::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Server, is_quick,
    shop::{Account, Shop, unique},
    wait_until,
};
use rusqlite::Connection;
use serde_json::json;

use crate::market::{Market, order};

/// Less than a statement waits.
const MOMENT: Duration = Duration::from_secs(1);

/// The longest that anything may take to be refused: what a statement waits, and what else there is to do on a busy
/// machine.
const REFUSAL_TIME: Duration = Duration::from_secs(12);

/// Less than a statement waits for a lock that is not known yet.
const KNOWN_TIME: Duration = Duration::from_secs(4);

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
        self.0
            .execute_batch("ROLLBACK")
            .expect("the end of the lock");
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
    report.expect_no_trouble();
    market.settle(&mut report);
}

/// The relay that follows an answer waits for the lock; the answer does not wait for the relay.
#[test]
fn who_reads_does_not_wait_for_what_follows_the_answer() {
    if is_quick() {
        return;
    }
    let server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    // Every database has its tables.
    shop.buy(&customer, &shop.product(1, 1), 1);
    let lock = Lock::hold(&server, "payments", "BEGIN IMMEDIATE");
    let started = Instant::now();
    while started.elapsed() < 3 * MOMENT {
        let ((), took) = timed(|| drop(customer.get("/api/v1/orders").expect(200)));
        assert!(took < MOMENT, "{took:?}");
    }
    lock.release();
}

#[test]
fn while_a_database_is_locked_writes_are_refused_reads_go_on() {
    if is_quick() {
        return;
    }
    thread::scope(|scope| {
        for (database, code) in [
            ("orders", "unavailable"),
            ("products", "unavailable"),
            ("payments", "payment-unavailable"),
        ] {
            scope.spawn(move || lock_for_long(database, code));
        }
        scope.spawn(lock_accounts_for_long);
    });
}

/// Nobody can log in, and whoever is logged in goes on buying.
fn lock_accounts_for_long() {
    let server = Server::start();
    let market = Market::new(&[&server], 2, STOCK);
    let admin = market.shop().admin();
    let lock = Lock::hold(&server, "auth", "BEGIN IMMEDIATE");
    let credentials = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let mut report = market.trade_during(|| {
        let log_in = server.client();
        let log_in = log_in.post("/api/v1/auth/login").json(&credentials);
        let (refused, took) = timed(|| log_in.send());
        assert!(refused.header("retry-after").is_some());
        refused.expect_problem(503, "unavailable");
        assert!(took < REFUSAL_TIME, "{took:?}");
        admin.get("/api/v1/auth/users").expect(200);
    });
    lock.release();
    report.expect_no_trouble();
    assert!(report.paid() > 0);
    market.settle(&mut report);
    market.shop().log_in(ADMIN_EMAIL, ADMIN_PASSWORD);
}

/// What needs the locked database's writer is refused in time, with that code; everything else goes on.
fn lock_for_long(database: &str, code: &str) {
    let server = Server::start();
    let market = Market::new(&[&server], WAITING, STOCK);
    let shop = market.shop();
    let (customer, product) = (shop.customer(), shop.product(1, STOCK));
    let paid = shop.buy(&customer, &product, 1);
    let pending = customer.order(&[(&product, 1)]);
    let key = unique("key").replace(' ', "-");
    let ask = || order(&server.client(), &customer, &key, &product).expect("an answer");

    let lock = Lock::hold(&server, database, "BEGIN IMMEDIATE");
    let mut report = market.trade_during(|| {
        let (refused, took) = timed(ask);
        refused.expect_problem(503, code);
        assert!(took < REFUSAL_TIME, "{database}: {took:?}");
        // By now it is known: nobody has to wait as long again, and those that only read do not wait at all.
        let (refused, took) = timed(ask);
        refused.expect_problem(503, code);
        assert!(took < KNOWN_TIME, "{database}: {took:?}");
        let ((), took) =
            timed(|| read_everything(shop, &customer, &product, [&paid.id, &pending.id]));
        assert!(took < KNOWN_TIME, "{database}: {took:?}");
        shop.customer();
    });
    lock.release();
    eprintln!("{database} locked: slowest answer {:?}", report.slowest);
    assert_eq!(report.unanswered, 0);
    report.expect_helpful_refusals();
    assert!(
        report.slowest < REFUSAL_TIME,
        "{database}: {:?}",
        report.slowest
    );
    market.settle(&mut report);

    let first = ask().expect(201);
    assert_eq!(ask().expect(201).bytes(), first.bytes());
    shop.pay(&pending);
    customer.wait_for_order(&pending.id, "PAID");
    shop.wait_for_stock(&product, STOCK - 3, 1, 2);
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    (act(), started.elapsed())
}

fn read_everything(shop: &Shop, customer: &Account, product: &str, orders: [&str; 2]) {
    let get = |path: &str| customer.get(path).expect(200);
    get(&format!("/api/v1/products/{product}"));
    get("/api/v1/products?limit=3");
    get("/api/v1/orders");
    for order in orders {
        get(&format!("/api/v1/orders/id/{order}"));
        get(&format!("/api/v1/payments/order/{order}"));
    }
    shop.nobody().get("/api/health/ready").expect(200);
}

#[test]
fn a_shop_whose_database_is_taken_does_not_start_and_says_so() {
    if is_quick() {
        return;
    }
    let mut server = Server::start();
    server.kill();
    let lock = Lock::hold(
        &server,
        "orders",
        "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    );
    let builder = Server::builder().databases(server.databases());
    let (status, said) = builder.fail_to_start();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("database `orders`"), "{said}");
    assert!(said.contains("another program"), "{said}");
    drop(lock);
    server.restart();
}
