//! What operators see: metrics, parked events, and lines of the log that name what they are about.

use std::{collections::BTreeSet, fs, io::Write as _, net::TcpStream};

use mercato_tests::{
    ADMIN_PASSWORD, Folder, JWT_SECRET, METRICS_TOKEN, Redis, Server, WEBHOOK_SECRET,
    metrics::{Listener, Metrics},
    repository,
    shop::{PASSWORD, Shop, order_of, text},
    wait_until,
};
use serde_json::{Value, json};

/// As often as an event can fail before it is parked.
const FAILURES_MAX: usize = 8;

/// The lines of a log that are objects.
fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Waits for a line of a component with that message about that order.
fn line_about(server: &Server, message: &str, order: &str) -> Value {
    wait_until(message, || {
        lines(&server.log())
            .into_iter()
            .find(|line| line["message"] == message && line["order_id"] == order)
    })
}

#[test]
fn a_purchase_is_measured() {
    let (listener, builder) = Listener::on(Server::builder());
    let server = builder.start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(2, 9);
    shop.buy(&customer, &product, 1);
    customer.order(&[(&product, 2)]);
    let metrics = wait_until(
        "the event's acknowledgement and calls of both timers",
        || {
            let metrics = listener.read();
            let is_settled = metrics.sum("mercato_outbox_pending") == 0.0
                && metrics.sum("mercato_follow_ups_waiting") == 0.0
                && ["orders-api", "payments-api"].iter().all(|component| {
                    let label = Some(("component", *component));
                    metrics.find("mercato_timer_calls_total", label) > Some(0.0)
                });
            is_settled.then_some(metrics)
        },
    );
    assert_eq!(metrics.of("mercato_orders", "status", "PAID"), 1.0);
    assert_eq!(metrics.of("mercato_orders", "status", "PENDING"), 1.0);
    assert_eq!(metrics.of("mercato_orders", "status", "REFUNDED"), 0.0);
    assert_eq!(metrics.of("mercato_payments", "status", "SUCCEEDED"), 1.0);
    assert_eq!(metrics.of("mercato_payments", "status", "PENDING"), 1.0);
    assert_eq!(metrics.sum("mercato_reservations_held"), 1.0);
    assert_eq!(metrics.sum("mercato_events_applied_total"), 1.0);
    assert_eq!(metrics.sum("mercato_outbox_published_total"), 1.0);
    assert_eq!(metrics.sum("mercato_outbox_parked"), 0.0);
    assert_eq!(metrics.sum("mercato_component_up"), 3.0);
    assert_eq!(metrics.sum("mercato_metrics_scrape_failures_total"), 0.0);
    assert!(metrics.sum("mercato_request_duration_seconds_count") > 0.0);

    // Without our runner there is the public route: it has the same about the databases.
    let public = Metrics::of_shop(&server);
    assert_eq!(public.of("mercato_orders", "status", "PAID"), 1.0);
    assert_eq!(
        public.of("mercato_component_up", "component", "orders-api"),
        1.0
    );
    let known = metrics.names();
    let only_there: Vec<_> = public
        .names()
        .into_iter()
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(only_there, [""; 0]);
    assert_eq!(documented(), known.into_iter().map(str::to_owned).collect());
}

