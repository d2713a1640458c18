//! What the application's variables change.

use std::time::{Duration, Instant};

use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_tests::{
    ADMIN_EMAIL, ADMIN_PASSWORD, JWT_SECRET, Server, WEBHOOK_SECRET, assert_members,
    forge::{Token, stripe_signature},
    shop::{PASSWORD, Shop, last_change, text},
    wait_until,
};
use serde_json::json;

const NEW_JWT_SECRET: &str = "8c1f0e2d3b4a59687786a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

#[test]
fn an_expired_reservation_cancels_the_order_and_frees_the_stock() {
    let server = Server::builder().variable("reservation_ttl", "1").start();
    let shop = Shop::on(&server);
    let (customer, product, order) = shop.pending_order(1, 2);
    // Nobody reads the order meanwhile: the sweeper alone must do it.
    shop.wait_for_stock(&product, 5, 0, 0);
    let seen = customer.wait_for_order(&order.id, "CANCELLED");
    assert_eq!(seen["payment"]["status"], "CANCELLED");
    let last = last_change(&seen);
    assert_eq!(last["actor"], "system");
    shop.check_out(&order.session_id, "succeed")
        .expect_problem(409, "conflict");
}

#[test]
fn the_checkout_page_names_the_shop_and_leads_back_to_it() {
    let server = Server::builder()
        .variable("shop_name", "Tea & <Cups>")
        .variable("checkout_return_url", "https://shop.example/thanks?lang=en")
        .start();
    let shop = Shop::on(&server);
    let (_, _, order) = shop.pending_order(1, 1);
    let path = format!("/api/v1/payments/mock/checkout/{}", order.session_id);
    let back = |outcome: &str| {
        let query = format!("lang=en&amp;order={}&amp;checkout={outcome}", order.id);
        format!("href=\"https://shop.example/thanks?{query}\"")
    };
    let page = || shop.nobody().get(&path).expect(200).text();
    let open = page();
    assert!(open.contains("Tea &amp; &lt;Cups&gt;"), "{open}");
    assert!(open.contains(&back("cancel")), "{open}");
    assert!(open.contains("another 14 minutes"), "{open}");
    shop.pay(&order);
    let paid = page();
    assert!(paid.contains(&back("success")), "{paid}");
}

#[test]
fn without_a_lifetime_caches_keep_nothing_of_the_catalogue() {
    let server = Server::builder()
        .variable("catalogue_max_age_seconds", "0")
        .start();
    let shop = Shop::on(&server);
    let product = format!("/api/v1/products/{}", shop.product(1, 5));
    for (path, expected) in [
        (&*product, "private, no-cache"),
        ("/api/v1/products", "no-store"),
    ] {
        let answer = shop.nobody().get(path).expect(200);
        assert_eq!(answer.header("cache-control"), Some(expected), "{path}");
        assert!(!answer.lists("vary", "authorization"), "{path}");
    }
}

#[test]
fn an_order_that_is_paid_in_time_outlives_its_reservation() {
    let server = Server::builder().variable("reservation_ttl", "2").start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 5);
    let paid = shop.buy(&customer, &product, 1);
    let unpaid = customer.order(&[(&product, 1)]);
    customer.wait_for_order(&unpaid.id, "CANCELLED");
    assert_eq!(customer.read_order(&paid.id)["status"], "PAID");
    shop.wait_for_stock(&product, 4, 0, 1);
}

#[test]
fn an_access_token_expires_and_its_session_is_refreshed() {
    let server = Server::builder().variable("access_token_ttl", "1").start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let refusal = wait_until("the end of the token", || {
        let answer = customer.get("/api/v1/auth/me").send();
        (answer.status() == 401).then_some(answer)
    });
    let challenge = refusal
        .header("www-authenticate")
        .unwrap_or_default()
        .to_owned();
    assert!(challenge.contains("invalid_token"), "{challenge}");
    refusal.expect_problem(401, "unauthorized");
    let session = shop.refresh(&customer.refresh_token).expect(200).json();
    assert_eq!(session["expiresIn"], 1);
}

#[test]
fn a_refresh_token_ends_too() {
    let server = Server::builder().variable("refresh_token_ttl", "1").start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let issued = Instant::now();
    wait_until("the end of its second", || {
        (issued.elapsed() > Duration::from_millis(1_100)).then_some(())
    });
    shop.refresh(&customer.refresh_token)
        .expect_problem(401, "invalid-refresh-token");
}

