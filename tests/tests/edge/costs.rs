//! What the distance to the database costs: how many statements a request takes, each of which is a round trip, and how long it takes
//! then. Prints the table of docs/edge.md; `MERCATO_EDGE_DELAYS=1,10,50` measures with these distances, in milliseconds.

use std::{
    env, thread,
    time::{Duration, Instant},
};

use mercato_tests::{
    Postgres, Server,
    metrics::Listener,
    proxy::Proxy,
    shop::{Account, Shop, order_of, unique},
};

/// The distance in an ordinary run of the tests, in milliseconds there and back.
const DELAY_MS: u64 = 5;

/// So often each request is sent; the least counts, because the shop does other things between.
const TIMES: usize = 3;

/// How long a shop is left alone so that nothing else is counted.
const REST: Duration = Duration::from_millis(100);

/// The requests, and the most statements that each may take: those of a sweep that falls between them included.
const BUDGETS: [(&str, u64); 7] = [
    ("a page of the catalogue", 4),
    ("a product", 2),
    ("a login", 36),
    ("an order of one line", 50),
    ("its payment, with the event applied", 40),
    ("an order that is read", 12),
    ("an order that is cancelled", 70),
];

/// What one request has cost.
#[derive(Clone, Copy)]
struct Cost {
    statements: u64,
    time: Duration,
}

#[test]
fn a_request_costs_few_round_trips_to_the_database() {
    let Some(postgres) = Postgres::start_if_there() else {
        return;
    };
    let delays = env::var("MERCATO_EDGE_DELAYS").unwrap_or_else(|_| DELAY_MS.to_string());
    let delays: Vec<u64> = delays
        .split(',')
        .map(|delay| delay.parse().expect("milliseconds"))
        .collect();
    let proxy = Proxy::before(postgres.port());
    let builder = Server::builder().edge_through(&postgres, proxy.port());
    let (listener, builder) = Listener::on(builder);
    let server = builder.start();
    let shop = Shop::on(&server);
    // Instances, connections and prepared statements are there before anything is measured.
    measure(&shop, &listener);
    for delay in delays {
        // Half of it in each direction.
        proxy.delay(Duration::from_micros(delay * 500));
        let costs = measure(&shop, &listener);
        for ((name, most), cost) in BUDGETS.into_iter().zip(costs) {
            let milliseconds = cost.time.as_secs_f64() * 1_000.0;
            println!(
                "{delay} ms | {name} | {} statements | {milliseconds:.0} ms",
                cost.statements
            );
            assert!(
                cost.statements <= most,
                "{name}: {} statements, at most {most}",
                cost.statements
            );
        }
    }
}

/// The least cost of each request of [`BUDGETS`].
fn measure(shop: &Shop, listener: &Listener) -> Vec<Cost> {
    let customer = shop.customer();
    let rounds: Vec<_> = (0..TIMES)
        .map(|_| round(shop, &customer, listener))
        .collect();
    let least = |index: usize| {
        let costs = rounds.iter().map(move |round: &Vec<Cost>| round[index]);
        Cost {
            statements: costs.clone().map(|cost| cost.statements).min().unwrap_or(0),
            time: costs.map(|cost| cost.time).min().unwrap_or_default(),
        }
    };
    (0..BUDGETS.len()).map(least).collect()
}

/// The cost of each request, in the order of [`BUDGETS`].
fn round(shop: &Shop, customer: &Account, listener: &Listener) -> Vec<Cost> {
    let product = shop.product(10, 9);
    // What a reading takes.
    let reading = |_| {
        let before = statements(listener);
        statements(listener) - before
    };
    let reading = (0..TIMES).map(reading).min().unwrap_or(0);
    let cost = |act: &mut dyn FnMut()| {
        thread::sleep(REST);
        let before = statements(listener);
        let started = Instant::now();
        act();
        let time = started.elapsed();
        Cost {
            statements: (statements(listener) - before).saturating_sub(reading),
            time,
        }
    };
    let body = order_of(&[(&product, 1)]);
    let place = || {
        let request = customer.post("/api/v1/orders").json(&body);
        let key = unique("key").replace(' ', "-");
        let answer = request.header("idempotency-key", &key).send();
        answer.expect(201).json()
    };
    let mut placed = None;
    let mut costs = vec![
        cost(&mut || drop(shop.nobody().get("/api/v1/products").expect(200))),
        cost(&mut || {
            let path = format!("/api/v1/products/{product}");
            drop(shop.nobody().get(&path).expect(200));
        }),
        cost(&mut || drop(shop.log_in(&customer.email, mercato_tests::shop::PASSWORD))),
        cost(&mut || placed = Some(place().into())),
    ];
    let order = placed.expect("an order");
    costs.push(cost(&mut || drop(shop.pay(&order))));
    costs.push(cost(&mut || drop(customer.read_order(&order.id))));
    let other: mercato_tests::shop::Placed = place().into();
    costs.push(cost(&mut || drop(customer.cancel(&other.id).expect(200))));
    costs
}

/// How many there were before this reading, which takes some itself.
fn statements(listener: &Listener) -> u64 {
    let sum = listener.read().sum("mercato_postgres_statements_total");
    // A counter that is far from the limits of a float.
    sum.to_string().parse().expect("a whole number")
}
