//! A shop moves from SQLite to PostgreSQL: everything that it had is there, and it goes on where it was. Left out where there is no
//! PostgreSQL.
#![cfg(unix)]

use std::{
    fs,
    time::{Duration, Instant},
};

use mercato_tests::{
    Client, Folder, Postgres, Response, Server,
    metrics::Metrics,
    moving::{export, import},
    shop::{Account, PASSWORD, Placed, Shop, order_of, text, unique_email},
    wait_until,
};
use serde_json::{Value, json};

const CHECKOUTS: &str = "/api/v1/checkouts";
const ORDERS: &str = "/api/v1/orders";
const TAXES: &str = "/api/v1/checkouts/settings/taxes";
const SHIPPING: &str = "/api/v1/checkouts/settings/shipping";
const ADDRESSES: &str = "/api/v1/auth/me/addresses";
const CODES: &str = "/api/v1/checkouts/codes";
const CODE: &str = "TENOFF";

/// Twice as long as it takes until the runner has looked at its files, which it does once a second.
const LOOKS: Duration = Duration::from_secs(2);

/// What admins and customers see that must be the same afterwards, and what they asked for.
struct Life {
    customer: Account,
    /// The token of a guest and the path of the checkout.
    guest: (String, String),
    tea: String,
    cup: String,
    pending: Placed,
    /// A request for an order with its key, and what was answered.
    keyed: (Value, Value),
    /// The same of a refund.
    refund: (String, Value, Value),
    orders: Vec<String>,
}

