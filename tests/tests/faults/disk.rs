//! A full disk.

use mercato_tests::{Server, disk::disk, is_quick, shop::Account};

use crate::market::Market;

const STOCK: u64 = 100_000;

fn read_everything(market: &Market, customer: &Account, order: &str) {
    let get = |path: &str| customer.get(path).expect(200);
    get("/api/v1/products?limit=3");
    get("/api/v1/orders");
    get(&format!("/api/v1/orders/id/{order}"));
    get(&format!("/api/v1/payments/order/{order}"));
    market.shop().nobody().get("/api/v1/products").expect(200);
}

#[test]
fn with_a_full_disk_purchases_are_refused_and_nothing_is_lost() {
    if is_quick() {
        return;
    }
    let Some(disk) = disk("disk::with_a_full_disk_purchases_are_refused_and_nothing_is_lost")
    else {
        return;
    };
    let mut server = Server::builder().databases(disk.path()).start();
    let market = Market::new(&[&server], 4, STOCK);
    let (customer, product) = (market.shop().customer(), market.shop().product(1, 10));
    let paid = market.shop().buy(&customer, &product, 1);

    let mut report = market.trade_during(|| {
        market.wait_for_answers(20);
        disk.fill();
        market.wait_for_refusals(10);
        read_everything(&market, &customer, &paid.id);
        disk.make_room();
        market.wait_for_answers(20);
    });
    assert_eq!(report.unanswered, 0);
    report.expect_helpful_refusals();
    let log = server.log();
    assert!(log.contains("make room"), "it says what to do: {log}");
    market.settle(&mut report);

    // Now it is killed while there is no room, and starts again.
    report.add(market.trade_during(|| {
        market.wait_for_answers(20);
        disk.fill();
        market.wait_for_refusals(10);
        server.kill();
    }));
    server.restart();
    read_everything(&market, &customer, &paid.id);
    disk.make_room();
    market.settle(&mut report);
}

#[test]
fn a_shop_that_finds_a_full_disk_at_its_first_start_says_so() {
    let Some(disk) = disk("disk::a_shop_that_finds_a_full_disk_at_its_first_start_says_so") else {
        return;
    };
    disk.fill();
    let (status, said) = Server::builder().databases(disk.path()).fail_to_start();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("database `"), "{said}");
    assert!(said.contains("full; make room on its disk"), "{said}");
    assert!(!said.contains("panic"), "{said}");
}
