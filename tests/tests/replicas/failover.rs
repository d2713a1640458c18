//! The primary dies and its standby takes over; a disk is full. The shop goes on without being started again.

use mercato_tests::{
    Postgres, Server,
    disk::disk_of,
    is_quick,
    shop::{Account, order_of},
    wait_until,
};

use crate::{
    DURABLE, Replicas,
    crowd::{Crowd, STOCK},
};

const BUYERS: usize = 8;

#[test]
fn a_standby_that_takes_over_has_all_that_was_answered() {
    if is_quick() {
        return;
    }
    let Some(primary) = Postgres::start_with(&DURABLE) else {
        return;
    };
    let standby = primary.standby();
    let servers = (0..2).map(|_| Server::builder().postgres_with(&primary, &standby).start());
    let mut replicas = Replicas {
        servers: servers.collect(),
        postgres: primary,
    };
    let crowd = Crowd::of(&replicas, BUYERS);
    let clients: Vec<_> = replicas.servers.iter().map(Server::client).collect();
    let primary = &mut replicas.postgres;
    let purchases = crowd.buy(|| {
        crowd.wait_for(20);
        primary.kill();
        for client in &clients {
            wait_until("a replica that is not ready", || {
                let answer = client.get("/api/health/ready").send();
                (answer.status() == 503).then_some(())
            });
        }
        // A standby takes no changes, so nobody buys on it before it is told to take over.
        standby.promote();
        crowd.wait_for(40);
    });
    for client in &clients {
        client.get("/api/health/ready").send().expect(200);
    }
    crowd.check(&replicas.shop(0), &purchases);
    crowd.check(&replicas.shop(1), &purchases);
}

/// Room for a database without data, and some hundred orders, in MiB.
const DISK_MEBIBYTES: u32 = 24;

#[test]
fn a_full_disk_is_said_and_waited_for() {
    if is_quick() {
        return;
    }
    let Some(postgres) = Postgres::start_with(&DURABLE) else {
        return;
    };
    let test = "failover::a_full_disk_is_said_and_waited_for";
    let Some(disk) = disk_of(test, DISK_MEBIBYTES) else {
        return;
    };
    postgres.keep_in("orders", disk.path());
    let Some(replicas) = Replicas::start_on(postgres, 1) else {
        return;
    };
    let shop = replicas.shop(0);
    let product = shop.product(3, STOCK);
    // A first connection after a migration writes a file of PostgreSQL's own, and fails where it cannot.
    let customer = shop.customer();
    customer.order(&[(&product, 1)]);
    assert_eq!(shop.orders_of(&customer).len(), 1);
    disk.fill();
    let body = order_of(&[(&product, 1)]);
    let order = |customer: &Account| {
        let request = customer.post("/api/v1/orders").json(&body);
        request.header("idempotency-key", "full-disk").send()
    };
    let mut orders = 1;
    // What fits into pages that are there already is still taken. Each is another customer's, for the limits of unpaid orders.
    let (refused, answer) = wait_until("an order that finds no room", || {
        let customer = shop.customer();
        let answer = order(&customer);
        if answer.status() == 503 {
            return Some((customer, answer));
        }
        answer.expect(201);
        orders += 1;
        None
    });
    let seconds = answer.header("retry-after").map(str::to_owned);
    assert!(seconds.is_some_and(|text| text.parse::<u32>().is_ok()));
    answer.expect_problem(503, "unavailable");
    // Other contexts have room, and what is there can be read.
    shop.product(3, 1);
    assert!(shop.orders_of(&refused).is_empty());
    disk.make_room();
    wait_until("room for the order", || {
        (order(&refused).status() == 201).then_some(())
    });
    assert_eq!(shop.orders_of(&refused).len(), 1, "one order for each key");
    shop.wait_for_stock(&product, STOCK - orders - 1, orders + 1, 0);
}
