//! Buyers who order and pay at whichever replica answers, and send a request again that was not answered.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use mercato_tests::{
    Client, Response,
    shop::{Account, Placed, Shop, order_of, text, unique},
    wait_until,
};
use serde_json::json;

use crate::Replicas;

/// How long a buyer tries; longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

pub const UNITS: u32 = 2;
pub const STOCK: u64 = 100_000;

/// A purchase as its buyer knows it.
pub struct Purchase {
    pub buyer: usize,
    pub order_id: String,
}

/// What is bought, by whom and where.
pub struct Crowd {
    urls: Vec<String>,
    /// What the thread of each buyer begins with, if anything.
    beginning: Option<Box<dyn Fn() + Send + Sync>>,
    pub buyers: Vec<Account>,
    pub product: String,
    /// Orders that were answered.
    placed: AtomicU32,
    /// Requests that were sent again.
    pub again: AtomicU32,
    is_over: AtomicBool,
}

impl Crowd {
    pub fn of(replicas: &Replicas, buyers: usize) -> Self {
        Self::at(&replicas.shop(0), replicas.urls(), buyers)
    }

    /// Who buy at the replicas of these URLs.
    pub fn at(shop: &Shop, urls: Vec<String>, buyers: usize) -> Self {
        Self {
            urls,
            beginning: None,
            buyers: (0..buyers).map(|_| shop.customer()).collect(),
            product: shop.product(3, STOCK),
            placed: AtomicU32::new(0),
            again: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// The same, whose buyers go somewhere first.
    pub fn beginning_with(self, go: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            beginning: Some(Box::new(go)),
            ..self
        }
    }

    /// Lets all buy until `meanwhile` is done.
    pub fn buy(&self, meanwhile: impl FnOnce()) -> Vec<Purchase> {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.buyers.len())
                .map(|buyer| scope.spawn(move || self.buy_as(buyer)))
                .collect();
            self.wait_for(10);
            meanwhile();
            self.is_over.store(true, Ordering::Relaxed);
            let bought = threads.into_iter();
            bought
                .flat_map(|thread| thread.join().expect("a buyer"))
                .collect()
        })
    }

    /// Waits until so many more orders were answered.
    pub fn wait_for(&self, more: u32) {
        let before = self.placed.load(Ordering::Relaxed);
        wait_until("more orders", || {
            (self.placed.load(Ordering::Relaxed) >= before + more).then_some(())
        });
    }

    /// How many orders are answered in that time.
    pub fn orders_in(&self, time: Duration) -> u32 {
        let before = self.placed.load(Ordering::Relaxed);
        thread::sleep(time);
        self.placed.load(Ordering::Relaxed) - before
    }

    fn buy_as(&self, buyer: usize) -> Vec<Purchase> {
        if let Some(begin) = &self.beginning {
            begin();
        }
        let token = &self.buyers[buyer].token;
        let clients = self
            .urls
            .iter()
            .map(|url| Client::new(url).with_token(token));
        let clients: Vec<_> = clients.collect();
        let mut purchases = Vec::new();
        let mut replica = buyer;
        while !self.is_over.load(Ordering::Relaxed) {
            let key = unique("key").replace(' ', "-");
            let body = order_of(&[(&self.product, UNITS)]);
            let answer = self.until_answered(&clients, &mut replica, |client| {
                let request = client.post("/api/v1/orders").json(&body);
                request.header("idempotency-key", &key).try_send().ok()
            });
            let placed = answer.expect(201).json();
            self.placed.fetch_add(1, Ordering::Relaxed);
            let session = text(&placed["paymentSession"]["id"]);
            let path = format!("/api/v1/payments/mock/checkout/{session}");
            let paid = self.until_answered(&clients, &mut replica, |client| {
                let request = client.post(&path).json(&json!({ "outcome": "succeed" }));
                request.try_send().ok()
            });
            // A payment that was answered by nobody may have been made all the same.
            assert!(matches!(paid.status(), 200 | 409), "{}", paid.status());
            purchases.push(Purchase {
                buyer,
                order_id: Placed::from(placed).id,
            });
        }
        purchases
    }

    /// The first answer that is not one of a server in trouble, of one replica after the other.
    fn until_answered(
        &self,
        clients: &[Client],
        replica: &mut usize,
        ask: impl Fn(&Client) -> Option<Response>,
    ) -> Response {
        let started = Instant::now();
        loop {
            *replica += 1;
            match ask(&clients[*replica % clients.len()]) {
                Some(answer) if answer.status() < 500 => return answer,
                answer => {
                    let status = answer.map(|answer| answer.status());
                    assert!(started.elapsed() < PATIENCE, "nobody answers: {status:?}");
                    self.again.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Every purchase is there, paid once, and everything adds up.
    pub fn check(&self, shop: &Shop, purchases: &[Purchase]) {
        let admin = shop.admin();
        for purchase in purchases {
            admin.wait_for_order(&purchase.order_id, "PAID");
        }
        wait_until("an empty outbox", || {
            let outbox = admin.get("/api/v1/payments/outbox").expect_json(200);
            (outbox["meta"]["total"] == 0).then_some(())
        });
        let mut orders = 0;
        for (index, buyer) in self.buyers.iter().enumerate() {
            let own = purchases.iter().filter(|purchase| purchase.buyer == index);
            let listed = shop.orders_of(buyer);
            assert_eq!(listed.len(), own.count(), "one order for each key");
            assert!(
                listed.iter().all(|order| order["status"] == "PAID"),
                "{listed:?}"
            );
            orders += u64::try_from(listed.len()).expect("a count");
        }
        let sold = orders * u64::from(UNITS);
        shop.wait_for_stock(&self.product, STOCK - sold, 0, sold);
        if let Some(purchase) = purchases.last() {
            let payment = shop.payment_of(&purchase.order_id);
            assert_eq!(payment["status"], "SUCCEEDED", "{payment}");
        }
    }
}