#[test]
fn the_token_secret_can_be_replaced_without_logging_anybody_out() {
    /// A route of every component that asks for a token.
    const DOORS: [&str; 4] = [
        "/api/v1/auth/me",
        "/api/v1/products/stats",
        "/api/v1/orders",
        "/api/v1/payments/outbox",
    ];
    let mut server = Server::start();
    let old = Shop::on(&server).admin();
    server.set_variable("jwt_secret", NEW_JWT_SECRET);
    server.set_variable("jwt_previous_secret", JWT_SECRET);
    server.restart();
    let shop = Shop::on(&server);
    for path in DOORS {
        shop.nobody().get(path).bearer(&old.token).expect(200);
    }
    let body = json!({ "refreshToken": old.refresh_token });
    let answer = shop
        .nobody()
        .post("/api/v1/auth/refresh")
        .json(&body)
        .send();
    let renewed = shop.account(&answer.expect(200).json());
    let kid = |token: &str| Token::parse(token).header["kid"].clone();
    assert_ne!(
        kid(&renewed.token),
        kid(&old.token),
        "another key signs now"
    );
    let verified = shop.nobody().get("/api/v1/auth/verify").bearer(&old.token);
    let verified = verified.expect_json(200);
    assert_eq!(kid(&text(&verified["token"])), kid(&renewed.token));

    server.set_variable("jwt_previous_secret", "");
    server.restart();
    let shop = Shop::on(&server);
    for path in DOORS {
        shop.nobody()
            .get(path)
            .bearer(&old.token)
            .expect_problem(401, "unauthorized");
        shop.nobody().get(path).bearer(&renewed.token).expect(200);
    }
    shop.refresh(&renewed.refresh_token).expect(200);
}

/// The databases are read after the shop has ended: no answer shows a hash.
#[cfg(unix)]
#[test]
fn a_hash_is_renewed_at_the_next_login_when_the_cost_has_grown() {
    let mut server = Server::builder().variable("bcrypt_cost", "5").start();
    let customer = Shop::on(&server).customer();
    let hashes = |server: &mut Server, cost: &str| {
        assert!(server.stop(), "the exit code is 0");
        let file = server.folder().join("auth.db");
        let database = std::fs::read(file).expect("the database");
        let beginning = format!("$2b${cost}$");
        let parts = database.windows(beginning.len());
        parts.filter(|part| *part == beginning.as_bytes()).count()
    };
    assert_eq!(hashes(&mut server, "06"), 0);
    server.set_variable("bcrypt_cost", "6");
    server.restart();
    let shop = Shop::on(&server);
    shop.try_log_in(&customer.email, "Wrong-Password-1")
        .expect_problem(401, "invalid-credentials");
    assert_eq!(
        hashes(&mut server, "06"),
        0,
        "a wrong password changes nothing"
    );
    server.restart();
    Shop::on(&server).log_in(&customer.email, PASSWORD);
    assert!(hashes(&mut server, "06") > 0);
    server.restart();
    let shop = Shop::on(&server);
    let me = shop.log_in(&customer.email, PASSWORD);
    let me = me.get("/api/v1/auth/me").expect_json(200);
    assert_eq!(me["version"], 1, "nothing that anyone can see has changed");
}

#[test]
fn the_amount_to_pay_has_as_many_decimals_as_the_currency() {
    for (currency, amount) in [("JPY", 12.0), ("BHD", 12.346), ("EUR", 12.35)] {
        let server = Server::builder().variable("currency", currency).start();
        let shop = Shop::on(&server);
        let (customer, _, order) = shop.pending_order(12.3456, 1);
        assert_eq!(order.answer["order"]["currency"], currency);
        assert_eq!(order.answer["order"]["totalAmount"], 12.3456);
        let payment = shop.pay(&order);
        assert_eq!(
            (payment["amount"].as_f64(), payment["currency"].as_str()),
            (Some(amount), Some(currency))
        );
        customer.wait_for_order(&order.id, "PAID");
    }
}

#[test]
fn pages_of_an_origin_that_is_configured_may_read() {
    let origins = "https://shop.example, https://admin.example, http://localhost:*";
    let server = Server::builder()
        .variable("cors_allowed_origins", origins)
        .start();
    let client = server.client();
    for path in [
        "/",
        "/nowhere",
        "/api/v1/products",
        "/api/v1/auth/me",
        "/api/v1/orders",
        "/api/v1/payments/outbox",
    ] {
        let ask = |origin: &str| client.get(path).header("origin", origin).send();
        let allowed = ask("https://admin.example");
        assert_eq!(
            allowed.header("access-control-allow-origin"),
            Some("https://admin.example"),
            "{path}"
        );
        let local = ask("http://localhost:5173");
        let named = local.header("access-control-allow-origin");
        assert_eq!(named, Some("http://localhost:5173"), "{path}");
        for stranger in [
            "http://localhost.example:5173",
            "https://elsewhere.example",
            "https://shop.example.evil",
            "http://shop.example",
            "null",
        ] {
            assert_eq!(
                ask(stranger).header("access-control-allow-origin"),
                None,
                "{path} {stranger}"
            );
        }
    }
    // Some answers are the runner's own, such as this one to a body that no component gets to see.
    for (origin, is_allowed) in [
        ("https://admin.example", true),
        ("https://elsewhere.example", false),
    ] {
        let refused = client
            .post("/api/v1/auth/login")
            .header("origin", origin)
            .body("application/json", "x".repeat(100_000))
            .expect(413);
        let named = refused.header("access-control-allow-origin");
        assert_eq!(named, is_allowed.then_some(origin));
        assert!(refused.lists("vary", "origin"));
    }
    let preflight = client
        .request("OPTIONS", "/api/v1/orders")
        .header("origin", "https://shop.example");
    let preflight = preflight
        .header("access-control-request-method", "POST")
        .expect(204);
    let methods = preflight
        .header("access-control-allow-methods")
        .unwrap_or_default();
    assert!(methods.contains("POST"), "{methods}");
    let headers = preflight
        .header("access-control-allow-headers")
        .unwrap_or_default();
    assert!(
        headers.contains("authorization") && headers.contains("idempotency-key"),
        "{headers}"
    );
}

