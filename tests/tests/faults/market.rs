//! Many buyers at once, each a sensible client: what was not answered, or answered 503, is sent again, an order with its
//! key.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use mercato_tests::{
    Client, Response, Server,
    shop::{Account, Placed, Shop, order_of, text, unique},
    wait_until,
};
use serde_json::{Value, json};

/// How long a client that was asked to try again waits; shorter than it was asked, so that the tests are short.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Buyers of one product.
pub struct Market {
    shop: Shop,
    base_urls: Vec<String>,
    buyers: Vec<Account>,
    product: String,
    stock: u64,
    answered: AtomicU32,
    refused: AtomicU32,
}

/// One purchase, as its buyer knows it.
struct Purchase {
    buyer: usize,
    key: String,
    /// Status and body of the order's final answer, 201 or 409, if it came.
    answer: Option<(u16, Vec<u8>)>,
    is_paid: bool,
}

/// What the buyers have seen.
#[derive(Default)]
pub struct Report {
    purchases: Vec<Purchase>,
    /// Answers of 503.
    pub refused: Vec<Response>,
    /// Requests without an answer.
    pub unanswered: u32,
    /// Orders that were paid and then read as something else, or not at all.
    pub read_late: u32,
    /// The longest that an answer took.
    pub slowest: Duration,
}

impl Report {
    /// Adds what others, or the same buyers later, have seen.
    pub fn add(&mut self, other: Self) {
        self.purchases.extend(other.purchases);
        self.refused.extend(other.refused);
        self.unanswered += other.unanswered;
        self.read_late += other.read_late;
        self.slowest = self.slowest.max(other.slowest);
    }

    /// How many orders were answered 201.
    pub fn placed(&self) -> u64 {
        self.with_status(201)
    }

    /// How many orders were answered 409.
    pub fn sold_out(&self) -> u64 {
        self.with_status(409)
    }

    /// How many payments were answered.
    pub fn paid(&self) -> usize {
        let purchases = self.purchases.iter();
        purchases.filter(|purchase| purchase.is_paid).count()
    }

    fn with_status(&self, status: u16) -> u64 {
        let answers = self.purchases.iter().filter_map(|it| it.answer.as_ref());
        answers.filter(|answer| answer.0 == status).count() as u64
    }

    /// Nobody had to ask twice, and every order that was paid was read as PAID at once.
    #[track_caller]
    pub fn expect_no_trouble(&self) {
        let refused = self.refused.first().map(Response::text);
        assert_eq!(
            (refused, self.unanswered, self.read_late),
            (None, 0, 0),
            "503s, unanswered requests, late reads"
        );
    }

    /// Every refusal says what to do: 503 with `Retry-After`.
    pub fn expect_helpful_refusals(&self) {
        for answer in &self.refused {
            assert!(answer.header("retry-after").is_some(), "{}", answer.text());
            let problem = answer.json();
            let code = problem["type"].as_str().unwrap_or_default().to_owned();
            let code = code.rsplit('/').next().unwrap_or_default();
            answer.clone().expect_problem(503, code);
        }
    }
}

impl Market {
    /// A new product and buyers for it, on servers that share their databases.
    pub fn new(servers: &[&Server], buyers: usize, stock: u64) -> Self {
        let shop = Shop::on(servers[0]);
        Self {
            base_urls: servers
                .iter()
                .map(|server| server.base_url().to_owned())
                .collect(),
            buyers: (0..buyers).map(|_| shop.customer()).collect(),
            product: shop.product(3, stock),
            stock,
            shop,
            answered: AtomicU32::new(0),
            refused: AtomicU32::new(0),
        }
    }

    /// The shop on the first server.
    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    /// Whom the buyers ask from now on.
    pub fn ask(&mut self, servers: &[&Server]) {
        self.base_urls = servers
            .iter()
            .map(|server| server.base_url().to_owned())
            .collect();
    }

    /// How many requests have been answered with success so far.
    pub fn answered(&self) -> u32 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more requests have been answered with success.
    pub fn wait_for_answers(&self, more: u32) {
        let enough = self.answered() + more;
        wait_until("enough purchases", || {
            (self.answered() >= enough).then_some(())
        });
    }

