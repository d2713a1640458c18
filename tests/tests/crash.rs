//! The process is killed in the middle of buying: whatever was answered is true, and everything adds up.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use mercato_tests::{
    Client, Redis, Response, Server, ServerBuilder, is_quick,
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
    /// What the order and its payment were found to be after the last kill.
    found: Option<Found>,
}

/// An order as it was found after a kill.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    id: String,
    is_paid: bool,
}

#[test]
fn whatever_was_answered_before_a_kill_is_true_after_it() {
    if is_quick() {
        return;
    }
    rounds(&mut builder().start(), |_| {}, |_| {});
}

#[test]
fn whatever_was_answered_is_true_when_redis_goes_too() {
    if is_quick() {
        return;
    }
    let redis = RefCell::new(Redis::start());
    let mut server = builder().redis(&redis.borrow().url()).start();
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

/// Every round its guests come from another address: what one client may open in an hour has a limit.
fn builder() -> ServerBuilder {
    Server::builder().variable("trusted_proxies", "1")
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
        let client = format!("198.51.100.{}", round % 250);
        let shopping = Shopping {
            product: &product,
            client: &client,
            answered: AtomicU32::new(0),
        };
        attempts.extend(buy_until_killed(
            server,
            &buyers,
            &shopping,
            answers,
            || before(round),
        ));
        server.restart();
        after(round);
        let is_last = round + 1 == count;
        check(server, &product, &mut attempts, is_last);
    }
    let paid = attempts.iter().filter(|attempt| attempt.paid).count();
    let placed = attempts.len();
    assert!(
        placed > 50 && paid > 20,
        "there was something to lose: {placed} orders, {paid} payments"
    );
}

/// What the buyers of a round have in common.
struct Shopping<'a> {
    product: &'a str,
    /// Where guests come from.
    client: &'a str,
    answered: AtomicU32,
}

