//! Many at once: threads with connections of their own, answered by as many instances as the server likes.

use std::{sync::Barrier, thread};

use mercato_tests::shop::{Account, Shop};
use serde_json::json;

const BUYERS: usize = 40;
const UNITS: u64 = 10;

/// Does the same thing in every thread at the same moment and gives what came of it.
fn all_at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|index| {
                let (start, act) = (&start, &act);
                scope.spawn(move || {
                    start.wait();
                    act(index)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    })
}

fn count_of(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|found| **found == status).count()
}

#[test]
fn forty_buyers_and_ten_units_make_ten_orders() {
    let shop = Shop::shared();
    let product = shop.product(1, UNITS);
    let buyers: Vec<Account> = (0..BUYERS)
        .map(|_| shop.customer().on_own_connection())
        .collect();
    let statuses = all_at_once(BUYERS, |index| {
        let answer = buyers[index].try_order(&[(&product, 1)]);
        let status = answer.status();
        if status != 201 {
            answer.expect_problem(409, "lines-rejected");
        }
        status
    });
    assert_eq!(
        (count_of(&statuses, 201), count_of(&statuses, 409)),
        (10, 30),
        "{statuses:?}"
    );
    let stock = shop.stock(&product);
    assert_eq!((stock.free, stock.reserved, stock.sold), (0, UNITS, 0));
}

#[test]
fn buyers_of_two_products_in_opposite_order_get_all_or_nothing() {
    let shop = Shop::shared();
    let (first, second) = (shop.product(1, 7), shop.product(1, 5));
    let buyers: Vec<Account> = (0..20)
        .map(|_| shop.customer().on_own_connection())
        .collect();
    let statuses = all_at_once(buyers.len(), |index| {
        let lines = [(first.as_str(), 1), (second.as_str(), 1)];
        let lines = if index % 2 == 0 {
            lines
        } else {
            [lines[1], lines[0]]
        };
        buyers[index].try_order(&lines).status()
    });
    assert_eq!(
        (count_of(&statuses, 201), count_of(&statuses, 409)),
        (5, 15),
        "{statuses:?}"
    );
    let (first, second) = (shop.stock(&first), shop.stock(&second));
    assert_eq!((first.free, first.reserved), (2, 5));
    assert_eq!((second.free, second.reserved), (0, 5));
}

#[test]
fn of_two_who_cancel_one_succeeds_and_the_stock_comes_back_once() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 5);
    for _ in 0..5 {
        let order = customer.order(&[(&product, 2)]);
        let statuses = all_at_once(2, |index| {
            let who = if index == 0 {
                customer.on_own_connection()
            } else {
                shop.admin().on_own_connection()
            };
            who.change_order(&order.id, "CANCELLED").status()
        });
        assert!(count_of(&statuses, 200) >= 1, "{statuses:?}");
        assert_eq!(
            count_of(&statuses, 200) + count_of(&statuses, 409),
            2,
            "{statuses:?}"
        );
        let seen = customer.wait_for_order(&order.id, "CANCELLED");
        assert_eq!(seen["history"].as_array().map(Vec::len), Some(2), "{seen}");
        shop.wait_for_stock(&product, 5, 0, 0);
    }
}

#[test]
fn of_two_who_pay_one_succeeds_and_the_unit_is_sold_once() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for _ in 0..5 {
        let product = shop.product(1, 5);
        let order = customer.order(&[(&product, 1)]);
        let statuses = all_at_once(2, |_| shop.check_out(&order.session_id, "succeed").status());
        assert!(count_of(&statuses, 200) >= 1, "{statuses:?}");
        assert_eq!(
            count_of(&statuses, 200) + count_of(&statuses, 409),
            2,
            "{statuses:?}"
        );
        let seen = customer.wait_for_order(&order.id, "PAID");
        assert_eq!(seen["history"].as_array().map(Vec::len), Some(2), "{seen}");
        shop.wait_for_stock(&product, 4, 0, 1);
    }
}

/// Whoever wins, the end is one of two that make sense: paid, or cancelled with nothing kept of the money.
#[test]
fn a_payment_and_a_cancellation_at_the_same_time_agree_in_the_end() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for _ in 0..10 {
        let product = shop.product(1, 5);
        let order = customer.order(&[(&product, 1)]);
        let statuses = all_at_once(2, |index| {
            if index == 0 {
                shop.check_out(&order.session_id, "succeed").status()
            } else {
                customer
                    .on_own_connection()
                    .change_order(&order.id, "CANCELLED")
                    .status()
            }
        });
        let [paid, cancelled] = [statuses[0] == 200, statuses[1] == 200];
        assert!(paid || cancelled, "{statuses:?}");
        assert!(
            statuses.iter().all(|status| [200, 409].contains(status)),
            "{statuses:?}"
        );
        if cancelled {
            let seen = customer.wait_for_order(&order.id, "CANCELLED");
            let payment = &seen["payment"]["status"];
            assert!(
                payment == "CANCELLED" || payment == "REFUNDED" || payment == "SUCCEEDED",
                "{seen}"
            );
            shop.wait_for_stock(&product, 5, 0, 0);
            mercato_tests::wait_until("the end of the payment", || {
                let status = shop.payment_of(&order.id)["status"].clone();
                (status == "CANCELLED" || status == "REFUNDED").then_some(())
            });
        } else {
            customer.wait_for_order(&order.id, "PAID");
            shop.wait_for_stock(&product, 4, 0, 1);
        }
    }
}

#[test]
fn refunds_at_the_same_time_never_exceed_the_amount() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(10, 5);
    let order = shop.paid_order(&customer, &product, 1);
    let path = format!(
        "/api/v1/payments/{}/refund",
        shop.payment_of(&order.id)["id"].as_str().expect("an id")
    );
    let statuses = all_at_once(10, |index| {
        let key = format!("{}-{index}", order.id);
        let admin = shop.admin().on_own_connection();
        admin
            .post(&path)
            .header("idempotency-key", &key)
            .json(&json!({ "amount": 3 }))
            .send()
            .status()
    });
    assert_eq!(
        (count_of(&statuses, 200), count_of(&statuses, 409)),
        (3, 7),
        "{statuses:?}"
    );
    assert_eq!(
        shop.payment_of(&order.id)["refundedAmount"].as_f64(),
        Some(9.0)
    );
}

#[test]
fn one_address_registered_at_the_same_time_makes_one_account() {
    let shop = Shop::shared();
    let email = mercato_tests::shop::unique_email();
    let body = json!({ "name": "Ada", "email": email, "password": mercato_tests::shop::PASSWORD });
    let statuses = all_at_once(8, |_| {
        shop.nobody()
            .post("/api/v1/auth/register")
            .json(&body)
            .send()
            .status()
    });
    assert_eq!(
        (count_of(&statuses, 201), count_of(&statuses, 409)),
        (1, 7),
        "{statuses:?}"
    );
}

#[test]
fn one_sku_created_at_the_same_time_makes_one_product() {
    let shop = Shop::shared();
    let sku = mercato_tests::shop::unique("SKU");
    let body = json!({ "name": "Tea", "price": 1, "sku": sku });
    let statuses = all_at_once(8, |_| {
        shop.admin()
            .on_own_connection()
            .post("/api/v1/products")
            .json(&body)
            .send()
            .status()
    });
    assert_eq!(
        (count_of(&statuses, 201), count_of(&statuses, 409)),
        (1, 7),
        "{statuses:?}"
    );
}
