//! Redis behind a network that is cut, or slow.

use std::{env, thread, time::Duration};

use mercato_tests::{Client, Redis, Server, free_port, is_quick, proxy::Proxy, wait_until};

use crate::market::Market;

/// How long the cable is cut; `MERCATO_CUT_SECONDS` makes it longer. Longer than an event is waited for.
const CUT_SECONDS: u64 = 4;

/// The longest that an answer may take while Redis is out of reach: one publication in vain, and what else there is to
/// do on a busy machine.
const ANSWER_TIME: Duration = Duration::from_secs(5);

const BUYERS: usize = 4;
const STOCK: u64 = 100_000;

/// A shop with a proxy between it and its Redis server.
struct Network {
    proxy: Proxy,
    server: Server,
    metrics: Client,
    _redis: Redis,
}

impl Network {
    fn start(delay: Duration) -> Self {
        let redis = Redis::start();
        let proxy = Proxy::before(redis.port());
        proxy.delay(delay);
        let metrics = format!("127.0.0.1:{}", free_port());
        let server = Server::builder()
            .redis(&format!("redis://127.0.0.1:{}", proxy.port()))
            .argument("--metrics-listen")
            .argument(&metrics)
            .start();
        Self {
            proxy,
            server,
            metrics: Client::new(format!("http://{metrics}")),
            _redis: redis,
        }
    }

    /// How many messages from Redis the shop has handled.
    fn messages(&self) -> u64 {
        let metrics = self.metrics.get("/metrics").expect(200).text();
        let of_messages = |line: &&str| line.starts_with("mercato_messages_total{");
        let counts = metrics.lines().filter(of_messages);
        counts
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// Events flow over Redis: a payment that nobody asks about is heard of.
    fn wait_for_messages(&self, market: &Market) {
        let (customer, product) = (market.shop().customer(), market.shop().product(1, 1_000));
        let before = self.messages();
        wait_until("events over Redis", || {
            let order = customer.order(&[(&product, 1)]);
            market.shop().pay(&order);
            (self.messages() > before).then_some(())
        });
    }
}

fn cut_time() -> Duration {
    let seconds = env::var("MERCATO_CUT_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("MERCATO_CUT_SECONDS is a number"));
    Duration::from_secs(seconds.unwrap_or(CUT_SECONDS))
}

/// Buys while the cable is cut; nobody has to notice more than a delay.
fn cut(mend: impl FnOnce(&Proxy)) {
    let network = Network::start(Duration::ZERO);
    let market = Market::new(&[&network.server], BUYERS, STOCK);
    network.wait_for_messages(&market);
    let product = market.shop().product(1, 1);
    let unread = market.shop().customer().order(&[(&product, 1)]);
    let mut report = market.trade_during(|| {
        market.wait_for_answers(10);
        network.proxy.cut();
        market.shop().pay(&unread);
        thread::sleep(cut_time());
        let health = network.server.client();
        health.get("/api/health/ready").expect(200);
    });
    eprintln!(
        "cut for {:?}: {} orders, {} paid, slowest answer {:?}",
        cut_time(),
        report.placed(),
        report.paid(),
        report.slowest
    );
    report.expect_no_trouble();
    assert!(report.slowest < ANSWER_TIME, "{:?}", report.slowest);
    // The cable is still cut, and nobody has read this order: its event has arrived all the same.
    market.shop().wait_for_stock(&product, 0, 0, 1);
    market.settle(&mut report);
    mend(&network.proxy);
    network.wait_for_messages(&market);
    market.wait_for_an_empty_outbox();
}

#[test]
fn purchases_go_on_while_the_cable_to_redis_is_cut() {
    if is_quick() {
        return;
    }
    cut(Proxy::mend);
}

#[test]
fn events_flow_again_when_the_network_forgot_the_connections() {
    if is_quick() {
        return;
    }
    cut(Proxy::mend_for_new_connections);
}

/// Buys over a Redis server that is slow; nobody has to wait for more than one publication, and events arrive.
fn slow(delay: Duration) {
    let network = Network::start(delay);
    let market = Market::new(&[&network.server], BUYERS, STOCK);
    let mut report = market.trade(5);
    eprintln!(
        "{delay:?} in each direction: slowest answer {:?}",
        report.slowest
    );
    report.expect_no_trouble();
    assert!(report.slowest < ANSWER_TIME, "{:?}", report.slowest);
    network.wait_for_messages(&market);
    market.settle(&mut report);
}

#[test]
fn purchases_over_a_slow_redis_wait_for_one_publication_at_most() {
    if is_quick() {
        return;
    }
    // One that answers in time, and one that is slower than anybody waits.
    thread::scope(|scope| {
        for delay in [Duration::from_millis(300), Duration::from_secs(1)] {
            scope.spawn(move || slow(delay));
        }
    });
}