#[test]
fn checkout_addresses_begin_with_the_public_url() {
    let server = Server::builder()
        .variable("public_url", "https://pay.example/shop/")
        .start();
    let shop = Shop::on(&server);
    let order = shop.customer().order(&[(&shop.product(1, 1), 1)]);
    let url = text(&order.answer["paymentSession"]["url"]);
    assert!(
        url.starts_with("https://pay.example/shop/api/v1/payments/mock/checkout/"),
        "{url}"
    );
}

#[test]
fn without_admin_variables_there_is_no_admin() {
    let server = Server::builder()
        .variable("admin_email", "")
        .variable("admin_password", "")
        .start();
    let credentials = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    server
        .client()
        .post("/api/v1/auth/login")
        .json(&credentials)
        .expect_problem(401, "invalid-credentials");
    let first = Shop::on(&server).customer();
    first
        .get("/api/v1/auth/users")
        .expect_problem(403, "forbidden");
}

#[test]
fn without_a_webhook_secret_one_is_made_that_nobody_knows() {
    let server = Server::builder()
        .variable("payment_webhook_secret", "")
        .start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    shop.buy(&customer, &shop.product(1, 5), 1);
    let body = "{}";
    for secret in ["", "whsec_", WEBHOOK_SECRET] {
        let now = SystemClock.now_ms() / 1_000;
        let signature = stripe_signature(secret, now, body);
        let request = shop
            .nobody()
            .post("/api/v1/payments/webhook")
            .header("stripe-signature", &signature);
        request
            .body("application/json", body)
            .expect_problem(400, "invalid-signature");
    }
}

/// The last admin stays one, whatever an admin asks for.
#[test]
fn the_shop_is_never_without_an_admin() {
    let server = Server::start();
    let shop = Shop::on(&server);
    let admin = shop.admin();
    let path = format!("/api/v1/auth/users/{}", admin.id);
    for body in [json!({ "role": "customer" }), json!({ "disabled": true })] {
        admin
            .patch(&path)
            .json(&body)
            .expect_problem(409, "last-admin");
    }
    let second = shop.customer();
    let promote = format!("/api/v1/auth/users/{}", second.id);
    admin
        .patch(&promote)
        .json(&json!({ "role": "admin" }))
        .expect(200);
    admin
        .patch(&path)
        .json(&json!({ "role": "customer" }))
        .expect(200);
    admin
        .get("/api/v1/auth/users")
        .expect_problem(403, "forbidden");
}

#[test]
fn stats_show_money_in_whole_minor_units_of_each_currency() {
    let mut server = Server::builder().variable("currency", "JPY").start();
    let shop = Shop::on(&server);
    let stats = |shop: &Shop| shop.admin().get("/api/v1/orders/stats").expect_json(200);
    let nothing =
        json!({ "currency": "JPY", "gross": 0, "refunded": 0, "lostToDisputes": 0, "net": 0 });
    assert_eq!(stats(&shop)["byCurrency"], json!([nothing]));
    let refund = |shop: &Shop, order: &str, body: &serde_json::Value| {
        let payment = text(&shop.payment_of(order)["id"]);
        let path = format!("/api/v1/payments/{payment}/refund");
        shop.admin().post(&path).json(body).expect(200);
    };
    let customer = shop.customer();
    // Three times 33.4 is 100.2, and 100 is paid.
    let tea = shop.product(33.4, 9);
    let first = shop.buy(&customer, &tea, 3);
    shop.buy(&customer, &tea, 3);
    customer.order(&[(&tea, 1)]);
    refund(&shop, &first.id, &json!({ "amount": 30 }));
    let yen =
        json!({ "currency": "JPY", "gross": 200, "refunded": 30, "lostToDisputes": 0, "net": 170 });
    let money = stats(&shop);
    assert_eq!(money["byCurrency"], json!([yen]));
    assert_members(&money, &json!({ "revenue": 170, "currency": "JPY" }));

    // The shop turns to another currency: what was received in the first one stays.
    server.set_variable("currency", "EUR");
    server.restart();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    // 10.005 is rounded half to even.
    let cup = shop.product(3.335, 9);
    let second = shop.buy(&customer, &cup, 3);
    refund(&shop, &first.id, &json!({}));
    refund(&shop, &second.id, &json!({ "amount": 0.05 }));
    let money = stats(&shop);
    let euro = json!({ "currency": "EUR", "gross": 10, "refunded": 0.05, "lostToDisputes": 0, "net": 9.95 });
    let yen = json!({ "currency": "JPY", "gross": 200, "refunded": 100, "lostToDisputes": 0, "net": 100 });
    assert_eq!(money["byCurrency"], json!([euro, yen]));
    assert_members(&money, &json!({ "revenue": 9.95, "currency": "EUR" }));
}
