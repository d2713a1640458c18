//! Sessions end, and with them whatever their tokens were good for.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use mercato_tests::{
    PATIENCE, Response,
    forge::Token,
    shop::{Account, PASSWORD, Placed, Shop, jwt_secret, unique},
    wait_until,
};
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "Another-1-Entirely";

/// Somebody who may do everything that is checked: an admin with an order that is paid.
struct Victim {
    account: Account,
    product: String,
    order: Placed,
    payment: String,
}

impl Victim {
    fn new(shop: &Shop) -> Self {
        let customer = shop.customer();
        update(shop, &customer, &json!({ "role": "admin" }));
        let account = shop.log_in(&customer.email, PASSWORD);
        let product = shop.product(5, 10);
        let order = shop.buy(&account, &product, 1);
        let payment = shop.payment_of(&order.id)["id"].clone();
        Self {
            account,
            product,
            order,
            payment: payment.as_str().expect("a payment").to_owned(),
        }
    }

    /// Requests that an access token of an ended session must not make, by what they do. None of them succeeds: what the token
    /// may do shows in another refusal.
    fn attempts(&self) -> Vec<(&'static str, Response, u16)> {
        let send = |method: &str, path: &str, body: Value| {
            let request = self.account.request(method, path);
            request.json(&body).send()
        };
        let order = format!("/api/v1/orders/{}", self.order.id);
        let refund = format!("/api/v1/payments/{}/refund", self.payment);
        let product = format!("/api/v1/products/{}", self.product);
        vec![
            ("an order", send("POST", "/api/v1/orders", json!({})), 400),
            (
                "a change of an order",
                send("PATCH", &order, json!({})),
                400,
            ),
            (
                "a refund",
                send("POST", &refund, json!({ "amount": 0 })),
                400,
            ),
            (
                "a session to pay in",
                send("POST", "/api/v1/payments/session", json!({})),
                400,
            ),
            (
                "a product",
                send("PATCH", &product, json!({ "price": -1 })),
                400,
            ),
            (
                "stock alerts",
                self.account.get("/api/v1/products/stats").send(),
                200,
            ),
            (
                "everybody's orders",
                self.account.get("/api/v1/orders").send(),
                200,
            ),
            (
                "events under way",
                self.account.get("/api/v1/payments/outbox").send(),
                200,
            ),
        ]
    }

    fn may_do_everything(&self) {
        for (what, answer, status) in self.attempts() {
            assert_eq!(answer.status(), status, "{what}: {}", answer.text());
        }
    }

    /// Nothing about accounts, at once.
    fn may_do_nothing_about_accounts(&self) {
        for path in [
            "/api/v1/auth/verify",
            "/api/v1/auth/me",
            "/api/v1/auth/users",
            "/api/v1/auth/sessions",
        ] {
            self.account.get(path).expect_problem(401, "unauthorized");
        }
    }

    /// Nothing about money, stock and the shop, within the seconds that components keep the list of revocations.
    fn may_do_nothing_soon(&self) {
        wait_until("the end of an access token in all components", || {
            let attempts = self.attempts().into_iter();
            attempts
                .map(|(_, answer, _)| answer.status())
                .all(|status| status == 401)
                .then_some(())
        });
    }
}

fn update(shop: &Shop, account: &Account, changes: &Value) {
    let path = format!("/api/v1/auth/users/{}", account.id);
    shop.admin().patch(&path).json(changes).expect(200);
}

fn end_by(event: impl FnOnce(&Shop, &Account)) -> Victim {
    let shop = Shop::shared();
    let victim = Victim::new(shop);
    victim.may_do_everything();
    event(shop, &victim.account);
    victim
}

#[test]
fn a_logout_ends_access_tokens_everywhere() {
    let victim = end_by(|_, account| {
        Shop::shared().log_out(&account.refresh_token).expect(204);
    });
    victim.may_do_nothing_about_accounts();
    victim.may_do_nothing_soon();
    let again = Shop::shared().log_in(&victim.account.email, PASSWORD);
    again.get("/api/v1/products/stats").expect(200);
}

