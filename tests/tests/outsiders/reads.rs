//! Searches and lists that take long, by many at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mercato_tests::{
    Server,
    load::{Crowd, Latencies},
    shop::Shop,
    wait_until,
};
use rusqlite::Connection;

const PRODUCTS: u32 = 40_000;
const CLIENTS: usize = 64;
/// How many times as long as without them others may wait.
const RATIO_MAX: f64 = 10.0;
const LOOKS: usize = 300;
/// A list that no index has, so every product is read: none is in stock and costs that.
const LONG_LIST: &str =
    "/api/v1/products?q=item+tea&minPrice=999999&inStock=true&sort=stock&limit=100";

/// Fills the catalogue as another program would.
fn fill(server: &Server) {
    let path = server.databases().join("products.db");
    let database = Connection::open(path).expect("the catalogue");
    let busy = database.busy_timeout(std::time::Duration::from_secs(30));
    busy.expect("a busy timeout");
    let filled = database.execute_batch(&format!(
        "BEGIN IMMEDIATE;
        WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {PRODUCTS})
        INSERT INTO products
          (id, name, name_key, description, price, stock, reserved, sold, version, created_at, updated_at)
        SELECT printf('01980000-0000-7000-8000-%012x', n), 'Item tea ' || n, 'item tea ' || n,
          'An item among many: tea, item ' || n, n, n % 50, 0, 0, 1, n, n
        FROM c;
        COMMIT"
    ));
    filled.expect("products");
}

#[test]
fn long_searches_leave_the_catalogue_and_liveness_alone() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let shop = Shop::on(&server);
    let product = format!("/api/v1/products/{}", shop.product(9.99, 10));
    fill(&server);
    let nobody = shop.nobody();
    let look = || drop(nobody.get(&product).expect(200));
    let live = || drop(nobody.get("/api/health/live").expect(200));
    look();
    let idle = Latencies::of(LOOKS, look);

    let asked = Arc::new(AtomicUsize::new(0));
    let (client, counted) = (server.client(), Arc::clone(&asked));
    let crowd = Crowd::start(CLIENTS, move |_| {
        let answer = client.get(LONG_LIST).send();
        assert!(
            matches!(answer.status(), 200 | 503),
            "{}: {}",
            answer.status(),
            answer.text()
        );
        counted.fetch_add(1, Ordering::Relaxed);
    });
    wait_until("the crowd", || {
        (asked.load(Ordering::Relaxed) >= CLIENTS).then_some(())
    });
    idle.expect_no_slower(99, RATIO_MAX, || Latencies::of(LOOKS, look));
    idle.expect_no_slower(99, RATIO_MAX, || Latencies::of(LOOKS, live));
    let ready = nobody.get("/api/health/ready").send();
    drop(crowd);
    ready.expect(200);
}
