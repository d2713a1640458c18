//! Answers that nobody reads, and requests that need much memory.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use mercato_tests::{
    Server, is_quick, load::Crowd, load::Latencies, metrics::Listener, raw::Raw, shop::Shop,
};
use serde_json::json;

/// What the shop may take, however many take nothing of their answers.
const MEMORY_BYTES_MAX: u64 = 600 << 20;
/// Slow readers at a time.
const READERS: u16 = 600;
/// How long the crowd asks for more memory than there is.
const ATTACK_TIME: Duration = Duration::from_secs(5);
/// Characters of the longest description.
const DESCRIPTION_CHARS: usize = 5_000;

#[test]
fn six_hundred_slow_readers_do_not_fill_the_memory() {
    let _alone = mercato_tests::load::alone();
    if is_quick() {
        return;
    }
    let (metrics, builder) = Listener::on(Server::builder());
    let server = builder.start();
    let shop = Shop::on(&server);
    let description = "\u{1f375}".repeat(DESCRIPTION_CHARS);
    let admin = shop.admin();
    let mut product = String::new();
    for number in 0..100 {
        let body = json!({ "name": format!("Tea {number}"), "description": description, "price": 5, "stock": 9 });
        let answer = admin.post("/api/v1/products").json(&body).send();
        product = mercato_tests::shop::text(&answer.expect(201).json()["id"]);
    }
    let list = "/api/v1/products?limit=100";
    let bytes = server.client().get(list).expect(200).bytes().len();
    assert!(bytes > 1 << 20, "{bytes}");
    let path = format!("/api/v1/products/{product}");
    let get = || {
        shop.nobody().get(&path).expect(200);
    };
    get();
    let idle = Latencies::of(200, get);

    let answered = || metrics.read().sum("mercato_requests_total");
    let enough = answered() + f64::from(READERS);
    let readers: Vec<Raw> = (0..READERS)
        .map(|number| {
            let last = 2 + u8::try_from(number % 50).unwrap();
            let source = Ipv4Addr::new(127, 0, 0, last);
            let mut reader = Raw::connect_from(server.base_url(), source).unwrap();
            reader.keep_little(4096).unwrap();
            let request = format!("GET {list} HTTP/1.1\r\nHost: h\r\n\r\n");
            reader.send(request).unwrap();
            reader
        })
        .collect();
    // Each of them has its answer, or what there was memory for.
    mercato_tests::wait_until("an answer to everybody", || {
        (answered() >= enough).then_some(())
    });
    idle.expect_no_slower(99, 10.0, || Latencies::of(200, get));
    let peak = server.peak_memory_bytes().expect("the system says");
    assert!(peak <= MEMORY_BYTES_MAX, "{} MiB", peak >> 20);
    assert_eq!(metrics.read().sum("mercato_traps_total"), 0.0);
    drop(readers);
}

#[test]
fn bodies_that_expand_do_not_fill_the_memory() {
    let _alone = mercato_tests::load::alone();
    let (metrics, builder) = Listener::on(Server::builder());
    let server = builder.start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(5, 9);
    let path = format!("/api/v1/products/{product}");
    let items = |count: usize| format!("{{\"items\":[{}{{}}]}}", "{},".repeat(count));
    let bodies = [
        items(10_000),
        items(100_000),
        items(340_000),
        "[".repeat(60_000),
    ];
    let url = server.base_url().to_owned();
    let token = customer.token.clone();
    let crowd = Crowd::start(64, move |number| {
        let client = mercato_tests::Client::new(url.as_str());
        for body in bodies.iter().cycle().skip(number).take(bodies.len()) {
            let request = client.post("/api/v1/orders").bearer(&token);
            // An answer may be 503; that there is one is seen below.
            let _ = request.body("application/json", body.as_str()).try_send();
        }
    });
    let started = Instant::now();
    let mut answers = 0;
    while started.elapsed() < ATTACK_TIME {
        shop.nobody().get(&path).expect(200);
        answers += 1;
    }
    assert!(answers > 20, "{answers}");
    drop(crowd);
    let peak = server.peak_memory_bytes().expect("the system says");
    assert!(peak <= MEMORY_BYTES_MAX, "{} MiB", peak >> 20);
    assert_eq!(metrics.read().sum("mercato_traps_total"), 0.0);
    shop.nobody().get(&path).expect(200);
}
