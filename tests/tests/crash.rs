//! The process is killed in the middle of buying: whatever was answered is true, and everything adds up.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use mercato_tests::{
    Client, Redis, Response, Server, is_quick,
    shop::{Account, Placed, Shop, order_of, text, unique},
    wait_until,
};
use serde_json::{Value, json};

const BUYERS: usize = 6;
const STOCK: u64 = 10_000;
const UNITS: u32 = 2;

/// How many answers a round waits for before the kill; between them lies every step of a purchase sooner or later.
const ROUNDS: [u32; 4] = [7, 23, 45, 70];

/// How many rounds there are instead: MERCATO_KILL_ROUNDS=50 takes some minutes.
const ROUNDS_VARIABLE: &str = "MERCATO_KILL_ROUNDS";

/// The discount code that all guests use, and what it takes off.
const CODE: &str = "KILLED";
const DISCOUNT: f64 = 1.0;

/// What a unit costs.
const PRICE: u32 = 3;

/// Who buys.
enum Buyer {
    /// A customer, who orders products.
    Account(Account),
    /// A guest, who orders a checkout with an address and a code, another one each time.
    Guest,
}

/// What is ordered, and by whom: the same each time that it is sent.
struct Wanted {
    token: String,
    body: Value,
}

/// One attempt to buy, as its buyer knows it.
struct Attempt {
    wanted: Wanted,
    key: String,
    /// The body of the 201, if it came.
    placed: Option<Vec<u8>>,
    /// Whether the payment was answered with 200.
    paid: bool,
}

#[test]
fn whatever_was_answered_before_a_kill_is_true_after_it() {
    if is_quick() {
        return;
    }
    rounds(&mut Server::start(), |_| {}, |_| {});
}

#[test]
fn whatever_was_answered_is_true_when_redis_goes_too() {
    if is_quick() {
        return;
    }
    let redis = RefCell::new(Redis::start());
    let mut server = Server::builder().redis(&redis.borrow().url()).start();
    let is_odd = |round: usize| round % 2 == 1;
    let before = |round| {
        if is_odd(round) {
            redis.borrow_mut().kill();
        }
    };
    let after = |round| {
        if is_odd(round) {
            redis.borrow_mut().restart();
        }
    };
    rounds(&mut server, before, after);
}

/// Several kills of one shop; `before` happens in the middle of buying, `after` when the shop is up again.
fn rounds(server: &mut Server, before: impl Fn(usize), after: impl Fn(usize)) {
    let shop = Shop::on(server);
    let buyer = |index: usize| match index % 2 {
        0 => Buyer::Account(shop.customer()),
        _ => Buyer::Guest,
    };
    let buyers: Vec<Buyer> = (0..BUYERS).map(buyer).collect();
    let product = shop.product(PRICE, STOCK);
    let code = json!({ "code": CODE, "label": "Survived", "amount": DISCOUNT });
    let admin = shop.admin();
    admin
        .post("/api/v1/checkouts/codes")
        .json(&code)
        .expect(201);
    let count = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS.len(), |count| {
        count.parse().expect("a number of rounds")
    });
    let mut attempts = Vec::new();
    for (round, answers) in ROUNDS.into_iter().cycle().take(count).enumerate() {
        attempts.extend(buy_until_killed(server, &buyers, &product, answers, || {
            before(round)
        }));
        server.restart();
        after(round);
        check(server, &product, &mut attempts);
    }
    let paid = attempts.iter().filter(|attempt| attempt.paid).count();
    let placed = attempts.len();
    assert!(
        placed > 50 && paid > 20,
        "there was something to lose: {placed} orders, {paid} payments"
    );
}

/// Every buyer buys and pays, again and again, until the server is gone.
fn buy_until_killed(
    server: &mut Server,
    buyers: &[Buyer],
    product: &str,
    answers: u32,
    before_the_kill: impl FnOnce(),
) -> Vec<Attempt> {
    let answered = AtomicU32::new(0);
    let base_url = server.base_url().to_owned();
    thread::scope(|scope| {
        let threads: Vec<_> = buyers
            .iter()
            .map(|buyer| {
                let (answered, base_url) = (&answered, &base_url);
                scope.spawn(move || {
                    let mut attempts = Vec::new();
                    while let Some(attempt) = buy(buyer, base_url, product, answered) {
                        let gone = attempt.placed.is_none() || !attempt.paid;
                        attempts.push(attempt);
                        if gone {
                            break;
                        }
                    }
                    attempts
                })
            })
            .collect();
        let wait_for = |what: &str, answers: u32| {
            wait_until(what, || {
                (answered.load(Ordering::Relaxed) >= answers).then_some(())
            });
        };
        wait_for("half of the purchases", answers / 2);
        before_the_kill();
        wait_for("enough purchases", answers);
        server.kill();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a buyer"))
            .collect()
    })
}

