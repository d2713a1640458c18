//! Bodies that come slowly, or are large, or that nobody asked for.

use std::time::{Duration, Instant};

use mercato_tests::{PATIENCE, Server, load::Latencies, raw::Raw, shop::Shop};

const MEBIBYTE: usize = 1 << 20;

/// A head of a request whose body is to come.
fn head(method: &str, path: &str, more: &str, bytes: usize) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: h\r\n{more}Content-Length: {bytes}\r\n\r\n")
}

/// Sends a head and all of its body but the last byte, and gives the connection.
fn send_all_but_a_byte(server: &Server, path: &str, more: &str, bytes: usize) -> Raw {
    let mut client = Raw::connect(server.base_url());
    client
        .send(head("POST", path, more, bytes))
        .expect("the head");
    // Whoever is refused may not be listened to any more.
    let _ = client.send(vec![b' '; bytes - 1]);
    client
}

#[test]
fn what_is_refused_is_refused_before_its_body_is_there() {
    let _alone = mercato_tests::load::alone();
    let server = Server::shared();
    let json = "Content-Type: application/json\r\n";
    let refusals = [
        ("POST", "/api/v1/nowhere", json, "404"),
        ("POST", "/nowhere", json, "404"),
        ("PUT", "/api/v1/auth/login", json, "405"),
        ("POST", "/api/v1/orders", json, "401"),
        ("POST", "/api/v1/products", json, "401"),
        ("POST", "/api/v1/products/import", json, "401"),
        (
            "POST",
            "/api/v1/auth/login",
            "Content-Type: text/plain\r\n",
            "415",
        ),
    ];
    for (method, path, more, status) in refusals {
        for bytes in [2, 1000, MEBIBYTE, 32 * MEBIBYTE] {
            for expectation in ["", "Expect: 100-continue\r\n"] {
                let mut client = Raw::connect(server.base_url());
                let more = format!("{more}{expectation}");
                client.send(head(method, path, &more, bytes)).unwrap();
                let answer = client.read_to_end().unwrap();
                let shown = format!("{method} {path} {bytes} {expectation}: {answer}");
                assert!(
                    answer.starts_with(&format!("HTTP/1.1 {status} ")),
                    "{shown}"
                );
                assert!(answer.contains("connection: close"), "{shown}");
                assert!(answer.contains(&format!("\"path\":\"{path}\"")), "{shown}");
            }
        }
    }
}

#[test]
fn a_body_over_the_routes_limit_is_refused_from_its_head() {
    let _alone = mercato_tests::load::alone();
    let server = Server::shared();
    let mut client = Raw::connect(server.base_url());
    let json = "Content-Type: application/json\r\nExpect: 100-continue\r\n";
    client
        .send(head("POST", "/api/v1/auth/login", json, MEBIBYTE))
        .unwrap();
    let answer = client.read_to_end().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn only_the_runner_asks_whether_a_request_is_admitted() {
    let _alone = mercato_tests::load::alone();
    let server = Server::shared();
    for path in ["/internal/admit", "/api/v1/orders/internal/admit"] {
        let answer = server
            .client()
            .post(path)
            .header("mercato-method", "POST")
            .header("mercato-target", "/api/v1/auth/login")
            .send();
        assert!((400..500).contains(&answer.status()), "{}", answer.text());
        assert_eq!(answer.header("mercato-body-bytes-max"), None);
    }
    // Nobody speaks for the runner on a path that is there.
    let login = server
        .client()
        .post("/api/v1/auth/login")
        .header("mercato-target", "/internal/admit")
        .json(&serde_json::json!({}))
        .send();
    assert_eq!(login.status(), 400, "{}", login.text());
}

#[test]
fn a_crowd_of_bodies_without_end_keeps_nobody_waiting() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let shop = Shop::on(&server);
    let product = shop.product(5, 100_000);
    let path = format!("/api/v1/products/{product}");
    let get = || {
        shop.nobody().get(&path).expect(200);
    };
    let order = |customer: &mercato_tests::shop::Account| {
        customer.order(&[(&product, 1)]);
    };
    let customer = shop.customer();
    get();
    order(&customer);
    let (idle, idle_order) = (
        Latencies::of(200, get),
        Latencies::of(20, || order(&customer)),
    );

    // To a path that does not exist: nobody is waited for.
    let mut crowd: Vec<Raw> = (0..270)
        .map(|_| send_all_but_a_byte(&server, "/api/v1/nowhere", "", MEBIBYTE))
        .collect();
    for client in &mut crowd {
        assert_eq!(client.read_status().unwrap(), 404);
    }
    // To one that does, with as much as it takes: everybody has to be waited for.
    let json = "Content-Type: application/json\r\n";
    let crowd: Vec<Raw> = (0..270)
        .map(|_| send_all_but_a_byte(&server, "/api/v1/auth/login", json, 60_000))
        .collect();
    idle.expect_no_slower(95, 10.0, || Latencies::of(200, get));
    idle_order.expect_no_slower(95, 10.0, || Latencies::of(20, || order(&customer)));
    drop(crowd);
}

#[test]
fn a_short_body_that_makes_no_progress_is_answered_408() {
    let _alone = mercato_tests::load::alone();
    let server = Server::shared();
    let json = "Content-Type: application/json\r\n";
    let started = Instant::now();
    let mut stopped = send_all_but_a_byte(server, "/api/v1/auth/login", json, 100);
    assert_eq!(stopped.read_status().unwrap(), 408);
    // Grace and pace together; far below the half minute that a whole body may take.
    assert!(started.elapsed() < Duration::from_secs(25).min(PATIENCE));
}