#[test]
fn a_changed_password_ends_access_tokens_everywhere() {
    let mut renewed = None;
    let victim = end_by(|shop, account| {
        let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
        let answer = account.post("/api/v1/auth/password").json(&body).send();
        renewed = Some(shop.account(&answer.expect(200).json()));
    });
    victim.may_do_nothing_about_accounts();
    victim.may_do_nothing_soon();
    let renewed = renewed.expect("a session");
    renewed.get("/api/v1/auth/verify").expect(200);
    renewed.get("/api/v1/products/stats").expect(200);
}

#[test]
fn a_disabled_account_has_no_access_token_that_is_good() {
    let victim = end_by(|shop, account| update(shop, account, &json!({ "disabled": true })));
    victim.may_do_nothing_about_accounts();
    victim.may_do_nothing_soon();
    update(
        Shop::shared(),
        &victim.account,
        &json!({ "disabled": false }),
    );
    victim.may_do_nothing_about_accounts();
}

#[test]
fn a_session_ended_by_another_ends_access_tokens_everywhere() {
    let victim = end_by(|shop, account| {
        let here = shop.log_in(&account.email, PASSWORD);
        here.delete("/api/v1/auth/sessions").expect(204);
        here.get("/api/v1/auth/verify").expect(200);
    });
    victim.may_do_nothing_about_accounts();
    victim.may_do_nothing_soon();
}

#[test]
fn a_reused_refresh_token_ends_access_tokens_everywhere() {
    let victim = end_by(|shop, account| {
        let agents = ["owner", "thief"];
        let body = json!({ "refreshToken": account.refresh_token });
        let answers = agents.map(|agent| {
            let request = shop.nobody().post("/api/v1/auth/refresh");
            request.header("user-agent", agent).json(&body).send()
        });
        let [owner, thief] = answers;
        owner.expect(200);
        thief.expect_problem(401, "invalid-refresh-token");
    });
    victim.may_do_nothing_about_accounts();
    victim.may_do_nothing_soon();
}

/// The session goes on: its next tokens are those of a customer.
#[test]
fn whoever_is_no_admin_any_more_has_no_access_token_of_one() {
    let victim = end_by(|shop, account| update(shop, account, &json!({ "role": "customer" })));
    victim
        .account
        .get("/api/v1/auth/users")
        .expect_problem(403, "forbidden");
    victim.may_do_nothing_soon();
    let renewed = victim.account.get("/api/v1/auth/verify").expect_json(200);
    assert_eq!(renewed["user"]["role"], "customer");
    let token = renewed["token"].as_str().expect("a token");
    let nobody = Shop::shared().nobody();
    nobody
        .get("/api/v1/products/stats")
        .bearer(token)
        .expect_problem(403, "forbidden");
    let order = nobody.post("/api/v1/orders").bearer(token).json(&json!({}));
    order.expect(400);
}

/// A file may arrive for hours, and is held against the list of revocations before each batch of rows.
#[test]
fn an_import_that_is_under_way_ends_with_its_session() {
    /// More than a server may hold back before it hands a body on.
    const HELD_BYTES: usize = 2 * 1024 * 1024;
    const BATCH_ROWS: usize = 250;
    let shop = Shop::shared();
    let victim = Victim::new(shop);
    let sku = unique("S").replace(' ', "-");
    let address = shop.nobody().base_url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let token = &victim.account.token;
    write!(
        stream,
        "POST /api/v1/products/import HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .expect("a head");
    let chunk = |text: String| format!("{:x}\r\n{text}\r\n", text.len());
    let mut batches = 0;
    let mut next = || {
        batches += 1;
        let rows = (0..BATCH_ROWS).map(|row| {
            let row = json!({ "sku": format!("{sku}-{batches}-{row}"), "name": "Tea", "price": 1 });
            format!("{row}\n")
        });
        chunk(rows.collect())
    };
    let held = chunk("\n".repeat(HELD_BYTES));
    write!(stream, "{}{held}", next()).expect("the first rows");
    wait_until("the first rows", || {
        let path = format!("/api/v1/products?q={sku}-1-0");
        let list = shop.nobody().get(&path).expect_json(200);
        (list["meta"]["total"] == 1).then_some(())
    });
    let refresh_token = &victim.account.refresh_token;
    Shop::shared().log_out(refresh_token).expect(204);
    // It goes on until the list is asked for again.
    let mut answer = vec![0];
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout");
    wait_until("the end of the import", || {
        if stream.read_exact(&mut answer).is_ok() {
            return Some(());
        }
        stream.write_all(next().as_bytes()).expect("more rows");
        None
    });
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("\"report\":{\"created\":"), "{answer}");
}

