use mercato_tests::shop::Shop;
use serde_json::json;

#[test]
fn the_admin_delivers_a_paid_order() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 5);
    let order = shop.paid_order(&customer, &product, 2);
    let delivered = shop
        .admin()
        .change_order(&order.id, "DELIVERED")
        .expect(200)
        .json();
    assert_eq!(delivered["status"], "DELIVERED");
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["status"], "DELIVERED");
    let last = seen["history"]
        .as_array()
        .and_then(|history| history.last())
        .expect("a history");
    assert_eq!(
        (&last["from"], &last["to"]),
        (&json!("PAID"), &json!("DELIVERED"))
    );
    assert_eq!(last["actor"], shop.admin().id);
    shop.wait_for_stock(&product, 3, 0, 2);
}

#[test]
fn a_pending_order_cannot_be_delivered() {
    let shop = Shop::shared();
    let order = shop.customer().order(&[(&shop.product(1, 5), 1)]);
    let problem = shop
        .admin()
        .change_order(&order.id, "DELIVERED")
        .expect_problem(409, "invalid-transition");
    assert_eq!(
        (&problem["from"], &problem["to"]),
        (&json!("PENDING"), &json!("DELIVERED"))
    );
}

#[test]
fn a_customer_delivers_nothing() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let order = shop.paid_order(&customer, &shop.product(1, 5), 1);
    customer
        .change_order(&order.id, "DELIVERED")
        .expect_problem(403, "forbidden");
    assert_eq!(customer.read_order(&order.id)["status"], "PAID");
}
