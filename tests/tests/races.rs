//! Many at once: threads with connections of their own, answered by as many instances as the server likes.

use std::collections::BTreeMap;

use mercato_tests::{
    load::all_at_once,
    shop::{Account, PASSWORD, Shop, text, unique, unique_email},
    wait_until,
};
use serde_json::json;

const BUYERS: usize = 40;
const UNITS: u64 = 10;

/// How often each status was answered, in their order.
fn tally(statuses: &[u16]) -> Vec<(u16, usize)> {
    let mut tally = BTreeMap::new();
    for status in statuses {
        *tally.entry(*status).or_default() += 1;
    }
    tally.into_iter().collect()
}

/// At least one request has succeeded, and the others were refused.
#[track_caller]
fn assert_won(statuses: &[u16]) {
    assert!(statuses.contains(&200), "{statuses:?}");
    let are_known = statuses.iter().all(|status| [200, 409].contains(status));
    assert!(are_known, "{statuses:?}");
}

fn customers(shop: &Shop, count: usize) -> Vec<Account> {
    let customer = |_| shop.customer().on_own_connection();
    (0..count).map(customer).collect()
}

#[test]
fn forty_buyers_and_ten_units_make_ten_orders() {
    let shop = Shop::shared();
    let product = shop.product(1, UNITS);
    let buyers = customers(shop, BUYERS);
    let statuses = all_at_once(BUYERS, |index| {
        let answer = buyers[index].try_order(&[(&product, 1)]);
        let status = answer.status();
        if status != 201 {
            answer.expect_problem(409, "lines-rejected");
        }
        status
    });
    assert_eq!(tally(&statuses), [(201, 10), (409, 30)]);
    let stock = shop.stock(&product);
    assert_eq!((stock.free, stock.reserved, stock.sold), (0, UNITS, 0));
}

#[test]
fn forty_buyers_of_four_grinds_and_ten_bags_make_ten_orders() {
    const GRINDS: [&str; 4] = ["whole beans", "filter", "moka", "espresso"];
    let shop = Shop::shared();
    let sku = unique("BAG").replace(' ', "-");
    let variants = GRINDS.iter().enumerate().map(|(place, grind)| match place {
        0 => json!({ "sku": sku, "options": { "Grind": grind }, "stock": UNITS }),
        _ => json!({ "options": { "Grind": grind }, "draws": { "sku": sku, "units": 1 } }),
    });
    let product = shop.create_product(&json!({
        "name": unique("Coffee"), "price": 9, "options": [{ "name": "Grind", "values": GRINDS }],
        "variants": variants.collect::<Vec<_>>(),
    }));
    let grinds: Vec<String> = (0..4)
        .map(|place| text(&product["variants"][place]["id"]))
        .collect();
    let buyers = customers(shop, BUYERS);
    let statuses = all_at_once(BUYERS, |index| {
        buyers[index].try_order(&[(&grinds[index % 4], 1)]).status()
    });
    assert_eq!(tally(&statuses), [(201, 10), (409, 30)]);
    let path = format!("/api/v1/products/{}", text(&product["id"]));
    let now = shop.admin().get(&path).expect_json(200);
    let count = |name: &str| now["variants"][0][name].as_u64();
    assert_eq!((count("stock"), count("reserved")), (Some(0), Some(UNITS)));
    assert_eq!(now["stock"], 0);
}

#[test]
fn buyers_of_two_products_in_opposite_order_get_all_or_nothing() {
    let shop = Shop::shared();
    let (first, second) = (shop.product(1, 7), shop.product(1, 5));
    let buyers = customers(shop, 20);
    let statuses = all_at_once(buyers.len(), |index| {
        let lines = [(first.as_str(), 1), (second.as_str(), 1)];
        let lines = if index % 2 == 0 {
            lines
        } else {
            [lines[1], lines[0]]
        };
        buyers[index].try_order(&lines).status()
    });
    assert_eq!(tally(&statuses), [(201, 5), (409, 15)]);
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
            who.cancel(&order.id).status()
        });
        assert_won(&statuses);
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
        assert_won(&statuses);
        let seen = customer.wait_for_order(&order.id, "PAID");
        assert_eq!(seen["history"].as_array().map(Vec::len), Some(2), "{seen}");
        shop.wait_for_stock(&product, 4, 0, 1);
    }
}

/// Whoever wins, the end is one of two that make sense: paid, or cancelled with nothing kept of the money.
#[test]
fn a_payment_and_a_cancellation_at_once_agree_in_the_end() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for _ in 0..10 {
        let product = shop.product(1, 5);
        let order = customer.order(&[(&product, 1)]);
        let statuses = all_at_once(2, |index| {
            if index == 0 {
                shop.check_out(&order.session_id, "succeed").status()
            } else {
                customer.on_own_connection().cancel(&order.id).status()
            }
        });
        assert_won(&statuses);
        if statuses[1] == 200 {
            let seen = customer.wait_for_order(&order.id, "CANCELLED");
            let payment = &seen["payment"]["status"];
            assert!(
                payment == "CANCELLED" || payment == "REFUNDED" || payment == "SUCCEEDED",
                "{seen}"
            );
            shop.wait_for_stock(&product, 5, 0, 0);
            wait_until("the end of the payment", || {
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
    let (_, _, order) = shop.paid_order(10, 1);
    let path = shop.refund_path(&order.id);
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
    assert_eq!(tally(&statuses), [(200, 3), (409, 7)]);
    assert_eq!(
        shop.payment_of(&order.id)["refundedAmount"].as_f64(),
        Some(9.0)
    );
}

#[test]
fn one_address_registered_at_the_same_time_makes_one_account() {
    let shop = Shop::shared();
    let email = unique_email();
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    let statuses = all_at_once(8, |_| {
        shop.nobody()
            .post("/api/v1/auth/register")
            .json(&body)
            .send()
            .status()
    });
    assert_eq!(tally(&statuses), [(201, 1), (409, 7)]);
}

#[test]
fn one_sku_created_at_the_same_time_makes_one_product() {
    let shop = Shop::shared();
    let sku = unique("SKU");
    let body = json!({ "name": "Tea", "price": 1, "sku": sku });
    let statuses = all_at_once(8, |_| {
        shop.admin()
            .on_own_connection()
            .post("/api/v1/products")
            .json(&body)
            .send()
            .status()
    });
    assert_eq!(tally(&statuses), [(201, 1), (409, 7)]);
}