/// What a customer may read is good until the access token ends: docs/decisions/0035.
#[test]
fn own_orders_can_be_read_until_the_token_ends() {
    let shop = Shop::shared();
    let customer = shop.customer();
    Shop::shared().log_out(&customer.refresh_token).expect(204);
    wait_until("the end of the token for orders", || {
        let answer = customer.post("/api/v1/orders").json(&json!({})).send();
        (answer.status() == 401).then_some(())
    });
    customer.get("/api/v1/orders").expect(200);
    shop.nobody().get("/api/v1/products").expect(200);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one() {
    let shop = Shop::shared();
    let here = shop.customer();
    let there = shop.log_in(&here.email, PASSWORD);
    let list = |account: &Account| account.get("/api/v1/auth/sessions").expect_json(200);
    let listed = list(&here);
    let sessions = listed["data"].as_array().expect("a list");
    assert_eq!(sessions.len(), 2, "{listed}");
    let current = |account: &Account| {
        let listed = list(account);
        let sessions = listed["data"].as_array().expect("a list").iter();
        let own: Vec<&Value> = sessions.filter(|one| one["current"] == true).collect();
        assert_eq!(own.len(), 1, "{listed}");
        own[0]["id"].as_str().expect("an id").to_owned()
    };
    let (own, other) = (current(&here), current(&there));
    assert_ne!(own, other);
    let path = format!("/api/v1/auth/sessions/{other}");
    shop.customer()
        .delete(&path)
        .expect_problem(404, "not-found");
    here.delete(&path).expect(204);
    there
        .get("/api/v1/auth/me")
        .expect_problem(401, "unauthorized");
    Shop::shared()
        .refresh(&there.refresh_token)
        .expect_problem(401, "invalid-refresh-token");
    here.delete(&path).expect_problem(404, "not-found");
    assert_eq!(list(&here)["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn tokens_name_their_session_and_renewals_stay_in_it() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let claims = Token::parse(&customer.token).claims;
    assert!(claims["sid"].is_string(), "{claims}");
    let renewed = customer.get("/api/v1/auth/verify").expect_json(200);
    let renewed = Token::parse(renewed["token"].as_str().expect("a token")).claims;
    assert_eq!(renewed["sid"], claims["sid"]);
    let other = shop.log_in(&customer.email, PASSWORD);
    assert_ne!(Token::parse(&other.token).claims["sid"], claims["sid"]);
}

/// As versions before sessions were claimed made them.
#[test]
fn a_token_without_a_session_works_until_its_own_end() {
    let Some(secret) = jwt_secret() else { return };
    let shop = Shop::shared();
    let customer = shop.customer();
    let mut token = Token::parse(&customer.token);
    let claims = token.claims.as_object_mut().expect("claims");
    claims.remove("sid");
    claims.remove("gen");
    let old = token.signed(&secret);
    let nobody = shop.nobody();
    let renewed = nobody
        .get("/api/v1/auth/verify")
        .bearer(&old)
        .expect_json(200);
    let renewed = Token::parse(renewed["token"].as_str().expect("a token")).claims;
    assert_eq!(renewed["exp"], token.claims["exp"]);
    let order = || {
        let request = nobody.post("/api/v1/orders").bearer(&old);
        request.json(&json!({})).send()
    };
    order().expect(400);
    let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    customer
        .post("/api/v1/auth/password")
        .json(&body)
        .expect(200);
    nobody
        .get("/api/v1/auth/verify")
        .bearer(&old)
        .expect_problem(401, "unauthorized");
    wait_until("the end of the older token", || {
        (order().status() == 401).then_some(())
    });
}
