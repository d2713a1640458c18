//! What an order costs in statements, those that begin and end transactions included: a round trip each where the database is elsewhere.

use std::{thread, time::Duration};

use mercato_tests::{
    Postgres, Server, ServerBuilder,
    metrics::Listener,
    shop::{Account, Shop, order_of, unique},
};
use serde_json::{Value, json};

/// So many more than an order of items an order of a checkout may take, for asking whether its quote still holds.
const OF_A_QUOTE: u64 = 8;

/// The most that an order of items may take: on SQLite, and on PostgreSQL, where locks are taken too.
const OF_ITEMS: [u64; 2] = [27, 31];

/// So often each order is placed; the least counts, because the shop does other things between.
const TIMES: usize = 5;

/// How long a shop is left alone so that nothing else is counted.
const REST: Duration = Duration::from_millis(1_200);

#[test]
fn an_order_of_a_checkout_takes_few_more_statements() {
    let counter = "mercato_sqlite_statements_total";
    compare(Server::builder(), counter, OF_ITEMS[0]);
}

#[test]
fn nor_does_it_take_many_more_on_postgres() {
    if let Some(postgres) = Postgres::start_if_there() {
        let builder = Server::builder().postgres(&postgres);
        compare(builder, "mercato_postgres_statements_total", OF_ITEMS[1]);
    }
}

fn compare(builder: ServerBuilder, counter: &str, of_items: u64) {
    let (listener, builder) = Listener::on(builder);
    let server = builder.start();
    let shop = Shop::on(&server);
    set_up(&shop);
    let customer = shop.customer();
    let lines = [shop.product(10, 99), shop.product(5, 99)];
    let lines = [(&*lines[0], 2), (&*lines[1], 1)];
    let count = |body: &Value| {
        thread::sleep(REST);
        // What the reading itself takes.
        let [first, before] = [(); 2].map(|()| statements(&listener, counter));
        let key = unique("key").replace(' ', "-");
        let request = customer.post("/api/v1/orders").json(body);
        let answer = request.header("idempotency-key", &key).send();
        let placed = answer.expect(201).json();
        let after = statements(&listener, counter);
        drop(customer.cancel(&mercato_tests::shop::text(&placed["id"])));
        after - before - (before - first)
    };
    let least = |body: &dyn Fn() -> Value| {
        let counts = (0..TIMES).map(|_| count(&body()));
        counts.min().expect("some orders")
    };
    let items = least(&|| order_of(&lines));
    let checkout = least(&|| checkout(&customer, &lines));
    println!("{counter}: {items} for an order of items, {checkout} for one of a checkout");
    assert!(items <= of_items, "{items} statements for an order");
    assert!(
        checkout <= items + OF_A_QUOTE,
        "{checkout} statements for an order of a checkout, {items} for one of items"
    );
}

/// How many there were so far.
fn statements(listener: &Listener, counter: &str) -> u64 {
    // A counter that is far from the limits of a float.
    let sum = listener.read().sum(counter).to_string();
    sum.parse().expect("a whole number")
}

fn set_up(shop: &Shop) {
    let option =
        json!({ "code": "post", "name": "Post", "by": "weight", "steps": [{ "amount": 4.9 }] });
    for (path, document) in [
        (
            "taxes",
            json!({ "pricesIncludeTax": true, "defaultCountry": "AT", "rates": [{ "country": "AT", "taxClass": "standard", "rate": 20 }] }),
        ),
        (
            "shipping",
            json!({ "zones": [{ "name": "Austria", "countries": ["AT"], "options": [option] }] }),
        ),
    ] {
        let path = format!("/api/v1/checkouts/settings/{path}");
        let set = shop.admin().request("PUT", &path).json(&document).send();
        drop(set.expect(200));
    }
}

/// A checkout with all that there can be but a code; returns what orders it.
fn checkout(customer: &Account, lines: &[(&str, u32)]) -> Value {
    let address = json!({ "name": "Ada", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" });
    let mut content = order_of(lines);
    for (member, value) in [
        ("email", json!("ada@example.com")),
        ("shippingAddress", address.clone()),
        ("billingAddress", address),
        ("shippingOption", json!("post")),
        ("note", json!("Ring twice")),
        ("metadata", json!({ "gift": "yes" })),
    ] {
        content[member] = value;
    }
    let shown = customer
        .post("/api/v1/checkouts")
        .json(&content)
        .expect_json(201);
    json!({ "checkout": shown["id"], "quote": shown["quote"] })
}
