//! Accounts that order without paying: what they can hold, how fast they can order, what they cost others; and that a shop in
//! which nothing is to be done writes nothing. How fast reservations end, and that what is finished and unpaid goes, is
//! shown in `reliability/tests/hoarding.rs`, where time passes as the test wants.

use std::{collections::BTreeMap, fs, sync::Mutex};

use mercato_tests::{
    Response, Server, ServerBuilder,
    load::all_at_once,
    load::{Crowd, Latencies},
    metrics::Listener,
    repository,
    shop::{Account, Shop, order_of},
    wait_until,
};

/// Requests at the same time.
const AT_ONCE: usize = 40;

/// Variables of `spin.toml` that limit orders.
const LIMITS: [&str; 8] = [
    "open_orders_max",
    "held_units_max",
    "orders_per_minute",
    "orders_per_day",
    "open_orders_per_client_max",
    "held_units_per_client_max",
    "orders_per_minute_per_client",
    "orders_per_day_per_client",
];

/// A server with the limits that the shop is shipped with; other tests have none on how fast they order.
fn as_shipped() -> ServerBuilder {
    let manifest = fs::read_to_string(repository().join("spin.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    LIMITS.into_iter().fold(Server::builder(), |builder, name| {
        let default = manifest["variables"][name]["default"].as_str();
        builder.variable(name, default.expect("a default"))
    })
}

/// So many orders of these lines at the same moment, each on a connection of its own.
fn order_at_once(account: &Account, lines: &[(&str, u32)]) -> Vec<Response> {
    all_at_once(AT_ONCE, |_| account.on_own_connection().try_order(lines))
}

fn with_status(answers: &[Response], status: u16) -> usize {
    let all = answers.iter().map(Response::status);
    all.filter(|of| *of == status).count()
}

#[test]
fn unpaid_orders_at_the_same_time_keep_to_the_limit() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder().variable("open_orders_max", "5").start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(1, 1_000));
    let answers = order_at_once(&customer, &[(&product, 1)]);
    assert_eq!(with_status(&answers, 201), 5);
    assert_eq!(with_status(&answers, 409), AT_ONCE - 5);
    assert_eq!(shop.stock(&product).reserved, 5);
    let refused = customer.try_order(&[(&product, 1)]);
    let problem = refused.expect_problem(409, "too-many-open-orders");
    assert_eq!(problem["limit"], 5);

    let placed: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status() == 201)
        .map(|answer| mercato_tests::shop::Placed::from(answer.json()))
        .collect();
    shop.pay(&placed[0]);
    customer.wait_for_order(&placed[0].id, "PAID");
    customer
        .change_order(&placed[1].id, "CANCELLED")
        .expect(200);
    customer.order(&[(&product, 1)]);
    customer.order(&[(&product, 1)]);
    let refused = customer.try_order(&[(&product, 1)]);
    refused.expect_problem(409, "too-many-open-orders");
    let other = shop.customer();
    other.order(&[(&product, 1)]);
    let admin = shop.admin();
    for _ in 0..7 {
        admin.order(&[(&product, 1)]);
    }
}

#[test]
fn units_of_unpaid_orders_keep_to_the_limit() {
    let _alone = mercato_tests::load::alone();
    let server = as_shipped().start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(1, 1_000_000));
    let answers = order_at_once(&customer, &[(&product, 3_000)]);
    assert_eq!(with_status(&answers, 201), 3, "nine thousand of ten");
    assert_eq!(shop.stock(&product).reserved, 9_000);
    let refused = customer.try_order(&[(&product, 1_001)]);
    refused.expect_problem(409, "too-many-units-held");
    customer.order(&[(&product, 1_000)]);

    // The largest line there is can be ordered, and no more with it.
    let other = shop.customer();
    let second = shop.product(1, 1_000_000);
    let refused = other.try_order(&[(&product, 10_000), (&second, 1)]);
    refused.expect_problem(409, "too-many-units-held");
    other.order(&[(&product, 10_000)]);
    assert_eq!(shop.stock(&second).reserved, 0);
}

#[test]
fn orders_of_a_minute_keep_to_the_limit_and_say_when() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder().variable("orders_per_minute", "7").start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(1, 1_000));
    let place_again = || {
        let request = customer.post("/api/v1/orders");
        let request = request.header("idempotency-key", "k");
        request.json(&order_of(&[(&product, 1)])).send()
    };
    let first = place_again().expect(201).text();
    let answers = order_at_once(&customer, &[(&product, 1)]);
    assert_eq!(with_status(&answers, 201), 6);
    let refused = answers.iter().filter(|answer| answer.status() == 429);
    let waits = refused.map(|answer| {
        let seconds = answer.header("retry-after").expect("a time");
        seconds.parse::<u64>().expect("seconds")
    });
    let waits: Vec<u64> = waits.collect();
    assert_eq!(waits.len(), AT_ONCE - 6);
    assert!(
        waits.iter().all(|wait| (1..=60).contains(wait)),
        "{waits:?}"
    );
    customer
        .try_order(&[(&product, 1)])
        .expect_problem(429, "too-many-orders");
    let again = place_again().expect(201).text();
    assert_eq!(again, first, "a repeated request is never refused");
}