    /// Waits until so many more requests have been refused.
    pub fn wait_for_refusals(&self, more: u32) {
        let enough = self.refused.load(Ordering::Relaxed) + more;
        wait_until("refusals", || {
            (self.refused.load(Ordering::Relaxed) >= enough).then_some(())
        });
    }

    /// All buy, again and again, while `meanwhile` runs.
    pub fn trade_during(&self, meanwhile: impl FnOnce()) -> Report {
        let is_over = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            let buyers = self.send_buyers(scope, u32::MAX, &is_over);
            // Also when this panics, the buyers must go home.
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(meanwhile));
            is_over.store(true, Ordering::Relaxed);
            let report = gather(buyers);
            if let Err(panic) = result {
                std::panic::resume_unwind(panic);
            }
            report
        })
    }

    /// Each buys so many times.
    pub fn trade(&self, times: u32) -> Report {
        let never = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| gather(self.send_buyers(scope, times, &never)))
    }

    fn send_buyers<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        times: u32,
        is_over: &'scope std::sync::atomic::AtomicBool,
    ) -> Vec<thread::ScopedJoinHandle<'scope, Report>> {
        (0..self.buyers.len())
            .map(|index| {
                scope.spawn(move || {
                    let mut buyer = Buyer {
                        market: self,
                        index,
                        clients: self.base_urls.iter().map(Client::new).collect(),
                        asked: index,
                        is_over: &|| is_over.load(Ordering::Relaxed),
                        report: Report::default(),
                    };
                    for _ in 0..times {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        buyer.buy();
                    }
                    buyer.report
                })
            })
            .collect()
    }

    /// Everybody gets what they asked for, nothing fails any more: what was answered is true, and everything adds up.
    /// Gives the number of orders.
    pub fn settle(&self, report: &mut Report) -> u64 {
        let client = Client::new(&self.base_urls[0]);
        let mut placed = Vec::new();
        for purchase in &mut report.purchases {
            let buyer = &self.buyers[purchase.buyer];
            let again = wait_until("the answer to an order", || {
                let answer = order(&client, buyer, &purchase.key, &self.product).ok()?;
                (answer.status() != 503).then_some(answer)
            });
            let first = purchase.answer.get_or_insert_with(|| outcome_of(&again));
            assert_eq!(&outcome_of(&again), first, "the first answer again");
            if again.status() == 201 {
                let order = Placed::from(again.json());
                if !purchase.is_paid {
                    wait_until("the answer to a payment", || {
                        let answer = pay(&client, &order.session_id).ok()?;
                        (answer.status() != 503).then(|| expect_paid(&answer))
                    });
                }
                placed.push((purchase.buyer, order.id));
            }
        }
        for (buyer, order) in &placed {
            self.buyers[*buyer].wait_for_order(order, "PAID");
        }
        self.wait_for_an_empty_outbox();
        self.expect_that_all_adds_up(placed.len());
        placed.len() as u64
    }

    /// Waits until every event has arrived.
    pub fn wait_for_an_empty_outbox(&self) {
        wait_until("an empty outbox", || {
            let outbox = self.shop.admin().get("/api/v1/payments/outbox").send();
            (outbox.expect(200).json()["meta"]["total"] == 0).then_some(())
        });
    }

    fn expect_that_all_adds_up(&self, placed: usize) {
        let orders: Vec<Value> = self
            .buyers
            .iter()
            .flat_map(|buyer| self.shop.orders_of(buyer))
            .collect();
        let of_status = |status: &str| {
            let of_status = orders.iter().filter(|order| order["status"] == status);
            of_status.count()
        };
        assert_eq!(of_status("PAID"), placed, "one order for each key");
        let ended = of_status("CANCELLED");
        assert_eq!(orders.len(), placed + ended, "nothing is left half done");
        let sold = placed as u64;
        self.shop
            .wait_for_stock(&self.product, self.stock - sold, 0, sold);
        for order in orders.iter().filter(|order| order["status"] == "PAID") {
            let payment = self.shop.payment_of(&text(&order["id"]));
            assert_eq!(payment["status"], "SUCCEEDED", "{order} {payment}");
            assert_eq!(payment["amount"], order["totalAmount"], "{order} {payment}");
        }
    }
}

