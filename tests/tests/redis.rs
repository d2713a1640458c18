//! Events over a real Redis server, also while it is gone.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use mercato_tests::{
    PATIENCE, Redis, Server, is_rfc3339_milliseconds,
    shop::{Account, Shop},
    wait_until,
};
use serde_json::Value;

/// A subscriber of one channel: just as much of the protocol (RESP 2) as that takes.
struct Subscriber(BufReader<TcpStream>);

impl Subscriber {
    fn new(redis: &Redis, channel: &str) -> Self {
        let address = redis.url().replace("redis://", "");
        let mut stream = TcpStream::connect(address).expect("Redis answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let subscribe = format!(
            "*2\r\n$9\r\nSUBSCRIBE\r\n${}\r\n{channel}\r\n",
            channel.len()
        );
        stream
            .write_all(subscribe.as_bytes())
            .expect("Redis listens");
        let mut subscriber = Self(BufReader::new(stream));
        subscriber.line();
        assert_eq!(subscriber.bulk(), "subscribe");
        assert_eq!(subscriber.bulk(), channel);
        subscriber.line();
        subscriber
    }

    /// The next message.
    fn next(&mut self) -> Value {
        self.line();
        assert_eq!(self.bulk(), "message");
        self.bulk();
        serde_json::from_str(&self.bulk()).expect("an event in JSON")
    }

    /// The event about that order.
    fn event_of(&mut self, order: &str) -> Value {
        loop {
            let event = self.next();
            if event["subject"] == order {
                return event;
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    fn bulk(&mut self) -> String {
        let line = self.line();
        let length: usize = line
            .strip_prefix('$')
            .and_then(|length| length.parse().ok())
            .expect("a length");
        let mut text = vec![0; length + 2];
        self.0.read_exact(&mut text).expect("a text in time");
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}

fn buy_and_pay(shop: &Shop, customer: &Account, product: &str) -> String {
    let order = customer.order(&[(product, 1)]);
    shop.pay(&order);
    order.id
}

#[test]
fn a_purchase_converges_over_redis_and_its_event_can_be_heard() {
    let redis = Redis::start();
    let server = Server::builder().redis(&redis.url()).start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(2.5, 5);
    let mut events = Subscriber::new(&redis, "payment.succeeded");
    let order = buy_and_pay(&shop, &customer, &product);
    let event = events.event_of(&order);
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "payment.succeeded");
    assert_eq!(event["data"]["amount"], 250);
    assert_eq!(event["data"]["currency"], "USD");
    assert!(
        event["time"].as_str().is_some_and(is_rfc3339_milliseconds),
        "{event}"
    );
    // Nobody reads the order: only the event can move the stock.
    shop.wait_for_stock(&product, 4, 0, 1);
    assert_eq!(customer.read_order(&order)["status"], "PAID");
}

#[test]
fn every_kind_of_event_has_its_channel() {
    let redis = Redis::start();
    let server = Server::builder().redis(&redis.url()).start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 50);
    for (channel, outcome) in [("payment.failed", "fail"), ("payment.cancelled", "cancel")] {
        let mut events = Subscriber::new(&redis, channel);
        let order = customer.order(&[(&product, 1)]);
        shop.check_out(&order.session_id, outcome).expect(200);
        assert_eq!(events.event_of(&order.id)["type"], channel);
    }
    let mut events = Subscriber::new(&redis, "payment.refunded");
    let order = buy_and_pay(&shop, &customer, &product);
    let path = shop.refund_path(&order);
    shop.admin().post(&path).expect(200);
    assert_eq!(events.event_of(&order)["data"]["refundedAmount"], 100);
    shop.wait_for_stock(&product, 50, 0, 0);
}

#[test]
fn the_shop_goes_on_without_redis_and_events_flow_afterwards() {
    let mut redis = Redis::start();
    let server = Server::builder().redis(&redis.url()).start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 50);
    buy_and_pay(&shop, &customer, &product);
    shop.wait_for_stock(&product, 49, 0, 1);

    redis.kill();
    for _ in 0..3 {
        let order = buy_and_pay(&shop, &customer, &product);
        assert_eq!(customer.read_order(&order)["status"], "PAID");
    }
    let unread = buy_and_pay(&shop, &customer, &product);
    shop.wait_for_stock(&product, 45, 0, 5);
    shop.nobody().get("/api/health/ready").expect(200);

    redis.restart();
    let mut events = Subscriber::new(&redis, "payment.succeeded");
    let order = buy_and_pay(&shop, &customer, &product);
    assert_eq!(events.event_of(&order)["type"], "payment.succeeded");
    shop.wait_for_stock(&product, 44, 0, 6);
    assert_eq!(customer.read_order(&unread)["status"], "PAID");
    wait_until("an empty outbox", || {
        let outbox = shop.admin().get("/api/v1/payments/outbox").expect_json(200);
        (outbox["meta"]["total"] == 0).then_some(())
    });
}

#[test]
fn the_shop_starts_while_redis_is_down_and_says_so() {
    let mut redis = Redis::start();
    let url = redis.url();
    redis.kill();
    let server = Server::builder().redis(&url).start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 50);
    let order = buy_and_pay(&shop, &customer, &product);
    assert_eq!(customer.read_order(&order)["status"], "PAID");
    shop.wait_for_stock(&product, 49, 0, 1);
    let warning = wait_until("a warning", || {
        let log = server.log();
        let mut lines = log
            .lines()
            .filter(|line| line.contains("WARN") && line.to_lowercase().contains("redis"));
        lines.next().map(str::to_owned)
    });
    let port = url.rsplit(':').next().expect("a port");
    assert!(warning.contains(port), "it says which server: {warning}");

    redis.restart();
    let mut events = Subscriber::new(&redis, "payment.succeeded");
    let order = buy_and_pay(&shop, &customer, &product);
    assert_eq!(events.event_of(&order)["type"], "payment.succeeded");
    wait_until("the runner's subscription", || {
        subscribers(&redis, "payment.succeeded").then_some(())
    });
    shop.wait_for_stock(&product, 48, 0, 2);
}

/// Whether somebody listens to the channel (`PUBSUB NUMSUB`).
fn subscribers(redis: &Redis, channel: &str) -> bool {
    let address = redis.url().replace("redis://", "");
    let mut stream = TcpStream::connect(address).expect("Redis answers");
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a deadline");
    let ask = format!(
        "*3\r\n$6\r\nPUBSUB\r\n$6\r\nNUMSUB\r\n${}\r\n{channel}\r\n",
        channel.len()
    );
    stream.write_all(ask.as_bytes()).expect("Redis listens");
    let mut answer = Subscriber(BufReader::new(stream));
    answer.line();
    answer.bulk();
    // This test listens too.
    answer
        .line()
        .strip_prefix(':')
        .and_then(|count| count.parse().ok())
        .is_some_and(|count: u32| count >= 2)
}