/// Every buyer buys and pays, again and again, until the server is gone.
fn buy_until_killed(
    server: &mut Server,
    buyers: &[Buyer],
    shopping: &Shopping<'_>,
    answers: u32,
    before_the_kill: impl FnOnce(),
) -> Vec<Attempt> {
    let base_url = server.base_url().to_owned();
    thread::scope(|scope| {
        let threads: Vec<_> = buyers
            .iter()
            .map(|buyer| {
                let base_url = &base_url;
                scope.spawn(move || {
                    let mut attempts = Vec::new();
                    while let Some(attempt) = buy(buyer, base_url, shopping) {
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
                (shopping.answered.load(Ordering::Relaxed) >= answers).then_some(())
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
    fn wanted(&self, client: &Client, shopping: &Shopping<'_>) -> Option<Wanted> {
        let product = shopping.product;
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
        let open = client.post("/api/v1/checkouts");
        let open = open.header("x-forwarded-for", shopping.client);
        let checkout = open.json(&content).try_send().ok()?.expect(201).json();
        Some(Wanted {
            token: text(&checkout["token"]),
            body: json!({ "checkout": checkout["id"], "quote": checkout["quote"] }),
        })
    }
}

impl Attempt {
    fn order_id(&self) -> Option<&str> {
        self.found.as_ref().map(|found| found.id.as_str())
    }

    fn is_paid(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.is_paid)
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
fn buy(buyer: &Buyer, base_url: &str, shopping: &Shopping<'_>) -> Option<Attempt> {
    let client = Client::new(base_url);
    let mut attempt = Attempt {
        wanted: buyer.wanted(&client, shopping)?,
        key: unique("key").replace(' ', "-"),
        placed: None,
        paid: false,
        found: None,
    };
    let Ok(answer) = attempt.wanted.order(&client, &attempt.key) else {
        return Some(attempt);
    };
    shopping.answered.fetch_add(1, Ordering::Relaxed);
    let placed = answer.expect(201);
    let session = text(&placed.json()["paymentSession"]["id"]);
    attempt.placed = Some(placed.bytes().to_vec());
    let path = format!("/api/v1/payments/mock/checkout/{session}");
    if let Ok(answer) = client
        .post(&path)
        .json(&json!({ "outcome": "succeed" }))
        .try_send()
    {
        shopping.answered.fetch_add(1, Ordering::Relaxed);
        answer.expect(200);
        attempt.paid = true;
    }
    Some(attempt)
}

/// Looks at everything that was bought since the last kill, at sums over everything, and in the end at everything again.
fn check(server: &Server, product: &str, attempts: &mut [Attempt], is_last: bool) {
    let shop = Shop::on(server);
    let client = server.client();
    let is_looked_at = |attempt: &&mut Attempt| is_last || attempt.found.is_none();
    let mut placed = Vec::new();
    for attempt in attempts.iter_mut().filter(is_looked_at) {
        // Sent again with its key, every request has its answer: the first one, or the one that was under way.
        let again = attempt.wanted.order(&client, &attempt.key);
        let again = again.expect("an answer").expect(201);
        let first = attempt.placed.get_or_insert_with(|| again.bytes().to_vec());
        assert_eq!(again.bytes(), first, "the first answer again");
        let order = Placed::from(again.json());
        if attempt.paid {
            shop.admin().wait_for_order(&order.id, "PAID");
        }
        placed.push((order.id, attempt));
    }
    wait_until("an empty outbox", || {
        let outbox = shop.admin().get("/api/v1/payments/outbox").expect_json(200);
        (outbox["meta"]["total"] == 0).then_some(())
    });
    for (id, attempt) in placed {
        let found = look_at(&shop, id, &attempt.wanted);
        if let Some(before) = attempt.found.replace(found.clone()) {
            assert_eq!(found, before, "another kill changes nothing of it");
        }
    }
    expect_everything_adds_up(&shop, product, attempts);
}

/// One order and its payment, which say the same.
fn look_at(shop: &Shop, id: String, wanted: &Wanted) -> Found {
    let (order, payment) = (shop.admin().read_order(&id), shop.payment_of(&id));
    let is_paid = order["status"] == "PAID";
    let expected = if is_paid { "SUCCEEDED" } else { "PENDING" };
    assert_eq!(payment["status"], expected, "{order} {payment}");
    let discount = if wanted.is_guests() { DISCOUNT } else { 0.0 };
    let total = f64::from(PRICE * UNITS) - discount;
    assert_eq!(order["totalAmount"].as_f64(), Some(total), "{order}");
    assert_eq!(payment["amount"].as_f64(), Some(total), "{payment}");
    Found { id, is_paid }
}

fn expect_everything_adds_up(shop: &Shop, product: &str, attempts: &[Attempt]) {
    let admin = shop.admin();
    let count = |filter: &str| {
        let list = admin.get(&format!("/api/v1/orders?limit=1{filter}"));
        list.expect_json(200)["meta"]["total"]
            .as_u64()
            .expect("a total")
    };
    let found: BTreeSet<&str> = attempts.iter().filter_map(Attempt::order_id).collect();
    assert_eq!(found.len(), attempts.len(), "one order for each key");
    let paid = attempts.iter().filter(|attempt| attempt.is_paid()).count();
    let [all, paid] = [attempts.len(), paid].map(|count| count as u64);
    let listed = ["", "&status=PAID", "&status=PENDING"].map(count);
    assert_eq!(listed, [all, paid, all - paid], "and no other");
    let [paid, pending] = [paid, all - paid].map(|orders| u64::from(UNITS) * orders);
    shop.wait_for_stock(product, STOCK - pending - paid, pending, paid);
    let code = admin.get(&format!("/api/v1/checkouts/codes/{CODE}"));
    let guests = attempts.iter().filter(|it| it.wanted.is_guests());
    assert_eq!(code.expect_json(200)["uses"], guests.count());
}