fn gather(buyers: Vec<thread::ScopedJoinHandle<'_, Report>>) -> Report {
    let mut all = Report::default();
    for buyer in buyers {
        all.add(buyer.join().expect("a buyer"));
    }
    all
}

/// One buyer at work.
struct Buyer<'a> {
    market: &'a Market,
    index: usize,
    clients: Vec<Client>,
    /// Counts requests: each goes to another server.
    asked: usize,
    is_over: &'a dyn Fn() -> bool,
    report: Report,
}

impl Buyer<'_> {
    /// One purchase; a part of it is missing when the time is over.
    fn buy(&mut self) {
        let account = &self.market.buyers[self.index];
        let product = &self.market.product;
        let mut purchase = Purchase {
            buyer: self.index,
            key: unique("key").replace(' ', "-"),
            answer: None,
            is_paid: false,
        };
        let key = purchase.key.clone();
        let answer = self.ask(|client| order(client, account, &key, product));
        purchase.answer = answer.as_ref().map(outcome_of);
        if let Some(answer) = answer.filter(|answer| answer.status() == 201) {
            let placed = Placed::from(answer.json());
            if let Some(answer) = self.ask(|client| pay(client, &placed.session_id)) {
                expect_paid(&answer);
                purchase.is_paid = true;
                self.read(account, &placed.id);
            }
        }
        self.report.purchases.push(purchase);
    }

    fn read(&mut self, account: &Account, id: &str) {
        let path = format!("/api/v1/orders/id/{id}");
        let read = |client: &Client| client.get(&path).bearer(&account.token).try_send();
        let is_paid = self
            .ask(read)
            .is_some_and(|answer| answer.expect(200).json()["status"] == "PAID");
        self.report.read_late += u32::from(!is_paid);
    }

    /// Asks until there is an answer that is final, or the time is over.
    fn ask<E>(&mut self, send: impl Fn(&Client) -> Result<Response, E>) -> Option<Response> {
        loop {
            self.asked += 1;
            let client = &self.clients[self.asked % self.clients.len()];
            let started = Instant::now();
            let answer = send(client);
            match answer {
                Ok(answer) => {
                    self.report.slowest = self.report.slowest.max(started.elapsed());
                    if answer.status() != 503 {
                        self.market.answered.fetch_add(1, Ordering::Relaxed);
                        return Some(answer);
                    }
                    self.market.refused.fetch_add(1, Ordering::Relaxed);
                    self.report.refused.push(answer);
                }
                Err(_) => self.report.unanswered += 1,
            }
            if (self.is_over)() {
                return None;
            }
            thread::sleep(RETRY_PAUSE);
        }
    }
}

/// Asks for one unit.
pub fn order(
    client: &Client,
    buyer: &Account,
    key: &str,
    product: &str,
) -> Result<Response, impl std::error::Error + use<>> {
    client
        .post("/api/v1/orders")
        .bearer(&buyer.token)
        .header("idempotency-key", key)
        .json(&order_of(&[(product, 1)]))
        .try_send()
}

fn pay(client: &Client, session: &str) -> Result<Response, impl std::error::Error + use<>> {
    client
        .post(&format!("/api/v1/payments/mock/checkout/{session}"))
        .json(&json!({ "outcome": "succeed" }))
        .try_send()
}

/// Status and body of an answer to an order, which is placed or cannot be served.
fn outcome_of(answer: &Response) -> (u16, Vec<u8>) {
    let status = answer.status();
    assert!([201, 409].contains(&status), "{status}: {}", answer.text());
    (status, answer.bytes().to_vec())
}

/// Paid just now, or by a request whose answer got lost.
fn expect_paid(answer: &Response) {
    let status = answer.status();
    assert!([200, 409].contains(&status), "{status}: {}", answer.text());
}
