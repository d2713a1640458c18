//! The process is killed in the middle of buying: whatever was answered is true, and everything adds up.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use mercato_tests::{
    Client, Redis, Response, Server, is_quick,
    shop::{Account, Placed, Shop, order_of, text, unique},
    wait_until,
};
use serde_json::Value;

const BUYERS: usize = 6;
const STOCK: u64 = 10_000;
const UNITS: u32 = 2;

/// How many answers a round waits for before the kill; between them lies every step of a purchase sooner or later.
const ROUNDS: [u32; 4] = [7, 23, 45, 70];

/// One attempt to buy, as its buyer knows it.
struct Attempt {
    buyer: usize,
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
    let buyers: Vec<Account> = (0..BUYERS).map(|_| shop.customer()).collect();
    let product = shop.product(3, STOCK);
    let mut attempts = Vec::new();
    for (round, answers) in ROUNDS.into_iter().enumerate() {
        attempts.extend(buy_until_killed(server, &buyers, &product, answers, || {
            before(round)
        }));
        server.restart();
        after(round);
        check(server, &buyers, &product, &mut attempts);
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
    buyers: &[Account],
    product: &str,
    answers: u32,
    before_the_kill: impl FnOnce(),
) -> Vec<Attempt> {
    let answered = AtomicU32::new(0);
    let base_url = server.base_url().to_owned();
    thread::scope(|scope| {
        let threads: Vec<_> = buyers
            .iter()
            .enumerate()
            .map(|(index, buyer)| {
                let (answered, base_url) = (&answered, &base_url);
                scope.spawn(move || {
                    let mut attempts = Vec::new();
                    while let Some(attempt) = buy(index, buyer, base_url, product, answered) {
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

/// One purchase; a part of it is missing when the server went away meanwhile.
fn buy(
    index: usize,
    buyer: &Account,
    base_url: &str,
    product: &str,
    answered: &AtomicU32,
) -> Option<Attempt> {
    let client = Client::new(base_url);
    let mut attempt = Attempt {
        buyer: index,
        key: unique("key").replace(' ', "-"),
        placed: None,
        paid: false,
    };
    let Ok(answer) = order(&client, buyer, &attempt.key, product) else {
        return Some(attempt);
    };
    answered.fetch_add(1, Ordering::Relaxed);
    let placed = answer.expect(201);
    let session = text(&placed.json()["paymentSession"]["id"]);
    attempt.placed = Some(placed.bytes().to_vec());
    let path = format!("/api/v1/payments/mock/checkout/{session}");
    if let Ok(answer) = client
        .post(&path)
        .json(&serde_json::json!({ "outcome": "succeed" }))
        .try_send()
    {
        answered.fetch_add(1, Ordering::Relaxed);
        answer.expect(200);
        attempt.paid = true;
    }
    Some(attempt)
}

fn order(
    client: &Client,
    buyer: &Account,
    key: &str,
    product: &str,
) -> Result<Response, impl std::error::Error> {
    let body = order_of(&[(product, UNITS)]);
    client
        .post("/api/v1/orders")
        .bearer(&buyer.token)
        .header("idempotency-key", key)
        .json(&body)
        .try_send()
}

fn check(server: &Server, buyers: &[Account], product: &str, attempts: &mut [Attempt]) {
    let shop = Shop::on(server);
    let client = server.client();
    for attempt in attempts.iter_mut() {
        let buyer = &buyers[attempt.buyer];
        // Sent again with its key, every request has its answer: the first one, or the one that was under way.
        let again = order(&client, buyer, &attempt.key, product)
            .expect("an answer")
            .expect(201);
        let first = attempt.placed.get_or_insert_with(|| again.bytes().to_vec());
        assert_eq!(again.bytes(), first, "the first answer again");
        let order = Placed::from(again.json());
        if attempt.paid {
            buyer.wait_for_order(&order.id, "PAID");
        }
    }
    wait_until("an empty outbox", || {
        let outbox = shop.admin().get("/api/v1/payments/outbox").expect_json(200);
        (outbox["meta"]["total"] == 0).then_some(())
    });
    expect_everything_adds_up(&shop, buyers, product, attempts.len());
}

fn expect_everything_adds_up(shop: &Shop, buyers: &[Account], product: &str, attempts: usize) {
    let orders: Vec<Value> = buyers
        .iter()
        .flat_map(|buyer| shop.orders_of(buyer))
        .collect();
    assert_eq!(orders.len(), attempts, "one order for each key");
    let units = |status: &str| {
        let of_status = orders.iter().filter(|order| order["status"] == status);
        u64::from(UNITS) * u64::try_from(of_status.count()).expect("a count")
    };
    let (pending, paid) = (units("PENDING"), units("PAID"));
    shop.wait_for_stock(product, STOCK - pending - paid, pending, paid);
    for order in &orders {
        let payment = shop.payment_of(order["id"].as_str().expect("an id"));
        let expected = if order["status"] == "PAID" {
            "SUCCEEDED"
        } else {
            "PENDING"
        };
        assert_eq!(payment["status"], expected, "{order} {payment}");
    }
}
