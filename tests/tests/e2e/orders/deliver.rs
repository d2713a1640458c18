use mercato_tests::{
    assert_members,
    shop::{Shop, last_change},
};
use serde_json::json;

#[test]
fn the_admin_delivers_a_paid_order() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.paid_order(1, 2);
    let delivered = shop.admin().deliver(&order.id).expect(200).json();
    assert_eq!(delivered["status"], "DELIVERED");
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["status"], "DELIVERED");
    let last = last_change(&seen);
    assert_members(last, &json!({ "from": "PAID", "to": "DELIVERED" }));
    assert_eq!(last["actor"], shop.admin().id);
    shop.wait_for_stock(&product, 3, 0, 2);
}

#[test]
fn a_pending_order_cannot_be_delivered() {
    let shop = Shop::shared();
    let (_, _, order) = shop.pending_order(1, 1);
    let problem = shop
        .admin()
        .deliver(&order.id)
        .expect_problem(409, "invalid-transition");
    assert_members(&problem, &json!({ "from": "PENDING", "to": "DELIVERED" }));
}

#[test]
fn a_customer_delivers_nothing() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.paid_order(1, 1);
    customer.deliver(&order.id).expect_problem(403, "forbidden");
    assert_eq!(customer.read_order(&order.id)["status"], "PAID");
}
