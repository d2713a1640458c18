//! Two runners on the same databases.

use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_tests::{
    ADMIN_EMAIL, Folder, Redis, Server, WEBHOOK_SECRET,
    forge::stripe_signature,
    is_quick,
    load::all_at_once,
    shop::{PASSWORD, Placed, Shop, unique, unique_email},
    wait_until,
};
use serde_json::{Value, json};

use crate::market::{Market, order};

const BUYERS: usize = 8;

/// Plenty.
const STOCK: u64 = 100_000;

/// Two servers on the databases of the first, over Redis or without.
fn two(redis: Option<&Redis>) -> [Server; 2] {
    let builder = || {
        let builder = Server::builder();
        match redis {
            Some(redis) => builder.redis(&redis.url()),
            None => builder,
        }
    };
    let first = builder().start();
    let second = builder().databases(first.databases()).start();
    [first, second]
}

fn sell_out(redis: Option<&Redis>) {
    const UNITS: u64 = 30;
    const TIMES: u32 = 6;
    let [first, second] = two(redis);
    let market = Market::new(&[&first, &second], BUYERS, UNITS);
    let mut report = market.trade(TIMES);
    report.expect_no_trouble();
    let asked = u64::from(TIMES) * BUYERS as u64;
    assert_eq!((report.placed(), report.sold_out()), (UNITS, asked - UNITS));
    assert_eq!(market.settle(&mut report), UNITS);
}

#[test]
fn two_runners_sell_exactly_what_there_is() {
    sell_out(None);
}

#[test]
fn two_runners_over_redis_sell_exactly_what_there_is() {
    sell_out(Some(&Redis::start()));
}

#[test]
fn one_key_sent_to_both_runners_at_once_makes_one_order() {
    const KEYS: usize = 10;
    const TIMES: usize = 4;
    let [first, second] = two(None);
    let shop = Shop::on(&first);
    let (customer, product) = (shop.customer(), shop.product(1, STOCK));
    for key in 0..KEYS {
        let key = format!("{}-{key}", customer.id);
        let answers = all_at_once(TIMES, |index| {
            let client = [&first, &second][index % 2].client();
            let answer = order(&client, &customer, &key, &product).expect("an answer");
            answer.expect(201).bytes().to_vec()
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    let orders = customer.get("/api/v1/orders").expect_json(200);
    assert_eq!(orders["meta"]["total"], KEYS);
    let keys = KEYS as u64;
    shop.wait_for_stock(&product, STOCK - keys, keys, 0);
}

/// The provider repeats itself, and whoever stands before the runners spreads it.
#[test]
fn a_webhook_sent_to_both_runners_at_once_counts_once() {
    const ORDERS: u64 = 10;
    let [first, second] = two(None);
    let shop = Shop::on(&first);
    let (customer, product) = (shop.customer(), shop.product(10, ORDERS));
    for _ in 0..ORDERS {
        let order = customer.order(&[(&product, 1)]);
        let body = completed(&order).to_string();
        let signature = stripe_signature(WEBHOOK_SECRET, SystemClock.now_ms() / 1_000, &body);
        all_at_once(2, |index| {
            let client = [&first, &second][index].client();
            let webhook = client.post("/api/v1/payments/webhook");
            let webhook = webhook.header("stripe-signature", &signature);
            webhook.body("application/json", body.as_str()).expect(200);
        });
        let order = customer.wait_for_order(&order.id, "PAID");
        assert_eq!(
            order["history"].as_array().map(Vec::len),
            Some(2),
            "{order}"
        );
    }
    shop.wait_for_stock(&product, 0, 0, ORDERS);
}

/// The event that an order of ten dollars is paid.
fn completed(order: &Placed) -> Value {
    json!({
        "id": unique("evt").replace([' ', '-'], "_"),
        "object": "event",
        "type": "checkout.session.completed",
        "created": SystemClock.now_ms() / 1_000,
        "data": { "object": {
            "id": order.session_id,
            "object": "checkout.session",
            "client_reference_id": order.id,
            "metadata": { "order_id": order.id },
            "amount_total": 1_000,
            "currency": "usd",
            "payment_status": "paid",
            "payment_intent": format!("pi_{}", order.id),
        } },
    })
}

/// Buyers go on while one of two runners ends, and come back to it; all adds up, whichever of them is asked.
fn one_goes(redis: Option<&Redis>, end: impl Fn(&mut Server)) {
    let [first, mut second] = two(redis);
    let mut market = Market::new(&[&first, &second], BUYERS, STOCK);
    let mut report = market.trade_during(|| {
        market.wait_for_answers(40);
        end(&mut second);
        market.wait_for_answers(40);
        second.restart();
        market.wait_for_answers(40);
        end(&mut second);
    });
    assert!(report.refused.is_empty(), "{}", report.refused[0].text());
    assert!(
        report.unanswered > 0,
        "somebody asked the one that had gone"
    );
    market.settle(&mut report);
    second.restart();
    market.ask(&[&second]);
    market.settle(&mut report);
}

#[test]
fn when_one_of_two_runners_is_killed_the_other_goes_on() {
    if is_quick() {
        return;
    }
    one_goes(None, Server::kill);
}

#[test]
fn when_one_of_two_runners_over_redis_dies_the_other_goes_on() {
    if is_quick() {
        return;
    }
    one_goes(Some(&Redis::start()), Server::kill);
}

#[cfg(unix)]
#[test]
fn when_one_of_two_runners_ends_in_order_the_other_goes_on() {
    if is_quick() {
        return;
    }
    one_goes(None, |server| {
        assert!(server.stop(), "the exit code is 0");
    });
}

/// Both find no databases, and both make them.
#[test]
fn two_runners_that_start_at_once_are_one_shop() {
    const TIMES: usize = 4;
    for _ in 0..TIMES {
        let folder = Folder::new("databases");
        let servers = all_at_once(2, |_| Server::builder().databases(folder.path()).start());
        use_for_the_first_time(&servers);
        let shop = Shop::on(&servers[0]);
        let accounts = shop.admin().get("/api/v1/auth/users").expect_json(200);
        let list = accounts["data"].as_array().expect("a list");
        let admins = list
            .iter()
            .filter(|account| account["email"] == ADMIN_EMAIL);
        assert_eq!(admins.count(), 1, "{accounts}");
        let market = Market::new(&[&servers[0], &servers[1]], 2, 10);
        let mut report = market.trade(2);
        report.expect_no_trouble();
        market.settle(&mut report);
    }
}

/// Every component of every server, at the same moment: whoever comes first makes the tables.
fn use_for_the_first_time(servers: &[Server]) {
    let requests: [(&str, u16, Option<Value>); 4] = [
        (
            "/api/v1/auth/register",
            201,
            Some(json!({ "name": "Ada", "email": "", "password": PASSWORD })),
        ),
        ("/api/v1/products", 200, None),
        ("/api/health/ready", 200, None),
        ("/api/v1/payments/mock/checkout/unknown", 404, None),
    ];
    all_at_once(servers.len() * requests.len(), |index| {
        let client = servers[index / requests.len()].client();
        let (path, status, body) = &requests[index % requests.len()];
        let request = match body.clone() {
            Some(mut body) => {
                body["email"] = unique_email().into();
                client.post(path).json(&body)
            }
            None => client.get(path),
        };
        request.expect(*status);
    });
    wait_until("two healthy servers", || {
        let is_ready = |server: &Server| {
            let answer = server.client().get("/api/health/ready").send();
            answer.status() == 200
        };
        servers.iter().all(is_ready).then_some(())
    });
}
