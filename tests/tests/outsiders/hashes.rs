//! Password hashes: each computes for a good part of a second.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use mercato_tests::{
    Server,
    load::{Crowd, Latencies},
    shop::{PASSWORD, Shop, unique_email},
    wait_until,
};
use serde_json::json;

/// A cost that a shop would choose: some hundred milliseconds a hash.
const COST: &str = "11";
const LOGINS: usize = 18;
const REGISTRATIONS: usize = 6;
/// What nobody else may be slowed by.
const RATIO_MAX: f64 = 10.0;
/// Answers that are timed.
const LOOKS: usize = 300;

#[test]
fn logins_at_a_time_leave_the_catalogue_and_readiness_alone() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder().variable("bcrypt_cost", COST).start();
    let shop = Shop::on(&server);
    let product = format!("/api/v1/products/{}", shop.product(9.99, 10));
    let customer = shop.customer();
    let nobody = shop.nobody();
    let look = || drop(nobody.get(&product).expect(200));
    let live = || drop(nobody.get("/api/health/live").expect(200));
    look();
    let idle = Latencies::of(LOOKS, look);

    let hashes = Arc::new(AtomicUsize::new(0));
    let (client, counted) = (server.client(), Arc::clone(&hashes));
    let crowd = Crowd::start(LOGINS + REGISTRATIONS, move |number| {
        let answer = if number < LOGINS {
            let body = json!({ "email": customer.email, "password": PASSWORD });
            client.post("/api/v1/auth/login").json(&body).send()
        } else {
            let body = json!({ "name": "Eve", "email": unique_email(), "password": PASSWORD });
            client.post("/api/v1/auth/register").json(&body).send()
        };
        match answer.status() {
            200 | 201 => drop(counted.fetch_add(1, Ordering::Relaxed)),
            // Not as long as it is asked to.
            429 | 503 | 504 => std::thread::sleep(Duration::from_millis(10)),
            other => panic!("{other}: {}", answer.text()),
        }
    });
    wait_until("the first hashes", || {
        (hashes.load(Ordering::Relaxed) > 0).then_some(())
    });
    idle.expect_no_slower(99, RATIO_MAX, || Latencies::of(LOOKS, look));
    idle.expect_no_slower(99, RATIO_MAX, || Latencies::of(LOOKS, live));
    let ready = nobody.get("/api/health/ready").send();
    let (email, password) = server.admin();
    let started = std::time::Instant::now();
    wait_until("a session of the admin", || {
        let body = json!({ "email": email, "password": password });
        let answer = nobody.post("/api/v1/auth/login").json(&body).send();
        (answer.status() == 200).then_some(())
    });
    let log_in_time = started.elapsed();
    drop(crowd);
    ready.expect(200);
    println!(
        "{} hashes; the admin's login {log_in_time:?}",
        hashes.load(Ordering::Relaxed)
    );
}