fn settings() -> [(&'static str, Value); 2] {
    let taxes = json!({
        "pricesIncludeTax": true,
        "defaultCountry": "AT",
        "rates": [{ "country": "AT", "taxClass": "standard", "rate": 20 }],
    });
    let option =
        json!({ "code": "at", "name": "Post", "by": "weight", "steps": [{ "amount": 4.9 }] });
    let zone = json!({ "name": "Austria", "countries": ["AT"], "options": [option] });
    [(TAXES, taxes), (SHIPPING, json!({ "zones": [zone] }))]
}

fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Response {
    client
        .post(path)
        .header("Idempotency-Key", key)
        .json(body)
        .send()
}

/// Lets a shop live for a while: orders in every state, refunds in part and whole, checkouts of a guest and a customer, codes.
fn live(shop: &Shop) -> Life {
    let admin = shop.admin();
    for (path, document) in settings() {
        admin.request("PUT", path).json(&document).expect(200);
    }
    let body = json!({ "code": CODE, "label": "Ten off", "percent": 10 });
    admin.post(CODES).json(&body).expect(201);
    let product = |name: &str, sku: Value, stock: u64| {
        let body = json!({ "name": name, "description": "Erste Ernte, T-100\n\tim Päckchen \\ 12e34abc", "price": 12.5, "stock": stock, "sku": sku });
        text(&shop.create_product(&body)["id"])
    };
    let tea = product("Grüner Tee", json!("GT-1"), 100);
    let cup = product("Crème cup", Value::Null, 50);
    let gone = product("Gone", json!("X-1"), 3);
    admin
        .delete(&format!("/api/v1/products/{gone}"))
        .expect(204);

    let body = json!({ "name": "Zoë O'Neill", "email": unique_email(), "password": PASSWORD });
    let registered = shop.nobody().post("/api/v1/auth/register").json(&body);
    let customer = shop.account(&registered.expect_json(201));
    let address = |name: &str| json!({ "name": name, "line1": "Straße 1", "postalCode": "1010", "city": "Wien", "country": "AT" });
    let mut home = address("Zoë");
    home["label"] = json!("Zuhause");
    home["isDefaultShipping"] = json!(true);
    let book = json!({ "addresses": [address("Ada"), home] });
    let request = customer.request("PUT", ADDRESSES);
    request.json(&book).expect(200);
    let disabled = shop.customer();
    let change = admin
        .patch(&format!("/api/v1/auth/users/{}", disabled.id))
        .json(&json!({ "disabled": true }));
    change.expect(200);

    let pending = customer.order(&[(&tea, 2), (&cup, 1)]);
    let paid = shop.buy(&customer, &tea, 3);
    let delivered = shop.buy(&customer, &cup, 1);
    admin.deliver(&delivered.id).expect(200);
    let cancelled = customer.order(&[(&tea, 1)]);
    customer.cancel(&cancelled.id).expect(200);
    let refunded = shop.buy(&customer, &tea, 1);
    let path = shop.refund_path(&refunded.id);
    let refund_body = json!({ "reason": "wrong size" });
    let refund = keyed(&admin, &path, "refund-1", &refund_body).expect(200);
    customer.wait_for_order(&refunded.id, "REFUNDED");
    let in_part = shop.buy(&customer, &tea, 2);
    let some = json!({ "amount": 5 });
    let asked = admin.post(&shop.refund_path(&in_part.id)).json(&some);
    asked.expect(200);
    let declined = customer.order(&[(&cup, 2)]);
    shop.check_out(&declined.session_id, "fail").expect(200);

    let order_body = order_of(&[(&cup, 4)]);
    let first = keyed(&customer, ORDERS, "order-1", &order_body).expect(201);
    let first = first.json();

    let content = |discount: Value| {
        json!({
            "items": [{ "productId": tea, "quantity": 2 }],
            "email": "Guest@Example.com",
            "shippingAddress": { "name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" },
            "shippingOption": "at",
            "codes": discount,
        })
    };
    let begin = |content: &Value| {
        let shown = shop.nobody().post(CHECKOUTS).json(content).expect_json(201);
        let token = text(&shown["token"]);
        (shown, shop.nobody().clone().with_token(&token))
    };
    let (bought, holder) = begin(&content(json!([CODE])));
    let body = json!({ "checkout": bought["id"], "quote": bought["quote"] });
    let placed = Placed::from(holder.post(ORDERS).json(&body).expect_json(201));
    shop.pay(&placed);
    let order = format!("{ORDERS}/id/{}", placed.id);
    wait_until("the order of a guest", || {
        (admin.get(&order).expect_json(200)["status"] == "PAID").then_some(())
    });
    let (open, _) = begin(&content(json!([])));
    let orders = [
        &pending, &paid, &delivered, &cancelled, &refunded, &in_part, &declined, &placed,
    ];
    let mut orders: Vec<String> = orders.map(|order| order.id.clone()).to_vec();
    orders.push(text(&first["id"]));
    Life {
        guest: (
            text(&open["token"]),
            format!("{CHECKOUTS}/{}", text(&open["id"])),
        ),
        customer,
        tea,
        cup,
        pending,
        keyed: (order_body, first),
        refund: (path, refund_body, refund.json()),
        orders,
    }
}

/// What is seen in a shop, by whoever lived in it.
fn seen(shop: &Shop, life: &Life) -> Vec<(String, Value)> {
    let admin = shop.admin();
    let mut seen = Vec::new();
    let mut look = |client: &Client, path: String| {
        let shown = client.get(&path).expect_json(200);
        seen.push((path, shown));
    };
    for order in &life.orders {
        look(&admin, format!("{ORDERS}/id/{order}"));
        look(&admin, format!("/api/v1/payments/order/{order}"));
    }
    for product in [&life.tea, &life.cup] {
        look(&admin, format!("/api/v1/products/{product}"));
    }
    for path in [
        "/api/v1/products?sort=name",
        "/api/v1/products?q=gruner",
        "/api/v1/products?q=creme",
        "/api/v1/products?q=T-100",
        "/api/v1/products?q=12e34abc&sort=-price",
        "/api/v1/products/stats",
        "/api/v1/orders?limit=100",
        "/api/v1/orders?status=PAID",
        "/api/v1/orders?sort=updatedAt",
        "/api/v1/orders/stats",
        TAXES,
        SHIPPING,
    ] {
        look(&admin, path.to_owned());
    }
    look(&admin, format!("{CODES}/{CODE}"));
    look(&admin, "/api/v1/auth/users?limit=100".to_owned());
    let as_customer = shop.nobody().clone().with_token(&life.customer.token);
    look(&as_customer, "/api/v1/auth/me".to_owned());
    look(&as_customer, ADDRESSES.to_owned());
    look(&as_customer, ORDERS.to_owned());
    seen
}

/// What operators watch and the databases count.
fn counted(server: &Server) -> Vec<(String, f64)> {
    let metrics = Metrics::of_shop(server);
    let mut counted = Vec::new();
    for status in ["PENDING", "PAID", "DELIVERED", "CANCELLED", "REFUNDED"] {
        let orders = metrics.of("mercato_orders", "status", status);
        counted.push((format!("orders {status}"), orders));
    }
    for status in ["PENDING", "SUCCEEDED", "FAILED", "CANCELLED", "REFUNDED"] {
        let payments = metrics.of("mercato_payments", "status", status);
        counted.push((format!("payments {status}"), payments));
    }
    for name in [
        "mercato_events_applied_total",
        "mercato_outbox_published_total",
        "mercato_refunds_failed_total",
        "mercato_reservations_held",
    ] {
        counted.push((name.to_owned(), metrics.sum(name)));
    }
    counted
}

#[test]
fn a_shop_moves_with_everything_it_has() {
    let Some(postgres) = Postgres::start_if_there() else {
        return;
    };
    let folder = Folder::new("moving");
    let exported = folder.path().join("export");
    let mut old = Server::start();
    let shop = Shop::on(&old);
    let life = live(&shop);

    export(old.databases(), &exported).refused(&["in use", "stop the shop"]);
    assert!(!exported.exists());
    let (before, counts) = (seen(&shop, &life), counted(&old));
    assert!(old.stop());

    let said = export(old.databases(), &exported).done();
    let said = format!("{said}{}", import(&postgres, &exported).done());
    for secret in ["role-", "@customers.test", "$2b$", &life.customer.email] {
        assert!(!said.contains(secret), "{said}");
    }
    assert!(!said.contains("WARN"), "{said}");

    let last = "SELECT MAX(sequence) FROM outbox";
    let last_event: u64 = postgres.run("mercato_payments", last).parse().unwrap();
    let new = Server::builder()
        .variable("public_url", old.base_url())
        .postgres(&postgres)
        .start();
    let shop = Shop::on(&new);
    // The admin and the customer have their old passwords and sessions.
    let admin = shop.admin();
    for ((path, before), (_, now)) in before.iter().zip(seen(&shop, &life)) {
        // The admin has logged in once more since, which shows nowhere else.
        assert_eq!(before, &now, "{path}");
    }
    assert_eq!(counted(&new), counts);
    let refreshed = shop.refresh(&life.customer.refresh_token).expect(200);
    let customer = shop.account(&refreshed.json());
    shop.log_in(&customer.email, PASSWORD);
    let guest = shop.nobody().clone().with_token(&life.guest.0);
    let checkout = guest.get(&life.guest.1).expect_json(200);

    // What was asked before is answered as it was, and done once.
    let (body, answer) = &life.keyed;
    let again = keyed(&customer, ORDERS, "order-1", body).expect(201);
    assert_eq!(again.json()["id"], answer["id"]);
    let (path, body, answer) = &life.refund;
    let again = keyed(&admin, path, "refund-1", body).expect(200);
    assert_eq!(&again.json(), answer);

    // Life goes on.
    shop.pay(&life.pending);
    customer.wait_for_order(&life.pending.id, "PAID");
    let bought = shop.buy(&customer, &life.tea, 1);
    let number = &customer.read_order(&bought.id)["number"];
    let of_before = before.iter().all(|(_, shown)| &shown["number"] != number);
    assert!(of_before, "{number} was given out before");
    let now: u64 = postgres.run("mercato_payments", last).parse().unwrap();
    assert!(now > last_event, "{now} comes after {last_event}");
    let body = json!({ "checkout": checkout["id"], "quote": checkout["quote"] });
    let placed = Placed::from(guest.post(ORDERS).json(&body).expect_json(201));
    shop.pay(&placed);
    let body = json!({ "description": "now with vanilla" });
    let product = format!("/api/v1/products/{}", life.tea);
    admin.patch(&product).json(&body).expect(200);
    let found = admin.get("/api/v1/products?q=vanilla").expect_json(200);
    assert_eq!(found["data"][0]["id"], life.tea.as_str());
    drop(new);

    // The same export again changes nothing.
    let said = import(&postgres, &exported).done();
    assert_eq!(said.matches("has this export already").count(), 5, "{said}");
    fs::remove_file(exported.join("orders.orders.jsonl")).unwrap();
    import(&postgres, &exported).refused(&["orders.orders.jsonl is missing"]);
}

/// An export goes by these locks, and so does every other program: a `sqlite3` that sees none takes itself for the last one, and
/// removes the write-ahead log when it ends. SQLite of today does not, that of 2023 does.
#[cfg(target_os = "linux")]
#[test]
fn a_shop_that_runs_keeps_its_files_locked() {
    use std::os::unix::fs::MetadataExt as _;
    let server = Server::start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(1, 9));
    let started = Instant::now();
    while started.elapsed() < LOOKS {
        let order = customer.order(&[(&product, 1)]);
        customer.cancel(&order.id).expect(200);
        for label in ["auth", "orders", "payments", "products"] {
            let path = server.databases().join(format!("{label}.db"));
            let file = format!(":{} ", path.metadata().expect("a file").ino());
            let locks = fs::read_to_string("/proc/locks").expect("locks");
            let is_locked = locks.lines().any(|lock| lock.contains(&file));
            assert!(is_locked, "{label} looks as if nobody used it");
        }
    }
}
