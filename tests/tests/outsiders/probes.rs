//! Liveness, which the runner answers, and readiness.

use std::sync::Mutex;

use mercato_tests::load::{Crowd, Latencies};
use mercato_tests::raw::Raw;
use mercato_tests::shop::Shop;
use mercato_tests::{Response, Server};

/// Headers that differ from answer to answer.
const PASSING: [&str; 2] = ["date", "x-request-id"];

const ASK_WHETHER_READY: &str = "GET /api/health/ready HTTP/1.1\r\nHost: shop.example\r\n\r\n";

fn lasting(answer: &Response) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = answer.headers().iter().map(|(name, value)| {
        let value = value.to_str().expect("a header");
        (name.as_str().to_owned(), value.to_owned())
    });
    let mut headers: Vec<(String, String)> = headers
        .filter(|(name, _)| !PASSING.contains(&name.as_str()))
        .collect();
    headers.sort();
    (answer.status(), headers, answer.bytes().to_vec())
}

#[test]
fn the_runner_repeats_exactly_what_liveness_answers() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let client = server.client();
    for method in ["GET", "HEAD"] {
        let ask = || client.request(method, "/api/health/live");
        // What a client has already is compared by the component itself.
        let whole = ask().header("if-none-match", "\"another\"").send();
        let repeated = ask().header("x-request-id", "probe.1").send();
        assert_eq!(lasting(&repeated.clone().expect(200)), lasting(&whole));
        assert_eq!(repeated.header("x-request-id"), Some("probe.1"));
    }
    client
        .get("/api/health/live?x=1")
        .expect_problem(400, "validation");
    client.post("/api/health/live").expect(405);
}

#[test]
fn a_crowd_that_asks_for_readiness_keeps_nobody_waiting() {
    const THREADS: usize = 2;
    const CLIENTS_PER_THREAD: usize = 32;
    const LOOKS: usize = 200;
    const RATIO_MAX: f64 = 10.0;
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let shop = Shop::on(&server);
    let product = format!("/api/v1/products/{}", shop.product(9.99, 10));
    let nobody = shop.nobody();
    let look = || drop(nobody.get(&product).expect(200));
    look();
    let idle = Latencies::of(LOOKS, look);
    let connect = |_| Raw::connect(server.base_url());
    let connections = |_| Mutex::new((0..CLIENTS_PER_THREAD).map(connect).collect());
    let connections: Vec<Mutex<Vec<Raw>>> = (0..THREADS).map(connections).collect();
    // With a thread for each connection, the one that is timed waits for its turn among them, not for the server.
    let crowd = Crowd::start(THREADS, move |number| {
        let mut connections = connections[number].lock().expect("a thread's own");
        for connection in &mut *connections {
            connection.send(ASK_WHETHER_READY).expect("sent");
        }
        for connection in &mut *connections {
            let answer = connection.read_answer().expect("an answer");
            assert!(answer.contains("\"status\":\"ok\""), "{answer}");
        }
    });
    idle.expect_no_slower(99, RATIO_MAX, || Latencies::of(LOOKS, look));
    drop(crowd);
}
