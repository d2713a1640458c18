//! What two replicas that nothing happens to do together.

use std::{thread, time::Duration};

use mercato_tests::{
    ADMIN_EMAIL, Server,
    load::all_at_once,
    shop::{PASSWORD, Shop, order_of, unique, unique_email},
    wait_until,
};
use serde_json::json;

use crate::Replicas;

/// How long idle replicas are watched.
const IDLE_TIME: Duration = Duration::from_secs(5);

#[test]
fn two_replicas_are_one_shop() {
    let Some(replicas) = Replicas::start(2) else {
        return;
    };
    let shops = [replicas.shop(0), replicas.shop(1)];
    an_order_goes_from_one_to_the_other(&shops);
    a_key_means_the_same_everywhere(&shops);
    a_hot_product_is_not_oversold(&shops);
    one_key_at_the_same_time_makes_one_order(&shops);
    failed_logins_count_everywhere(&shops);
    a_revoked_token_is_revoked_everywhere(&shops);
    each_role_sees_its_own_database(&replicas);
    idle_replicas_write_nothing(&replicas);
    no_password_is_in_a_log(&replicas);
}

fn an_order_goes_from_one_to_the_other(shops: &[Shop; 2]) {
    let [one, other] = shops;
    let customer = one.customer();
    let there = other.log_in(&customer.email, PASSWORD);
    let product = other.product(12.5, 5);
    let order = customer.order(&[(&product, 2)]);
    other.pay(&order);
    let read = customer.wait_for_order(&order.id, "PAID");
    assert_eq!(there.read_order(&order.id), read);
    one.wait_for_stock(&product, 3, 0, 2);
    other.wait_for_stock(&product, 3, 0, 2);
}

fn a_key_means_the_same_everywhere(shops: &[Shop; 2]) {
    let [one, other] = shops;
    let customer = one.customer();
    let there = other.log_in(&customer.email, PASSWORD);
    let product = one.product(1, 5);
    let body = order_of(&[(&product, 1)]);
    let key = unique("key").replace(' ', "-");
    let [first, second] = [&customer, &there].map(|account| {
        let request = account.post("/api/v1/orders").json(&body);
        request.header("idempotency-key", &key).send().expect(201)
    });
    assert_eq!(first.bytes(), second.bytes());
    one.wait_for_stock(&product, 4, 1, 0);
}

fn a_hot_product_is_not_oversold(shops: &[Shop; 2]) {
    const BUYERS: usize = 40;
    const UNITS: u64 = 10;
    let product = shops[0].product(1, UNITS);
    let buyers: Vec<_> = (0..BUYERS)
        .map(|index| shops[index % 2].customer().on_own_connection())
        .collect();
    let statuses = all_at_once(BUYERS, |index| {
        buyers[index].try_order(&[(&product, 1)]).status()
    });
    let placed = statuses.iter().filter(|status| **status == 201).count();
    let refused = statuses.iter().filter(|status| **status == 409).count();
    assert_eq!((placed, refused), (10, 30), "{statuses:?}");
    shops[1].wait_for_stock(&product, 0, UNITS, 0);
}

fn one_key_at_the_same_time_makes_one_order(shops: &[Shop; 2]) {
    let customer = shops[0].customer();
    let product = shops[0].product(1, 50);
    for _ in 0..5 {
        let key = unique("key").replace(' ', "-");
        let there = shops[1].log_in(&customer.email, PASSWORD);
        let accounts = [customer.on_own_connection(), there.on_own_connection()];
        let answers = all_at_once(8, |index| {
            let request = accounts[index % 2].post("/api/v1/orders");
            let request = request.json(&order_of(&[(&product, 1)]));
            let answer = request.header("idempotency-key", &key).send();
            (answer.status(), answer.bytes().to_vec())
        });
        // One that finds another at work may be told to come back.
        let placed: Vec<_> = answers
            .iter()
            .filter(|(status, _)| *status == 201)
            .collect();
        assert!(
            placed.iter().all(|(_, body)| *body == placed[0].1),
            "{answers:?}"
        );
        let is_expected = |status| matches!(status, 201 | 409 | 503);
        assert!(
            answers.iter().all(|(status, _)| is_expected(*status)),
            "{answers:?}"
        );
    }
    shops[1].wait_for_stock(&product, 45, 5, 0);
}