impl Buyer {
    /// What they order next; none when the server goes away before a guest has filled everything in.
    fn wanted(&self, client: &Client, product: &str) -> Option<Wanted> {
        if let Self::Account(account) = self {
            return Some(Wanted {
                token: account.token.clone(),
                body: order_of(&[(product, UNITS)]),
            });
        }
        let content = json!({
            "items": [{ "productId": product, "quantity": UNITS }],
            "email": format!("{}@customers.test", unique("guest").replace(' ', "-")),
            "shippingAddress": { "name": "Ada", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" },
            "codes": [CODE],
        });
        let opened = client.post("/api/v1/checkouts").json(&content).try_send();
        let checkout = opened.ok()?.expect(201).json();
        Some(Wanted {
            token: text(&checkout["token"]),
            body: json!({ "checkout": checkout["id"], "quote": checkout["quote"] }),
        })
    }
}

impl Wanted {
    fn is_guests(&self) -> bool {
        self.body.get("checkout").is_some()
    }

    fn order(&self, client: &Client, key: &str) -> Result<Response, impl std::error::Error> {
        client
            .post("/api/v1/orders")
            .bearer(&self.token)
            .header("idempotency-key", key)
            .json(&self.body)
            .try_send()
    }
}

/// One purchase; a part of it is missing when the server went away meanwhile.
fn buy(buyer: &Buyer, base_url: &str, product: &str, answered: &AtomicU32) -> Option<Attempt> {
    let client = Client::new(base_url);
    let mut attempt = Attempt {
        wanted: buyer.wanted(&client, product)?,
        key: unique("key").replace(' ', "-"),
        placed: None,
        paid: false,
    };
    let Ok(answer) = attempt.wanted.order(&client, &attempt.key) else {
        return Some(attempt);
    };
    answered.fetch_add(1, Ordering::Relaxed);
    let placed = answer.expect(201);
    let session = text(&placed.json()["paymentSession"]["id"]);
    attempt.placed = Some(placed.bytes().to_vec());
    let path = format!("/api/v1/payments/mock/checkout/{session}");
    if let Ok(answer) = client
        .post(&path)
        .json(&json!({ "outcome": "succeed" }))
        .try_send()
    {
        answered.fetch_add(1, Ordering::Relaxed);
        answer.expect(200);
        attempt.paid = true;
    }
    Some(attempt)
}

fn check(server: &Server, product: &str, attempts: &mut [Attempt]) {
    let shop = Shop::on(server);
    let client = server.client();
    let mut orders = Vec::new();
    for attempt in attempts.iter_mut() {
        // Sent again with its key, every request has its answer: the first one, or the one that was under way.
        let again = attempt.wanted.order(&client, &attempt.key);
        let again = again.expect("an answer").expect(201);
        let first = attempt.placed.get_or_insert_with(|| again.bytes().to_vec());
        assert_eq!(again.bytes(), first, "the first answer again");
        let order = Placed::from(again.json());
        if attempt.paid {
            shop.admin().wait_for_order(&order.id, "PAID");
        }
        orders.push((order.id, attempt.wanted.is_guests()));
    }
    wait_until("an empty outbox", || {
        let outbox = shop.admin().get("/api/v1/payments/outbox").expect_json(200);
        (outbox["meta"]["total"] == 0).then_some(())
    });
    expect_everything_adds_up(&shop, product, &orders);
}

fn expect_everything_adds_up(shop: &Shop, product: &str, attempts: &[(String, bool)]) {
    let listed = shop.admin().get("/api/v1/orders?limit=1").expect_json(200);
    let listed = listed["meta"]["total"].as_u64().expect("a total");
    let distinct: BTreeSet<&String> = attempts.iter().map(|(id, _)| id).collect();
    assert_eq!(distinct.len(), attempts.len(), "one order for each key");
    assert_eq!(listed, attempts.len() as u64, "and no other");
    let orders: Vec<Value> = attempts
        .iter()
        .map(|(id, _)| shop.admin().read_order(id))
        .collect();
    let units = |status: &str| {
        let of_status = orders.iter().filter(|order| order["status"] == status);
        u64::from(UNITS) * u64::try_from(of_status.count()).expect("a count")
    };
    let (pending, paid) = (units("PENDING"), units("PAID"));
    shop.wait_for_stock(product, STOCK - pending - paid, pending, paid);
    for (order, (_, is_guests)) in orders.iter().zip(attempts) {
        let payment = shop.payment_of(order["id"].as_str().expect("an id"));
        let expected = if order["status"] == "PAID" {
            "SUCCEEDED"
        } else {
            "PENDING"
        };
        assert_eq!(payment["status"], expected, "{order} {payment}");
        let discount = if *is_guests { DISCOUNT } else { 0.0 };
        let total = f64::from(PRICE * UNITS) - discount;
        assert_eq!(order["totalAmount"].as_f64(), Some(total), "{order}");
        assert_eq!(payment["amount"].as_f64(), Some(total), "{payment}");
    }
    let admin = shop.admin();
    let code = admin.get(&format!("/api/v1/checkouts/codes/{CODE}"));
    let guests = attempts.iter().filter(|(_, is_guests)| *is_guests);
    assert_eq!(code.expect_json(200)["uses"], guests.count());
}