/// The metrics that the guide for operators explains, those of Stripe's adapter left out.
fn documented() -> BTreeSet<String> {
    let guide = fs::read_to_string(repository().join("docs/operations.md")).expect("the guide");
    let rows = guide.lines().filter(|line| line.starts_with("| `mercato_"));
    let named = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`'));
    let names = named.filter(|name| name.starts_with("mercato_"));
    names
        .map(|name| name.split('{').next().unwrap_or_default().to_owned())
        .filter(|name| !name.starts_with("mercato_stripe_"))
        .collect()
}

#[test]
fn only_the_operators_secret_opens_the_metrics() {
    let server = Server::start();
    let shop = Shop::on(&server);
    let client = server.client();
    let answer = client.get("/api/metrics").bearer(METRICS_TOKEN).expect(200);
    let content_type = answer.header("content-type");
    assert_eq!(
        content_type,
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    client
        .get("/api/metrics")
        .expect_problem(401, "unauthorized");
    for wrong in ["wrong", &METRICS_TOKEN[1..], &shop.admin().token] {
        client
            .get("/api/metrics")
            .bearer(wrong)
            .expect_problem(401, "unauthorized");
    }
}

#[test]
fn without_a_secret_there_are_no_metrics_for_anybody() {
    let server = Server::builder().variable("metrics_token", "").start();
    for token in ["", "x"] {
        server
            .client()
            .get("/api/metrics")
            .bearer(token)
            .expect_problem(404, "not-found");
    }
}

#[test]
fn a_component_without_metrics_leaves_the_others_theirs() {
    let folder = Folder::new("metrics");
    let manifest = folder.path().join("spin.toml");
    let root = repository();
    let text = fs::read_to_string(root.join("spin.toml")).expect("the manifest");
    let text = text
        .replace("\"target/", &format!("\"{}/target/", root.display()))
        .replacen(
            "metrics = \"/internal/metrics\"",
            "metrics = \"/internal/nothing\"",
            1,
        );
    fs::write(&manifest, text).expect("a manifest");
    let builder = Server::builder()
        .argument("--app")
        .argument(&manifest.display().to_string());
    let (listener, builder) = Listener::on(builder);
    let server = builder.start();
    let metrics = listener.read();
    assert_eq!(
        metrics.of("mercato_component_up", "component", "products-api"),
        0.0
    );
    let failures = metrics.of(
        "mercato_metrics_scrape_failures_total",
        "component",
        "products-api",
    );
    assert_eq!(failures, 1.0);
    assert_eq!(metrics.find("mercato_reservations_held", None), None);
    assert_eq!(metrics.sum("mercato_orders"), 0.0);
    assert_eq!(metrics.sum("mercato_outbox_pending"), 0.0);
    assert!(server.log().contains("no metrics of a component"));
}

/// Sends a message over Redis, as payments does.
fn publish(redis: &Redis, channel: &str, message: &str) {
    let address = redis.url().replace("redis://", "");
    let mut stream = TcpStream::connect(address).expect("Redis answers");
    let parts = ["PUBLISH", channel, message];
    let parts: String = parts
        .iter()
        .map(|part| format!("${}\r\n{part}\r\n", part.len()))
        .collect();
    stream
        .write_all(format!("*3\r\n{parts}").as_bytes())
        .expect("Redis listens");
    // Gone before it is answered, it would not be heard.
    let mut answer = [0];
    std::io::Read::read_exact(&mut stream, &mut answer).expect("an answer");
}

/// A message that names an event of the outbox; nothing else of it is believed.
fn message_of(entry: &Value) -> String {
    let message = json!({
        "specversion": "1.0",
        "id": entry["id"],
        "source": "/test",
        "type": entry["type"],
        "time": entry["time"],
        "subject": entry["orderId"],
        "datacontenttype": "application/json",
        "data": { "paymentId": entry["paymentId"], "amount": 100, "refundedAmount": 0, "currency": "USD" },
    });
    message.to_string()
}

fn outbox(shop: &Shop) -> Value {
    shop.admin().get("/api/v1/payments/outbox").expect_json(200)
}

/// A shop that has lost the database of its orders after a payment: the event of the payment can never be applied.
#[test]
fn an_event_that_cannot_be_applied_is_parked_and_shown() {
    let mut redis = Redis::start();
    let (listener, builder) = Listener::on(Server::builder().redis(&redis.url()));
    let mut server = builder.start();
    let shop = Shop::on(&server);
    let (_, _, order) = shop.pending_order(1, 1);
    redis.kill();
    shop.pay(&order);
    server.kill();
    for file in ["orders.db", "orders.db-wal", "orders.db-shm"] {
        fs::remove_file(server.folder().join(file)).ok();
    }
    redis.restart();
    server.restart_with(&["--new-database", "orders"]);
    let shop = Shop::on(&server);

    let entry = outbox(&shop)["data"][0].clone();
    assert_eq!(entry["orderId"], order.id);
    let channel = &text(&entry["type"]);
    let parked = wait_until("the parked event", || {
        publish(&redis, channel, &message_of(&entry));
        let outbox = outbox(&shop);
        (outbox["data"][0]["parked"] == true).then_some(outbox)
    });
    assert_eq!(parked["lag"]["parked"], 1, "{parked}");
    assert_eq!(parked["lag"]["pending"], 0, "{parked}");
    assert!(parked["data"][0]["lastError"].is_string(), "{parked}");
    let ready = shop.nobody().get("/api/health/ready").expect_json(200);
    assert_eq!(ready["outbox"]["parked"], 1, "{ready}");

    let metrics = listener.read();
    assert_eq!(metrics.sum("mercato_outbox_parked"), 1.0);
    assert_eq!(metrics.sum("mercato_outbox_parkings_total"), 1.0);
    assert!(metrics.sum("mercato_outbox_handling_failures_total") >= FAILURES_MAX as f64);

    let event = &entry["id"];
    let failed = line_about(&server, "a payment event could not be applied", &order.id);
    assert_eq!(&failed["event_id"], event, "{failed}");
    let line = line_about(
        &server,
        "event parked; retry it through the outbox once the cause is mended",
        &order.id,
    );
    assert_eq!(&line["event_id"], event, "{line}");
    assert_eq!(line["level"], "ERROR", "{line}");
    // Some came as messages, others were fetched by the sweeper: every line says in the course of what.
    let about_it = lines(&server.log())
        .into_iter()
        .filter(|line| line["event_id"] == *event);
    for line in about_it {
        let id = line["request_id"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && line["order_id"] == order.id, "{line}");
    }

    let path = format!("/api/v1/payments/outbox/{}/retry", text(event));
    let retried = shop.admin().post(&path).expect_json(200);
    assert_eq!(retried["parked"], false);
    assert_eq!(outbox(&shop)["lag"]["parked"], 0);
}

#[test]
fn a_request_is_found_in_the_log_by_its_id_and_by_its_order() {
    let mut redis = Redis::start();
    let server = Server::builder().redis(&redis.url()).start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 5);
    redis.kill();
    // Many at the same time: no line may have the id of another's request.
    let orders: Vec<(String, String)> = std::thread::scope(|threads| {
        let buy = |number: usize| {
            let customer = customer.on_own_connection();
            let (shop, product) = (&shop, &product);
            threads.spawn(move || {
                let id = format!("buy-{number}");
                let placed = customer
                    .post("/api/v1/orders")
                    .header("x-request-id", &id)
                    .json(&order_of(&[(product, 1)]))
                    .expect_json(201);
                let session = text(&placed["paymentSession"]["id"]);
                let path = format!("/api/v1/payments/mock/checkout/{session}");
                shop.nobody()
                    .post(&path)
                    .header("x-request-id", &format!("pay-{number}"))
                    .json(&json!({ "outcome": "succeed" }))
                    .expect(200);
                (id, text(&placed["id"]))
            })
        };
        let buyers: Vec<_> = (0..4).map(buy).collect();
        buyers
            .into_iter()
            .map(|buyer| buyer.join().expect("a buyer"))
            .collect()
    });
    for (id, order) in &orders {
        let placed = line_about(&server, "an order waits for its payment", order);
        assert_eq!(placed["request_id"], *id, "{placed}");
        assert_eq!(placed["component"], "orders-api", "{placed}");
    }
    // Redis is gone: publishing fails in the part of the component that knows no request.
    let unpublished = wait_until("an event that is not published", || {
        let found = lines(&server.log()).into_iter();
        found
            .filter(|line| line["message"] == "event not published")
            .find(|line| {
                line["request_id"]
                    .as_str()
                    .is_some_and(|id| id.starts_with("pay-"))
            })
    });
    let request = text(&unpublished["request_id"]);
    let number = request.trim_start_matches("pay-");
    let order = orders
        .iter()
        .find(|(id, _)| id.trim_start_matches("buy-") == number);
    assert!(unpublished["event_id"].is_string(), "{unpublished}");
    assert!(order.is_some(), "{unpublished}");
    let is_known = orders
        .iter()
        .any(|(_, order)| unpublished["order_id"] == *order);
    assert!(is_known, "{unpublished}");
}

/// What components log of who changed what (`a change was made`) or was refused (`a request was refused`).
fn logged(server: &Server, message: &str) -> Vec<Value> {
    let found = lines(&server.log()).into_iter();
    found
        .filter(|line| line["message"] == message)
        .map(|line| serde_json::from_str(&text(&line["more"])).expect("fields"))
        .collect()
}

#[test]
fn the_log_says_who_changed_something_and_who_was_refused() {
    let server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    customer.order(&[(&shop.product(1, 5), 1)]);
    customer.get("/api/v1/orders").expect(200);
    customer.get("/api/v1/auth/users").expect(403);
    shop.nobody().get("/api/v1/orders").expect(401);
    let refused = wait_until("both refusals", || {
        let refused = logged(&server, "a request was refused");
        (refused.len() >= 2).then_some(refused)
    });
    let line = |method: &str, path: &str, status: &str, user_id: Option<&str>| {
        let mut line = json!({ "method": method, "path": path, "status": status });
        if let Some(id) = user_id {
            line["user_id"] = json!(id);
        }
        line
    };
    let own = Some(customer.id.as_str());
    let expected = [
        line("GET", "/api/v1/auth/users", "403", own),
        line("GET", "/api/v1/orders", "401", None),
    ];
    assert_eq!(refused, expected);
    let changed = logged(&server, "a change was made");
    for expected in [
        line("POST", "/api/v1/auth/register", "201", own),
        line("POST", "/api/v1/orders", "201", own),
    ] {
        assert!(changed.contains(&expected), "{expected} in {changed:?}");
    }
    for change in &changed {
        let path = text(&change["path"]);
        assert!(
            path.starts_with("/api/") && change["method"] != "GET",
            "{change}"
        );
    }
}

#[test]
fn a_purchase_leaves_no_secret_in_the_log() {
    let server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    shop.try_log_in(&customer.email, "Not-my-password-1")
        .expect(401);
    let refreshed = shop.refresh(&customer.refresh_token).expect(200).json();
    let order = shop.buy(&customer, &shop.product(1, 5), 1);
    customer.read_order(&order.id);
    Metrics::of_shop(&server);
    line_about(&server, "a payment event was handled", &order.id);
    let log = server.log();
    for secret in [
        PASSWORD,
        "Not-my-password-1",
        ADMIN_PASSWORD,
        &customer.token,
        &customer.refresh_token,
        &text(&refreshed["accessToken"]),
        &text(&refreshed["refreshToken"]),
        &customer.email,
        JWT_SECRET,
        WEBHOOK_SECRET,
        METRICS_TOKEN,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
