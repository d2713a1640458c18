use mercato_tests::{
    shop::{Shop, webhook_secret},
    wait_until,
};

use crate::payments::webhook::{completed, send};

/// The customer was on the provider's page while the order ended: the money came all the same.
#[test]
fn a_payment_that_comes_after_the_order_was_cancelled_is_refunded() {
    let Some(secret) = webhook_secret() else {
        return;
    };
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(30, 5);
    let order = customer.order(&[(&product, 1)]);
    customer.change_order(&order.id, "CANCELLED").expect(200);
    send(&secret, &completed(&order, 3_000)).expect(200);
    let payment = wait_until("the refund of a late payment", || {
        Some(shop.payment_of(&order.id)).filter(|payment| payment["status"] == "REFUNDED")
    });
    assert_eq!(payment["refundedAmount"].as_f64(), Some(30.0));
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["status"], "CANCELLED");
    let history = seen["history"].to_string();
    assert!(
        history.contains("succeeded after the order was cancelled"),
        "{history}"
    );
    shop.wait_for_stock(&product, 5, 0, 0);
}
