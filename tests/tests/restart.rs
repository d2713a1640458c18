//! A shop that is stopped and started again is the same shop.
#![cfg(unix)]

use mercato_tests::{
    Server,
    shop::{PASSWORD, Shop},
};

fn stopped_and_started(server: &mut Server) -> Shop {
    let is_clean = server.stop();
    assert!(is_clean, "the exit code is 0; the log:\n{}", server.log());
    server.restart();
    Shop::on(server)
}

#[test]
fn what_was_bought_and_paid_is_still_there_after_a_clean_stop() {
    let mut server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(12.5, 5);
    let pending = customer.order(&[(&product, 1)]);
    let paid = shop.buy(&customer, &product, 2);
    let before = (
        customer.read_order(&pending.id),
        customer.read_order(&paid.id),
    );
    shop.wait_for_stock(&product, 2, 1, 2);

    assert!(
        server.stop(),
        "the exit code is 0; the log:\n{}",
        server.log()
    );
    server.restart();

    let shop = Shop::on(&server);
    let customer = shop.log_in(&customer.email, PASSWORD);
    assert_eq!(
        (
            customer.read_order(&pending.id),
            customer.read_order(&paid.id)
        ),
        before
    );
    shop.wait_for_stock(&product, 2, 1, 2);
    shop.pay(&pending);
    customer.wait_for_order(&pending.id, "PAID");
    shop.wait_for_stock(&product, 2, 0, 3);
}

#[test]
fn sessions_and_tokens_outlive_a_restart() {
    let mut server = Server::start();
    let customer = Shop::on(&server).customer();
    let shop = stopped_and_started(&mut server);
    shop.nobody()
        .get("/api/v1/auth/me")
        .bearer(&customer.token)
        .expect(200);
    shop.refresh(&customer.refresh_token).expect(200);
}

#[test]
fn a_payment_that_was_just_made_is_not_lost_by_a_stop() {
    let mut server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    let product = shop.product(1, 50);
    let orders: Vec<_> = (0..20).map(|_| customer.order(&[(&product, 1)])).collect();
    for order in &orders {
        shop.pay(order);
    }
    assert!(
        server.stop(),
        "the exit code is 0; the log:\n{}",
        server.log()
    );
    server.restart();
    let shop = Shop::on(&server);
    shop.wait_for_stock(&product, 30, 0, 20);
    let customer = shop.log_in(&customer.email, PASSWORD);
    for order in &orders {
        assert_eq!(customer.read_order(&order.id)["status"], "PAID");
    }
}

#[test]
fn the_log_of_a_purchase_has_no_secret() {
    let mut server = Server::start();
    let shop = Shop::on(&server);
    let customer = shop.customer();
    shop.buy(&customer, &shop.product(1, 5), 1);
    assert!(server.stop(), "the exit code is 0");
    let log = server.log();
    assert!(
        log.contains("/api/v1/orders"),
        "requests are logged:\n{log}"
    );
    for secret in [
        mercato_tests::JWT_SECRET,
        mercato_tests::WEBHOOK_SECRET,
        mercato_tests::ADMIN_PASSWORD,
        PASSWORD,
        &customer.token,
        &customer.refresh_token,
        "$2b$",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    for line in log.lines().filter(|line| line.starts_with('{')) {
        serde_json::from_str::<serde_json::Value>(line)
            .unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}