#[test]
fn a_client_is_limited_however_many_accounts_it_has() {
    let _alone = mercato_tests::load::alone();
    let server = Server::builder()
        .variable("trusted_proxies", "1")
        .variable("open_orders_per_client_max", "3")
        .start();
    let shop = Shop::on(&server);
    let product = shop.product(1, 1_000);
    let order_from = |address: &str| {
        let customer = shop.customer();
        let request = customer.post("/api/v1/orders");
        let request = request.header("x-forwarded-for", address);
        request.json(&order_of(&[(&product, 1)])).send()
    };
    for host in 1..=3 {
        order_from(&format!("2001:db8::{host}")).expect(201);
    }
    let problem = order_from("2001:db8::4").expect_problem(409, "too-many-open-orders");
    assert!(
        problem["detail"].to_string().contains("network"),
        "{problem}"
    );
    order_from("2001:db8:0:1::4").expect(201);
    assert_eq!(shop.stock(&product).reserved, 4);
}

/// Connections of one account that orders without a pause.
const FLOOD_CONNECTIONS: usize = 16;

/// Most that one account may slow others down.
const RATIO_MAX: f64 = 3.0;

#[test]
fn one_accounts_flood_leaves_others_their_pace() {
    let _alone = mercato_tests::load::alone();
    let server = as_shipped().start();
    let shop = Shop::on(&server);
    let product = shop.product(1, 1_000_000);
    let many: Vec<String> = (0..100).map(|_| shop.product(1, 1_000_000)).collect();
    let customers: Vec<Account> = (0..4).map(|_| shop.customer()).collect();
    let mut turn = 0;
    let mut order_and_pay = || {
        turn += 1;
        let order = customers[turn % customers.len()].order(&[(&product, 1)]);
        shop.pay(&order);
    };
    Latencies::of(5, &mut order_and_pay);
    let idle = Latencies::of(40, &mut order_and_pay);

    let flooder = shop.customer();
    let lines: Vec<(String, u32)> = many.into_iter().map(|product| (product, 1)).collect();
    let taken = Mutex::new(BTreeMap::<u16, u64>::new());
    let taken: &'static Mutex<_> = Box::leak(Box::new(taken));
    let connections: Vec<Account> = (0..FLOOD_CONNECTIONS)
        .map(|_| flooder.on_own_connection())
        .collect();
    let crowd = Crowd::start(connections.len(), move |number| {
        let lines: Vec<(&str, u32)> = lines
            .iter()
            .map(|(product, units)| (product.as_str(), *units))
            .collect();
        let status = connections[number].try_order(&lines).status();
        *taken.lock().expect("a count").entry(status).or_default() += 1;
    });
    wait_until("the flood", || {
        let taken = taken.lock().expect("a count");
        (taken.values().sum::<u64>() > 200).then_some(())
    });
    idle.expect_no_slower(50, RATIO_MAX, || Latencies::of(40, &mut order_and_pay));
    drop(crowd);
    let taken = taken.lock().expect("a count");
    assert!(
        taken.get(&201).is_some_and(|placed| *placed <= 120),
        "{taken:?}"
    );
}

/// Calls of each timer that find nothing to do.
const IDLE_CALLS: f64 = 4.0;

#[test]
fn a_shop_in_which_nothing_is_to_be_done_writes_nothing() {
    let _alone = mercato_tests::load::alone();
    let (listener, builder) = Listener::on(Server::builder());
    let server = builder.start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(1, 1_000));
    shop.buy(&customer, &product, 1);
    customer.order(&[(&product, 1)]);
    wait_until("everything is published", || {
        let metrics = listener.read();
        let waiting = ["mercato_outbox_pending", "mercato_follow_ups_waiting"];
        (waiting.iter().all(|name| metrics.sum(name) == 0.0)).then_some(())
    });
    let calls = || {
        let metrics = listener.read();
        ["orders-api", "payments-api"].map(|component| {
            let label = Some(("component", component));
            metrics.find("mercato_timer_calls_total", label)
        })
    };
    let wait_for_calls = || {
        let before = calls().map(Option::unwrap_or_default);
        wait_until("calls of the timers", || {
            let now = calls().map(Option::unwrap_or_default);
            let enough = |(now, before): (f64, f64)| now >= before + IDLE_CALLS;
            now.into_iter().zip(before).all(enough).then_some(())
        });
    };
    // What the order has set going is over by then.
    wait_for_calls();
    let before = files(&server);
    assert!(before.len() >= 4, "{:?}", before.keys());
    wait_for_calls();
    let client = server.client();
    for _ in 0..3 {
        for path in ["/api/v1/products?limit=5", "/api/health/ready"] {
            client.get(path).expect(200);
        }
        for path in ["/api/v1/orders?limit=5", "/api/v1/orders/id/none"] {
            customer.get(path).send();
        }
        // Longer than what follows a request waits for.
        wait_for_calls();
    }
    let after = files(&server);
    let changed: Vec<_> = after
        .iter()
        .filter(|(name, bytes)| before.get(*name) != Some(bytes))
        .map(|(name, bytes)| (name, bytes.len()))
        .collect();
    assert!(changed.is_empty(), "written: {changed:?}");
}

/// The databases of a server and their logs, byte for byte.
fn files(server: &Server) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(server.databases()).expect("the databases");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let names = entries.map(|entry| name(entry.expect("a file")));
    // The memory that SQLite's processes share is no part of what is kept.
    names
        .filter(|name| name.ends_with(".db") || name.ends_with("-wal"))
        .map(|name| {
            let bytes = fs::read(server.databases().join(&name)).expect("a database");
            (name, bytes)
        })
        .collect()
}