fn failed_logins_count_everywhere(shops: &[Shop; 2]) {
    let email = unique_email();
    let statuses: Vec<u16> = (0..30)
        .map(|index| {
            shops[index % 2]
                .try_log_in(&email, "Wrong-Horse-7")
                .status()
        })
        .collect();
    let refused = statuses.iter().position(|status| *status == 429);
    let refused = refused.expect("a limit");
    assert!(
        statuses[refused..].iter().all(|status| *status == 429),
        "{statuses:?}"
    );
    let admin = shops[0].try_log_in(ADMIN_EMAIL, mercato_tests::ADMIN_PASSWORD);
    // From the same address, but of somebody who is known.
    assert!(matches!(admin.status(), 200 | 429), "{}", admin.status());
}

fn a_revoked_token_is_revoked_everywhere(shops: &[Shop; 2]) {
    let [one, other] = shops;
    let customer = one.customer();
    one.log_out(&customer.refresh_token).expect(204);
    assert_ne!(other.refresh(&customer.refresh_token).status(), 200);
}

fn each_role_sees_its_own_database(replicas: &Replicas) {
    let port = replicas.postgres.port();
    let variables = replicas.postgres.shop(port);
    let addresses: Vec<_> = variables
        .iter()
        .filter(|(name, _)| name.ends_with("_database_url"))
        .map(|(_, address)| address.clone())
        .collect();
    assert!(addresses.len() >= 4, "{}", addresses.len());
    let database = |address: &str| {
        let (_, rest) = address.rsplit_once('/').expect("a database");
        rest.split('?').next().expect("its name").to_owned()
    };
    for own in &addresses {
        for other in &addresses {
            let there = own.replace(
                &format!("/{}?", database(own)),
                &format!("/{}?", database(other)),
            );
            let reached = mercato_tests::postgres_answers(&there);
            assert_eq!(
                reached,
                own == other,
                "{} at {}",
                database(own),
                database(other)
            );
        }
    }
}

fn idle_replicas_write_nothing(replicas: &Replicas) {
    let written = || {
        replicas.postgres.run(
            "postgres",
            "SELECT sum(tup_inserted + tup_updated + tup_deleted) FROM pg_stat_database WHERE datname LIKE 'mercato_%'",
        )
    };
    // What was done before has its ends, and connections report what they have done some seconds later.
    wait_until("replicas that write nothing", || {
        let before = written();
        thread::sleep(IDLE_TIME);
        (written() == before).then_some(())
    });
}

fn no_password_is_in_a_log(replicas: &Replicas) {
    for log in replicas.servers.iter().map(Server::log) {
        for secret in ["role-5a4b3c2d1e0f", PASSWORD, "$2b$"] {
            assert!(!log.contains(secret), "{secret}");
        }
    }
}

#[test]
fn replicas_that_start_at_once_make_one_schema() {
    const REPLICAS: usize = 4;
    let Some(postgres) = mercato_tests::Postgres::start_with(&crate::DURABLE) else {
        return;
    };
    let variables = postgres.shop(postgres.port());
    let servers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..REPLICAS)
            .map(|_| {
                scope.spawn(|| {
                    let builder = Server::builder()
                        .argument("--app")
                        .argument("spin.postgres.toml");
                    let with = |builder: mercato_tests::ServerBuilder,
                                (name, value): &(String, String)| {
                        builder.variable(name, value)
                    };
                    let server = variables.iter().fold(builder, with).start();
                    let ready = server.client().get("/api/health/ready").send().status();
                    (server, ready)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a replica"))
            .collect()
    });
    for (server, ready) in &servers {
        assert_eq!(*ready, 200, "{}", server.log());
        assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
    }
    let admins = postgres.run(
        "mercato_auth",
        "SELECT count(*) FROM users WHERE role = 'admin'",
    );
    assert_eq!(admins, "1");
    let product = Shop::on(&servers[0].0).product(1, 1);
    let client = servers[3].0.client();
    let seen = client.get(&format!("/api/v1/products/{product}"));
    assert_eq!(seen.expect_json(200)["id"], json!(product));
}
